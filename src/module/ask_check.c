/* ask_check.c - may this certificate be used?  The question "check-certificate" of postern-modules(7)
 *
 * Several certificates are asked for at once: the module works while we still write.
 */
#include <stdio.h>
#include <string.h>

#include "module/ask.h"
#include "module/parts.h"

#define WORD_MAX 64

static const char *const verdict_words[] = {
	[VERDICT_VALID] = "valid",
	[VERDICT_INVALID] = "invalid",
	[VERDICT_UNKNOWN] = "unknown",
	NULL,
};

const char *verdict_name(enum verdict v)
{
	return verdict_words[v];
}

/* A question and what of the candidates may go along: the other certificates of a message are as many as its sender
 * likes, and what is no certificate of the path is not needed. */
struct question {
	const struct check_question *q;
	size_t room; /* bytes of base64 for all certificates and what is stapled */
};

static size_t encoded_size(size_t n, const char *around)
{
	return (n + 2) / 3 * 4 + strlen(around);
}

static void put_stapled(struct xml_writer *w, const char *kind, const struct span *list, size_t n, size_t *left)
{
	for (size_t i = 0; i < n; i++) {
		size_t size = encoded_size(list[i].n, "<stapled kind=\"ocsp\"></stapled>");

		if (size > *left)
			continue;
		*left -= size;
		xml_open(w, "stapled");
		xml_put(w, "kind", kind);
		xml_put_binary(w, list[i].p, list[i].n);
		xml_close(w);
	}
}

static int write_check(struct xml_writer *w, void *arg)
{
	const struct question *k = arg;
	size_t left = k->room;
	int rc;

	xml_put(w, "purpose", k->q->purpose);
	request_put_time(w, "time", k->q->when);
	xml_put(w, "address", k->q->address);
	xml_put(w, "digest", k->q->digest);
	rc = request_certificate(w, "certificate", k->q->certificate);
	for (int i = 0; rc == 0 && i < sk_X509_num(k->q->candidates); i++) {
		X509 *c = sk_X509_value(k->q->candidates, i);
		int n = i2d_X509(c, NULL);
		size_t size = n > 0 ? encoded_size((size_t)n, "<candidate></candidate>") : 0;

		if (!size || size > left)
			continue;
		left -= size;
		rc = request_certificate(w, "candidate", c);
	}
	put_stapled(w, "ocsp", k->q->ocsp, k->q->nocsp, &left);
	put_stapled(w, "crl", k->q->crls, k->q->ncrls, &left);
	return rc;
}

static bool is_reason(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && n <= WORD_MAX && !s[n];
}

static int read_verdict(const struct answer *n, const struct xml *result, struct check_result *out)
{
	static const char *const attributes[] = { "value", "reason", NULL };
	static const char *const children[] = { NULL };
	struct buf text = BUF_INIT;
	const struct xml *e;
	struct span line;
	int verdict;

	*out = (struct check_result){ .verdict = VERDICT_UNKNOWN, .reason = "", .text = "" };
	if (answer_only(n, result, "verdict", &e) < 0 || answer_closed(n, e, attributes, children) < 0 ||
	    answer_word(n, e, "value", verdict_words, &verdict) < 0)
		return E_TEMP;
	if (verdict == VERDICT_VALID && *xml_attr_or(e, "reason", ""))
		return answer_wrong(n, "valid, with the reason \"%s\"", xml_attr(e, "reason"));
	if (verdict != VERDICT_VALID && !is_reason(xml_attr_or(e, "reason", "")))
		return answer_wrong(n, "%s without a reason (a word like \"expired\")", verdict_words[verdict]);
	xml_text(e, &text);
	line = span_trim(span_from(text.data, text.len));
	out->verdict = (enum verdict)verdict;
	out->reason = answer_copy(n, e, "reason");
	out->text = arena_strndup(n->a, line.n ? line.p : "", line.n);
	buf_release(&text);
	return 0;
}

int ask_checks(struct modules *m, struct arena *a, const struct check_question *questions, size_t n,
	       struct check_result *out, struct error *err)
{
	struct question *list = arena_array(a, n + 1, sizeof(*list));
	struct xml_document **answers = arena_array(a, n + 1, sizeof(*answers));
	const char **names = arena_array(a, n + 1, sizeof(*names));
	void **args = arena_array(a, n + 1, sizeof(*args));
	int rc;

	for (size_t i = 0; i < n; i++) {
		list[i] = (struct question){ .q = &questions[i], .room = (size_t)m->config->frame_limit / 2 };
		args[i] = &list[i];
		out[i] = (struct check_result){ .verdict = VERDICT_UNKNOWN, .reason = "", .text = "" };
	}
	rc = modules_ask_many(m, ROLE_CHECK, "check-certificate", write_check, args, n, answers, names, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct answer r = { .m = m, .a = a, .module = names[i], .operation = "check-certificate", .err = err };

		rc = answers[i] ? read_verdict(&r, xml_root(answers[i]), &out[i])
				: error_set(err, E_TEMP, "check-certificate: no check module has a verdict");
	}
	for (size_t i = 0; i < n; i++)
		xml_free(answers[i]);
	return rc;
}

int ask_check(struct modules *m, struct arena *a, X509 *certificate, STACK_OF(X509) *candidates, const char *purpose,
	      time_t when, const char *address, struct check_result *out, struct error *err)
{
	const struct check_question q = { .certificate = certificate, .candidates = candidates, .purpose = purpose, .when = when,
					  .address = address };

	return ask_checks(m, a, &q, 1, out, err);
}
