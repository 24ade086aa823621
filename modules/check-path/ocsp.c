/* ocsp.c - what OCSP responders say of a certificate: stapled, kept from before, or asked now
 *
 * What the caller brought along is looked at first, then the cache on disk (common/ocsp_cache.h), which postern-refresh(8) fills ahead
 * of time: a stapled answer was chosen by whom it favours, so a later revocation that we know of ourselves beats it.  A responder is asked now only where the operator wants that, and for all questions of a message together no
 * longer than check_path_budget.  Whatever goes wrong is no answer, and what becomes of that is the policy's to say.
 */
#include "check-path/ocsp.h"

#include <openssl/x509v3.h>
#include <unistd.h>

#include "common/ocsp_answer.h"
#include "common/ocsp_cache.h"
#include "lib/log.h"

struct consultation {
	struct checking *k;
	X509 *x, *issuer;
	struct ocsp_memory *memory;
	struct revocation_answer *out;
	enum revocation_status status;  /* the best so far: *out */
	struct buf nonce;
	char *file;                     /* in the cache; NULL: there is none */
};

void ocsp_forget(struct ocsp_memory *m)
{
	while (m && m->silent) {
		struct silent *s = m->silent;

		m->silent = s->next;
		free(s->url);
		free(s);
	}
	free(m);
}

/* ---- whether an answer counts ---- */

/* The rules for every certificate of a path hold for a delegated responder's, too. */
static bool signer_is_good(void *ctx, X509 *signer)
{
	struct checking *k = ctx;
	struct judgement before = k->judgement;
	bool good = policy_structure(k, signer) && policy_key(k, signer) && policy_hash(k, signer);

	k->judgement = before;
	return good;
}

static bool hash_is_good(void *ctx, int digest)
{
	return !strength_hash_problem(ctx, digest);
}

/* true: a current answer; *c->out is it, and nobody else needs to be asked. */
static bool consider(struct consultation *c, struct span der, const char *source)
{
	static const enum revocation_status statuses[] = {
		[OCSP_GOOD] = REVOCATION_GOOD, [OCSP_REVOKED] = REVOCATION_REVOKED, [OCSP_UNKNOWN] = REVOCATION_UNKNOWN,
	};
	const struct check_policy *p = c->k->checker->policy;
	struct ocsp_rules rules = {
		.now = time(NULL), .time = c->k->request->time, .skew = (int64_t)p->ocsp_skew / 1000, .age = (int64_t)p->ocsp_age / 1000,
		.nocheck = p->ocsp_nocheck, .nonce = span_from(buf_str(&c->nonce), c->nonce.len),
		.nonce_required = p->ocsp_nonce == CHECK_NONCE_REQUIRE, .signer_is_good = signer_is_good,
		.hash_is_good = hash_is_good, .ctx = c->k,
	};
	struct revocation_answer a = REVOCATION_ANSWER_INIT;
	struct error why = { 0 };
	struct ocsp_answer got;

	if (ocsp_answer_read(der, c->x, c->issuer, &rules, &got, &why) < 0) {
		if (c->status == REVOCATION_NO_ANSWER)
			c->out->text = arena_printf(c->k->arena, "the OCSP answer of %s cannot be used: %s", source, why.text);
		return false;
	}
	a.source = source;
	a.number = arena_strdup(c->k->arena, got.responder);
	a.produced = (time_t)got.produced;
	a.next = (time_t)got.next;
	a.revoked_at = (time_t)got.revoked_at;
	a.reason = got.reason;
	a.stale = got.late > 0;
	if (a.stale)
		a.text = arena_printf(c->k->arena, "OCSP answer of %s is out of date", source);
	else if (got.status == OCSP_UNKNOWN)
		a.text = arena_printf(c->k->arena, "the responder %s does not know the certificate", source);
	if (c->status == REVOCATION_NO_ANSWER || c->out->stale || got.status == OCSP_REVOKED) {
		*c->out = a;
		c->status = statuses[got.status];
	}
	return !a.stale || got.status == OCSP_REVOKED;
}

/* ---- where answers come from ---- */

static bool stapled(struct consultation *c)
{
	const struct check_request *r = c->k->request;
	bool known = false;

	for (size_t i = 0; i < r->nocsp && i < CHECK_STAPLED_MAX && c->status != REVOCATION_REVOKED; i++)
		if (ocsp_is_about(r->ocsp[i], c->x, c->issuer))
			known |= consider(c, r->ocsp[i], "an OCSP answer that was brought along");
	return known;
}

static bool have_cache(struct consultation *c)
{
	const struct config *config = c->k->checker->config;
	struct ocsp_memory *m = c->memory;

	if (!m->looked && config) {
		m->looked = true;
		m->cache = access(arena_printf(c->k->arena, "%s/ocsp", config->spool), X_OK) == 0;
	}
	return m->cache;
}

static void name_file(struct consultation *c)
{
	char hex[DIGEST_HEX + 1];

	if (c->file || !c->k->checker->config)
		return;
	ocsp_cache_key(c->x, c->issuer, hex);
	c->file = ocsp_cache_path(c->k->arena, c->k->checker->config->spool, hex);
}

static bool cached(struct consultation *c)
{
	struct buf bytes = BUF_INIT;
	struct ocsp_cached kept;
	struct error why = { 0 };
	bool good = false;
	int rc;

	if (!have_cache(c))
		return false;
	name_file(c);
	rc = ocsp_cache_read(c->file, &bytes, &kept, &why);
	if (rc == 0)
		good = consider(c, kept.answer, kept.url.n ? arena_strndup(c->k->arena, kept.url.p, kept.url.n) : c->file);
	else if (rc != E_NOTFOUND)
		log_warning("%s", why.text);
	buf_release(&bytes);
	return good;
}

/* The first address of a responder in the certificate; NULL: it names none. */
static char *responder_of(struct consultation *c)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(c->x);
	char *url = NULL;

	for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !url; i++)
		if (span_casestarts(span_of(sk_OPENSSL_STRING_value(urls, i)), "http"))
			url = arena_strdup(c->k->arena, sk_OPENSSL_STRING_value(urls, i));
	X509_email_free(urls);
	return url;
}

static bool was_silent(const struct ocsp_memory *m, const char *url)
{
	for (const struct silent *s = m->silent; s; s = s->next)
		if (strcmp(s->url, url) == 0)
			return true;
	return false;
}

static void note_silence(struct ocsp_memory *m, const char *url)
{
	struct silent *s = mem_alloc(sizeof(*s));

	s->url = mem_strdup(url);
	s->next = m->silent;
	m->silent = s;
}

/* What is left of the budget, and of the message's time. */
static int64_t time_left(const struct consultation *c)
{
	int64_t budget = (int64_t)c->k->checker->policy->budget - c->memory->spent;
	int left = deadline_left(c->k->request->until);

	return budget < left ? budget : left;
}

static void explain(struct consultation *c, const char *url, const char *why)
{
	if (c->status == REVOCATION_NO_ANSWER)
		c->out->text = arena_printf(c->k->arena, "the responder %s was not heard: %s", url, why);
}

/* The answer of the responder, if it is one, goes to the cache for others. */
static void keep(struct consultation *c, const char *url, const struct buf *answer)
{
	struct error why = { 0 };

	name_file(c);
	if (c->file && ocsp_cache_write(c->file, time(NULL), url, span_from(answer->data, answer->len), &why) < 0)
		log_warning("%s", why.text);
}

static bool ask_responder(struct consultation *c, const char *url)
{
	const struct check_policy *p = c->k->checker->policy;
	struct buf request = BUF_INIT, answer = BUF_INIT;
	int64_t left = time_left(c);
	deadline began = deadline_in(0);
	struct error why = { 0 };
	bool good = false;
	int rc = ocsp_request(c->x, c->issuer, NID_sha1, p->ocsp_nonce != CHECK_NONCE_NO, &request, &c->nonce, &why);

	if (rc == 0)
		rc = ocsp_ask(c->k->checker->config, url, span_from(request.data, request.len), left, &answer, &why);
	c->memory->spent += deadline_in(0) - began;
	if (rc == 0) {
		good = consider(c, span_from(buf_str(&answer), answer.len), url);
		if (good)
			keep(c, url, &answer);
	} else {
		note_silence(c->memory, url);
		explain(c, url, why.text);
	}
	buf_release(&request);
	buf_release(&answer);
	buf_release(&c->nonce);
	return good;
}

static bool live(struct consultation *c)
{
	char *url;

	if (c->k->checker->policy->ocsp != CHECK_OCSP_LIVE || !c->k->request->until || !c->k->checker->config)
		return false;
	url = responder_of(c);
	if (!url)
		return false;
	if (was_silent(c->memory, url))
		explain(c, url, "it did not answer a moment ago");
	else if (time_left(c) <= 0)
		explain(c, url, "check_path_budget is spent");
	else
		return ask_responder(c, url);
	return false;
}

enum revocation_status ocsp_consult(struct checking *k, X509 *x, X509 *issuer, bool known, struct revocation_answer *out)
{
	struct consultation c = { .k = k, .x = x, .issuer = issuer, .out = out, .status = REVOCATION_NO_ANSWER };

	*out = (struct revocation_answer)REVOCATION_ANSWER_INIT;
	if (k->checker->policy->ocsp == CHECK_OCSP_NO)
		return REVOCATION_NO_ANSWER;
	if (!k->checker->ocsp)
		k->checker->ocsp = mem_alloc(sizeof(*k->checker->ocsp));
	c.memory = k->checker->ocsp;
	known |= stapled(&c);
	if (c.status != REVOCATION_REVOKED)
		known |= cached(&c);
	if (!known)
		live(&c);
	if (c.status != REVOCATION_NO_ANSWER)
		revocation_add_evidence(k, "ocsp", out, x);
	return c.status;
}
