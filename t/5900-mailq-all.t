#!/bin/sh
# mailq-all: its options, tenants, headings, exit status, forms of output; the mail servers are played
. "${0%/*}/lib.sh"
. "${0%/*}/queues.sh"
tool mailq-all
command -v postconf >/dev/null || PATH=$PATH:/usr/sbin
command -v postconf >/dev/null || skip_all "Postfix is not installed"

# ---- usage
wrong() { # WHAT PATTERN OPTION...
	what=$1 pattern=$2
	shift 2
	mailq "$@"
	is "$what: exit 3" "$code" 3
	like "$what: says so" "$out" "^mailq-all: $pattern"
	is "$what: in one line" "$(printf '%s\n' "$out" | wc -l)" 1
}
wrong "no configuration at all" "no configuration: neither $T/etc/postern/postern.conf"
wrong "unknown option" 'unknown option "-frobnicate"' -frobnicate
wrong "a word" 'unknown option "word"' word
wrong "three dashes" 'unknown option "---json"' ---json
wrong "-c without a file" 'option -c needs' -c
wrong "an age without figures" 'option -warn: "m" is not a time' -warn m
wrong "an age of a strange unit" 'option -older: "5w"' -older 5w
wrong "an empty age" 'option --held: ""' --held ''
wrong "a negative age" 'option -critical: "-5"' -critical -5
wrong "an age with a command" 'option -warn: "\$\(id\)"' -warn '$(id)'
wrong "an age too long" 'option -warn: "1234567890"' -warn 1234567890
wrong "unknown queue" 'option -queue: "bounce"' -queue bounce
like "-help" "$("$T/bin/mailq-all" -help)" '^usage: mailq-all'
is "--version" "$("$T/bin/mailq-all" --version)" "mailq-all 1"

# ---- one tenant, nothing waits
for name in carrier external scanner internal; do played "$name"; done
tenant "$T/etc/postern/postern.conf" "scanner = smtp:127.0.0.1:1" "scanner_clients = 10.0.0.9" \
	"carrier_queue = postfix:$T/carrier" "external_queue = postfix:$T/external" "scanner_queue = postfix:$T/scanner" \
	"internal_queue = postfix:$T/internal"
mailq
is "empty queues: exit 0" "$code" 0
is "a heading for each" "$(printf '%s\n' "$out" | grep '^Mails')" "Mails to and from Postern, not yet processed
Mails from Postern to the outside (external relay)
Mails from Postern to the virus scanner
Mails from Postern to the inside (internal relay)
Mails held by Postern"
is "each is empty" "$(printf '%s\n' "$out" | grep -c '^  empty')" 5
is "the last line says it is well" "$(printf '%s\n' "$out" | tail -n 1)" "ok: 0 mails"
is "no colours, no escape where there is no terminal" "$(printf '%s\n' "$out" | tr -d '\n' | tr -d '[:print:]')" ""

# ---- mail in each
mail C1 active 10 alice@behoerde.example bob@partner.example= >"$T/carrier/out"
{
	mail E1 deferred 0 alice@behoerde.example "bob@partner.example=Connection refused" "carol@partner.example=Connection refused" \
		"dave@other.example=Host not found"
	mail E0 deferred 20 '' "eve@partner.example=Connection refused"
} >"$T/external/out"
mail S1 incoming 0 bob@partner.example alice@behoerde.example= >"$T/scanner/out"
mail I1 hold 900000 bob@partner.example alice@behoerde.example= >"$T/internal/out"
mailq
is "young mail: exit 0" "$code" 0
like "the sender" "$out" '^  E1 .* 1000 B  alice@behoerde.example$'
like "the null sender" "$out" '^  E0 .* 1000 B  <>$'
is "the oldest first" "$(printf '%s\n' "$out" | grep -o '^  E[01]' | tr -d ' \n')" "E0E1"
is "who waits for the same reason stands together" "$(printf '%s\n' "$out" | grep -A 4 '^  E1' | tail -n 4)" "    to bob@partner.example, carol@partner.example
      Connection refused
    to dave@other.example
      Host not found"
like "where it stands" "$out" '^  C1 .*alice@behoerde.example \(active\)$'
like "held mail is counted by itself" "$out" '^  0 mails, 1000 B; 1 on hold; the oldest of these since 10d 10h$'
like "the sum" "$(printf '%s\n' "$out" | tail -n 1)" \
	'^ok: 4 mails, the oldest waits for [0-9]+[sm] in external \(default\); 1 on hold$'

# ---- limits
mail E2 deferred 90000 a@b "c@d=why" >"$T/external/out"
mailq
is "older than five minutes: exit 1" "$code" 1
like "its age" "$out" '^  E2 +1d 1h +1000 B  a@b$'
like "and says so" "$out" '^warning: .* 1 older than 5m'
mailq -warn 2d
is "-warn 2d: exit 0" "$code" 0
mailq --warn 2d -critical 1d
is "-critical 1d: exit 2" "$code" 2
mailq -warn 48h -critical 4000m
is "both not reached: exit 0" "$code" 0
mailq -held 1d
is "-held: exit 1" "$code" 1
mailq -warn 2d -held 11d
is "-held not reached: exit 0" "$code" 0
mailq -older 1d -warn 2d
like "-older shows what is older" "$out" '^  E2 '
unlike "and not the rest" "$out" '^  C1 '
like "which is counted" "$out" '^  1 mail, 1000 B; .*; 1 not shown'
is "-older does not change the exit status" "$code" 0
mailq -older 1d
is "either way" "$code" 1
mailq -queue carrier --queue scanner
is "-queue: only these" "$(printf '%s\n' "$out" | grep -c '^Mails')-$code" "2-0"
for figure in 5 08 007s 0; do
	mailq -warn "$figure"
	is "-warn $figure is decimal" "$code" 1
done

# the limits to the second, with the time given
at_limit() { # AGE OPTION VALUE: exit status
	printf 'S\tcarrier\tx\tpostfix\t/x\t\nM\t%s\t1\tdeferred\tID\ts\t1\tr\twhy\nE\tok\n' $((1000000 - $1)) |
		awk -v task=list -v how="${4-summary}" -v now=1000000 -v "$2=$3" -v width=0 \
			-f "$SRC/bin/queues.awk" -f "$SRC/bin/queues-show.awk"
	code=$?
}
at_limit 300 warn 300 >/dev/null
is "exactly five minutes old" "$code" 0
at_limit 301 warn 300 >/dev/null
is "a second more" "$code" 1
at_limit 60 critical 60 >/dev/null
is "exactly critical" "$code" 1
at_limit 61 critical 60 >/dev/null
is "a second more" "$code" 2
unlike "-older at the limit" "$(at_limit 60 older 60 text)" '^  ID '
like "-older a second above" "$(at_limit 61 older 60 text)" '^  ID '
for pair in '0 0s' '59 59s' '60 1m' '3599 59m' '3600 1h' '3661 1h 1m' '86399 23h 59m' '86400 1d' '180000 2d 2h' '-5 0s'; do
	like "an age of ${pair%% *} seconds" "$(at_limit "${pair%% *}" warn 9999999 text)" "^  ID +${pair#* } +1 B  s\$"
done

# ---- forms
mailq -summary
is "-summary is one line" "$(printf '%s\n' "$out" | wc -l)-$code" "1-1"
like "for Nagios" "$out" '^QUEUES WARNING - 3 mails, the oldest waits for 1d 1h in external \(default\), 1 older than 5m; 1 on hold \| mails=3 old=1 held=1 bytes=4000B oldest=9[0-9]+s;300;$'
mailq -json
is "-json: exit status" "$code" 1
is "-json: numbers, status, names" "$(printf '%s' "$out" | json 'join " ", $d->{version}, $d->{command}, $d->{status}, $d->{exit},
	@{$d->{totals}}{qw(count held old bytes)}, map { "@{$_->{roles}}:$_->{state}:$_->{count}:$_->{held}" } @{$d->{queues}}')" \
	"1 mailq-all warning 1 3 1 1 4000 carrier:ok:1:0 external:ok:1:0 scanner:ok:1:0 internal:ok:0:1 hold:ok:0:0"
is "-json: a mail" "$(printf '%s' "$out" | json 'my $m = $d->{queues}[1]{mails}[0]; join " ", @{$m}{qw(id queue held size sender)},
	$d->{time} - $m->{arrival} == $m->{age}, $m->{recipients}[0]{address}, $m->{recipients}[0]{reason}')" "E2 deferred 0 1000 a@b 1 c@d why"
is "-json: where it is from" "$(printf '%s' "$out" | json 'my $q = $d->{queues}[3]; join " ", @{$q->{tenants}}, @{$q}{qw(server configuration heading)}')" \
	"default postfix $T/internal Mails from Postern to the inside (internal relay)"
people=''
for n in 1 2 3 4 5; do people="$people p$n@b=r"; done
# shellcheck disable=SC2086 # five arguments
mail E3 deferred 1 s@b $people >"$T/external/out"
mailq -queue external
like "the first three recipients" "$out" '^    to p1@b, p2@b, p3@b and 2 more$'
mailq -queue external -v
like "-v: all of them" "$out" '^    to p1@b, p2@b, p3@b, p4@b, p5@b$'
mail E4 deferred 1 s@b p1@b=r1 p2@b=r2 p3@b=r3 p4@b=r4 >"$T/external/out"
mailq -queue external
is "three reasons, and how many more" "$(printf '%s\n' "$out" | sed -n '/^  E4/,$p' | sed -n '7,8p')" "      r3
    and 1 more reason"

# ---- troubles
echo 'postqueue: warning: Mail system is down -- accessing queue directly' >"$T/external/said"
mailq
is "a server that does not run: exit 2" "$code" 2
like "is named" "$out" '^critical: external \(default\): Postfix is not running;'
like "and its mail is shown" "$out" '^  E4 '
is "-json: down" "$(mailq -json; printf '%s' "$out" | json '$d->{queues}[1]{state}')" "down"
echo 69 >"$T/external/code"
echo 'postqueue: fatal: Queue report unavailable - mail system is down' >"$T/external/said"
mailq -json
is "down, and nothing to see" "$code-$(printf '%s' "$out" | json '"$d->{queues}[1]{state} $d->{queues}[1]{problem}"')" \
	"2-unreadable Postfix is not running, and postqueue says: Queue report unavailable - mail system is down"
printf 'postqueue: fatal: \033[31mno | such\007 thing\n' >"$T/external/said"
mailq -summary
is "what the program said, harmless" "$out" "$(printf '%s' "$out" | tr -d '\000-\037')"
like "named" "$out" '^QUEUES CRITICAL - external \(default\): .*no / such  thing; .* \| mails='
echo 0 >"$T/external/code"
: >"$T/external/said"
echo '{"queue_name": "deferred"' >>"$T/external/out"
mailq
is "a line that cannot be understood: exit 2" "$code" 2
like "is counted" "$out" '^  1 line of postqueue -j not understood'
like "the others are shown" "$out" '^  E4 '
mv "$T/internal/main.cf" "$T/internal/x"
mailq
like "an instance without main.cf" "$out" "^  $T/internal/main.cf cannot be read"
is "exit 2" "$code" 2
mv "$T/internal/x" "$T/internal/main.cf"
: >"$T/external/out"

# ---- several tenants: a carrier of all, one that is not used, one whose configuration is broken
mail C9 deferred 5 a@b c@d=r >"$T/carrier/out"
tenant "$T/etc/postern/acme/postern.conf" "carrier_queue = postfix:$T/carrier/" "internal = maildir:$T/acme"
tenant "$T/etc/postern/empty/postern.conf"
mailq
is "two more tenants: exit 0" "$code" 0
is "the carrier is shown once, first" "$(printf '%s\n' "$out" | grep -c '^  C9')-$(printf '%s\n' "$out" | sed -n 2p)" \
	"1-  default,acme: postfix $T/carrier"
like "a queue that is not named" "$out" "^  acme: not looked at: external_queue is not set in $T/etc/postern/acme/postern.conf"
like "no scanner" "$out" '^  acme: not used'
like "a maildir" "$out" "^  acme: no queue: delivered into maildir:$T/acme"
like "a tenant with nothing" "$out" "^  empty: not looked at: carrier_queue is not set"
mailq -json
is "-json: tenants and states" "$(printf '%s' "$out" | json 'join " ", map { join("+", @{$_->{tenants}}) . ":@{$_->{roles}}:$_->{state}" } @{$d->{queues}}[0,1,6..8]')" \
	"default+acme:carrier:ok empty:carrier:unwatched acme:external:unwatched acme:scanner:unused acme:internal:unused"
mailq -c "$T/etc/postern/acme/postern.conf" --c "$T/etc/postern/empty/postern.conf" -queue carrier
is "-c twice: only these" "$(printf '%s\n' "$out" | grep '^  [a-z]*:\|^  [a-z]*,')" "  acme: postfix $T/carrier
  empty: not looked at: carrier_queue is not set in $T/etc/postern/empty/postern.conf"
mailq -c "$T/etc/postern/empty/postern.conf"
is "nothing to look at: exit 3" "$code" 3
like "says what to do" "$out" '^unknown: no queue to look at: set carrier_queue'
mailq -c "$T/etc/postern/empty/postern.conf" -json
is "valid JSON then too" "$(printf '%s' "$out" | json '"$d->{status} $d->{exit}"')" "unknown 3"
echo 'nonsense = 1' >>"$T/etc/postern/empty/postern.conf"
mailq
is "a broken configuration: exit 2" "$code" 2
like "the others are shown, and why" "$out" "^critical: configuration \\(empty\\): 4.3.5 .*unknown option \"nonsense\""
like "as a section" "$out" '^  empty: 4.3.5 '
mailq -json
is "-json of it" "$(printf '%s' "$out" | json 'my ($q) = grep { $_->{roles}[0] eq "configuration" } @{$d->{queues}}; "$q->{state} $q->{problem}"' |
	cut -c 1-16)" "unreadable 4.3.5"
rm -r "$T/etc/postern/empty"

# one mail server in two parts: shown once
tenant "$T/both.conf" "carrier_queue = postfix:$T/carrier" "external_queue = postfix:$T/carrier"
mailq -c "$T/both.conf" -queue carrier -queue external -json
is "one server in two parts" "$(printf '%s' "$out" | json 'scalar(@{$d->{queues}}) . " @{$d->{queues}[0]{roles}} $d->{queues}[0]{heading}"')" \
	"1 carrier external Mails to and from Postern, not yet processed; Mails from Postern to the outside (external relay)"

# ---- what is in the environment does not count
mkdir "$T/evil"
for name in awk sort date postconf id; do
	printf '#!/bin/sh\ntouch %s\n' "$T/evil/was-run" >"$T/evil/$name"
	chmod 755 "$T/evil/$name"
done
out=$(PATH=$T/evil:$PATH MAIL_CONFIG=$T/evil IFS=e TMPDIR=/nonexistent CDPATH=/ now=1 only=x state=down how=json "$T/bin/mailq-all" -queue carrier 2>&1)
is "another PATH, IFS, MAIL_CONFIG: the same" "$?-$(printf '%s\n' "$out" | grep -c '^  C9')" "0-1"
not_ok "no program of another PATH ran" test -e "$T/evil/was-run"
# (somebody else's may be there just now, but not for long)
gone() {
	tries=0
	while [ -e "$1" ] && [ $((tries += 1)) -lt 1200 ]; do sleep 0.1; done
	[ ! -e "$1" ]
}
left=''
for directory in $(find /tmp -maxdepth 1 -name 'mailq-all.*' -newer "$T/etc"); do gone "$directory" || left="$left $directory"; done
is "nothing is left in /tmp" "$left" ""

# ---- on a terminal: colours, and lines that end where it does
if command -v script >/dev/null; then
	on_terminal() { script -qec "stty cols 40; $1" /dev/null </dev/null | tr -d '\r'; }
	mail T1 deferred 90000 a@b "$(printf 'u%060d' 1)@partner.example=$(printf 'j\303\274rgen')" >"$T/external/out"
	run="$T/bin/mailq-all -queue external -queue carrier"
	got=$(export TERM=xterm; unset NO_COLOR; on_terminal "$run")
	like "colours on a terminal" "$got" "$(printf '\033')\\[33m  T1 "
	is "40 columns" "$(printf '%s\n' "$got" | sed "s/$(printf '\033')\[[0-9]*m//g" | awk '{ if (length($0) > n) n = length($0) } END { print n }')" 40
	like "a long line is cut" "$got" '^    to u0*\.\.\.$'
	got=$(export TERM=xterm NO_COLOR=1; on_terminal "$run")
	is "NO_COLOR" "$(printf '%s' "$got" | tr -cd '\033' | wc -c)" 0
	got=$(export TERM=dumb; on_terminal "$run -v")
	is "a dumb terminal, and -v" "$(printf '%s' "$got" | tr -cd '\033' | wc -c)-$(printf '%s\n' "$got" | grep -c '1@partner.example$')" "0-1"
	got=$(export LC_ALL=C; on_terminal "$run")
	like "letters that the terminal does not know" "$got" '^      j\?rgen$'
	got=$(export LC_ALL=C.UTF-8; on_terminal "$run")
	like "letters that it knows" "$got" "^      $(printf 'j\303\274rgen')\$"
else
	skip "on a terminal" "script(1) is not there"
fi

done_testing
