# queues-sendmail.awk - a Sendmail's queue files as mails (queues.awk)
#
# Input: the files as find(1) sees them: size, time, path, with tabs between.  They are read here, without Sendmail: it would
# need its privileges to show what root can read anyway.  qf: waiting; hf: quarantined; Qf: lost, Sendmail gave it up; df: the body.
BEGIN { FS = "\t" }

{
	path = substr($0, length($1) + length($2) + 3)
	name = path
	sub(/^.*\//, "", name)
	kind = substr(name, 1, 2)
	if (kind == "df")
		body[substr(name, 3)] = $1
	else {
		control[++controls] = path
		changed[path] = $2
	}
}

function bare(address)
{
	return address ~ /^<.*>$/ ? substr(address, 2, length(address) - 2) : address
}

function take(line,    code, value)
{
	code = substr(line, 1, 1)
	value = substr(line, 2)
	if (code == "T") {
		arrival = number(value)
	} else if (code == "M") {
		message = text(value)
	} else if (code == "q") {
		quarantined = text(value)
	} else if (code == "S") {
		sender = text(bare(value))
	} else if (code == "R") {
		sub(/^[A-Za-z]*:/, "", value)
		mail_to[++n] = text(bare(value))
	} else if (code == ".") {
		whole = 1
	}
}

# 1: read; 0: gone meanwhile (delivered); -1: it is there and cannot be read
function read_control(path,    line, rc, quoted)
{
	arrival = n = whole = 0
	message = quarantined = sender = ""
	while ((rc = (getline line < path)) > 0)
		take(line)
	if (rc == 0) {
		close(path)
		return 1
	}
	quoted = path
	gsub(/'/, "'\\''", quoted)
	return system("test -e '" quoted "'") == 0 ? -1 : 0
}

function say(path,    name, id, kind, why, i, place)
{
	name = path
	sub(/^.*\//, "", name)
	kind = substr(name, 1, 2)
	id = substr(name, 3)
	place = kind == "hf" ? "quarantined" : kind == "Qf" ? "lost" : "queued"
	why = kind == "hf" ? "quarantined: " quarantined : message
	if (kind == "Qf")
		why = "given up by Sendmail, neither delivered nor returned" (message == "" ? "" : ": " message)
	if (!whole) {
		arrival = int(changed[path])
		if (kind == "qf" && now - arrival > 60)
			why = "the queue file is damaged: " text(path)
	}
	if (!arrival)
		arrival = int(changed[path])
	if (!n && why != "")
		mail_to[++n] = ""
	for (i = 1; i <= n; i++)
		mail_why[i] = why
	mail_say(arrival, number(body[id]), place, text(id), sender, n)
}

END {
	for (c = 1; c <= controls; c++) {
		rc = read_control(control[c])
		if (rc > 0)
			say(control[c])
		else if (rc < 0 && ++unreadable == 1)
			first = control[c]
	}
	if (unreadable)
		printf "P\t%d queue file%s cannot be read, the first is %s\n", unreadable, (unreadable == 1 ? "" : "s"), text(first)
}
