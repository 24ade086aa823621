/* points_start.c - "How a module is started", "The handshake", "The log" of postern-modules(7) */
#include <string.h>

#include "lib/address.h"
#include "module-check/check.h"
#include "module/parts.h"

static enum outcome says_hello(struct checker *c)
{
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? PASSED : FAILED;

	conversation_end(&v);
	return o;
}

static bool is_operation_list(const char *list)
{
	struct span rest = span_of(list);

	while (rest.n) {
		ptrdiff_t blank = span_find(rest, ' ');
		size_t n = blank < 0 ? rest.n : (size_t)blank;

		if (!n || n == rest.n - 1 || !ascii_alpha((unsigned char)*rest.p))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!ascii_digit((unsigned char)rest.p[i]) && rest.p[i] != '-' && !(rest.p[i] >= 'a' && rest.p[i] <= 'z'))
				return false;
		rest = span_sub(rest, n + 1, rest.n);
	}
	return true;
}

static enum outcome check_hello(struct checker *c, const struct xml *hello)
{
	const char *protocol = xml_attr_or(hello, "protocol", "");
	uint64_t minor;

	if (strncmp(protocol, "1.", 2) != 0 || !span_number(span_of(protocol + 2), 999, &minor))
		return failed(c, "protocol=\"%s\" is not 1.0 or a later 1.x", protocol);
	if (strcmp(xml_attr_or(hello, "role", ""), module_role_name(c->role)) != 0)
		return failed(c, "role=\"%s\", asked to be %s", xml_attr_or(hello, "role", ""), module_role_name(c->role));
	if (!*xml_attr_or(hello, "name", ""))
		return failed(c, "it does not say its name");
	if (!xml_attr(hello, "version"))
		return failed(c, "it does not say its version");
	if (!xml_attr(hello, "operations") || !is_operation_list(xml_attr(hello, "operations")))
		return failed(c, "operations=\"%s\": names with one blank between", xml_attr_or(hello, "operations", ""));
	return PASSED;
}

static enum outcome hello_is_good(struct checker *c)
{
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? check_hello(c, xml_root(v.document)) : FAILED;

	conversation_end(&v);
	return o;
}

static enum outcome knows_one_of(struct checker *c, const char *known)
{
	char one[40];

	for (const char *p = role_operations(c->role); *p; p += strlen(one), p += *p == ' ') {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(p, " "), p);
		if (word_listed(known, one))
			return PASSED;
	}
	return failed(c, "of %s it knows none; its operations are \"%s\"", role_operations(c->role), known);
}

static enum outcome knows_something(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (open_conversation(c, &v, NULL))
		o = knows_one_of(c, xml_attr_or(xml_root(v.document), "operations", ""));
	conversation_end(&v);
	return o;
}

static enum outcome ends_with_its_input(struct checker *c)
{
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? hear_the_end(c, &v) : FAILED;

	conversation_end(&v);
	return o;
}

static enum outcome ends_without_hello(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (!conversation_start(&v, c->module, c->patience))
		failed(c, "%s", v.problem);
	else
		o = conversation_wait(&v) == -2 ? failed(c, "%s", v.problem) : PASSED;
	conversation_end(&v);
	return o;
}

static enum outcome leaves_nothing(struct checker *c)
{
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? hear_the_end(c, &v) : FAILED;

	if (o == PASSED && conversation_left_something(&v))
		o = failed(c, "processes of its group went on after its end");
	conversation_end(&v);
	return o;
}

static enum outcome wrong_hello(struct checker *c, const char *protocol, const char *role)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (!conversation_start(&v, c->module, c->patience)) {
		failed(c, "%s", v.problem);
	} else {
		conversation_say(&v, hello_text(c, protocol, role, role_operations(c->role)));
		conversation_say(&v, plain_request(c, "1", "", ""));
		o = hear_no_result(c, &v);
	}
	conversation_end(&v);
	return o;
}

static enum outcome refuses_another_version(struct checker *c)
{
	return wrong_hello(c, "2.0", module_role_name(c->role));
}

static enum outcome refuses_another_role(struct checker *c)
{
	return wrong_hello(c, "1.0", module_role_name((enum module_role)((c->role + 1) % MODULE_ROLES)));
}

/* Of a version that has learnt something. */
static const char *later_hello(struct checker *c)
{
	const char *hello = hello_text(c, "1.7", module_role_name(c->role), role_operations(c->role));

	return arena_printf(&c->arena, "<hello check-of-unknown=\"x\"%s", hello + strlen("<hello"));
}

/* Behind one that fails here most others fail as well, so this is said first. */
static enum outcome answers(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (open_conversation(c, &v, NULL)) {
		conversation_say(&v, plain_request(c, "1", "", ""));
		o = hear_answer(c, &v, "1");
	}
	conversation_end(&v);
	return o;
}

/* "Properly answers with a temporary refusal", where it needs one. */
static enum outcome lives_without_configuration(struct checker *c)
{
	const char *config = c->config;
	enum outcome o;

	c->config = "/nonexistent/postern-module-check.conf";
	o = answers(c);
	c->config = config;
	return o;
}

static enum outcome accepts_a_later_minor(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (conversation_start(&v, c->module, c->patience)) {
		conversation_say(&v, later_hello(c));
		conversation_say(&v, plain_request(c, "1", "", ""));
		if (conversation_hear(&v) == HEARD_DOCUMENT && xml_is(xml_root(v.document), "hello"))
			o = hear_answer(c, &v, "1");
		else
			failed(c, "no <hello>: %s", v.problem);
	}
	conversation_end(&v);
	return o;
}

static enum outcome logs_little(struct checker *c)
{
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? PASSED : FAILED;

	if (o == PASSED) {
		conversation_say(&v, plain_request(c, "1", "", ""));
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED)
		o = hear_the_end(c, &v);
	if (o == PASSED && v.log_lines > MODULE_LOG_LINES)
		o = failed(c, "%zu lines for one question; %d are logged for a message", v.log_lines, MODULE_LOG_LINES);
	if (o == PASSED && v.log_longest > MODULE_LOG_LINE)
		o = failed(c, "a line of %zu bytes; %d are logged", v.log_longest, MODULE_LOG_LINE);
	if (o == PASSED && !utf8_valid(span_from(buf_str(&v.log), v.log.len)))
		o = failed(c, "not UTF-8");
	conversation_end(&v);
	return o;
}

static const struct point points[] = {
	{ "start", "says hello when it is spoken to", MUST, says_hello, EVERY_ROLE },
	{ "start", "its hello has protocol, role, name, version and operations", MUST, hello_is_good, EVERY_ROLE },
	{ "start", "knows an operation of its role", MUST, knows_something, EVERY_ROLE },
	{ "start", "answers a request with a result or a refusal", MUST, answers, EVERY_ROLE },
	{ "start", "does not work for another major version", MUST, refuses_another_version, EVERY_ROLE },
	{ "start", "does not work in another role", MUST, refuses_another_role, EVERY_ROLE },
	{ "start", "works with a later minor version, and ignores what that has added to the hello", MUST, accepts_a_later_minor, EVERY_ROLE },
	{ "start", "answers all the same where its configuration cannot be read", SHOULD, lives_without_configuration, EVERY_ROLE },
	{ "end", "ends with status 0 at the end of its input, and says nothing unasked", MUST, ends_with_its_input, EVERY_ROLE },
	{ "end", "ends where its input ends before any hello", MUST, ends_without_hello, EVERY_ROLE },
	{ "end", "leaves no process behind", SHOULD, leaves_nothing, EVERY_ROLE },
	{ "log", "few lines, none too long, UTF-8", SHOULD, logs_little, EVERY_ROLE },
};

const struct chapter chapter_start = { points, sizeof(points) / sizeof(*points) };
