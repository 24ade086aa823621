/* converse.c - questions and answers over a module's pipes
 *
 * Writing and reading go on at the same time: a module may fill its output while we still write, and neither side
 * waits for the other.  Every wait is bounded by module_timeout and the message's deadline.  There is one way to be
 * right, and everything else breaks the module for the rest of the message: what it might mean by a strange
 * answer is nobody's guess.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "module/parts.h"

/* Questions to one module that are on their way together. */
struct exchange {
	struct modules *m;
	struct module *p;
	const char *operation;
	struct buf out;           /* the requests as frames */
	size_t written;
	bool logs;                /* this process reads the modules' log */
	bool answered;            /* only what goes along is to be written yet */
	unsigned first_id;
	deadline until;           /* of the next answer */
	bool by_message;          /* it is the message's deadline, not module_timeout */
};

bool module_lists(const char *list, const char *word)
{
	struct span rest = span_of(list);

	while (rest.n) {
		ptrdiff_t blank = span_find(rest, ' ');
		size_t n = blank < 0 ? rest.n : (size_t)blank;

		if (span_eqstr(span_sub(rest, 0, n), word))
			return true;
		rest = span_sub(rest, n + 1, rest.n);
	}
	return false;
}

/* The module is of no further use: said once, remembered, killed.  (Where this process may not kill, the one that
 * started it will.) */
static int break_module(struct module *p, const char *operation, const char *reason, struct error *err)
{
	error_set(&p->why, E_TEMP, "module %s: %s: %s", p->name, operation, reason);
	p->broken = true;
	p->killed = true;
	log_error("%s", p->why.text);
	if (p->pid > 0)
		kill(-p->pid, SIGKILL);
	return error_set(err, E_TEMP, "%s", p->why.text);
}

static int broke(struct exchange *x, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int broke(struct exchange *x, struct error *err, const char *fmt, ...)
{
	char reason[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return break_module(x->p, x->operation, reason, err);
}

static void restart_clock(struct exchange *x)
{
	deadline mine = deadline_in((int64_t)x->m->config->module_timeout);

	x->until = deadline_earlier(mine, x->m->until);
	x->by_message = x->m->until <= mine;
}

static int late(struct exchange *x, struct error *err)
{
	uint64_t ms = x->m->config->module_timeout;

	if (x->by_message)
		return broke(x, err, "no answer before the message's deadline");
	if (ms % 1000)
		return broke(x, err, "no answer within %llums", (unsigned long long)ms);
	return broke(x, err, "no answer within %llus", (unsigned long long)ms / 1000);
}

/* ---- bytes ---- */

static int write_some(struct exchange *x, struct error *err)
{
	ssize_t n = write(x->p->to, x->out.data + x->written, x->out.len - x->written);

	if (n >= 0)
		x->written += (size_t)n;
	else if (errno == EPIPE)
		return broke(x, err, "it has ended or closed its input");
	else if (errno != EAGAIN && errno != EINTR)
		return broke(x, err, "write: %s", strerror(errno));
	return 0;
}

static int read_some(struct exchange *x, struct error *err)
{
	struct error why = { 0 };
	int rc = frame_fill(&x->p->in, &why);

	if (rc == E_NOTFOUND)
		return broke(x, err, "it has ended or closed its output without an answer");
	return rc < 0 ? broke(x, err, "%s", why.text) : 0;
}

/* One wait and what it brought: bytes out, bytes in, and the log where that is ours to read. */
static int pump(struct exchange *x, struct error *err)
{
	struct pollfd p[2 + 16] = { { .fd = x->p->from, .events = POLLIN } };
	nfds_t n = 1;
	nfds_t logs = 0;
	int ready;

	if (x->written < x->out.len) {
		if (write_some(x, err) < 0)
			return E_TEMP;
		if (x->answered && x->written == x->out.len)
			return 0;
		if (x->written < x->out.len)
			p[n++] = (struct pollfd){ .fd = x->p->to, .events = POLLOUT };
	}
	if (x->logs)
		logs = modules_log_poll(x->m, p + n, 16);
	ready = poll(p, n + logs, deadline_left(x->until));
	if (ready < 0 && errno != EINTR)
		return broke(x, err, "poll: %s", strerror(errno));
	if (ready == 0)
		return late(x, err);
	for (nfds_t i = 0; i < logs; i++)
		if (p[n + i].revents) {
			modules_log(x->m);
			break;
		}
	return p[0].revents ? read_some(x, err) : deadline_over(x->until) ? late(x, err) : 0;
}

static int next_document(struct exchange *x, struct xml_document **doc, struct error *err)
{
	struct error why = { 0 };
	struct span bytes;

	*doc = NULL;
	restart_clock(x);
	for (;;) {
		int rc = frame_next(&x->p->in, &bytes, &why);

		if (rc > 0)
			break;
		if (rc < 0)
			return broke(x, err, "%s", why.text);
		if (pump(x, err) < 0)
			return E_TEMP;
	}
	return xml_parse(bytes, doc, &why) < 0 ? broke(x, err, "%s", why.text) : 0;
}

/* ---- the handshake ---- */

/* "1.0", "1.17": the same major version is another way of saying the same. */
static bool speaks_our_version(const char *version)
{
	struct span v = span_of(version);
	ptrdiff_t dot = span_find(v, '.');
	uint64_t major, minor;

	return dot > 0 && span_number(span_sub(v, 0, (size_t)dot), 1000, &major) &&
	       span_number(span_sub(v, (size_t)dot + 1, v.n), 1000, &minor) && major == 1;
}

static int check_hello(struct exchange *x, const struct xml *hello, struct error *err)
{
	const char *role = module_role_name(x->p->role);

	if (!xml_is(hello, "hello"))
		return broke(x, err, "its first word is <%s>, not <hello>", xml_name(hello));
	if (!speaks_our_version(xml_attr_or(hello, "protocol", "")))
		return broke(x, err, "it speaks protocol version \"%s\", postern 1.1", xml_attr_or(hello, "protocol", ""));
	if (strcmp(xml_attr_or(hello, "role", ""), role) != 0)
		return broke(x, err, "its role is \"%s\", wanted \"%s\"", xml_attr_or(hello, "role", ""), role);
	if (!xml_attr(hello, "operations"))
		return broke(x, err, "its <hello> names no operations");
	return 0;
}

static int greet(struct modules *m, struct module *p, struct error *err)
{
	struct exchange x = { .m = m, .p = p, .operation = "hello", .logs = getpid() == m->owner };
	struct xml_document *doc = NULL;
	int rc = next_document(&x, &doc, err);

	if (rc == 0)
		rc = check_hello(&x, xml_root(doc), err);
	if (rc == 0) {
		p->operations = arena_strdup(&m->arena, xml_attr(xml_root(doc), "operations"));
		p->greeted = true;
		log_debug("module %s: %s %s, protocol %s", p->name, xml_attr_or(xml_root(doc), "name", "?"),
			  xml_attr_or(xml_root(doc), "version", "?"), xml_attr(xml_root(doc), "protocol"));
	}
	xml_free(doc);
	return rc;
}

/* Ready to be asked for the operation? */
static int make_ready(struct modules *m, struct module *p, const char *operation, struct error *err)
{
	int rc = 0;

	if (!module_lists(m->narrow[p->role], operation))
		return error_set(err, E_TEMP, "module %s: %s: not an operation of this conversation (%s)", p->name, operation,
				 *m->narrow[p->role] ? m->narrow[p->role] : "none");
	if (p->broken)
		return error_set(err, E_TEMP, "%s", p->why.text);
	if (!p->greeted)
		rc = greet(m, p, err);
	if (rc == 0 && !module_lists(p->operations, operation))
		rc = error_set(err, MODULE_UNKNOWN_OPERATION, "module %s: %s: it does not know this operation", p->name,
			       operation);
	return rc;
}

/* ---- requests ---- */

static int add_request(struct exchange *x, module_writer *write, void *arg, struct error *err)
{
	struct xml_writer w;
	struct span document;
	int rc;

	xml_writer_init(&w);
	xml_open(&w, x->operation);
	xml_putf(&w, "id", "%u", x->p->next_id);
	rc = write(&w, arg);
	if (rc < 0) {
		error_set(err, rc, "module %s: %s: the request could not be written", x->p->name, x->operation);
		goto out;
	}
	xml_close(&w);
	rc = xml_finish(&w, &document, err);
	if (rc == 0 && document.n > x->m->config->frame_limit)
		rc = error_set(err, E_LIMIT, "the request has %zu bytes, frame_limit is %llu", document.n,
			       (unsigned long long)x->m->config->frame_limit);
	if (rc < 0) {
		error_prefix(err, "module %s: %s", x->p->name, x->operation);
		goto out;
	}
	frame_append(&x->out, document);
	x->p->next_id++;
out:
	xml_writer_release(&w);
	return rc;
}

/* ---- answers ---- */

/* A refusal as a code of ours.  kind decides what becomes of the mail, so nothing but its two words is understood. */
static int read_refusal(struct exchange *x, const struct xml *refused, struct error *err)
{
	const char *kind = xml_attr_or(refused, "kind", "");
	static const char code_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *code = xml_attr_or(refused, "code", "");
	bool permanent = strcmp(kind, "permanent") == 0;
	struct buf text = BUF_INIT;
	int rc;

	if (!permanent && strcmp(kind, "temporary") != 0)
		return broke(x, err, "refused with kind \"%s\"", kind);
	if (!*code)
		return broke(x, err, "refused without a code");
	if (strspn(code, code_characters) != strlen(code))
		return broke(x, err, "refused with a code that is no word");
	if (permanent && strcmp(code, "not-found") == 0)
		rc = E_NOTFOUND;
	else if (permanent && strcmp(code, "unknown-operation") == 0)
		rc = MODULE_UNKNOWN_OPERATION;
	else if (!permanent && strcmp(code, "passphrase-needed") == 0 && x->p->role == ROLE_KEYS)
		rc = E_LOCKED;
	else
		rc = permanent && strcmp(code, "narrowed") != 0 ? E_PERM : E_TEMP;
	xml_text(refused, &text);
	error_set(err, rc, "module %s: %s: %s (%s)", x->p->name, x->operation, text.len ? text.data : "refused", code);
	buf_release(&text);
	return rc;
}

/* 0 and *answer, or what the refusal means; *err. */
static int next_answer(struct exchange *x, unsigned id, struct xml_document **answer, struct error *err)
{
	struct xml_document *doc;
	char wanted[16];
	int rc = next_document(x, &doc, err);

	if (rc < 0)
		return rc;
	snprintf(wanted, sizeof(wanted), "%u", id);
	if (!xml_is(xml_root(doc), "result") && !xml_is(xml_root(doc), "refused"))
		rc = broke(x, err, "answered with <%s>", xml_name(xml_root(doc)));
	else if (strcmp(xml_attr_or(xml_root(doc), "id", ""), wanted) != 0)
		rc = broke(x, err, "answered request \"%s\", asked was %s", xml_attr_or(xml_root(doc), "id", ""), wanted);
	else if (xml_is(xml_root(doc), "refused"))
		rc = read_refusal(x, xml_root(doc), err);
	if (rc == 0)
		*answer = doc;
	else
		xml_free(doc);
	return rc;
}

/* Reads all answers, so that the next question finds the pipe empty; the first failure that is not "not found" counts.
 * Where several were asked, those answered already keep their answer. */
static int read_answers(struct exchange *x, const size_t *open, size_t nopen, struct xml_document **answers,
			const char **names, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < nopen && !x->p->broken; i++) {
		struct error why = { 0 };
		int one = next_answer(x, x->first_id + (unsigned)i, &answers[open[i]], &why);

		if (one == 0 && names)
			names[open[i]] = x->p->name;
		if (one < 0 && (x->p->broken || (one != E_NOTFOUND && rc == 0)))
			rc = error_set(err, one, "%s", why.text);
	}
	if (!x->p->broken && !frame_idle(&x->p->in))
		rc = broke(x, err, "it said more than it was asked");
	frame_drop(&x->p->in); /* it may have been a secret */
	return rc;
}

/* Asks one module the questions in open.  0: each was answered, or has no answer because nothing was found. */
static int ask_module(struct modules *m, struct module *p, const char *operation, module_writer *write, void *const *args,
		      const size_t *open, size_t nopen, struct xml_document **answers, const char **names,
		      struct error *err)
{
	struct exchange x = { .m = m, .p = p, .operation = operation, .first_id = p->next_id, .logs = getpid() == m->owner };
	int rc = make_ready(m, p, operation, err);

	for (size_t i = 0; i < nopen && rc == 0; i++)
		rc = add_request(&x, write, args[open[i]], err);
	if (rc == 0)
		rc = read_answers(&x, open, nopen, answers, names, err);
	else
		p->next_id = x.first_id; /* nothing was sent */
	buf_wipe(&x.out);
	return rc;
}

static size_t still_open(struct xml_document **answers, size_t n, size_t *open)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!answers[i])
			open[k++] = i;
	return k;
}

static void drop_answers(struct xml_document **answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xml_free(answers[i]);
		answers[i] = NULL;
	}
}

int modules_ask_many(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *const *args,
		     size_t n, struct xml_document **answers, const char **names, struct error *err)
{
	size_t *open = mem_array(n + 1, sizeof(*open));
	size_t nopen, asked = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		answers[i] = NULL;
		if (names)
			names[i] = NULL;
	}
	nopen = still_open(answers, n, open);
	for (size_t i = 0; i < m->n && nopen && rc == 0; i++) {
		if (m->items[i].role != role)
			continue;
		rc = ask_module(m, &m->items[i], operation, write, args, open, nopen, answers, names, err);
		asked += rc == 0;
		if (rc == MODULE_UNKNOWN_OPERATION)
			rc = 0;
		nopen = still_open(answers, n, open);
	}
	if (rc == 0 && n && !asked)
		rc = error_set(err, E_TEMP, "no %s module that runs knows %s", module_role_name(role), operation);
	if (rc < 0)
		drop_answers(answers, n);
	free(open);
	return rc;
}

int modules_ask(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *arg,
		struct xml_document **answer, const char **module_name, struct error *err)
{
	int rc = modules_ask_many(m, role, operation, write, &arg, 1, answer, module_name, err);

	if (rc == 0 && !*answer)
		return error_set(err, E_NOTFOUND, "%s: no %s module found any", operation, module_role_name(role));
	return rc;
}

/* One program may serve two roles: then the process that may do the operation is meant. */
static struct module *find_module(struct modules *m, const char *name, const char *operation)
{
	struct module *found = NULL;

	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->items[i].name, name) != 0)
			continue;
		if (module_lists(m->narrow[m->items[i].role], operation))
			return &m->items[i];
		found = &m->items[i];
	}
	return found;
}

int module_ask_this(struct modules *m, struct module *p, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err)
{
	const size_t open = 0;
	int rc;

	*answer = NULL;
	rc = ask_module(m, p, operation, write, &arg, &open, 1, answer, NULL, err);
	if (rc == 0 && !*answer)
		return error_set(err, E_NOTFOUND, "module %s: %s: not found", p->name, operation);
	return rc;
}

int modules_ask_one(struct modules *m, const char *module_name, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err)
{
	struct module *p = find_module(m, module_name, operation);
	int rc;

	*answer = NULL;
	if (!p)
		return error_set(err, E_TEMP, "module %s: %s: it is not running", module_name, operation);
	rc = module_ask_this(m, p, operation, write, arg, answer, err);
	return rc == MODULE_UNKNOWN_OPERATION ? error_set(err, E_TEMP, "module %s: %s: it does not know this operation",
							   module_name, operation) : rc;
}

/* ---- the rest ---- */

int modules_greet(struct modules *m, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->n && rc == 0; i++) {
		struct module *p = &m->items[i];

		if (p->broken)
			rc = error_set(err, E_TEMP, "%s", p->why.text);
		else if (!p->greeted)
			rc = greet(m, p, err);
	}
	return rc;
}

int modules_quiet(struct modules *m, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->n && rc == 0; i++) {
		struct exchange x = { .m = m, .p = &m->items[i], .operation = "after the last answer" };

		if (x.p->broken)
			rc = error_set(err, E_TEMP, "%s", x.p->why.text);
		else if (x.p->greeted)
			rc = read_some(&x, err);
		if (rc == 0 && x.p->greeted && !frame_idle(&x.p->in))
			rc = broke(&x, err, "it said more than it was asked");
	}
	return rc;
}

int modules_broken(struct modules *m, const char *module_name, const char *operation, struct error *err, const char *fmt, ...)
{
	struct module *p = find_module(m, module_name, operation);
	char reason[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!p)
		return error_set(err, E_TEMP, "module %s: %s: %s", module_name, operation, reason);
	return break_module(p, operation, reason, err);
}
