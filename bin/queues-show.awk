# queues-show.awk - sections of mails (queues.awk) as text for people, as one line for monitoring, or as one JSON document
#
# Input, sections one after the other:
#   S roles tenants server configuration reason   it begins; reason: why it is not looked at
#   M ... / P problem                       its mails, the oldest first; what could not be read
#   E state problem before flushed failed   it ends; before: mails when it was flushed; flushed: yes, no or nothing; failed: why not
# Variables: how (text, json, summary), task (list, deliver), now, warn, critical, warn_held, older (seconds; "": off), all,
# only (what -queue asks for), width (0: no limit), colour, plain (1: ASCII only).  Exit status: mailq-all(8), deliver-all(8).
BEGIN {
	FS = "\t"
	words["carrier"] = "Mails to and from Postern, not yet processed"
	words["external"] = "Mails from Postern to the outside (external relay)"
	words["scanner"] = "Mails from Postern to the virus scanner"
	words["internal"] = "Mails from Postern to the inside (internal relay)"
	words["hold"] = "Mails held by Postern"
	words["quarantine"] = "Mails put aside by Postern (quarantine)"
	words["configuration"] = "Configuration"
	release["postern"] = "postern -c FILE -release ID, as its own user"
	release["postfix"] = "postsuper -c %s -H ID"
	release["sendmail"] = "sendmail -C %s -qQ -Q -qIID"
	split(task == "deliver" ? "ok left failed unknown" : "ok warning critical unknown", status_word, " ")
	status = 0
	held_place["hold"] = held_place["quarantined"] = held_place["lost"] = 1
	if (how == "json")
		printf "{\"version\":1,\"command\":\"%s\",\"time\":%.0f,\"queues\":[", (task == "list" ? "mailq-all" : "deliver-all"), now
}

# ---- words for people

function age(s)
{
	if (s < 60)
		return s "s"
	if (s < 3600)
		return int(s / 60) "m"
	if (s < 86400)
		return int(s / 3600) "h" (int(s % 3600 / 60) ? " " int(s % 3600 / 60) "m" : "")
	return int(s / 86400) "d" (int(s % 86400 / 3600) ? " " int(s % 86400 / 3600) "h" : "")
}

function bytes(n)
{
	if (n < 1024)
		return n " B"
	if (n < 1048576)
		return sprintf("%.1f KB", n / 1024)
	if (n < 1073741824)
		return sprintf("%.1f MB", n / 1048576)
	return sprintf("%.1f GB", n / 1073741824)
}

function mails(n)
{
	return n (n == 1 ? " mail" : " mails")
}

# What is behind a backslash is a quote, a backslash, or a character that must not be shown.
function shown(s,    part, n, i, out)
{
	if (index(s, "\\")) {
		n = split(s, part, /[\\]/)
		out = part[1]
		for (i = 2; i <= n; i++)
			if (part[i] == "")
				out = out "\\" part[++i]
			else if (substr(part[i], 1, 1) == "u")
				out = out "?" substr(part[i], 6)
			else
				out = out part[i]
		s = out
	}
	if (plain && s ~ /[\200-\377]/) {
		gsub(/[\300-\377]/, "?", s)
		gsub(/[\200-\277]/, "", s)
	}
	return s
}

# One line, cut where the terminal ends.  A character that goes on (10xxxxxx) takes no room.
function line(s, paint,    i, room)
{
	if (width && length(s) > width) {
		room = width - 3
		for (i = 1; i <= length(s) && room >= 0; i++)
			if (substr(s, i, 1) !~ /[\200-\277]/)
				room--
		if (room < 0 && i <= length(s))
			s = substr(s, 1, i - 2) "..."
	}
	print colour && paint ? sprintf("\033[%sm%s\033[0m", paint, s) : s
}

function headings(roles,    part, n, i, out)
{
	n = split(roles, part, ",")
	out = words[part[1]]
	for (i = 2; i <= n; i++)
		out = out "; " words[part[i]]
	return out
}

# ---- a section

$1 == "S" {
	roles = $2
	tenants = $3
	server = $4
	configuration = $5
	count = held = old = size = oldest = oldest_held = listed = 0
	problems = ""
	if (how == "json")
		json_section()
	else if (how == "text") {
		if (sections)
			print ""
		line(headings(roles), "1")
		line("  " shown(text(tenants)) ": " ($6 != "" ? shown(text($6)) : \
			(server == "postern" ? "" : server " ") shown(text(configuration))))
	}
	sections++
	next
}

function json_list(s,    part, n, i, out)
{
	n = split(s, part, ",")
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? "," : "") "\"" text(part[i]) "\""
	return out
}

function json_section()
{
	printf "%s\n{\"roles\":[%s],\"tenants\":[%s],\"server\":\"%s\",\"configuration\":\"%s\",\"heading\":\"%s\",\"mails\":[", \
		sections ? "," : "", json_list(roles), json_list(tenants), server, text(configuration), headings(roles)
}

$1 == "P" {
	problems = problems (problems == "" ? "" : "; ") $2
	next
}

# Mail that only a person sets free is counted by itself.
function is_held(place)
{
	return server == "postern" || (place in held_place)
}

$1 == "M" {
	mail_age = now > $2 ? now - $2 : 0
	size += $3
	if (is_held($4)) {
		held++
		if (mail_age > oldest_held)
			oldest_held = mail_age
	} else {
		count++
		if (mail_age > oldest)
			oldest = mail_age
		if (mail_age > warn)
			old++
	}
	if (how != "summary" && (older == "" || mail_age > older)) {
		if (how == "json")
			json_mail()
		else
			text_mail()
		listed++
	}
	next
}

function json_mail(    i)
{
	printf "%s\n {\"id\":\"%s\",\"queue\":\"%s\",\"held\":%s,\"arrival\":%s,\"age\":%.0f,\"size\":%s,\"sender\":\"%s\",\"recipients\":[", \
		listed ? "," : "", $5, $4, is_held($4) ? "true" : "false", $2, mail_age, $3, $6
	for (i = 1; i <= $7; i++)
		printf "%s{\"address\":\"%s\",\"reason\":\"%s\"}", (i > 1 ? "," : ""), $(6 + 2 * i), $(7 + 2 * i)
	printf "]}"
}

# Recipients that wait for the same reason stand together.
function text_mail(    i, reasons, why, most)
{
	most = all ? 1000000000 : 3
	line(sprintf("  %-12s %7s %9s  %s%s", shown($5), age(mail_age), bytes($3), ($6 == "" ? "<>" : shown($6)),
		$4 == "deferred" || $4 == "queued" || $4 == "kept" ? "" : " (" shown($4) ")"), is_held($4) ? "" : mail_age > warn ? "33" : "")
	reasons = 0
	split("", reason_of)
	split("", people)
	split("", together)
	for (i = 1; i <= $7; i++) {
		why = $(7 + 2 * i)
		if (!(why in people))
			reason_of[++reasons] = why
		if (++people[why] <= most && $(6 + 2 * i) != "")
			together[why] = together[why] (people[why] > 1 ? ", " : "") shown($(6 + 2 * i))
	}
	for (i = 1; i <= reasons && i <= most; i++) {
		why = reason_of[i]
		if (together[why] != "")
			line("    to " together[why] (people[why] > most ? " and " people[why] - most " more" : ""))
		if (why != "")
			line("      " shown(why))
	}
	if (reasons > most)
		line("    and " reasons - most " more reason" (reasons > most + 1 ? "s" : ""))
}

$1 == "E" {
	state = $2
	if ($3 != "")
		problems = problems (problems == "" ? "" : "; ") text($3)
	if (state == "ok" && problems != "")
		state = "unreadable"
	if (state == "ok" || state == "down" || state == "unreadable")
		watched += server != "postern" || only != ""
	judge(text($6))
	if (how == "json")
		json_end($4, $5, text($6))
	else if (how == "text")
		text_end($4, $5, text($6))
	next
}

function worse(level)
{
	if (level > status)
		status = level
}

function trouble(name, why)
{
	worse(2)
	note = note (note == "" ? "" : "; ") name ": " shown(why)
}

# What a mail server that is not running means: to who looks, mail that waits; to who delivers, only that it could not.
function judge(failed,    name)
{
	name = roles
	sub(/,.*/, "", name)
	if (tenants != "")
		name = name " (" shown(text(tenants)) ")"
	all_mails += count
	all_held += held
	all_old += old
	all_size += size
	if (oldest > all_oldest) {
		all_oldest = oldest
		all_where = name
	}
	if (failed != "")
		trouble(name, failed)
	else if (state == "unreadable" || (state == "down" && task == "list"))
		trouble(name, problems)
	if (task == "deliver") {
		worse(count ? 1 : 0)
		return
	}
	if (old || (warn_held != "" && oldest_held > warn_held))
		worse(1)
	if (critical != "" && oldest > critical)
		worse(2)
}

function json_end(before, flushed, failed)
{
	printf "],\"state\":\"%s\",\"problem\":\"%s\",\"count\":%d,\"held\":%d,\"bytes\":%.0f,\"oldest\":%.0f", \
		state, problems (failed == "" ? "" : (problems == "" ? "" : "; ") failed), count, held, size, oldest
	if (flushed != "")
		printf ",\"before\":%d,\"flushed\":%s", before, (flushed == "yes" ? "true" : "false")
	printf "}"
}

function text_end(before, flushed, failed)
{
	if (state == "unused" || state == "unwatched" || roles == "configuration")
		return
	if (problems != "")
		line("  " shown(problems), "31")
	if (failed != "")
		line("  not flushed: " shown(failed), "31")
	if (count || held || problems == "")
		line("  " (count + held ? (server == "postern" ? mails(held) : mails(count)) ", " bytes(size) : "empty") \
			(count ? "; the oldest waits for " age(oldest) : "") (held && server != "postern" ? "; " held " on hold" : "") \
			(held ? "; the oldest of these since " age(oldest_held) : "") (count + held > listed ? "; " count + held - listed " not shown" : ""))
	if (flushed == "yes")
		line("  flushed; " (before ? mails(before) " before" : "nothing waited") )
	if (task == "deliver" && held)
		line("  what is on hold is not touched; to release one: " sprintf(release[server], shown(text(configuration))))
}

# ---- all of it

function conclusion()
{
	if (task == "deliver")
		return all_mails ? mails(all_mails) " left" : "nothing left"
	return mails(all_mails) (all_mails ? ", the oldest waits for " age(all_oldest) " in " all_where : "") \
		(all_old ? ", " all_old " older than " age(warn) : "")
}

END {
	if (!watched && !status)
		status = 3
	if (!watched && note == "")
		note = "no queue to look at: set carrier_queue, external_queue, scanner_queue, internal_queue in postern.conf"
	if (how == "json")
		printf "\n],\"totals\":{\"count\":%d,\"held\":%d,\"bytes\":%.0f,\"oldest\":%.0f,\"old\":%d},\"status\":\"%s\",\"exit\":%d}\n", \
			all_mails, all_held, all_size, all_oldest, all_old, status_word[status + 1], status
	else
		text_conclusion()
	exit status
}

function text_conclusion(    s)
{
	s = (note == "" ? "" : note "; ") conclusion() (all_held ? "; " all_held " on hold" : "")
	if (how == "summary") {
		gsub(/[|]/, "/", s) # what is behind it is for the machine
		printf "QUEUES %s - %s | mails=%d old=%d held=%d bytes=%.0fB oldest=%.0fs;%s;%s\n", toupper(status_word[status + 1]), \
			s, all_mails, all_old, all_held, all_size, all_oldest, warn, critical
	} else {
		print ""
		line((task == "list" ? status_word[status + 1] ": " : "") s, status > 1 ? "31" : status ? "33" : "32")
	}
}
