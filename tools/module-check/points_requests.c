/* points_requests.c - "Requests and answers" of postern-modules(7) */
#include <stdio.h>
#include <string.h>

#include "module-check/check.h"

#define AT_ONCE 20

static enum outcome many_at_once(struct checker *c)
{
	struct buf frames = BUF_INIT;
	struct conversation v;
	enum outcome o = FAILED;

	for (int i = 0; i < AT_ONCE; i++)
		frame_append(&frames, span_of(plain_request(c, arena_printf(&c->arena, "%d", 7 * i + 1), "", "")));
	if (open_conversation(c, &v, NULL)) {
		conversation_write(&v, span_from(frames.data, frames.len));
		o = PASSED;
		for (int i = 0; i < AT_ONCE && o == PASSED; i++)
			o = hear_answer(c, &v, arena_printf(&c->arena, "%d", 7 * i + 1));
	}
	if (o == PASSED)
		o = hear_the_end(c, &v);
	conversation_end(&v);
	buf_release(&frames);
	return o;
}

/* Says document, hears that refusal, and then that the conversation goes on. */
static enum outcome refused_as(struct checker *c, const char *operations, const char *document, const char *kind, const char *code)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (open_conversation(c, &v, operations)) {
		conversation_say(&v, document);
		o = hear_refusal(c, &v, "1", kind, code);
	}
	if (o == PASSED) {
		conversation_say(&v, document);
		o = hear_refusal(c, &v, "1", kind, code);
	}
	if (o == PASSED)
		o = hear_the_end(c, &v);
	conversation_end(&v);
	return o;
}

static enum outcome unknown_operation(struct checker *c)
{
	return refused_as(c, arena_printf(&c->arena, "%s check-of-unknown", role_operations(c->role)),
			  "<check-of-unknown id=\"1\"/>", "permanent", "unknown-operation");
}

static enum outcome narrowed(struct checker *c)
{
	return refused_as(c, "", plain_request(c, "1", "", ""), NULL, "narrowed");
}

static enum outcome may_not_sign(struct checker *c)
{
	if (lacks(c, "sign"))
		return NOT_ASKED;
	return refused_as(c, "find-certificates find-keys unwrap agree",
			  "<sign id=\"1\" key=\"k\" mechanism=\"ecdsa\" digest=\"sha256\">AAAA</sign>", NULL, "narrowed");
}

static enum outcome makes_no_sense(struct checker *c)
{
	static const char *const empty[MODULE_ROLES] = {
		[ROLE_RULES] = "<decide id=\"1\"/>", [ROLE_KEYS] = "<find-certificates id=\"1\"/>",
		[ROLE_CHECK] = "<check-certificate id=\"1\"/>",
	};

	return refused_as(c, NULL, empty[c->role], "permanent", "bad-request");
}

static enum outcome any_id(struct checker *c)
{
	static const struct {
		const char *written, *read;
	} ids[] = {
		{ "4294967295", "4294967295" }, { "a b", "a b" }, { "&amp;&lt;&quot;", "&<\"" }, { "\xc3\xa4", "\xc3\xa4" },
	};
	struct conversation v;
	enum outcome o = open_conversation(c, &v, NULL) ? PASSED : FAILED;

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids) && o == PASSED; i++) {
		conversation_say(&v, plain_request(c, ids[i].written, "", ""));
		o = hear_answer(c, &v, ids[i].read);
	}
	conversation_end(&v);
	return o;
}

/* Two messages at the same moment are two processes of one module. */
static enum outcome two_at_a_time(struct checker *c)
{
	struct conversation a, b;
	enum outcome o = FAILED;
	bool first = open_conversation(c, &a, NULL), second = open_conversation(c, &b, NULL);

	if (first && second) {
		conversation_say(&b, plain_request(c, "2", "", ""));
		o = hear_answer(c, &b, "2");
	}
	if (o == PASSED) {
		conversation_say(&a, plain_request(c, "1", "", ""));
		o = hear_answer(c, &a, "1");
	}
	conversation_end(&a);
	conversation_end(&b);
	return o;
}

static const struct point points[] = {
	{ "requests", "many requests without waiting: each is answered once, in their order", MUST, many_at_once, EVERY_ROLE },
	{ "requests", "an unknown operation is refused as that, and the conversation goes on", MUST, unknown_operation, EVERY_ROLE },
	{ "requests", "an operation that is not of this conversation is refused", MUST, narrowed, EVERY_ROLE },
	{ "requests", "a conversation about incoming mail cannot sign", MUST, may_not_sign, 1u << ROLE_KEYS },
	{ "requests", "a request without content is refused for good", SHOULD, makes_no_sense, EVERY_ROLE },
	{ "requests", "any id comes back as it was", SHOULD, any_id, EVERY_ROLE },
	{ "requests", "two conversations at a time", MUST, two_at_a_time, EVERY_ROLE },
};

const struct chapter chapter_requests = { points, sizeof(points) / sizeof(*points) };
