# queues-postfix.awk - what postqueue -j prints, one JSON object a line, as mails (queues.awk)
#
# Text between quotes never decides where an object ends: a line is cut at its quotes, and those behind a backslash are put
# back.  Members that are not known are passed over, as postqueue(1) asks.

function take_number(key, rest)
{
	sub(/^[ \t]*:[ \t]*/, "", rest)
	sub(/[^0-9].*$/, "", rest)
	if (key == "arrival_time")
		arrival = number(rest)
	else if (key == "message_size")
		size = number(rest)
}

function take_text(key, s)
{
	if (depth > 1) {
		if (depth > 2 || member != "recipients")
			return
		if (key == "address")
			mail_to[n] = text_of_json(s)
		else if (key == "delay_reason")
			mail_why[n] = text_of_json(s)
	} else if (key == "queue_name") {
		place = text_of_json(s)
	} else if (key == "queue_id") {
		id = text_of_json(s)
	} else if (key == "sender") {
		sender = s == "MAILER-DAEMON" ? "" : text_of_json(s) # what the null sender is called there
	}
}

# What is outside of strings: braces.  A second level in "recipients" is one of them.
function take_braces(s,    i, c)
{
	if (s !~ /[{}]/)
		return
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "}") {
			depth--
		} else if (c == "{" && ++depth == 2 && member == "recipients") {
			n++
			mail_to[n] = mail_why[n] = ""
		}
	}
}

function ends_in_escape(s)
{
	return substr(s, length(s)) == "\\" && match(s, /\\+$/) && RLENGTH % 2
}

function parse(line,    part, parts, i, s, key)
{
	parts = split(line, part, "\"")
	depth = n = arrival = size = 0
	place = id = sender = key = member = ""
	take_braces(part[1])
	for (i = 2; i < parts; i += 2) {
		s = part[i]
		while (ends_in_escape(s) && i + 1 < parts)
			s = s "\"" part[++i]
		if (part[i + 1] ~ /^[ \t]*:/) {
			key = s
			if (depth == 1)
				member = s
			take_number(key, part[i + 1])
		} else {
			take_text(key, s)
		}
		take_braces(part[i + 1])
	}
	return depth == 0 && id != "" && place != "" && arrival
}

/^[ \t]*$/ { next }
{
	if (parse($0))
		mail_say(arrival, size, place, id, sender, n)
	else
		bad++
}

END {
	if (bad)
		printf "P\t%d line%s of postqueue -j not understood\n", bad, (bad == 1 ? "" : "s")
}
