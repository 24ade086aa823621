/* path.c - from a certificate to a trust anchor: search, then validation (RFC 5280 section 6)
 *
 * The search is our own, because OpenSSL follows one path only and takes the first issuer that fits: here every
 * path is tried, and a forged namesake of an issuer among the candidates changes nothing.  Each path that reaches an
 * anchor is judged by our rules and then by OpenSSL (validation.c).  Nothing is read but the certificates that a name or
 * a key identifier asks for; the number of steps, paths and signatures looked at is bounded, so that candidates made for
 * the purpose cost no more than milliseconds.
 */
#include <openssl/x509v3.h>
#include <string.h>

#include "check-path/checking.h"

#define PATHS_MAX 64
#define STEPS_MAX 400 /* certificates whose issuers are looked for */

struct search {
	struct checking *k;
	STACK_OF(X509) *path;       /* not owned */
	STACK_OF(X509) *anchors;    /* found so far; references */
	unsigned paths, steps;      /* so far */
	bool namesake;              /* somebody has the name of the issuer that is looked for, but did not sign */
	struct judgement first;     /* why the first path failed */
	struct check_evidence *first_evidence;
	struct check_evidence *before; /* of the check that asks for a CRL's signer */
};

/* ---- one path ---- */

/* Our rules for the issuing certificates; those for the certificate itself were asked before. */
static bool issuers_are_good(struct checking *k, STACK_OF(X509) *path)
{
	int anchor = sk_X509_num(path) - 1;

	for (int i = 1; i < anchor; i++) {
		X509 *x = sk_X509_value(path, i);

		if (!policy_structure(k, x) || !policy_time(k, x) || !policy_ca(k, x) || !policy_key(k, x) ||
		    !policy_hash(k, x))
			return false;
	}
	return !anchor || (policy_time(k, sk_X509_value(path, anchor)) && policy_anchor(k, sk_X509_value(path, anchor)) &&
			   policy_key(k, sk_X509_value(path, anchor)));
}

/* Whether no path through this issuer can be good; nothing is judged. */
static bool is_hopeless(struct checking *k, X509 *x, bool anchor)
{
	struct judgement before = k->judgement;
	bool good = policy_time(k, x) && policy_key(k, x) &&
		    (anchor ? policy_anchor(k, x) : policy_structure(k, x) && policy_ca(k, x) && policy_hash(k, x));

	k->judgement = before;
	return !good;
}

static bool path_is_good(struct checking *k, STACK_OF(X509) *path)
{
	const char *remark;

	if (!issuers_are_good(k, path) || !validation_agrees(k, path) || !constraints_hold(k, path) || !policies_hold(k, path) ||
	    !revocation_check(k, path, &remark))
		return false;
	judge(&k->judgement, k->arena, REASON_NONE, "path of %d certificates to %s%s%s", sk_X509_num(path),
	      subject_text(k->arena, sk_X509_value(path, sk_X509_num(path) - 1)), *remark ? "; " : "", remark);
	return true;
}

/* ---- the search ---- */

/* Keeps the first failure: the path that is tried first is the most likely one. */
static void remember(struct search *s, bool with_path)
{
	if (s->first.reason && !(with_path && !s->k->path))
		return;
	s->first = s->k->judgement;
	s->first_evidence = s->k->evidence;
	if (with_path)
		s->k->path = X509_chain_up_ref(s->path);
}

static bool try_path(struct search *s)
{
	struct checking *k = s->k;

	s->paths++;
	k->judgement = (struct judgement){ 0 };
	k->evidence = s->before;
	if (path_is_good(k, s->path)) {
		sk_X509_pop_free(k->path, X509_free);
		k->path = X509_chain_up_ref(s->path);
		return true;
	}
	if (!k->error.code)
		remember(s, true);
	return false;
}

static bool holds(STACK_OF(X509) *list, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), x) == 0)
			return true;
	return false;
}

static bool may_look(const struct checking *k)
{
	return k->common->signatures < SIGNATURES_MAX + k->common->ours;
}

static bool is_signed_by(struct checking *k, X509 *x, X509 *issuer)
{
	if (!may_look(k))
		return false;
	k->common->signatures++;
	return areas_made_certificate(k->checker->areas, issuer, x);
}

/* The name fits, and the key identifier (RFC 5280 section 4.2.1.1), or else the signature. */
static bool may_have_issued(struct checking *k, X509 *issuer, X509 *x, const AUTHORITY_KEYID *id)
{
	return X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(x)) == 0 &&
	       (X509_check_akid(issuer, id) == X509_V_OK || is_signed_by(k, x, issuer));
}

static bool same_key(const X509 *a, const X509 *b)
{
	const ASN1_BIT_STRING *x = X509_get0_pubkey_bitstr(a), *y = X509_get0_pubkey_bitstr(b);

	return ASN1_STRING_length(x) == ASN1_STRING_length(y) &&
	       memcmp(ASN1_STRING_get0_data(x), ASN1_STRING_get0_data(y), (size_t)ASN1_STRING_length(x)) == 0;
}

/* A CA that is on the path already, under whichever of its certificates, cannot help it on: what comes after this one is found
 * without the round (RFC 4158 section 2.4.2).  The first of a path is not asked: a CA's certificate may be judged by another
 * one of it. */
static bool goes_round(const STACK_OF(X509) *path, const X509 *x)
{
	for (int i = 1; i < sk_X509_num(path); i++)
		if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(path, i)), X509_get_subject_name(x)) == 0 &&
		    same_key(sk_X509_value(path, i), x))
			return true;
	return false;
}

/* Puts x into list unless it is on the path already or forbidden; anchors to the front. */
static void add_issuer(struct search *s, STACK_OF(X509) *list, X509 *x, bool from_area, const AUTHORITY_KEYID *id)
{
	X509 *top = sk_X509_value(s->path, sk_X509_num(s->path) - 1);
	const char *file = NULL;
	bool anchor = areas_is_anchor(s->k->checker->areas, x, from_area);

	if (holds(s->path, x) || goes_round(s->path, x) || holds(list, x) || (!anchor && areas_self_signed(s->k->checker->areas, x)) ||
	    (anchor && s->k->anchor && X509_cmp(s->k->anchor, x) != 0))
		return;
	if (!may_have_issued(s->k, x, top, id)) {
		s->namesake = s->namesake || X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(top)) == 0;
		return;
	}
	if (areas_find_exact(s->k->checker->areas, s->k->arena, AREAS_UNTRUSTED, x, &file, &s->k->error) < 0)
		return;
	if (file) {
		judge(&s->k->judgement, s->k->arena, REASON_UNTRUSTED, "the issuing certificate %s is marked as untrusted "
		      "by the operator (%s)", subject_text(s->k->arena, x), file);
		remember(s, false);
		return;
	}
	X509_up_ref(x);
	sk_X509_insert(list, x, anchor ? 0 : -1);
	if (anchor && !holds(s->anchors, x) && X509_up_ref(x))
		sk_X509_push(s->anchors, x);
}

static STACK_OF(X509) *possible_issuers(struct search *s)
{
	STACK_OF(X509) *list = sk_X509_new_null(), *known = sk_X509_new_null();
	X509 *x = sk_X509_value(s->path, sk_X509_num(s->path) - 1);
	AUTHORITY_KEYID *id = X509_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);

	areas_find_issuers(s->k->checker->areas, s->k->arena, X509_get_issuer_name(x), id ? id->keyid : NULL, known, &s->k->error);
	s->k->common->ours = s->k->common->ours + (unsigned)sk_X509_num(known) < SIGNATURES_OURS_MAX
				     ? s->k->common->ours + (unsigned)sk_X509_num(known) : SIGNATURES_OURS_MAX;
	for (int i = 0; i < sk_X509_num(known); i++)
		add_issuer(s, list, sk_X509_value(known, i), true, id);
	for (int i = 0; i < sk_X509_num(s->k->candidates); i++)
		add_issuer(s, list, sk_X509_value(s->k->candidates, i), false, id);
	AUTHORITY_KEYID_free(id);
	sk_X509_pop_free(known, X509_free);
	return list;
}

/* Where several have the right name, those count whose key made the signature; if none has, all stay, and
 * validation says what is wrong. */
static void keep_signers(struct search *s, STACK_OF(X509) *list, X509 *x)
{
	STACK_OF(X509) *good = sk_X509_new_null();

	for (int i = 0; i < sk_X509_num(list) && sk_X509_num(list) > 1 && may_look(s->k); i++) {
		if (is_signed_by(s->k, x, sk_X509_value(list, i)))
			sk_X509_push(good, sk_X509_value(list, i));
	}
	for (int i = sk_X509_num(list) - 1; i >= 0 && sk_X509_num(good); i--)
		if (!holds(good, sk_X509_value(list, i)))
			X509_free(sk_X509_delete(list, i));
	sk_X509_free(good);
}

static void no_issuer(struct search *s, X509 *x)
{
	struct arena *a = s->k->arena;
	const struct areas *areas = s->k->checker->areas;
	const char *ca = areas_place(areas, a, "ca"), *issuer = name_text(a, X509_get_issuer_name(x));

	if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0)
		judge(&s->k->judgement, a, REASON_NO_PATH, areas_alone(areas) ? "%s is self-signed and not among the anchors given" :
		      "%s is self-signed and not in %s: copy it there, or to %s, if it is to be trusted", subject_text(a, x), ca,
		      areas_place(areas, a, "trusted"));
	else if (s->namesake)
		judge(&s->k->judgement, a, REASON_NO_PATH, "the issuer's certificate %s is not in %s: what has its name there has not "
		      "signed %s", issuer, ca, subject_text(a, x));
	else
		judge(&s->k->judgement, a, REASON_NO_PATH, "the issuer's certificate %s is not in %s%s", issuer, ca,
		      areas_alone(areas) ? "" : ": copy it there if it is to be trusted");
	remember(s, false);
}

static bool extend(struct search *s, bool top_is_anchor);

/* First those with which a path can be good; of the others one is enough to say what is wrong. */
static bool try_issuers(struct search *s, STACK_OF(X509) *issuers, bool hopeless)
{
	bool found = false;

	for (int i = 0; i < sk_X509_num(issuers) && !found && s->paths < PATHS_MAX && !s->k->error.code; i++) {
		X509 *x = sk_X509_value(issuers, i);
		bool anchor = holds(s->anchors, x);

		if (hopeless && s->paths)
			break;
		if (is_hopeless(s->k, x, anchor) != hopeless)
			continue;
		sk_X509_push(s->path, x);
		found = extend(s, anchor);
		sk_X509_pop(s->path);
	}
	return found;
}

/* Depth first from the last certificate of s->path; top_is_anchor: it stands in area ca and is self-signed. */
static bool extend(struct search *s, bool top_is_anchor)
{
	X509 *top = sk_X509_value(s->path, sk_X509_num(s->path) - 1);
	STACK_OF(X509) *issuers;
	bool found = false;

	if (top_is_anchor)
		return try_path(s);
	if (sk_X509_num(s->path) == PATH_MAX_CERTIFICATES) {
		judge(&s->k->judgement, s->k->arena, REASON_PATH_LENGTH, "the path is longer than %d certificates",
		      PATH_MAX_CERTIFICATES);
		remember(s, false);
		return false;
	}
	if (s->steps++ >= STEPS_MAX)
		return false; /* a web of certificates that was made to be endless: what was found before stands */
	s->namesake = false;
	issuers = possible_issuers(s);
	if (!sk_X509_num(issuers) && !s->first.reason && !s->k->error.code)
		no_issuer(s, top);
	keep_signers(s, issuers, top);
	found = try_issuers(s, issuers, false) || try_issuers(s, issuers, true);
	sk_X509_pop_free(issuers, X509_free);
	return found;
}

bool path_check(struct checking *k)
{
	struct search s = { .k = k, .path = sk_X509_new_null(), .anchors = sk_X509_new_null(),
			    .before = k->evidence };
	const char *file = NULL;
	bool found = false, anchor;

	sk_X509_push(s.path, k->leaf);
	if (areas_self_signed(k->checker->areas, k->leaf))
		areas_find_exact(k->checker->areas, k->arena, AREAS_CA, k->leaf, &file, &k->error);
	anchor = areas_is_anchor(k->checker->areas, k->leaf, file != NULL) && !k->anchor;
	if (!k->error.code)
		found = extend(&s, anchor) && !k->error.code;
	if (!found && !k->error.code) {
		if (!s.first.reason)
			judge(&s.first, k->arena, REASON_NO_PATH, "no path to an anchor in %s: too many certificates of the "
			      "message issue each other", areas_place(k->checker->areas, k->arena, "ca"));
		k->judgement = s.first;
		k->evidence = s.first_evidence;
	}
	sk_X509_free(s.path);
	sk_X509_pop_free(s.anchors, X509_free);
	return found;
}

bool path_of_signer(struct checking *k, X509 *signer, X509 *anchor)
{
	struct checking n = { .checker = k->checker, .request = k->request, .arena = k->arena, .common = k->common,
			      .depth = k->depth + 1, .anchor = anchor, .leaf = signer, .candidates = k->candidates,
			      .evidence = k->evidence };
	bool good = policy_structure(&n, signer) && policy_time(&n, signer) && policy_key(&n, signer) &&
		    policy_hash(&n, signer) && path_check(&n);

	sk_X509_pop_free(n.path, X509_free);
	if (n.error.code)
		k->error = n.error;
	if (good)
		k->evidence = n.evidence;
	return good;
}
