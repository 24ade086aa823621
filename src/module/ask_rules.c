/* ask_rules.c - what is to be done for each recipient: the questions "decide" and "check-rules" of postern-modules(7)
 *
 * What decides about encryption is read strictly: every recipient exactly once, every word known.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "module/ask.h"
#include "module/parts.h"

#define RECIPIENTS_AT_ONCE ((size_t)200) /* with long reasons, still far below a frame */

/* One request of the whole. */
struct chunk {
	const struct decide_request *q;
	const char *from, *subject;
	size_t first, n;
	struct decision *decisions; /* of the whole; recipient is set when it was decided */
};

static int write_decide(struct xml_writer *w, void *arg)
{
	const struct chunk *c = arg;

	xml_put(w, "direction", c->q->direction);
	xml_put(w, "sender", c->q->sender);
	xml_put(w, "from", c->from);
	xml_put(w, "client", c->q->client);
	xml_put(w, "subject", c->subject);
	xml_put(w, "signed", c->q->is_signed ? "yes" : "no");
	xml_put(w, "encrypted", c->q->is_encrypted ? "yes" : "no");
	for (size_t i = c->first; i < c->first + c->n; i++) {
		xml_open(w, "recipient");
		xml_put(w, "address", c->q->recipients[i]);
		xml_close(w);
	}
	return 0;
}

static const char *read_because(const struct answer *n, const struct xml *e)
{
	struct buf text = BUF_INIT;
	const char *copy;

	for (const struct xml *b = xml_first(e, "because"); b; b = xml_next(b, "because")) {
		if (text.len)
			buf_addstr(&text, ", ");
		buf_addstr(&text, xml_attr_or(b, "source", "?"));
	}
	copy = arena_strdup(n->a, buf_str(&text));
	buf_release(&text);
	return copy;
}

/* The last of the lines that has the address in it. */
static const char *who_names(const struct answer *n, const struct xml *decision, const char *address)
{
	const char *source = "";

	for (const struct xml *e = xml_first(decision, "because"); e; e = xml_next(e, "because")) {
		struct buf text = BUF_INIT;

		xml_text(e, &text);
		if (strcasestr(buf_str(&text), address))
			source = answer_copy(n, e, "source");
		buf_release(&text);
	}
	return source;
}

static int read_decision(const struct answer *n, const struct xml *e, struct decision *d)
{
	static const char *const attributes[] = { "recipient", "sign", "sign-as", "encrypt", "profile", "strip", "block-signed",
		"block-encrypted", "via", "reject", NULL };
	static const char *const children[] = { "because", NULL };
	static const char *const sign_words[] = { "NS", "SIP", "FS", NULL };
	static const char *const encrypt_words[] = { "NE", "EIP", "FE", NULL };
	struct error why = { 0 };
	int sign, encrypt;

	if (answer_closed(n, e, attributes, children) < 0 || answer_word(n, e, "sign", sign_words, &sign) < 0 ||
	    answer_word(n, e, "encrypt", encrypt_words, &encrypt) < 0 || answer_yes_no(n, e, "strip", &d->strip) < 0 ||
	    answer_yes_no(n, e, "block-signed", &d->block_signed) < 0 ||
	    answer_yes_no(n, e, "block-encrypted", &d->block_encrypted) < 0)
		return E_TEMP;
	d->sign = (enum sign_word)sign;
	d->encrypt = (enum encrypt_word)encrypt;
	d->sign_as = answer_copy(n, e, "sign-as");
	if (*d->sign_as && address_check(d->sign_as, &why) < 0)
		return answer_wrong(n, "sign-as=\"%s\": %s", d->sign_as, why.text);
	d->profile = answer_copy(n, e, "profile");
	d->via = answer_copy(n, e, "via");
	d->reject = xml_attr(e, "reject") ? answer_copy(n, e, "reject") : NULL;
	d->because = read_because(n, e);
	d->sign_because = *d->sign_as ? who_names(n, e, d->sign_as) : "";
	return 0;
}

/* The place of the decision: answers mostly keep the order, so the search begins behind the last one. */
static struct decision *find_place(const struct chunk *c, const char *recipient, size_t *hint)
{
	for (size_t k = 0; k < c->n; k++) {
		size_t i = c->first + (*hint + k) % c->n;

		if (!c->decisions[i].recipient && strcmp(c->q->recipients[i], recipient) == 0) {
			*hint = i - c->first + 1;
			return &c->decisions[i];
		}
	}
	return NULL;
}

static int read_decisions(const struct answer *n, const struct xml *result, struct chunk *c)
{
	size_t hint = 0;

	for (const struct xml *e = xml_first(result, "decision"); e; e = xml_next(e, "decision")) {
		const char *recipient = xml_attr_or(e, "recipient", "");
		struct decision *d = find_place(c, recipient, &hint);

		if (!d)
			return answer_wrong(n, "a decision for \"%s\", who was not asked for or is decided already", recipient);
		if (read_decision(n, e, d) < 0)
			return E_TEMP;
		d->recipient = arena_strdup(n->a, recipient);
	}
	for (size_t i = c->first; i < c->first + c->n; i++)
		if (!c->decisions[i].recipient)
			return answer_wrong(n, "no decision for \"%s\"", c->q->recipients[i]);
	return 0;
}

static int take_answers(struct modules *m, struct arena *a, struct chunk *chunks, size_t n, struct xml_document **answers,
			const char **names, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct answer r = { .m = m, .a = a, .module = names[i], .operation = "decide", .err = err };

		if (!answers[i])
			return error_set(err, E_TEMP, "decide: no rules module decided");
		if (read_decisions(&r, xml_root(answers[i]), &chunks[i]) < 0)
			return E_TEMP;
	}
	return 0;
}

int ask_decide(struct modules *m, struct arena *a, const struct decide_request *q, struct decision **decisions,
	       struct error *err)
{
	size_t n = (q->n + RECIPIENTS_AT_ONCE - 1) / RECIPIENTS_AT_ONCE;
	struct chunk *chunks = arena_array(a, n + 1, sizeof(*chunks));
	struct xml_document **answers = arena_array(a, n + 1, sizeof(*answers));
	const char **names = arena_array(a, n + 1, sizeof(*names));
	void **args = arena_array(a, n + 1, sizeof(*args));
	const char *from = request_text(a, q->from), *subject = request_text(a, q->subject);
	struct decision *places = arena_array(a, q->n + 1, sizeof(*places));
	int rc;

	*decisions = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t first = i * RECIPIENTS_AT_ONCE, left = q->n - first;

		chunks[i] = (struct chunk){ .q = q, .from = from, .subject = subject, .first = first,
			.n = left < RECIPIENTS_AT_ONCE ? left : RECIPIENTS_AT_ONCE, .decisions = places };
		args[i] = &chunks[i];
	}
	rc = modules_ask_many(m, ROLE_RULES, "decide", write_decide, args, n, answers, names, err);
	if (rc == 0)
		rc = take_answers(m, a, chunks, n, answers, names, err);
	for (size_t i = 0; i < n; i++)
		xml_free(answers[i]);
	if (rc == 0)
		*decisions = places;
	return rc;
}

/* ---- check-rules ---- */

struct review {
	struct buf found; /* of struct rules_problem */
};

static int write_nothing(struct xml_writer *w, void *arg)
{
	(void)w;
	(void)arg;
	return 0;
}

static int read_problems(const struct answer *n, const struct xml *result, struct review *v)
{
	static const char *const severities[] = { "warning", "error", NULL };

	for (const struct xml *e = xml_first(result, "problem"); e; e = xml_next(e, "problem")) {
		struct rules_problem p = { .module = arena_strdup(n->a, n->module), .source = answer_copy(n, e, "source") };
		struct buf text = BUF_INIT;
		int severity;

		if (answer_word(n, e, "severity", severities, &severity) < 0)
			return E_TEMP;
		xml_text(e, &text);
		p.text = arena_strdup(n->a, buf_str(&text));
		p.error = severity == 1;
		buf_release(&text);
		buf_add(&v->found, &p, sizeof(p));
	}
	return 0;
}

static int review_with(struct modules *m, struct arena *a, struct module *p, struct review *v, struct error *err)
{
	struct answer n = { .m = m, .a = a, .module = p->name, .operation = "check-rules", .err = err };
	struct xml_document *doc;
	int rc = module_ask_this(m, p, "check-rules", write_nothing, NULL, &doc, err);

	if (rc == 0)
		rc = read_problems(&n, xml_root(doc), v);
	xml_free(doc);
	return rc == MODULE_UNKNOWN_OPERATION || rc == E_NOTFOUND ? 0 : rc;
}

int ask_check_rules(struct modules *m, struct arena *a, struct rules_problem **problems, size_t *n, struct error *err)
{
	struct review v = { .found = BUF_INIT };
	int rc = 0;

	*problems = NULL;
	*n = 0;
	for (size_t i = 0; i < m->n && rc == 0; i++)
		if (m->items[i].role == ROLE_RULES)
			rc = review_with(m, a, &m->items[i], &v, err);
	if (rc == 0 && v.found.len) {
		*problems = arena_memdup(a, v.found.data, v.found.len);
		*n = v.found.len / sizeof(**problems);
	}
	buf_release(&v.found);
	return rc;
}
