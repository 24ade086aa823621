# queues.awk - what the awk programs of mailq-all and deliver-all share: text that is safe to show, ages, sizes
#
# Text has one form between the programs: the inside of a JSON string, with every byte that is no valid UTF-8 replaced and
# every character that could steer a terminal written as \uXXXX.  So JSON output takes it as it is, and what is shown to
# people only has to replace what begins with a backslash.  Runs in the C locale: a character is a byte.

BEGIN {
	for (text_i = 1; text_i < 256; text_i++)
		text_code[sprintf("%c", text_i)] = text_i
	TEXT_MOST = 2000 # bytes of one text; nobody reads more
	TEXT_UNKNOWN = "\357\277\275" # U+FFFD
}

# text(s): any bytes in that form
function text(s,    out, at, n)
{
	if (length(s) > TEXT_MOST)
		s = substr(s, 1, TEXT_MOST)
	if (s !~ /[^]-~ !#-[]/)
		return s
	out = ""
	n = length(s)
	for (at = 1; at <= n; at += text_used)
		out = out text_one(s, at)
	return out
}

# The character at this place; text_used: its bytes.
function text_one(s, at,    c, b)
{
	c = substr(s, at, 1)
	b = text_code[c] + 0
	text_used = 1
	if (b >= 32 && b < 127)
		return c == "\"" || c == "\\" ? "\\" c : c
	if (b < 128)
		return sprintf("\\u%04x", b)
	return text_beyond(s, at, b)
}

# RFC 3629: no byte too few, no longer form than needed, no surrogates.
function text_beyond(s, at, b,    n, i, next_, least, most, point)
{
	n = b >= 194 && b <= 223 ? 1 : b >= 224 && b <= 239 ? 2 : b >= 240 && b <= 244 ? 3 : 0
	if (!n)
		return TEXT_UNKNOWN
	least = b == 224 ? 160 : b == 240 ? 144 : 128
	most = b == 237 ? 159 : b == 244 ? 143 : 191
	point = b - (n == 1 ? 192 : n == 2 ? 224 : 240)
	for (i = 1; i <= n; i++) {
		next_ = text_code[substr(s, at + i, 1)] + 0
		if (next_ < least || next_ > most)
			return TEXT_UNKNOWN
		point = point * 64 + next_ - 128
		least = 128
		most = 191
	}
	text_used = n + 1
	return text_steers(point) ? sprintf("\\u%04x", point) : substr(s, at, n + 1)
}

# C1 controls, marks without width, line separators, what changes the direction of writing
function text_steers(point)
{
	return point < 160 || (point >= 8203 && point <= 8207) || (point >= 8232 && point <= 8238) ||
	       (point >= 8288 && point <= 8303) || point == 65279 || (point >= 65529 && point <= 65531) || point == 1564
}

# text_of_json(s): the inside of somebody else's JSON string in our form
function text_of_json(s)
{
	return length(s) > TEXT_MOST || s ~ /[^]-~ !#-[]/ ? text(json_bytes(s)) : s
}

function json_bytes(s,    out, part, n, i, c, rest)
{
	n = split(s, part, /[\\]/)
	out = part[1]
	for (i = 2; i <= n && length(out) <= TEXT_MOST; i++) {
		c = substr(part[i], 1, 1)
		rest = substr(part[i], 2)
		if (part[i] == "") { # two backslashes: what is between them is nothing
			out = out "\\" part[++i]
		} else if (c == "u") {
			out = out json_point(hex(substr(rest, 1, 4)), part, i, n)
			i += json_skipped
			out = out substr(part[i], 6)
		} else if (c == "n" || c == "r" || c == "t" || c == "b" || c == "f") {
			out = out (c == "n" ? "\n" : c == "r" ? "\r" : c == "t" ? "\t" : c == "b" ? "\b" : "\f") rest
		} else {
			out = out part[i]
		}
	}
	return out
}

# UTF-8 of a \u; two of them may be one character.  json_skipped: parts used besides this one
function json_point(point, part, i, n,    low)
{
	json_skipped = 0
	if (point >= 55296 && point <= 56319 && length(part[i]) == 5 && i < n && substr(part[i + 1], 1, 1) == "u") {
		low = hex(substr(part[i + 1], 2, 4))
		if (low >= 56320 && low <= 57343) {
			json_skipped = 1
			point = 65536 + (point - 55296) * 1024 + low - 56320
		}
	}
	return utf8(point)
}

function hex(s,    i, v, d)
{
	v = 0
	for (i = 1; i <= 4; i++) {
		d = i <= length(s) ? index("0123456789abcdef", tolower(substr(s, i, 1))) : 0
		if (!d)
			return -1
		v = v * 16 + d - 1
	}
	return v
}

function utf8(p)
{
	if (p <= 0 || (p >= 55296 && p <= 57343))
		return TEXT_UNKNOWN
	if (p < 128)
		return sprintf("%c", p)
	if (p < 2048)
		return sprintf("%c%c", 192 + int(p / 64), 128 + p % 64)
	if (p < 65536)
		return sprintf("%c%c%c", 224 + int(p / 4096), 128 + int(p / 64) % 64, 128 + p % 64)
	return sprintf("%c%c%c%c", 240 + int(p / 262144), 128 + int(p / 4096) % 64, 128 + int(p / 64) % 64, 128 + p % 64)
}

# number(s): digits, else 0; what is longer than any time or size is no number
function number(s)
{
	return s ~ /^[0-9]+$/ && length(s) < 16 ? s + 0 : 0
}

# ---- one mail, as the collecting programs hand it on: fields with tabs between
#   M arrival size place id sender recipients {address reason}...
# place: the queue's own word (deferred, active, hold ...); mail_to[], mail_why[] from 1 to n, in our form
function mail_say(arrival, size, place, id, sender, n,    i)
{
	printf "M\t%.0f\t%.0f\t%s\t%s\t%s\t%d", arrival, size, place, id, sender, n
	for (i = 1; i <= n; i++)
		printf "\t%s\t%s", mail_to[i], mail_why[i]
	printf "\n"
}
