/* failure.c - what went wrong with a directory, in words for who has to mend it at night
 *
 * libldap says of nearly everything before the first answer that it "can't contact" the server.
 */
#include "keys-ldap/failure.h"

#include <string.h>

#include "lib/buf.h"

/* Results that no other replica and no waiting will mend. */
static bool is_mistake(int result)
{
	static const int mistakes[] = {
		LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH, LDAP_INSUFFICIENT_ACCESS, LDAP_STRONG_AUTH_REQUIRED,
		LDAP_CONFIDENTIALITY_REQUIRED, LDAP_AUTH_METHOD_NOT_SUPPORTED, LDAP_NO_SUCH_OBJECT, LDAP_INVALID_DN_SYNTAX,
		LDAP_FILTER_ERROR, LDAP_PARAM_ERROR, LDAP_REFERRAL, LDAP_UNDEFINED_TYPE, LDAP_INAPPROPRIATE_MATCHING,
		LDAP_INVALID_SYNTAX,
	};

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++)
		if (result == mistakes[i])
			return true;
	return false;
}

static const struct hint {
	enum step step;
	int result;
	const char *text;
} hints[] = {
	{ STEP_STARTTLS, LDAP_PROTOCOL_ERROR, "it offers no StartTLS: ldaps://, or starttls = no" },
	{ STEP_STARTTLS, LDAP_SERVER_DOWN, "it hangs up; is that a port for ldaps://?" },
	{ STEP_BIND, LDAP_INVALID_CREDENTIALS, "bind_dn or the password in password_file is not right" },
	{ STEP_BIND, LDAP_INVALID_DN_SYNTAX, "bind_dn is no DN" },
	{ STEP_BIND, LDAP_CONFIDENTIALITY_REQUIRED, "it wants TLS: ldaps://, or starttls = yes" },
	{ STEP_EXTERNAL, LDAP_AUTH_METHOD_NOT_SUPPORTED, "it has seen no certificate of ours; see tls_certificate" },
	{ STEP_SEARCH, LDAP_NO_SUCH_OBJECT, "base is not there, or not for us to see" },
	{ STEP_SEARCH, LDAP_INVALID_DN_SYNTAX, "base is no DN" },
	{ STEP_SEARCH, LDAP_FILTER_ERROR, "one of our filters is none" },
	{ STEP_SEARCH, LDAP_REFERRAL, "base is on another server; see referrals" },
	{ STEP_SEARCH, LDAP_CONFIDENTIALITY_REQUIRED, "it wants TLS: ldaps://, or starttls = yes" },
	{ STEP_SEARCH, LDAP_STRONG_AUTH_REQUIRED, "it wants to know who asks: bind_dn or sasl_external" },
	{ STEP_SEARCH, LDAP_INSUFFICIENT_ACCESS, "it wants to know who asks: bind_dn or sasl_external" },
	{ STEP_SEARCH, LDAP_SERVER_DOWN, "it has ended the connection" },
};

static void add_tls_hint(struct buf *out, const struct directory_options *o)
{
	if (o->tls_check)
		buf_addf(out, "; TLS fails: is its certificate valid now, for this host, and of a CA in %s?", o->tls_ca_file);
	else
		buf_addstr(out, "; TLS fails");
}

static void add_hint(struct buf *out, const struct connection *c, enum step step, int result)
{
	bool handshake = (step == STEP_CONNECT && c->reached) || (step == STEP_STARTTLS && result == LDAP_CONNECT_ERROR);

	if (step != STEP_SEARCH && deadline_over(c->until)) {
		buf_addstr(out, "; nothing within connect_timeout");
	} else if (handshake) {
		add_tls_hint(out, c->options);
	} else if (step == STEP_CONNECT) {
		buf_addstr(out, "; its name is not known, nobody listens there, or a firewall is between");
	} else {
		for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
			if (hints[i].step == step && hints[i].result == result)
				buf_addf(out, "; %s", hints[i].text);
	}
}

static void add_step(struct buf *out, const struct connection *c, enum step step)
{
	static const char *const words[] = { "connect", "StartTLS", "bind", "SASL EXTERNAL", "search" };
	const struct directory_options *o = c->options;

	buf_addf(out, "%s: %s", c->uri, words[step]);
	if (step == STEP_BIND)
		buf_addf(out, " as %s", o->bind_dn);
	if (step == STEP_SEARCH)
		buf_addf(out, " below \"%s\"", o->base);
}

int failure_set(const struct connection *c, enum step step, int result, const char *diagnostic, struct error *err)
{
	struct buf text = BUF_INIT;
	char *own = NULL;

	if (!diagnostic && c->ld && ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &own) == LDAP_OPT_SUCCESS)
		diagnostic = own;
	add_step(&text, c, step);
	buf_addf(&text, ": %s", ldap_err2string(result));
	if (diagnostic && *diagnostic && strcmp(diagnostic, "(unknown error code)") != 0) /* GnuTLS, of most things */
		buf_addf(&text, " (%s)", diagnostic);
	add_hint(&text, c, step, result);
	error_set(err, is_mistake(result) ? E_CONFIG : E_TEMP, "%s", buf_str(&text));
	buf_release(&text);
	ldap_memfree(own);
	return err->code;
}
