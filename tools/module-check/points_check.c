/* points_check.c - "Role check" of postern-modules(7): who is not known is not valid */
#include <string.h>
#include <time.h>

#include "lib/base64.h"
#include "lib/moment.h"
#include "module-check/check.h"
#include "module-check/stranger.h"

#define CANDIDATES 100

static enum outcome verdict_of(struct checker *c, const struct check_question *q, size_t n, struct check_result *out)
{
	struct error err = { 0 };
	struct modules m;
	int rc;

	if (!ask_begin(c, &m, NULL))
		return FAILED;
	rc = ask_checks(&m, &c->arena, q, n, out, &err);
	return ask_end(c, &m, rc, &err);
}

static enum outcome is_not_valid(struct checker *c, X509 *x, STACK_OF(X509) *candidates, const char *address)
{
	struct check_question q[2] = {
		{ .certificate = x, .candidates = candidates, .purpose = "sign", .when = time(NULL), .address = address },
		{ .certificate = x, .candidates = candidates, .purpose = "encrypt", .when = time(NULL), .address = address },
	};
	struct check_result r[2] = { { 0 }, { 0 } };
	enum outcome o = verdict_of(c, q, 2, r);

	for (int i = 0; i < 2 && o == PASSED; i++)
		if (r[i].verdict == VERDICT_VALID)
			o = failed(c, "it calls it valid to %s", q[i].purpose);
	return o;
}

static enum outcome stranger_is_not_valid(struct checker *c)
{
	X509 *x = stranger();
	enum outcome o = x ? is_not_valid(c, x, NULL, "stranger@check.invalid") : not_asked(c, "no certificate could be made");

	X509_free(x);
	return o;
}

/* Candidates are not to be believed: not even when the certificate is its own issuer among them. */
static enum outcome candidates_prove_nothing(struct checker *c)
{
	STACK_OF(X509) *candidates = sk_X509_new_null();
	X509 *x = stranger();
	enum outcome o;

	for (int i = 0; x && i < CANDIDATES; i++)
		sk_X509_push(candidates, x);
	o = x ? is_not_valid(c, x, candidates, "") : not_asked(c, "no certificate could be made");
	sk_X509_free(candidates);
	X509_free(x);
	return o;
}

/* The sender has chosen what to bring along: it neither proves anything nor hurts. */
static enum outcome stapled_rubbish_is_passed_over(struct checker *c)
{
	const struct span rubbish[] = { span_of("no OCSP answer"), span_of("\x30\x80") };
	X509 *x = stranger();
	struct check_question q = { .certificate = x, .purpose = "sign", .when = time(NULL), .address = "", .digest = "sha256",
				    .ocsp = rubbish, .nocsp = 2, .crls = rubbish, .ncrls = 2 };
	struct check_result r = { 0 };
	enum outcome o = x ? verdict_of(c, &q, 1, &r) : not_asked(c, "no certificate could be made");

	X509_free(x);
	return o == PASSED && r.verdict == VERDICT_VALID ? failed(c, "it calls it valid") : o;
}

static enum outcome rubbish_is_not_valid(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (open_conversation(c, &v, NULL)) {
		conversation_say(&v, plain_request(c, "1", "", ""));
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED && xml_is(xml_root(v.document), "result")) {
		const struct xml *verdict = xml_first(xml_root(v.document), "verdict");

		if (!verdict)
			o = failed(c, "a <result> without <verdict>");
		else if (strcmp(xml_attr_or(verdict, "value", ""), "valid") == 0)
			o = failed(c, "it calls two bytes a valid certificate");
	} else if (o == PASSED && strcmp(xml_attr_or(xml_root(v.document), "kind", ""), "permanent") != 0) {
		o = failed(c, "refused for now: the message would come again and again");
	}
	conversation_end(&v);
	return o;
}

static enum outcome good_is_valid(struct checker *c)
{
	struct check_question q = { .certificate = c->good, .purpose = "sign", .when = time(NULL), .address = "" };
	struct check_result r = { 0 };
	enum outcome o;

	if (!c->good)
		return not_asked(c, "-good tells which certificate it should take");
	o = verdict_of(c, &q, 1, &r);
	return o == PASSED && r.verdict != VERDICT_VALID ? failed(c, "%s, %s: %.200s", verdict_name(r.verdict), r.reason, r.text) : o;
}

/* A <verdict value="valid"> for the base64 with white space in it. */
static enum outcome good_in_lines_is_valid(struct checker *c)
{
	struct conversation v;
	struct buf text = BUF_INIT;
	unsigned char *der = NULL;
	char now[MOMENT_TEXT];
	enum outcome o = FAILED;
	int n;

	if (!c->good)
		return not_asked(c, "-good tells which certificate it should take");
	n = i2d_X509(c->good, &der);
	moment_text(time(NULL), now);
	base64_encode(&text, der, n > 0 ? (size_t)n : 0, 64, "\n\t ");
	if (open_conversation(c, &v, NULL)) {
		conversation_say(&v, arena_printf(&c->arena, "<check-certificate id=\"1\" purpose=\"sign\" time=\"%s\" address=\"\">\n"
						  "<certificate>\n%s\n</certificate></check-certificate>", now, buf_str(&text)));
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED && strcmp(xml_attr_or(xml_first(xml_root(v.document), "verdict"), "value", ""), "valid") != 0)
		o = failed(c, "it does not call it valid");
	conversation_end(&v);
	OPENSSL_free(der);
	buf_release(&text);
	return o;
}

static enum outcome good_is_not_everybodys(struct checker *c)
{
	return c->good ? is_not_valid(c, c->good, NULL, "nobody@check.invalid")
		       : not_asked(c, "-good tells which certificate it should take");
}

static enum outcome bad_is_not_valid(struct checker *c)
{
	return c->bad ? is_not_valid(c, c->bad, NULL, "") : not_asked(c, "-bad tells which certificate it should not take");
}

#define CHECK (1u << ROLE_CHECK)

static const struct point points[] = {
	{ "check-certificate", "a stranger who signed for himself is not valid", MUST, stranger_is_not_valid, CHECK },
	{ "check-certificate", "100 candidates prove nothing", MUST, candidates_prove_nothing, CHECK },
	{ "check-certificate", "what is stapled and cannot be read is passed over", MUST, stapled_rubbish_is_passed_over, CHECK },
	{ "check-certificate", "what is no certificate is not valid, and no reason to try again", MUST, rubbish_is_not_valid, CHECK },
	{ "check-certificate", "a good certificate is valid", MUST, good_is_valid, CHECK },
	{ "check-certificate", "it is, too, where its base64 has white space in it", SHOULD, good_in_lines_is_valid, CHECK },
	{ "check-certificate", "a good certificate is not valid for another address", SHOULD, good_is_not_everybodys, CHECK },
	{ "check-certificate", "a bad certificate is not valid", MUST, bad_is_not_valid, CHECK },
};

const struct chapter chapter_check = { points, sizeof(points) / sizeof(*points) };
