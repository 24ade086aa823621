/* speak.c - what points say and hear */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "build.h"
#include "module-check/check.h"
#include "module/parts.h"

#define GRACE 5000 /* milliseconds for a module's end */

enum outcome failed(struct checker *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return FAILED;
}

enum outcome not_asked(struct checker *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	return NOT_ASKED;
}

bool lacks(struct checker *c, const char *operation)
{
	if (!c->operations || word_listed(c->operations, operation))
		return false;
	snprintf(c->why, sizeof(c->why), "it does not know %s, which is allowed", operation);
	return true;
}

/* ---- saying ---- */

const char *role_operations(enum module_role role)
{
	static const char *const operations[MODULE_ROLES] = {
		[ROLE_RULES] = "decide check-rules",
		[ROLE_KEYS] = "find-certificates find-keys sign unwrap agree store-certificate",
		[ROLE_CHECK] = "check-certificate",
	};

	return operations[role];
}

static const char *document_of(struct checker *c, struct xml_writer *w)
{
	struct span document;
	const char *text = xml_finish(w, &document, NULL) < 0 ? "" : arena_strndup(&c->arena, document.p, document.n);

	xml_writer_release(w);
	return text;
}

const char *hello_text(struct checker *c, const char *protocol, const char *role, const char *operations)
{
	struct xml_writer w;

	xml_writer_init(&w);
	xml_open(&w, "hello");
	xml_put(&w, "protocol", protocol);
	xml_put(&w, "role", role);
	xml_put(&w, "postern", PACKAGE_VERSION);
	xml_put(&w, "config", c->config);
	xml_put(&w, "queue-id", "CHECK");
	xml_put(&w, "log-level", "info");
	xml_putf(&w, "deadline", "%d", 10 * c->patience);
	xml_put(&w, "operations", operations);
	xml_close(&w);
	return document_of(c, &w);
}

const char *plain_request(struct checker *c, const char *id, const char *attributes, const char *elements)
{
	static const char *const shapes[MODULE_ROLES] = {
		[ROLE_RULES] = "<decide id=\"%s\" direction=\"outgoing\" sender=\"a@example.org\" from=\"a@example.org\" client=\"127.0.0.1\""
			       " subject=\"x\" signed=\"no\" encrypted=\"no\"%s><recipient address=\"nobody@check.invalid\"/>%s</decide>",
		[ROLE_KEYS] = "<find-certificates id=\"%s\"%s><address>nobody@check.invalid</address>%s</find-certificates>",
		[ROLE_CHECK] = "<check-certificate id=\"%s\" purpose=\"sign\" time=\"2026-11-22T10:00:00Z\" address=\"\"%s>"
			       "<certificate>MAA=</certificate>%s</check-certificate>",
	};
	const char *shape = shapes[c->role];
	struct buf text = BUF_INIT;
	const char *values[] = { id, attributes, elements }, *hole, *copy;

	for (size_t i = 0; i < 3; i++, shape = hole + 2) {
		hole = strstr(shape, "%s");
		buf_add(&text, shape, (size_t)(hole - shape));
		buf_addstr(&text, values[i]);
	}
	buf_addstr(&text, shape);
	copy = arena_strdup(&c->arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

bool open_conversation(struct checker *c, struct conversation *v, const char *operations)
{
	enum heard heard;

	if (!conversation_start(v, c->module, c->patience))
		return failed(c, "%s", v->problem) == PASSED;
	conversation_say(v, hello_text(c, "1.0", module_role_name(c->role), operations ? operations : role_operations(c->role)));
	heard = conversation_hear(v);
	if (heard == HEARD_DOCUMENT && xml_is(xml_root(v->document), "hello")) {
		c->operations = arena_strdup(&c->arena, xml_attr_or(xml_root(v->document), "operations", ""));
		return true;
	}
	if (heard == HEARD_DOCUMENT)
		return failed(c, "instead of <hello> it said <%s>", xml_name(xml_root(v->document))) == PASSED;
	return failed(c, heard == HEARD_END ? "it ended without a <hello>" : "no <hello>: %s", v->problem) == PASSED;
}

/* ---- hearing ---- */

static bool is_word(const char *word)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= 64 && !word[n];
}

/* What each code of the page says about later. */
static const struct {
	const char *code, *kind;
} refusals[] = {
	{ "not-found", "permanent" }, { "unknown-operation", "permanent" }, { "bad-request", "permanent" }, { "no-key", "permanent" },
	{ "limit", "permanent" }, { "passphrase-needed", "temporary" }, { "configuration", "temporary" }, { "temporary", "temporary" },
};

static enum outcome check_refusal(struct checker *c, const struct xml *e)
{
	const char *kind = xml_attr_or(e, "kind", ""), *code = xml_attr_or(e, "code", "");

	if (strcmp(kind, "temporary") != 0 && strcmp(kind, "permanent") != 0)
		return failed(c, "it refused with kind=\"%s\": the kind is temporary or permanent", kind);
	if (!is_word(code))
		return failed(c, "it refused with code=\"%s\": a code is 1 to 64 lower case letters, digits and hyphens", code);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strcmp(code, refusals[i].code) == 0 && strcmp(kind, refusals[i].kind) != 0)
			return failed(c, "it refused with code=\"%s\" as %s: %s is always %s", code, kind, code, refusals[i].kind);
	return PASSED;
}

enum outcome hear_answer(struct checker *c, struct conversation *v, const char *id)
{
	enum heard heard = conversation_hear(v);
	const struct xml *e;

	if (heard == HEARD_END)
		return failed(c, "it ended without an answer");
	if (heard != HEARD_DOCUMENT)
		return failed(c, "no answer: %s", v->problem);
	e = xml_root(v->document);
	if (!xml_is(e, "result") && !xml_is(e, "refused"))
		return failed(c, "it answered with <%s>: an answer is a <result> or a <refused>", xml_name(e));
	if (strcmp(xml_attr_or(e, "id", ""), id) != 0)
		return failed(c, "the answer has id \"%s\", the request \"%s\"", xml_attr_or(e, "id", ""), id);
	return xml_is(e, "refused") ? check_refusal(c, e) : PASSED;
}

enum outcome hear_refusal(struct checker *c, struct conversation *v, const char *id, const char *kind, const char *code)
{
	enum outcome o = hear_answer(c, v, id);
	const struct xml *e;

	if (o != PASSED)
		return o;
	e = xml_root(v->document);
	if (!xml_is(e, "refused"))
		return failed(c, "a <result>, where <refused code=\"%s\"> is due", code);
	if (strcmp(xml_attr_or(e, "code", ""), code) != 0 || (kind && strcmp(xml_attr_or(e, "kind", ""), kind) != 0))
		return failed(c, "refused as %s %s, where%s%s %s is due", xml_attr_or(e, "kind", ""), xml_attr_or(e, "code", ""),
			      kind ? " " : "", kind ? kind : "", code);
	return PASSED;
}

enum outcome hear_the_end(struct checker *c, struct conversation *v)
{
	enum heard heard;
	int status;

	conversation_finish(v);
	heard = conversation_hear(v);
	if (heard == HEARD_DOCUMENT)
		return failed(c, "it said <%s>, which nobody had asked for", xml_name(xml_root(v->document)));
	if (heard == HEARD_JUNK)
		return failed(c, "at the end: %s", v->problem);
	status = conversation_wait(v);
	if (status == -2)
		return failed(c, "%s", v->problem);
	return status == 0 ? PASSED : failed(c, status < 0 ? "a signal ended it" : "it ended with status %d", status);
}

enum outcome hear_no_result(struct checker *c, struct conversation *v)
{
	enum heard heard;

	conversation_finish(v);
	while ((heard = conversation_hear(v)) == HEARD_DOCUMENT)
		if (xml_is(xml_root(v->document), "result"))
			return failed(c, "it answered with a <result>");
	if (heard == HEARD_JUNK)
		return failed(c, "%s", v->problem);
	return conversation_wait(v) == -2 ? failed(c, "%s", v->problem) : PASSED;
}

/* ---- postern's own questions ---- */

bool ask_begin(struct checker *c, struct modules *m, const char *operations)
{
	const char *narrow[MODULE_ROLES] = { NULL };
	struct error err = { 0 };

	narrow[c->role] = operations ? operations : role_operations(c->role);
	if (modules_start(m, c->settings, 1u << c->role, narrow, "CHECK", deadline_in(10 * (int64_t)c->patience), &err) == 0)
		return true;
	return failed(c, "%s", err.text) == PASSED;
}

enum outcome ask_end(struct checker *c, struct modules *m, int rc, const struct error *err)
{
	struct error late = { 0 };
	int quiet = modules_quiet(m, &late);

	modules_log(m);
	modules_stop(m, GRACE);
	if (rc != 0 && rc != E_NOTFOUND)
		return failed(c, "%s", err->text);
	return quiet < 0 ? failed(c, "%s", late.text) : PASSED;
}
