/* validation.c - a path that was found, as OpenSSL judges it (RFC 5280 section 6.1)
 *
 * X509_verify_cert() gets to see this path and no other, and its complaints become our reasons.  What we know better is taken out
 * of its hands: who issued whom is the search's to say (path.c), signatures may be known already (areas.h), times, keys and
 * hashes are policy.c's and strength.c's, and name constraints it cannot compare are constraints.c's.
 */
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "check-path/checking.h"

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

/* The last certificate of the path is the anchor, the others are offered first. */
bool validation_agrees(struct checking *k, STACK_OF(X509) *path)
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
