/* ocsp_answer.c - what an OCSP responder says about a certificate, and whether it may be believed (RFC 6960) */
#include "common/ocsp_answer.h"

#include <limits.h>
#include <openssl/ocsp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "lib/openssl.h"

#define NONCE_SIZE 32 /* RFC 8954 section 2.1 */

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* ---- the outside ---- */

static const struct {
	int status;
	int rc;
	const char *text;
} refusals[] = {
	{ OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, E_PERM, "the responder did not understand the request" },
	{ OCSP_RESPONSE_STATUS_INTERNALERROR, E_TEMP, "the responder has an internal error" },
	{ OCSP_RESPONSE_STATUS_TRYLATER, E_TEMP, "the responder says: try later" },
	{ OCSP_RESPONSE_STATUS_SIGREQUIRED, E_PERM, "the responder wants signed requests" },
	{ OCSP_RESPONSE_STATUS_UNAUTHORIZED, E_PERM, "the responder does not answer about this certificate" },
};

/* The basic response of the bytes, which must be one response and nothing more. */
static int open_response(struct span der, OCSP_BASICRESP **out, struct error *err)
{
	const unsigned char *p = (const unsigned char *)der.p;
	OCSP_RESPONSE *r = der.n && der.n <= LONG_MAX ? d2i_OCSP_RESPONSE(NULL, &p, (long)der.n) : NULL;
	int rc = 0, status;

	*out = NULL;
	if (!r || p != (const unsigned char *)der.p + der.n) {
		OCSP_RESPONSE_free(r);
		return error_set(err, E_PERM, "not an OCSP response");
	}
	status = OCSP_response_status(r);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].status == status)
			rc = error_set(err, refusals[i].rc, "%s", refusals[i].text);
	if (rc == 0 && (status != OCSP_RESPONSE_STATUS_SUCCESSFUL || !(*out = OCSP_response_get1_basic(r))))
		rc = error_set(err, E_PERM, "an OCSP response of a kind that is not known here");
	OCSP_RESPONSE_free(r);
	return rc;
}

/* ---- who signed it ---- */

static bool is_named(const OCSP_BASICRESP *b, X509 *x)
{
	const ASN1_OCTET_STRING *id = NULL;
	const X509_NAME *name = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!OCSP_resp_get0_id(b, &id, &name))
		return false;
	if (name)
		return X509_NAME_cmp(name, X509_get_subject_name(x)) == 0;
	return id && X509_pubkey_digest(x, EVP_sha1(), digest, &n) && ASN1_STRING_length(id) == (int)n &&
	       memcmp(ASN1_STRING_get0_data(id), digest, n) == 0;
}

static bool is_for_ocsp(X509 *x)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
		found = found || OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, i)) == NID_OCSP_sign;
	EXTENDED_KEY_USAGE_free(usage);
	return found;
}

static bool is_valid_at(const X509 *x, int64_t time, int64_t skew)
{
	return seconds_of(X509_get0_notBefore(x)) <= time + skew && seconds_of(X509_get0_notAfter(x)) >= time - skew;
}

/* NULL, or why this certificate, which signed the answer, may not speak for the issuer. */
static const char *delegation_problem(X509 *signer, X509 *issuer, const struct ocsp_rules *rules)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	if (X509_NAME_cmp(X509_get_issuer_name(signer), X509_get_subject_name(issuer)) != 0 || !key || X509_verify(signer, key) != 1)
		return "its signer was not issued by the certificate's issuer";
	if (!is_for_ocsp(signer))
		return "its signer's certificate is not for OCSP (id-kp-OCSPSigning)";
	if (!(X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return "its signer's certificate is not for signatures";
	if (X509_get_extension_flags(signer) & (EXFLAG_CRITICAL | EXFLAG_INVALID))
		return "its signer's certificate has a critical extension that is not understood";
	if (!is_valid_at(signer, rules->time, rules->skew))
		return "its signer's certificate is not valid at this time";
	if (rules->nocheck && X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0)
		return "its signer's certificate lacks ocsp-nocheck, so that nobody knows whether it was revoked";
	if (rules->signer_is_good && !rules->signer_is_good(rules->ctx, signer))
		return "its signer's certificate is not good enough";
	return NULL;
}

/* SHA-1 and MD5 do not bind any more. */
static bool hash_is_good(const OCSP_BASICRESP *b, const struct ocsp_rules *rules)
{
	const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(b);
	const ASN1_OBJECT *object;
	const void *parameter;
	int type, digest = NID_undef, key = NID_undef;

	X509_ALGOR_get0(&object, &type, &parameter, algorithm);
	OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, &key);
	if (OBJ_obj2nid(object) == NID_rsassaPss) {
		RSA_PSS_PARAMS *pss = type == V_ASN1_SEQUENCE ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter) : NULL;

		digest = pss && pss->hashAlgorithm ? OBJ_obj2nid(pss->hashAlgorithm->algorithm) : NID_sha1;
		RSA_PSS_PARAMS_free(pss);
	}
	openssl_complete_for_digest(NULL, digest);
	if (rules->hash_is_good)
		return rules->hash_is_good(rules->ctx, digest);
	return digest != NID_sha1 && digest != NID_md5 && digest != NID_md5_sha1;
}

static bool signature_is(OCSP_BASICRESP *b, X509 *signer)
{
	STACK_OF(X509) *one = sk_X509_new_null();
	bool good = one && sk_X509_push(one, signer) &&
		    OCSP_basic_verify(b, one, NULL, OCSP_TRUSTOTHER | OCSP_NOINTERN) == 1;

	sk_X509_free(one);
	return good;
}

static int check_signer(OCSP_BASICRESP *b, X509 *issuer, const struct ocsp_rules *rules, struct ocsp_answer *out, struct error *err)
{
	const STACK_OF(X509) *certificates = OCSP_resp_get0_certs(b);
	const char *problem = "its signer's certificate is missing";
	X509 *signer = NULL;

	if (!hash_is_good(b, rules))
		return error_set(err, E_PERM, "it is signed with a hash that is too weak");
	if (is_named(b, issuer))
		signer = issuer;
	for (int i = 0; i < sk_X509_num(certificates) && !signer; i++) {
		X509 *x = sk_X509_value(certificates, i);

		if (!is_named(b, x))
			continue;
		/* whatever key it has: the issuer's would be named as the issuer */
		problem = delegation_problem(x, issuer, rules);
		out->delegated = !problem;
		if (!problem)
			signer = x;
	}
	if (!signer)
		return error_set(err, E_PERM, "%s", problem);
	if (!signature_is(b, signer))
		return error_set(err, E_PERM, "its signature is wrong");
	X509_NAME_oneline(X509_get_subject_name(signer), out->responder, sizeof(out->responder));
	return 0;
}

static int check_nonce(OCSP_BASICRESP *b, const struct ocsp_rules *rules, struct error *err)
{
	X509_EXTENSION *e = OCSP_BASICRESP_get_ext(b, OCSP_BASICRESP_get_ext_by_NID(b, NID_id_pkix_OCSP_Nonce, -1));
	const ASN1_OCTET_STRING *value = e ? X509_EXTENSION_get_data(e) : NULL;
	struct span got = value ? span_from(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)) : span_from("", 0);

	if (!rules->nonce.n)
		return 0; /* another's question, answered again */
	if (!value)
		return rules->nonce_required ? error_set(err, E_PERM, "it lacks the nonce that was sent") : 0;
	if (got.n == rules->nonce.n + 2 && got.p[0] == V_ASN1_OCTET_STRING)
		got = span_sub(got, 2, got.n);
	return span_eq(got, rules->nonce) ? 0 : error_set(err, E_PERM, "it has another nonce than was sent");
}

/* ---- what it says ---- */

static bool is_about(const OCSP_SINGLERESP *single, X509 *x, X509 *issuer)
{
	const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
	ASN1_OBJECT *algorithm = NULL;
	const EVP_MD *digest;
	OCSP_CERTID *ours;
	bool same;

	if (!OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)(uintptr_t)id))
		return false;
	digest = EVP_get_digestbyobj(algorithm);
	if (!digest || EVP_MD_get_type(digest) == NID_md5) /* EVP_MD_is_a() says yes to any two as long as no digest was fetched */
		return false;
	ours = OCSP_cert_to_id(digest, x, issuer);
	same = ours && OCSP_id_cmp(id, ours) == 0;
	OCSP_CERTID_free(ours);
	return same;
}

/* The newest word about x; a revocation is the last word. */
static int read_single(OCSP_SINGLERESP *single, const struct ocsp_rules *rules, struct ocsp_answer *out, struct error *err)
{
	static const struct { int theirs; enum ocsp_status ours; } statuses[] = {
		{ V_OCSP_CERTSTATUS_GOOD, OCSP_GOOD }, { V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED }, { V_OCSP_CERTSTATUS_UNKNOWN, OCSP_UNKNOWN },
	};
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *to = NULL;
	int reason = -1, status = OCSP_single_get0_status(single, &reason, &revoked, &from, &to);
	int64_t produced = seconds_of(from), next = to ? seconds_of(to) : produced + rules->age;

	if (!produced || (to && !next) || next < produced)
		return error_set(err, E_PERM, "its times cannot be read");
	if (produced > rules->now + rules->skew)
		return error_set(err, E_PERM, "it is of the future: look at the clock");
	if (out->produced && (out->status == OCSP_REVOKED || (produced <= out->produced && status != V_OCSP_CERTSTATUS_REVOKED)))
		return 0;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].theirs == status)
			out->status = statuses[i].ours;
	out->produced = produced;
	out->next = next;
	out->reason = status == V_OCSP_CERTSTATUS_REVOKED ? reason : -1;
	out->revoked_at = status == V_OCSP_CERTSTATUS_REVOKED ? seconds_of(revoked) : 0;
	out->late = rules->time - rules->skew > next ? rules->time - next : 0;
	return 0;
}

static int read_singles(OCSP_BASICRESP *b, X509 *x, X509 *issuer, const struct ocsp_rules *rules, struct ocsp_answer *out,
			struct error *err)
{
	int rc = 0;

	for (int i = 0; i < OCSP_resp_count(b) && rc == 0; i++)
		if (is_about(OCSP_resp_get0(b, i), x, issuer))
			rc = read_single(OCSP_resp_get0(b, i), rules, out, err);
	if (rc == 0 && !out->produced)
		rc = error_set(err, E_PERM, "it is about other certificates");
	return rc;
}

int ocsp_answer_read(struct span der, X509 *x, X509 *issuer, const struct ocsp_rules *rules, struct ocsp_answer *out,
		     struct error *err)
{
	OCSP_BASICRESP *b;
	int rc = open_response(der, &b, err);

	*out = (struct ocsp_answer){ .status = OCSP_UNKNOWN, .reason = -1 };
	if (rc == 0)
		rc = check_nonce(b, rules, err);
	if (rc == 0)
		rc = read_singles(b, x, issuer, rules, out, err);
	if (rc == 0)
		rc = check_signer(b, issuer, rules, out, err);
	OCSP_BASICRESP_free(b);
	if (rc < 0)
		*out = (struct ocsp_answer){ .status = OCSP_UNKNOWN, .reason = -1 };
	return rc;
}

bool ocsp_is_about(struct span der, X509 *x, X509 *issuer)
{
	OCSP_BASICRESP *b;
	bool about = false;

	if (open_response(der, &b, NULL) < 0)
		return false;
	for (int i = 0; i < OCSP_resp_count(b) && !about; i++)
		about = is_about(OCSP_resp_get0(b, i), x, issuer);
	OCSP_BASICRESP_free(b);
	return about;
}

/* ---- asking ---- */

static bool add_nonce(OCSP_REQUEST *request, struct buf *nonce)
{
	unsigned char bytes[NONCE_SIZE];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1 || !OCSP_request_add1_nonce(request, bytes, sizeof(bytes)))
		return false;
	buf_add(nonce, bytes, sizeof(bytes));
	return true;
}

int ocsp_request(X509 *x, X509 *issuer, int digest, bool with_nonce, struct buf *out, struct buf *nonce, struct error *err)
{
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_cert_to_id(digest == NID_sha256 ? EVP_sha256() : EVP_sha1(), x, issuer);
	unsigned char *der = NULL;
	int n = -1;

	if (request && id && OCSP_request_add0_id(request, id)) {
		id = NULL; /* the request's now */
		if (!with_nonce || add_nonce(request, nonce))
			n = i2d_OCSP_REQUEST(request, &der);
	}
	if (n > 0)
		buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(request);
	return n > 0 ? 0 : error_set(err, E_TEMP, "an OCSP request cannot be made");
}
