/* issuers.c - missing intermediates by AIA (RFC 5280 section 4.2.2.1): taken in only when they lead to an anchor
 *
 * Never an anchor themselves: in area ca whatever is self-signed would be one.  A certificate whose own issuer is missing, too,
 * waits in memory while that one is fetched.
 */
#include <openssl/x509v3.h>

#include "common/certfile.h"
#include "lib/digest.h"
#include "refresh/place.h"
#include "refresh/run.h"

#define WAITING_MAX 200
#define DEPTH_MAX 10
#define OBJECTS_MAX 50 /* of one file */

/* Not in place yet. */
struct waiting {
	X509 *items[WAITING_MAX];
	size_t n;
};

/* Process-wide: one run is all a process does. */
static struct waiting waiting;

static bool may_issue(X509 *x)
{
	return X509_check_ca(x) == 1 && X509_get_key_usage(x) & KU_KEY_CERT_SIGN &&
	       !(X509_get_extension_flags(x) & (EXFLAG_INVALID | EXFLAG_CRITICAL));
}

/* "" if x may wait to be put in place, else why not. */
static const char *problem_of(struct run *r, X509 *x, struct span wanted)
{
	const unsigned char *p = (const unsigned char *)wanted.p;
	X509_NAME *name = wanted.n ? d2i_X509_NAME(NULL, &p, (long)wanted.n) : NULL;
	bool fits = !name || X509_NAME_cmp(name, X509_get_subject_name(x)) == 0;
	time_t now = (time_t)r->now;

	X509_NAME_free(name);
	if (!fits)
		return "a certificate of another name than the issuer's";
	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0)
		return "a self-signed certificate: only the operator makes anchors";
	if (!may_issue(x))
		return "a certificate that must not issue others";
	if (X509_cmp_time(X509_get0_notBefore(x), &now) > 0 || X509_cmp_time(X509_get0_notAfter(x), &now) < 0)
		return "a certificate that is not valid now";
	return waiting.n == WAITING_MAX ? "one too many: too many issuers are missing" : "";
}

static bool is_waiting(const X509 *x)
{
	for (size_t i = 0; i < waiting.n; i++)
		if (X509_cmp(waiting.items[i], x) == 0)
			return true;
	return false;
}

static void wait_with(struct run *r, X509 *x, struct span der)
{
	if (is_waiting(x) || !X509_up_ref(x))
		return;
	waiting.items[waiting.n++] = x;
	sources_of_certificate(r, der); /* its issuer may be missing, too; and it has a list of its own */
}

static X509 *certificate_of(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

int issuers_take(struct source *s, struct span bytes, struct error *err)
{
	struct error why = { 0 };
	struct certfile f;
	const char *problem = "nothing in it is a certificate";
	size_t good = 0;
	int rc = certfile_read(bytes, NULL, &f, &why);

	for (size_t i = 0; rc == 0 && i < f.n && i < OBJECTS_MAX; i++) {
		X509 *x = f.items[i].type == CERTFILE_CERTIFICATE ? certificate_of(f.items[i].der) : NULL;
		const char *here = x ? problem_of(s->run, x, s->wanted) : problem;

		if (!*here) {
			wait_with(s->run, x, f.items[i].der);
			good++;
		} else {
			problem = here;
		}
		X509_free(x);
	}
	certfile_release(&f);
	if (rc < 0)
		return error_set(err, E_PERM, "not a certificate: %s", why.text);
	return good ? 0 : error_set(err, E_PERM, "%s", problem);
}

/* ---- leading to an anchor ---- */

/* The certificates above x, by name, from area ca and from those that wait: self-signed ones of the area into anchors. */
static void gather(struct run *r, const X509 *x, STACK_OF(X509) *others, X509_STORE *anchors, int depth)
{
	struct error err = { 0 };
	STACK_OF(X509) *found;

	if (depth == DEPTH_MAX || sk_X509_num(others) > WAITING_MAX)
		return;
	signers_find(r, X509_get_issuer_name(x), &found, &err);
	for (int i = 0; i < sk_X509_num(found); i++) {
		X509 *above = sk_X509_value(found, i);

		if (X509_get_extension_flags(above) & EXFLAG_SS) {
			X509_STORE_add_cert(anchors, above);
		} else if (X509_up_ref(above)) {
			sk_X509_push(others, above);
			gather(r, above, others, anchors, depth + 1);
		}
	}
	for (size_t i = 0; i < waiting.n; i++)
		if (X509_NAME_cmp(X509_get_subject_name(waiting.items[i]), X509_get_issuer_name(x)) == 0 &&
		    X509_up_ref(waiting.items[i])) {
			sk_X509_push(others, waiting.items[i]);
			gather(r, waiting.items[i], others, anchors, depth + 1);
		}
	sk_X509_pop_free(found, X509_free);
}

static bool leads_to_anchor(struct run *r, X509 *x)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509_STORE *anchors = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool good = false;

	if (others && anchors && ctx) {
		gather(r, x, others, anchors, 0);
		good = X509_STORE_CTX_init(ctx, anchors, x, others) == 1 && X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(anchors);
	sk_X509_pop_free(others, X509_free);
	return good;
}

static void put(struct run *r, X509 *x)
{
	struct error err = { 0 };
	struct arena arena = ARENA_INIT;
	unsigned char *der = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;
	int n = i2d_X509(x, &der);
	bool good = n > 0;

	if (good) {
		digest_init(&d);
		digest_add(&d, der, (size_t)n);
		digest_hex(&d, hex);
		good = r->dry || place_file(arena_printf(&arena, "%s/ca/" PLACE_FOLDER "/%.32s.cer", r->config->areas, hex),
					    span_from(der, (size_t)n), 0644, &err) == 0;
	}
	if (!good)
		run_complain(r, "an intermediate certificate", err.text);
	OPENSSL_free(der);
	arena_release(&arena);
}

size_t issuers_settle(struct run *r)
{
	struct waiting left = { .n = 0 }, done = { .n = 0 };

	for (size_t i = 0; i < waiting.n; i++) {
		X509 *x = waiting.items[i];
		struct waiting *to = leads_to_anchor(r, x) ? &done : &left;

		to->items[to->n++] = x;
	}
	waiting = left;
	for (size_t i = 0; i < done.n; i++) {
		put(r, done.items[i]);
		X509_free(done.items[i]);
	}
	if (done.n)
		signers_forget(r);
	return done.n;
}

void issuers_end(struct run *r)
{
	char name[300];

	for (size_t i = 0; i < waiting.n; i++) {
		X509_NAME_oneline(X509_get_subject_name(waiting.items[i]), name, sizeof(name));
		run_complain(r, arena_strdup(&r->arena, name), "leads to no anchor in area ca: not taken in");
		X509_free(waiting.items[i]);
	}
	waiting.n = 0;
}
