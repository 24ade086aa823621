divert(-1)
# Postern: what its three instances of Sendmail have in common.  external.mc, scanner.mc and internal.mc set the site's
# values and include this file; see postern-sendmail(7).
#   POSTERN_NEXT_HOP  [address]:port, or name:port (by MX where the port is left out); undefined: the MX of each recipient
#   POSTERN_LISTEN    address:port for injection by smtp:; undefined: none
#   POSTERN_OURS, POSTERN_OTHERS   where mail to our own and to all other domains goes, next or carrier

# [::1]:25 of postern.conf is [IPv6:::1] and 25 here.
define(`postern_port', `ifelse(regexp(`$1', `:[0-9]+$'), `-1', `25', `regexp(`$1', `:\([0-9]+\)$', `\1')')')
define(`postern_address', `patsubst(patsubst(`$1', `\(\]\|^[^:]*\):[0-9]+$', `\1'), `[][]')')
define(`postern_hop', `ifelse(regexp(`$1', `^\['), `-1', `postern_address(`$1')', `[ifelse(index(postern_address(`$1'), `:'), `-1',, `IPv6:')postern_address(`$1')]')')

# "example.org, .example.org" of postern.conf: the domain itself, and all below it.
define(`postern_classes', `ifelse(`$1',,, `ifelse(substr(`$1', 0, 1), `.', `C{PosternParents}substr(`$1', 1)', `C{PosternDomains}$1')
postern_classes(shift($@))')')
define(`postern_list', `postern_classes(patsubst(defn(`$1'), `[ 	,]+', `,'))')

divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', POSTERN_INSTANCE.POSTERN_HOSTNAME)dnl

dnl Whoever starts it, it works as the account that postern has: postern itself with -C, root with -q or -bp.
define(`confRUN_AS_USER', POSTERN_USER)dnl
define(`confTRUSTED_USERS', POSTERN_USER)dnl
dnl Who may start the daemon besides root (who should not: its parent process would stay root).
define(`confTRUSTED_USER', POSTERN_USER)dnl
define(`QUEUE_DIR', POSTERN_QUEUE)dnl
define(`confPID_FILE', POSTERN_DATA/sendmail.pid)dnl
define(`STATUS_FILE', POSTERN_DATA/statistics)dnl
undefine(`ALIAS_FILE')dnl
define(`HELP_FILE', `/dev/null')dnl
define(`confFORWARD_PATH', `')dnl

dnl Only this machine may hand mail in, and it may hand in anything.
FEATURE(`no_default_msa')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
dnl Without a port for smtp: it listens on a socket that nobody knows, so that it can be started in the same way.
ifdef(`POSTERN_LISTEN',
`DAEMON_OPTIONS(`Name=postern, Family=ifelse(regexp(POSTERN_LISTEN, `^\['), `-1', `inet', `inet6'), Addr=postern_address(POSTERN_LISTEN), Port=postern_port(POSTERN_LISTEN)')',
`DAEMON_OPTIONS(`Name=postern, Family=local, Addr='POSTERN_DATA`/socket')')dnl
define(`confTO_IDENT', `0')dnl

dnl What passes, passes as it is, or signatures break and encrypted mail cannot be opened.
define(`confEIGHT_BIT_HANDLING', `pass8')dnl
define(`confNO_RCPT_ACTION', `none')dnl
define(`confMAX_HEADERS_LENGTH', `10485760')dnl
FEATURE(`nocanonify')dnl
dnl (nor by command:, which is submission, and would have every domain looked up and written in its canonical form)
define(`confDIRECT_SUBMISSION_MODIFIERS', `CC u')dnl
define(`confDONT_PROBE_INTERFACES', `true')dnl

dnl No warnings in the header: -C and -f are meant.  A bounce has no body: it may have been encrypted when it came.
define(`confPRIVACY_FLAGS', `novrfy,noexpn,noetrn,nobodyreturn')dnl

dnl What is accepted is on disk, is sent at once, and again with each run of the queue.  A busy machine does not turn
dnl mail away here: that would only make it wait in the carrier.
define(`confSAFE_QUEUE', `true')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confMAX_QUEUE_CHILDREN', POSTERN_PROCESSES)dnl

dnl There is no delivery here: the mailers "local" and "prog" must exist and can do nothing.
define(`LOCAL_MAILER_PATH', `/bin/false')dnl
define(`LOCAL_MAILER_ARGS', `false')dnl
define(`LOCAL_SHELL_PATH', `/bin/false')dnl
define(`LOCAL_SHELL_ARGS', `false')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl

LOCAL_CONFIG
postern_list(`POSTERN_DOMAINS')dnl

LOCAL_RULESETS
SLocal_check_rcpt
R$*					$#OK

LOCAL_RULE_0
R$* < @ $+ . > $*			$: $1 < @ $2 > $3
R$* < @ $={PosternDomains} > $*		$: <POSTERN_OURS> $1 < @ $2 > $3
R$* < @ $+ . $={PosternParents} > $*	$: <POSTERN_OURS> $1 < @ $2 . $3 > $4
R$* < @ $j > $*				$: <POSTERN_OURS> $1 < @ $j > $2
R$* < @ $* > $*				$: <POSTERN_OTHERS> $1 < @ $2 > $3
R<$-> <$-> $*				$: <$2> $3
R<carrier> $* < @ $* > $*			$#carrier $@ postern_hop(POSTERN_CARRIER) $: $1 < @ $2 > $3
ifdef(`POSTERN_NEXT_HOP',
`R<next> $* < @ $* > $*			$#next $@ postern_hop(POSTERN_NEXT_HOP) $: $1 < @ $2 > $3',
`R<next> $* < @ $* > $*			$#next $@ $2 $: $1 < @ $2 > $3')

dnl m all recipients of a domain at once, u and h upper case stays, 8 no conversion, X dots, a ESMTP, k the other side may
dnl have our own name; no D, F, M: nothing is added.  L=0: lines are as long as they are.
MAILER_DEFINITIONS
Mnext,		P=[IPC], F=muh8Xak, S=EnvFromSMTP, R=EnvToSMTP, E=\r\n, L=0, T=DNS/RFC822/SMTP,
		A=TCP $h ifdef(`POSTERN_NEXT_HOP', `postern_port(POSTERN_NEXT_HOP)')
Mcarrier,	P=[IPC], F=muh8Xak, S=EnvFromSMTP, R=EnvToSMTP, E=\r\n, L=0, T=DNS/RFC822/SMTP,
		A=TCP $h postern_port(POSTERN_CARRIER)
