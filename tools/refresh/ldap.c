/* ldap.c - revocation lists and CA certificates out of directories, a process each */
#include "refresh/ldap.h"

#include <errno.h>
#include <fcntl.h>
#include <ldap.h>
#include <netdb.h>
#include <openldap.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fs.h"
#include "refresh/internal.h"

#define VALUES_MAX 16
#define ROOM ((ber_len_t)65536) /* of an answer, beside the values */
#define PIECE 65536

struct ldap_child {
	struct ldap_child *next;
	struct fetch *fetch;
	pid_t pid;       /* 0: it waits for its turn */
	int fd;
	deadline until;
	struct buf head; /* the first byte: what follows it */
	char first;      /* '=' values, one of codes[]: an error's text; 0: nothing yet */
};

static const struct {
	char letter;
	int rc;
} codes[] = { { 'T', E_TEMP }, { 'P', E_PERM }, { 'L', E_LIMIT }, { 'N', E_NOTFOUND } };

/* ---- in the child ---- */

struct question {
	const struct refresh_options *options;
	size_t limit;
	LDAPURLDesc *url;
	LDAP *ld;
	struct error error;
};

static int say_ldap(struct question *q, int code)
{
	int rc = code == LDAP_NO_SUCH_OBJECT ? E_NOTFOUND : E_TEMP;

	return error_set(&q->error, rc, "LDAP: %s", ldap_err2string(code));
}

static int connect_one(struct question *q, const struct addrinfo *a)
{
	char text[NET_TEXT];
	int fd;

	if (!internal_may_connect(&q->options->allow, a->ai_addr, text))
		return error_set(&q->error, E_PERM, "%s is an internal address; see refresh_allow", text);
	fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
	if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	error_set(&q->error, E_TEMP, "%s: %s", text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return E_TEMP;
}

static int connect_any(struct question *q)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	char port[8];
	int fd = E_TEMP;

	snprintf(port, sizeof(port), "%d", q->url->lud_port);
	if (getaddrinfo(q->url->lud_host, port, &hints, &all) != 0)
		return error_set(&q->error, E_TEMP, "its name cannot be resolved");
	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next)
		fd = connect_one(q, a);
	freeaddrinfo(all);
	return fd;
}

static int open_session(struct question *q)
{
	int version = LDAP_VERSION3, fd = connect_any(q), rc;
	ber_len_t most = q->limit + ROOM;
	Sockbuf *sb = NULL;

	if (fd < 0)
		return fd;
	rc = ldap_init_fd(fd, LDAP_PROTO_TCP, ascii_caseeq(q->url->lud_scheme, "ldaps") ? "ldaps:///" : "ldap:///", &q->ld);
	if (rc != LDAP_SUCCESS)
		return say_ldap(q, rc);
	ldap_set_option(q->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(q->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	if (ldap_get_option(q->ld, LDAP_OPT_SOCKBUF, &sb) == 0 && sb)
		ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &most);
	if (ascii_caseeq(q->url->lud_scheme, "ldaps"))
		rc = ldap_install_tls(q->ld);
	return rc == LDAP_SUCCESS ? 0 : say_ldap(q, rc);
}

/* "certificateRevocationList" must be asked for as ;binary (RFC 4523 section 2). */
static void attributes_of(struct arena *arena, char **wanted, const char **out)
{
	static const char *const usual[] = { "certificateRevocationList;binary", "authorityRevocationList;binary",
					     "deltaRevocationList;binary", "cACertificate;binary" };
	size_t n = 0;

	for (size_t i = 0; !wanted && i < sizeof(usual) / sizeof(*usual); i++)
		out[n++] = usual[i];
	for (size_t i = 0; wanted && wanted[i] && n < 8; i++)
		out[n++] = strchr(wanted[i], ';') ? wanted[i] : arena_printf(arena, "%s;binary", wanted[i]);
}

static int give_values(struct question *q, LDAPMessage *entry, const char *attribute, struct buf *out)
{
	struct berval **values = ldap_get_values_len(q->ld, entry, attribute);
	int rc = 0;

	for (size_t i = 0; values && values[i] && i < VALUES_MAX && rc == 0; i++) {
		if (values[i]->bv_len > q->limit - out->len)
			rc = error_set(&q->error, E_LIMIT, "more than %zu bytes", q->limit);
		else
			buf_add(out, values[i]->bv_val, values[i]->bv_len);
	}
	ldap_value_free_len(values);
	return rc;
}

static int search(struct question *q, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	const char *attributes[9] = { NULL };
	LDAPMessage *answer = NULL, *entry;
	int rc;

	attributes_of(&arena, q->url->lud_attrs, attributes);
	rc = ldap_search_ext_s(q->ld, q->url->lud_dn, q->url->lud_scope < 0 ? LDAP_SCOPE_BASE : q->url->lud_scope,
			       q->url->lud_filter, (char **)(uintptr_t)attributes, 0, NULL, NULL, NULL, 2, &answer);
	if (rc != LDAP_SUCCESS && rc != LDAP_SIZELIMIT_EXCEEDED) {
		rc = say_ldap(q, rc);
	} else {
		entry = ldap_first_entry(q->ld, answer);
		rc = 0;
		for (size_t i = 0; entry && attributes[i] && rc == 0; i++)
			rc = give_values(q, entry, attributes[i], out);
		if (rc == 0 && !out->len)
			rc = error_set(&q->error, E_NOTFOUND, "the directory has no such entry or attribute");
	}
	ldap_msgfree(answer);
	arena_release(&arena);
	return rc;
}

static void answer_question(const struct refresh_options *options, const struct fetch *f, int fd)
{
	struct question q = { .options = options, .limit = f->limit ? f->limit : (size_t)options->size_limit };
	struct buf out = BUF_INIT;
	char first = '=';
	int rc = ldap_url_parse(f->url, &q.url) == LDAP_URL_SUCCESS && q.url->lud_host && *q.url->lud_host
		 ? 0 : error_set(&q.error, E_PERM, "is no LDAP address");

	if (rc == 0)
		rc = open_session(&q);
	if (rc == 0)
		rc = search(&q, &out);
	for (size_t i = 0; rc < 0 && i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].rc == rc)
			first = codes[i].letter;
	if (rc < 0) {
		buf_clear(&out);
		buf_addstr(&out, q.error.text);
	}
	if (fs_write_all(fd, &first, 1, NULL) == 0)
		fs_write_all(fd, buf_str(&out), out.len, NULL);
	_exit(0);
}

/* ---- in the parent ---- */

static void begin(struct fetcher *fr, struct ldap_child *c)
{
	pid_t parent = getpid();
	int ends[2];

	c->until = deadline_in((int64_t)fr->options->timeout);
	c->fd = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return; /* it will be late */
	c->pid = fork();
	if (c->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* died before the prctl */
			_exit(75);
		signal(SIGPIPE, SIG_DFL);
		close(ends[0]);
		answer_question(fr->options, c->fetch, ends[1]);
	}
	close(ends[1]);
	c->fd = ends[0];
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void begin_some(struct fetcher *fr)
{
	int running = 0;

	for (const struct ldap_child *c = fr->children; c; c = c->next)
		running += c->pid > 0;
	for (struct ldap_child *c = fr->children; c && running < LDAP_MAX; c = c->next)
		if (!c->pid) {
			begin(fr, c);
			running++;
		}
}

void ldap_start(struct fetcher *fr, struct fetch *f)
{
	struct ldap_child **end = &fr->children, *c = mem_alloc(sizeof(*c));

	c->fetch = f;
	while (*end)
		end = &(*end)->next;
	*end = c;
	fr->active++;
	begin_some(fr);
}

static void end_child(struct fetcher *fr, struct ldap_child *c, int rc)
{
	struct ldap_child **at = &fr->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(c->fd);
	}
	fr->held -= c->fetch->body.len;
	if (rc == 0 && c->first != '=') {
		rc = E_TEMP;
		for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
			if (codes[i].letter == c->first)
				rc = codes[i].rc;
		error_set(&c->fetch->error, rc, "%s", c->first ? buf_str(&c->head) : "the process that asked has died");
	}
	fetch_finish(fr, c->fetch, rc);
	buf_release(&c->head);
	free(c);
}

/* true: the child is dealt with. */
static bool take_some(struct fetcher *fr, struct ldap_child *c)
{
	char bytes[PIECE];
	struct error err = { 0 };
	ssize_t n;

	while ((n = read(c->fd, bytes, sizeof(bytes))) > 0) {
		size_t skip = !c->first;

		if (skip)
			c->first = bytes[0];
		if (c->first != '=' && c->head.len < sizeof(err.text)) {
			buf_add(&c->head, bytes + skip, (size_t)n - skip);
		} else if (!fetch_take(fr, c->fetch, bytes + skip, (size_t)n - skip, &err)) {
			end_child(fr, c, error_set(&c->fetch->error, err.code, "%s", err.text));
			return true;
		}
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	end_child(fr, c, 0);
	return true;
}

void ldap_collect(struct fetcher *fr)
{
	struct ldap_child *next;

	for (struct ldap_child *c = fr->children; c; c = next) {
		next = c->next;
		if (!c->pid || (c->fd >= 0 && take_some(fr, c)) || !deadline_over(c->until))
			continue;
		fr->no_answer = true;
		end_child(fr, c, error_set(&c->fetch->error, E_TEMP, "no answer in %lu ms", (unsigned long)fr->options->timeout));
	}
	begin_some(fr);
}

void ldap_give_up(struct fetcher *fr)
{
	while (fr->children)
		end_child(fr, fr->children, error_set(&fr->children->fetch->error, E_TEMP,
						      "not finished when the run had to end (refresh_deadline)"));
}

unsigned ldap_wait_for(struct fetcher *fr, struct curl_waitfd others[LDAP_MAX])
{
	unsigned n = 0;

	for (const struct ldap_child *c = fr->children; c && n < LDAP_MAX; c = c->next)
		if (c->pid > 0 && c->fd >= 0)
			others[n++] = (struct curl_waitfd){ .fd = c->fd, .events = CURL_WAIT_POLLIN };
	return n;
}
