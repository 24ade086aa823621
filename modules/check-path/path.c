/* path.c - from a certificate to a trust anchor: search, then validation (RFC 5280 section 6)
 *
 * The search is our own, because OpenSSL follows one path only and takes the first issuer that fits: here every
 * path is tried, and a forged namesake of an issuer among the candidates changes nothing.  Each path that reaches an
 * anchor is judged by our rules and then given to X509_verify_cert() with that one anchor.  Nothing is read but
 * the certificates that a name or a key identifier asks for; the number of steps, paths and signatures looked at is
 * bounded, so that candidates made for the purpose cost no more than milliseconds.
 */
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "check-path/checking.h"

#define PATH_MAX_CERTIFICATES 24 /* the certificate, 22 CAs, the anchor */
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

static const struct {
	int code;
	enum reason reason;
	const char *problem;
} problems[] = {
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, REASON_BAD_SIGNATURE, "the signature is not its issuer's" },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, REASON_BAD_SIGNATURE, "the signature is not its issuer's" },
	{ X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, REASON_UNSUPPORTED, "the issuer's public key is not supported here" },
	{ X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, REASON_BAD_SIGNATURE, "the signature does not fit the issuer's key" },
	{ X509_V_ERR_CERT_HAS_EXPIRED, REASON_EXPIRED, "it has expired" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, REASON_NOT_YET_VALID, "it is not valid yet" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, REASON_MALFORMED, "its validity cannot be read" },
	{ X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, REASON_MALFORMED, "its validity cannot be read" },
	{ X509_V_ERR_INVALID_CA, REASON_NOT_A_CA, "it must not issue certificates" },
	{ X509_V_ERR_INVALID_NON_CA, REASON_NOT_A_CA, "it must not issue certificates" },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, REASON_NOT_A_CA, "its key usage lacks keyCertSign" },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, REASON_PATH_LENGTH, "more CAs follow it than its basic constraints allow" },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, REASON_PATH_LENGTH, "the path is too long" },
	{ X509_V_ERR_PERMITTED_VIOLATION, REASON_NAME_CONSTRAINTS, "a name of it is not among those permitted" },
	{ X509_V_ERR_EXCLUDED_VIOLATION, REASON_NAME_CONSTRAINTS, "a name of it is excluded" },
	{ X509_V_ERR_SUBTREE_MINMAX, REASON_NAME_CONSTRAINTS, "name constraints with minimum or maximum" },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, REASON_NAME_CONSTRAINTS, "name constraints of a kind that is not supported" },
	{ X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, REASON_NAME_CONSTRAINTS, "name constraints that cannot be read" },
	{ X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, REASON_NAME_CONSTRAINTS, "a name that name constraints cannot be compared with" },
	{ X509_V_ERR_UNSPECIFIED, REASON_NAME_CONSTRAINTS, "it has too many names to compare all with the name constraints of its issuers" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, REASON_CRITICAL_EXTENSION, "a critical extension is not understood here" },
	{ X509_V_ERR_INVALID_EXTENSION, REASON_MALFORMED, "an extension cannot be read" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, REASON_NO_PATH, "it is self-signed and no anchor itself" },
};

/* culprit: whose name constraints it is about; NULL: nobody's. */
static bool translate(struct checking *k, X509 *x, int code, const X509 *culprit)
{
	for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++)
		if (problems[i].code == code)
			return judge(&k->judgement, k->arena, problems[i].reason, "%s: %s%s%s", subject_text(k->arena, x),
				     problems[i].problem, culprit ? " by the name constraints of " : "",
				     culprit ? subject_text(k->arena, culprit) : "");
	return judge(&k->judgement, k->arena, REASON_MALFORMED, "%s: %s", subject_text(k->arena, x),
		     X509_verify_cert_error_string(code));
}

static bool violates(int code)
{
	return code == X509_V_ERR_PERMITTED_VIOLATION || code == X509_V_ERR_EXCLUDED_VIOLATION;
}

static bool is_about_names(int code)
{
	return violates(code) || code == X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;
}

/* A path on its way through OpenSSL. */
struct validation {
	struct checking *k;
	STACK_OF(X509) *path;  /* as it was found */
	STACK_OF(X509) *shown; /* to OpenSSL: the same certificates, some disguised; references */
};

/* OpenSSL goes no further than a certificate that looks self-signed, and that is for it any with the same name twice whose key
 * identifiers do not say otherwise, as there may be in a CA's new key signed with its old one: it gets to see a copy
 * with one that does. */
static X509 *disguised(X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);
	AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
	X509 *copy = X509_dup(x);

	if (copy && id && (id->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(x))) != NULL) {
		ASN1_STRING_set(id->serial, "another", 7);
		if (at >= 0)
			X509_EXTENSION_free(X509_delete_ext(copy, at));
		X509_add1_ext_i2d(copy, NID_authority_key_identifier, id, 0, X509V3_ADD_DEFAULT);
		X509_check_purpose(copy, -1, 0); /* reads the extensions */
	}
	AUTHORITY_KEYID_free(id);
	return copy;
}

static STACK_OF(X509) *to_be_shown(STACK_OF(X509) *path)
{
	STACK_OF(X509) *shown = X509_chain_up_ref(path);

	for (int i = 0; i < sk_X509_num(shown) - 1; i++) {
		X509 *x = sk_X509_value(path, i), *copy = X509_get_extension_flags(x) & EXFLAG_SS ? disguised(x) : NULL;

		if (copy) {
			X509_free(x); /* the reference of shown */
			sk_X509_set(shown, i, copy);
		}
	}
	return shown;
}

/* Whether one issued the other is not OpenSSL's to decide: the path is the one that was found.  (It would refuse an issuer for
 * a key identifier, which RFC 5280 means for finding issuers, not for refusing them.) */
static int is_issuer(X509_STORE_CTX *ctx, X509 *x, X509 *issuer)
{
	const struct validation *v = X509_STORE_CTX_get_app_data(ctx);
	int last = sk_X509_num(v->shown) - 1;

	if (x == issuer)
		return X509_check_issued(issuer, x) == X509_V_OK;
	for (int i = 0; i < last; i++)
		if (X509_cmp(sk_X509_value(v->shown, i), x) == 0)
			return X509_cmp(sk_X509_value(v->shown, i + 1), issuer) == 0;
	return 0;
}

/* OpenSSL found a problem: go on (1) or not (0). */
static int on_problem(int good, X509_STORE_CTX *ctx)
{
	struct checking *k = ((struct validation *)X509_STORE_CTX_get_app_data(ctx))->k;
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	int code = X509_STORE_CTX_get_error(ctx), at = X509_STORE_CTX_get_error_depth(ctx);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	if (good || (is_about_names(code) && constraints_excuse(chain, at)))
		return 1;
	return translate(k, x ? x : k->leaf, code, violates(code) ? constraints_culprit(chain, at) : NULL);
}

static bool complain(X509_STORE_CTX *ctx, X509 *x, int depth, int code)
{
	X509_STORE_CTX_set_current_cert(ctx, x);
	X509_STORE_CTX_set_error_depth(ctx, depth);
	X509_STORE_CTX_set_error(ctx, code);
	return on_problem(0, ctx);
}

/* What OpenSSL would do at this place (internal_verify() of its x509_vfy.c), with what is known of signatures. */
static int verify_signatures(X509_STORE_CTX *ctx)
{
	const struct validation *v = X509_STORE_CTX_get_app_data(ctx);

	if (sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) != sk_X509_num(v->path))
		return complain(ctx, v->k->leaf, 0, X509_V_ERR_INVALID_CALL); /* not our path: it must not happen */
	for (int i = sk_X509_num(v->path) - 2; i >= 0; i--) {
		X509 *x = sk_X509_value(v->path, i), *issuer = sk_X509_value(v->path, i + 1);

		if (!(X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN))
			return complain(ctx, issuer, i + 1, X509_V_ERR_KEYUSAGE_NO_CERTSIGN);
		if (!X509_get0_pubkey(issuer))
			return complain(ctx, issuer, i + 1, X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY);
		if (!areas_made_certificate(v->k->checker->areas, issuer, x))
			return complain(ctx, x, i, X509_V_ERR_CERT_SIGNATURE_FAILURE);
	}
	return 1;
}

static void set_parameters(X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_clear_flags(p, X509_V_FLAG_TRUSTED_FIRST); /* our path, not another one */
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN);   /* an anchor need not be self-signed */
	X509_VERIFY_PARAM_set_depth(p, PATH_MAX_CERTIFICATES);
	X509_VERIFY_PARAM_set_auth_level(p, 0); /* policy_key() and policy_hash() know better */
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME); /* policy_time() knows better, too */
	/* a common name is not a host name here */
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
}

/* X509_verify_cert() on this path: its last certificate is the anchor, the others are offered first. */
static bool openssl_agrees(struct checking *k, STACK_OF(X509) *path)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct validation v = { k, path, to_be_shown(path) };
	STACK_OF(X509) *others = X509_chain_up_ref(v.shown);
	bool good = false;

	if (store) {
		X509_STORE_set_check_issued(store, is_issuer);
		X509_STORE_set_verify(store, verify_signatures);
	}
	X509_free(sk_X509_pop(others));
	if (store && ctx && others && X509_STORE_add_cert(store, sk_X509_value(path, sk_X509_num(path) - 1)) &&
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(v.shown, 0), others)) {
		set_parameters(ctx);
		X509_STORE_CTX_set_app_data(ctx, &v);
		X509_STORE_CTX_set_verify_cb(ctx, on_problem);
		good = X509_verify_cert(ctx) == 1;
	}
	if (!good && !k->judgement.reason)
		error_set(&k->error, E_TEMP, "a certificate could not be validated: out of memory");
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(others, X509_free);
	sk_X509_pop_free(v.shown, X509_free);
	return good;
}

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

	if (!issuers_are_good(k, path) || !openssl_agrees(k, path) || !constraints_hold(k, path) || !policies_hold(k, path) ||
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
