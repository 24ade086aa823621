/* connection.c - to one replica of a directory: TCP or a socket, TLS, bind */
#include "keys-ldap/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/time.h>

#include "common/secret_file.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/mem.h"

#define KEY_FILE_MAX ((size_t)1 << 20)
#define GOODBYE_MS 100

static struct timeval time_left(deadline until)
{
	int ms = deadline_left(until);

	return (struct timeval){ ms / 1000, ms % 1000 * 1000 + (ms == 0) };
}

/* ---- what went wrong ---- */

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

int connection_failed(const struct connection *c, const char *what, int result, const char *diagnostic, struct error *err)
{
	char *own = NULL;

	if (!diagnostic && c->ld && ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &own) == LDAP_OPT_SUCCESS)
		diagnostic = own;
	error_set(err, is_mistake(result) ? E_CONFIG : E_TEMP, "%s: %s: %s%s%s%s", c->uri, what, ldap_err2string(result),
		  diagnostic && *diagnostic ? " (" : "", diagnostic && *diagnostic ? diagnostic : "",
		  diagnostic && *diagnostic ? ")" : "");
	ldap_memfree(own);
	return err->code;
}

/* ---- before it is opened ---- */

/* libldap watches its clock between answers only: a server that says nothing while TLS begins, or a byte now and then, would keep it
 * in read(2).  So below TLS there is a layer that waits no longer than until the deadline. */
static bool wait_for(Sockbuf_IO_Desc *layer, short event)
{
	const struct connection *c = layer->sbiod_pvt;
	struct pollfd p = { .events = event };
	int n;

	ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &p.fd);
	do
		n = poll(&p, 1, deadline_left(c->until));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

static bool would_block(ber_slen_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static ber_slen_t timed_read(Sockbuf_IO_Desc *layer, void *p, ber_len_t n)
{
	ber_slen_t done;

	do
		done = LBER_SBIOD_READ_NEXT(layer, p, n);
	while (would_block(done) && wait_for(layer, POLLIN));
	return done;
}

static ber_slen_t timed_write(Sockbuf_IO_Desc *layer, void *p, ber_len_t n)
{
	ber_slen_t done;

	do
		done = LBER_SBIOD_WRITE_NEXT(layer, p, n);
	while (would_block(done) && wait_for(layer, POLLOUT));
	return done;
}

static int timed_setup(Sockbuf_IO_Desc *layer, void *connection)
{
	layer->sbiod_pvt = connection;
	return 0;
}

static int timed_ctrl(Sockbuf_IO_Desc *layer, int option, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(layer, option, arg);
}

static Sockbuf_IO timed = { .sbi_setup = timed_setup, .sbi_ctrl = timed_ctrl, .sbi_read = timed_read, .sbi_write = timed_write };

enum { BELOW_TLS = LBER_SBIOD_LEVEL_PROVIDER + 1 };

static int on_added(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *self)
{
	struct connection *c = self->lc_arg;
	ber_len_t most = c->options->answer_limit;

	(void)ld;
	(void)server;
	(void)address;
	ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most); /* nor may it make us buy memory */
	if (!ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_NONBLOCK, sb))
		return -1;
	return ber_sockbuf_add_io(sb, &timed, BELOW_TLS, c);
}

static void on_deleted(LDAP *ld, Sockbuf *sb, struct ldap_conncb *self)
{
	(void)ld;
	(void)sb;
	(void)self;
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
	    ldap_set_option(ld, LDAP_OPT_REFERRALS, c->options->referrals ? LDAP_OPT_ON : LDAP_OPT_OFF))
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
		return error_set(err, E_CONFIG, "%s: TLS cannot be set up; are tls_ca_file (%s), tls_certificate and tls_key there and in PEM?",
				 c->uri, o->tls_ca_file);
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
	connection_failed(c, "StartTLS", result, NULL, err);
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
	return result == LDAP_SUCCESS ? 0 : connection_failed(c, "bind", result, NULL, err);
}

/* As whom TLS or the socket says: one step, without a library of mechanisms (RFC 4422 appendix A). */
static int bind_external(struct connection *c, struct error *err)
{
	char nobody[] = "";
	struct berval credentials = { 0, nobody }, *answer = NULL;
	int result = ldap_sasl_bind_s(c->ld, NULL, "EXTERNAL", &credentials, NULL, NULL, &answer);

	ber_bvfree(answer);
	return result == LDAP_SUCCESS ? 0 : connection_failed(c, "SASL EXTERNAL", result, NULL, err);
}

int connection_open(struct connection *c, const struct directory_options *o, const char *uri, deadline until, struct error *err)
{
	bool safe = !span_casestarts(span_of(uri), "ldapi://") && (o->starttls || span_casestarts(span_of(uri), "ldaps://"));
	int result, rc = 0;

	until = deadline_earlier(until, deadline_in((int64_t)o->connect_timeout));
	*c = (struct connection){ NULL, uri, { NULL, NULL, NULL }, until, o };
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
			rc = connection_failed(c, "connect", result, NULL, err);
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
}
