divert(-1)
# Postern: several tenants.  Mail that comes in is told apart by its recipient, in mailertable; mail that goes out by the
# relay it comes from, in the map tenants: an address and the mailer of its tenant.
#   10.1.0.5	postern-a
#   10.2.0.5	postern-b
# See postern-sendmail(7).
divert(0)dnl
LOCAL_CONFIG
Kposterntenants hash -o @config_dir@/tenants

LOCAL_RULE_0
R$* < @ $+ > $*			$: < $(posterntenants $&{client_addr} $: $) > $1 < @ $2 > $3
R< > $*				$: $1
R< $+ > $* < @ $+ > $*		$#$1 $@ $1 $: $2 < @ $3 > $4
