# queues-holds.awk - what postern keeps back in SPOOL/hold and SPOOL/quarantine as mails (queues.awk)
#
# Input: the files as find(1) sees them: size, time, path, with tabs between.  ID.eml is the message, ID.hold its record of
# "name: value" lines, written last.  With the variable others, any other file is a message too, and records are not asked for.
BEGIN { FS = "\t" }

{
	path = substr($0, length($1) + length($2) + 3)
	id = path
	sub(/^.*\//, "", id)
	if (id ~ /\.eml$/) {
		sub(/\.eml$/, "", id)
		size[id] = $1
		message_time[id] = $2
		names[id] = 1
	} else if (id ~ /\.hold$/) {
		sub(/\.hold$/, "", id)
		record[id] = path
		record_time[id] = $2
		names[id] = 1
	} else if (others) {
		size[id] = $1
		message_time[id] = $2
		names[id] = 1
	}
}

# "2026-11-22T03:45:00Z" as seconds; 0 if it is no such time (Howard Hinnant's days from civil)
function seconds(s,    p, y, m, d, era, of_era, of_year)
{
	if (s !~ /^[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z$/)
		return 0
	split(s, p, /[-T:Z]/)
	m = p[2] + 0
	y = p[1] - (m <= 2)
	d = p[3] + 0
	era = int(y / 400)
	of_era = y - era * 400
	of_year = int((153 * (m > 2 ? m - 3 : m + 9) + 2) / 5) + d - 1
	d = era * 146097 + of_era * 365 + int(of_era / 4) - int(of_era / 100) + of_year - 719468
	return d * 86400 + p[4] * 3600 + p[5] * 60 + p[6]
}

# The recipients of mail_to that still wait: "returned" lines name who has got it back from the scanner.
function read_record(path,    line, rc, at, name, value, has_it, i, all)
{
	n = all = held = 0
	split("", has_it)
	sender = reason = why = ""
	while ((rc = (getline line < path)) > 0) {
		at = index(line, ": ")
		name = at ? substr(line, 1, at - 1) : ""
		value = at ? substr(line, at + 2) : ""
		if (name == "held")
			held = seconds(value)
		else if (name == "sender")
			sender = text(value)
		else if (name == "reason")
			reason = text(value)
		else if (name == "text")
			why = text(value)
		else if (name == "recipient")
			mail_to[++all] = text(value)
		else if (name == "returned")
			has_it[text(value)] = 1
	}
	for (i = 1; i <= all; i++)
		if (!(mail_to[i] in has_it))
			mail_to[++n] = mail_to[i]
	recipients = all
	if (rc == 0)
		close(path)
	return rc == 0
}

function say(id, arrival, place, why,    i)
{
	if (!n)
		mail_to[++n] = ""
	for (i = 1; i <= n; i++)
		mail_why[i] = why
	mail_say(arrival, number(size[id]), place, text(id), sender, n)
}

# The message is kept first and its record last: one without the other is either just being written or taken away, or left over.
function say_message(id)
{
	n = 0
	sender = ""
	if (others)
		say(id, int(message_time[id]), "kept", "")
	else if (now - message_time[id] > 60)
		say(id, int(message_time[id]), "kept", "it has no record (" text(id) ".hold)")
}

function say_record(id,    arrival, whole)
{
	whole = read_record(record[id])
	if (!whole && system("test -e '" quote(record[id]) "'") != 0)
		return
	arrival = held ? held : int(record_time[id])
	if (!whole || reason == "" || !recipients) {
		damaged++
		say(id, arrival, "kept", "its record is damaged: " text(record[id]))
	} else if (!(id in size)) {
		missing++
		say(id, arrival, reason, "its message is missing" (why == "" ? "" : "; " why))
	} else
		say(id, arrival, reason, why)
}

function quote(s)
{
	gsub(/'/, "'\\''", s)
	return s
}

END {
	for (id in names)
		if (id in record)
			say_record(id)
		else
			say_message(id)
	if (damaged)
		printf "P\t%d damaged record%s\n", damaged, (damaged == 1 ? "" : "s")
	if (missing)
		printf "P\t%d record%s without a message\n", missing, (missing == 1 ? "" : "s")
}
