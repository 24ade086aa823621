divert(-1)
# Postern: the mailer, for the end of sendmail.mc.  The same as lines of sendmail.cf: mailer.cf.  See postern-sendmail(7).
divert(0)dnl
LOCAL_CONFIG
dnl Who handed a message in must be known at every attempt.  Without this line a message that had to wait looks as if this
dnl machine had written it: mail from outside would pass for mail from inside.
C{persistentMacros}{client_addr}

LOCAL_RULESETS
dnl What this server writes itself has no sender: to a program Sendmail would name MAILER-DAEMON.
SPosternFrom
R$n				$@ < @ >
R$n < @ $=w . >			$@ < @ >
R$*				$@ $>EnvFromSMTP $1

MAILER_DEFINITIONS
dnl m      all recipients in one call, up to r=
dnl S      always as the user of U=, also when one of this machine's users sends
dnl l      a program that cannot be started is a reason to wait; without l it returns the mail
dnl n      the sender is an argument and needs no "From " line
dnl u h    upper case stays as it is;  8  no conversion of 8-bit text;  D F M  add Date, From, Message-Id if missing
dnl Not s: it takes the quotes from "a b"@example.org.  Not 9: it rewrites text.  Not o, e, q: they do nothing good here.
dnl L=0: no limit to lines.  W= is the last resort, above "deadline" of postern.conf (300s).
M@service@,	P=@postern@, F=mSlnuh8DFM, S=PosternFrom/HdrFromSMTP, R=EnvToSMTP,
		U=@user@, L=0, W=10m, r=1000, T=DNS/RFC822/X-Unix,
		A=postern -c @config@ -client ${client_addr} -sender $g -queue-id $i -readmail $u
