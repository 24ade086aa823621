/* connection.c - to one replica of a directory: TCP or a socket, TLS, bind */
#include "keys-ldap/connection.h"

#include <string.h>
#include <sys/time.h>

#include "common/secret_file.h"
#include "keys-ldap/failure.h"
#include "keys-ldap/timed.h"
#include "lib/fs.h"
#include "lib/mem.h"

#define KEY_FILE_MAX ((size_t)1 << 20)
#define GOODBYE_MS 100

static struct timeval time_left(deadline until)
{
	int ms = deadline_left(until);

	return (struct timeval){ ms / 1000, ms % 1000 * 1000 + (ms == 0) };
}

/* ---- before it is opened ---- */

static int on_added(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *self)
{
	struct connection *c = self->lc_arg;
	ber_len_t most = c->options->answer_limit;

	(void)ld;
	(void)server;
	(void)address;
	ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most); /* nor may it make us buy memory */
	c->reached = true;
	return timed_add(sb, &c->until) ? 0 : -1;
}

static void on_deleted(LDAP *ld, Sockbuf *sb, struct ldap_conncb *self)
{
	(void)ld;
	(void)sb;
	(void)self;
}

/* "ldap://HOST:PORT\n" of an URL, in front of which a line has ended. */
static bool add_server(struct buf *out, const char *url)
{
	LDAPURLDesc *parts;

	if (ldap_url_parse(url, &parts) != LDAP_URL_SUCCESS)
		return false;
	buf_addf(out, "\n%s://%s:%d\n", parts->lud_scheme, parts->lud_host ? parts->lud_host : "", parts->lud_port);
	ldap_free_urldesc(parts);
	return true;
}

/* Before libldap asks a server that a referral names: we are nobody there, but TLS is as it is with our own. */
static int on_referral(LDAP *ld, const char *url, ber_tag_t request, ber_int_t id, void *connection)
{
	struct connection *c = connection;
	int result = LDAP_SUCCESS;

	(void)request;
	(void)id;
	if (c->options->starttls && span_casestarts(span_of(url), "ldap://"))
		result = ldap_start_tls_s(ld, NULL, NULL);
	if (result == LDAP_SUCCESS)
		add_server(&c->followed, url);
	return result;
}

bool connection_follows(const struct connection *c, char *const *urls)
{
	struct buf server = BUF_INIT;
	bool found = false;

	for (; urls && *urls && !found; urls++) {
		buf_clear(&server);
		found = add_server(&server, *urls) && strstr(buf_str(&c->followed), buf_str(&server));
	}
	buf_release(&server);
	return found;
}

static int set_number(LDAP *ld, int option, int value)
{
	return ldap_set_option(ld, option, &value);
}

static int set_limits(struct connection *c, deadline until)
{
	struct timeval left = time_left(until);
	LDAP *ld = c->ld;

	c->added = (struct ldap_conncb){ on_added, on_deleted, c };
	if (ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &c->added) || set_number(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) ||
	    ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &left) || ldap_set_option(ld, LDAP_OPT_TIMEOUT, &left) ||
	    ldap_set_option(ld, LDAP_OPT_REFERRALS, c->options->referrals == REFERRALS_FOLLOW ? LDAP_OPT_ON : LDAP_OPT_OFF) ||
	    ldap_set_rebind_proc(ld, on_referral, c))
		return LDAP_OTHER;
	return LDAP_SUCCESS;
}

static int check_key_file(const char *path, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = *path ? fs_read_secret(path, KEY_FILE_MAX, &bytes, err) : 0;

	buf_wipe(&bytes);
	if (rc < 0)
		error_prefix(err, "tls_key");
	return rc < 0 ? err->code = E_CONFIG : 0;
}

static int set_tls(struct connection *c, struct error *err)
{
	const struct directory_options *o = c->options;
	LDAP *ld = c->ld;

	if (check_key_file(o->tls_key, err) < 0)
		return E_CONFIG;
	if (set_number(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, o->tls_check ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER) ||
	    set_number(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) ||
	    (o->tls_check && *o->tls_ca_file && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, o->tls_ca_file)) ||
	    (*o->tls_certificate && (ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, o->tls_certificate) ||
				     ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, o->tls_key))) ||
	    set_number(ld, LDAP_OPT_X_TLS_NEWCTX, 0))
		return error_set(err, E_CONFIG, "%s: TLS cannot be set up; are tls_ca_file (%s), tls_certificate and tls_key there, in PEM, and the key "
				 "the certificate's?", c->uri, o->tls_ca_file);
	return 0;
}

/* ---- opening ---- */

static int start_tls(struct connection *c, struct error *err)
{
	int result;

	if (!c->options->starttls || !span_casestarts(span_of(c->uri), "ldap://"))
		return 0;
	result = ldap_start_tls_s(c->ld, NULL, NULL);
	if (result == LDAP_SUCCESS)
		return 0;
	failure_set(c, STEP_STARTTLS, result, NULL, err);
	return err->code = E_TEMP; /* this replica does not; another one may */
}

static int bind_simple(struct connection *c, struct error *err)
{
	struct berval credentials;
	char *password;
	int result, rc = secret_read(c->options->password_file, &password, err);

	if (rc < 0) {
		error_prefix(err, "password_file");
		return err->code = E_CONFIG;
	}
	if (!*password) { /* that would be an anonymous bind, and look like success (RFC 4513 section 5.1.2) */
		secret_free(password);
		return error_set(err, E_CONFIG, "password_file: %s is empty", c->options->password_file);
	}
	credentials = (struct berval){ strlen(password), password };
	result = ldap_sasl_bind_s(c->ld, c->options->bind_dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
	secret_free(password);
	return result == LDAP_SUCCESS ? 0 : failure_set(c, STEP_BIND, result, NULL, err);
}

/* As whom TLS or the socket says: one step, without a library of mechanisms (RFC 4422 appendix A). */
static int bind_external(struct connection *c, struct error *err)
{
	char nobody[] = "";
	struct berval credentials = { 0, nobody }, *answer = NULL;
	int result = ldap_sasl_bind_s(c->ld, NULL, "EXTERNAL", &credentials, NULL, NULL, &answer);

	ber_bvfree(answer);
	return result == LDAP_SUCCESS ? 0 : failure_set(c, STEP_EXTERNAL, result, NULL, err);
}

int connection_open(struct connection *c, const struct directory_options *o, const char *uri, deadline until, struct error *err)
{
	bool safe = !span_casestarts(span_of(uri), "ldapi://") && (o->starttls || span_casestarts(span_of(uri), "ldaps://"));
	int result, rc = 0;

	until = deadline_earlier(until, deadline_in((int64_t)o->connect_timeout));
	*c = (struct connection){ .uri = uri, .until = until, .options = o };
	result = ldap_initialize(&c->ld, uri);
	if (result != LDAP_SUCCESS)
		return error_set(err, E_CONFIG, "%s: %s", uri, ldap_err2string(result));
	if (set_limits(c, until) != LDAP_SUCCESS)
		rc = error_set(err, E_TEMP, "%s: libldap refuses its limits", uri);
	if (rc == 0 && safe)
		rc = set_tls(c, err);
	if (rc == 0) {
		result = ldap_connect(c->ld);
		if (result != LDAP_SUCCESS)
			rc = failure_set(c, STEP_CONNECT, result, NULL, err);
	}
	if (rc == 0)
		rc = start_tls(c, err);
	if (rc == 0 && *o->bind_dn)
		rc = bind_simple(c, err);
	if (rc == 0 && o->sasl_external)
		rc = bind_external(c, err);
	if (rc < 0)
		connection_close(c);
	return rc;
}

void connection_close(struct connection *c)
{
	c->until = deadline_in(GOODBYE_MS);
	if (c->ld)
		ldap_unbind_ext(c->ld, NULL, NULL);
	c->ld = NULL;
	buf_release(&c->followed);
}
