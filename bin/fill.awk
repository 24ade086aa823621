# fill.awk - a template of etc/mta with its words replaced; etc/mta/WORDS says what each means
#
# usage: awk -f fill.awk VALUES TEMPLATE      VALUES: lines "word=value"
# A line with a word whose value is empty is left out; a word without a value ends it.
FNR == NR { n = index($0, "="); value[substr($0, 1, n - 1)] = substr($0, n + 1); next }
{
	rest = $0; line = ""; drop = 0
	while (match(rest, /@[a-z_]+@/)) {
		word = substr(rest, RSTART + 1, RLENGTH - 2)
		if (!(word in value)) { print "no value for @" word "@" >"/dev/stderr"; exit 1 }
		if (value[word] == "") drop = 1
		line = line substr(rest, 1, RSTART - 1) value[word]
		rest = substr(rest, RSTART + RLENGTH)
	}
	if (!drop) print line rest
}
