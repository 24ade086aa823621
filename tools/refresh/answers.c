/* answers.c - OCSP answers ahead of time: into the cache that check-path reads */
#include <openssl/x509v3.h>

#include "common/ocsp_answer.h"
#include "common/ocsp_cache.h"
#include "refresh/run.h"

#define SKEW 300 /* seconds by which clocks may differ */

static X509 *certificate_of(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
}

static int read_answer(struct source *s, struct span der, struct ocsp_answer *a, struct error *err)
{
	const struct run *r = s->run;
	X509 *x = certificate_of(s->certificate), *issuer = certificate_of(s->issuer);
	struct ocsp_rules rules = { .now = r->now, .time = r->now, .skew = SKEW, .age = (int64_t)r->options->interval / 1000,
				    .nonce = s->nonce, .nonce_required = r->options->ocsp_nonce == NONCE_REQUIRE };
	int rc = x && issuer ? ocsp_answer_read(der, x, issuer, &rules, a, err) : error_set(err, E_PERM, "no issuer");

	X509_free(x);
	X509_free(issuer);
	return rc;
}

/* Where it stands, what is asked. */
void answers_prepare(struct source *s)
{
	struct run *r = s->run;
	X509 *x = certificate_of(s->certificate), *issuer = certificate_of(s->issuer);
	struct buf request = BUF_INIT, nonce = BUF_INIT;
	char hex[DIGEST_HEX + 1];

	if (!x || !issuer) {
		if (!s->error.code)
			error_set(&s->error, E_PERM, "the issuer's certificate is not in area ca");
	} else {
		ocsp_cache_key(x, issuer, hex);
		s->file = ocsp_cache_path(&r->arena, r->config->spool, hex);
		if (ocsp_request(x, issuer, r->options->ocsp_hash == HASH_SHA256 ? NID_sha256 : NID_sha1,
				 r->options->ocsp_nonce != NONCE_NO, &request, &nonce, &s->error) == 0) {
			s->request = span_from(arena_memdup(&r->arena, request.data, request.len), request.len);
			s->nonce = span_from(arena_memdup(&r->arena, buf_str(&nonce), nonce.len), nonce.len);
		}
		s->there = answers_look(s);
	}
	buf_release(&request);
	buf_release(&nonce);
	X509_free(x);
	X509_free(issuer);
}

bool answers_look(struct source *s)
{
	struct buf bytes = BUF_INIT;
	struct ocsp_cached cached;
	struct ocsp_answer a;
	struct span nonce = s->nonce;
	bool there;

	s->nonce = span_from("", 0); /* the one of an answer of before is another one */
	there = ocsp_cache_read(s->file, &bytes, &cached, NULL) == 0 && read_answer(s, cached.answer, &a, NULL) == 0;
	s->nonce = nonce;
	if (there) {
		s->this_update = a.produced;
		s->next_update = a.next;
	}
	buf_release(&bytes);
	return there;
}

int answers_take(struct source *s, struct span bytes, const char *url, struct error *err)
{
	struct ocsp_answer a;
	int rc = read_answer(s, bytes, &a, err);

	if (rc == 0 && a.late)
		rc = error_set(err, E_PERM, "an answer that is over");
	if (rc == 0 && s->there && a.produced < s->this_update)
		rc = error_set(err, E_PERM, "older than the answer that is there");
	if (rc == 0 && !s->run->dry)
		rc = ocsp_cache_write(s->file, s->run->now, url, bytes, err);
	if (rc == 0) {
		s->this_update = a.produced;
		s->next_update = a.next;
		s->there = true;
	}
	return rc;
}
