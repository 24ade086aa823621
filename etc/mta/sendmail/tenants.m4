divert(-1)
# Postern: several tenants.  Mail that comes in is told apart by its recipient, in mailertable; mail that goes out by the
# relay it comes from, in the map tenants: an address, or the beginning of one, and the mailer of its tenant.
#   10.1.0.5	postern-a
#   10.2	postern-b
#   IPv6:2001:db8:0:0:0:0:0:5	postern-b
# (10.2 is 10.2.0.0/16; IPv6 has all its groups, without leading zeros.)  The longest that fits counts.  See postern-sendmail(7).
divert(0)dnl
LOCAL_CONFIG
Kposterntenants hash -o @config_dir@/tenants

LOCAL_RULESETS
SPosternTenant
R$+				$: < $(posterntenants $1 $: ? $) > $1
R< ? > $+ . $-			$@ $>PosternTenant $1
R< ? > $+ : $-			$@ $>PosternTenant $1
R< ? > $*			$@ ?
R< $+ > $*			$@ $1

LOCAL_RULE_0
R$* < @ $+ > $*			$: $1 < @ $2 > $3 $| $>PosternTenant $&{client_addr}
R$* < @ $+ > $* $| ?		$: $1 < @ $2 > $3
R$* < @ $+ > $* $| $+		$#$4 $@ $4 $: $1 < @ $2 > $3
R$* $| $*			$: $1
