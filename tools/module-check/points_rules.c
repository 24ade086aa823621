/* points_rules.c - "Role rules" of postern-modules(7); postern's own code reads the answers */
#include <string.h>

#include "module-check/check.h"

#define RECIPIENTS_AT_ONCE 200

static struct decide_request question(const char *const *recipients, size_t n)
{
	return (struct decide_request){ .direction = "outgoing", .sender = "a@example.org", .from = "a@example.org",
					.client = "192.0.2.1", .subject = "Offer", .recipients = recipients, .n = n };
}

/* Every recipient has one decision, all words are known: ask_decide() takes nothing else. */
static enum outcome decides(struct checker *c, const struct decide_request *q)
{
	struct decision *decisions;
	struct error err = { 0 };
	struct modules m;
	int rc;

	if (!ask_begin(c, &m, NULL))
		return FAILED;
	rc = ask_decide(&m, &c->arena, q, &decisions, &err);
	return ask_end(c, &m, rc, &err);
}

static enum outcome one_recipient(struct checker *c)
{
	const char *const recipients[] = { "nobody@check.invalid" };
	struct decide_request q = question(recipients, 1);

	return decides(c, &q);
}

static enum outcome many_recipients(struct checker *c)
{
	const char **recipients = arena_array(&c->arena, RECIPIENTS_AT_ONCE, sizeof(*recipients));
	struct decide_request q = question(recipients, RECIPIENTS_AT_ONCE);

	for (int i = 0; i < RECIPIENTS_AT_ONCE; i++)
		recipients[i] = arena_printf(&c->arena, "user%d@department%d.check.invalid", i, i % 7);
	return decides(c, &q);
}

static enum outcome odd_recipients(struct checker *c)
{
	static const char *const recipients[] = {
		"o&o@check.invalid", "o'neil@check.invalid", "\"a b\"@check.invalid", "a<b@check.invalid", "$(x)`y`@check.invalid",
		"\xc3\xa4@check.invalid", "a*b?c[d]@check.invalid", "a@[192.0.2.1]", "UPPER@CHECK.INVALID",
	};
	struct decide_request q = question(recipients, sizeof(recipients) / sizeof(*recipients));

	return decides(c, &q);
}

static enum outcome incoming_and_notifications(struct checker *c)
{
	static const char *const recipients[] = { "user@example.org" };
	struct decide_request q = question(recipients, 1);

	q.direction = "incoming";
	q.sender = "";
	q.from = "";
	q.subject = "\xe2\x82\xac 1 & <2> \"3\"";
	q.is_signed = q.is_encrypted = true;
	return decides(c, &q);
}

static enum outcome same_decision_twice(struct checker *c)
{
	const char *const recipients[] = { "nobody@check.invalid" };
	struct decide_request q = question(recipients, 1);
	struct decision *first = NULL, *second = NULL;
	struct error err = { 0 };
	struct modules m;
	enum outcome o;
	int rc;

	if (!ask_begin(c, &m, NULL))
		return FAILED;
	rc = ask_decide(&m, &c->arena, &q, &first, &err);
	if (rc == 0)
		rc = ask_decide(&m, &c->arena, &q, &second, &err);
	o = ask_end(c, &m, rc, &err);
	if (o == PASSED && (first->sign != second->sign || first->encrypt != second->encrypt))
		return failed(c, "the same question was decided in two ways");
	return o;
}

static enum outcome tells_of_its_rules(struct checker *c)
{
	struct rules_problem *problems;
	struct error err = { 0 };
	struct modules m;
	size_t n;
	int rc;

	if (lacks(c, "check-rules"))
		return NOT_ASKED;
	if (!ask_begin(c, &m, NULL))
		return FAILED;
	rc = ask_check_rules(&m, &c->arena, &problems, &n, &err);
	return ask_end(c, &m, rc, &err);
}

#define RULES (1u << ROLE_RULES)

static const struct point points[] = {
	{ "decide", "one recipient has one decision, every word of it known", MUST, one_recipient, RULES },
	{ "decide", "200 recipients in one request", MUST, many_recipients, RULES },
	{ "decide", "addresses with quotes, blanks, letters that are not ASCII come back as they were", MUST, odd_recipients, RULES },
	{ "decide", "incoming, without a sender, signed and encrypted, a subject with marks of XML", MUST, incoming_and_notifications, RULES },
	{ "decide", "the same question has the same answer", MUST, same_decision_twice, RULES },
	{ "check-rules", "problems have a severity and a source", MUST, tells_of_its_rules, RULES },
};

const struct chapter chapter_rules = { points, sizeof(points) / sizeof(*points) };
