/* pkcs12.c - what is in a PKCS#12 file (RFC 7292), bag by bag */
#include "common/pkcs12.h"

#include <openssl/err.h>
#include <openssl/provider.h>

#include "lib/mem.h"
#include "lib/openssl.h"

/* SafeContents may hold SafeContents. */
#define NESTING_MAX 4

/* Rounds of key derivation; a file that asks for more is not honest (it would cost seconds). */
#define ITERATIONS_MAX 5000000

struct visit {
	const struct pkcs12_visitor *visitor;
	const char *passphrase; /* NULL: no passphrase */
	int length;
	struct error *err;
};

/* RC2-40 and single DES live in OpenSSL's legacy provider; it is loaded only for files that need it.  The default
 * provider stays.  Without it such files are refused with the algorithm's name. */
static void load_legacy(void)
{
	static OSSL_PROVIDER *legacy;

	if (!legacy)
		legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
	ERR_clear_error();
}

static int fail(const struct visit *v, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	error_set(v->err, E_PERM, "PKCS#12: %s%s%s", what, why ? ": " : "", why ? why : "");
	ERR_clear_error();
	return E_PERM;
}

static int visit_bags(const struct visit *v, const STACK_OF(PKCS12_SAFEBAG) *bags, int depth);

static int visit_certificate(const struct visit *v, const PKCS12_SAFEBAG *bag)
{
	X509 *certificate;
	int rc;

	if (!v->visitor->certificate || PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return 0;
	certificate = PKCS12_SAFEBAG_get1_cert(bag);
	if (!certificate)
		return fail(v, "broken certificate");
	rc = v->visitor->certificate(v->visitor->ctx, certificate);
	X509_free(certificate);
	return rc;
}

static int visit_key(const struct visit *v, const PKCS12_SAFEBAG *bag)
{
	const PKCS8_PRIV_KEY_INFO *key;
	PKCS8_PRIV_KEY_INFO *opened = NULL;
	int rc;

	if (v->visitor->sealed_key)
		return v->visitor->sealed_key(v->visitor->ctx);
	if (!v->visitor->private_key)
		return 0;
	if (PKCS12_SAFEBAG_get_nid(bag) == NID_keyBag)
		key = PKCS12_SAFEBAG_get0_p8inf(bag);
	else
		key = opened = PKCS12_decrypt_skey(bag, v->passphrase, v->length);
	rc = key ? v->visitor->private_key(v->visitor->ctx, key) : fail(v, "private key cannot be opened");
	PKCS8_PRIV_KEY_INFO_free(opened);
	return rc;
}

static int visit_bag(const struct visit *v, const PKCS12_SAFEBAG *bag, int depth)
{
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_certBag:
		return visit_certificate(v, bag);
	case NID_keyBag:
	case NID_pkcs8ShroudedKeyBag:
		return visit_key(v, bag);
	case NID_safeContentsBag:
		return visit_bags(v, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
	default: /* CRLs and secrets are not ours */
		return 0;
	}
}

static int visit_bags(const struct visit *v, const STACK_OF(PKCS12_SAFEBAG) *bags, int depth)
{
	int rc = 0;

	if (depth > NESTING_MAX)
		return error_set(v->err, E_PERM, "PKCS#12: nested too deep");
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && rc == 0; i++)
		rc = visit_bag(v, sk_PKCS12_SAFEBAG_value(bags, i), depth);
	return rc;
}

static STACK_OF(PKCS12_SAFEBAG) *unpack(const struct visit *v, PKCS7 *p7)
{
	STACK_OF(PKCS12_SAFEBAG) *bags;

	if (OBJ_obj2nid(p7->type) == NID_pkcs7_data)
		return PKCS12_unpack_p7data(p7);
	if (OBJ_obj2nid(p7->type) != NID_pkcs7_encrypted)
		return NULL;
	bags = PKCS12_unpack_p7encdata(p7, v->passphrase, v->length);
	if (!bags) { /* RC2-40, perhaps */
		load_legacy();
		bags = PKCS12_unpack_p7encdata(p7, v->passphrase, v->length);
	}
	return bags;
}

static int visit_all(const struct visit *v, PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	int rc = 0;

	if (!safes)
		return fail(v, "broken contents");
	for (int i = 0; i < sk_PKCS7_num(safes) && rc == 0; i++) {
		STACK_OF(PKCS12_SAFEBAG) *bags = unpack(v, sk_PKCS7_value(safes, i));

		rc = bags ? visit_bags(v, bags, 0) : fail(v, "contents cannot be opened");
		sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return rc;
}

static bool too_costly(PKCS12 *p12)
{
	const ASN1_INTEGER *rounds = NULL;

	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
	return rounds && ASN1_INTEGER_get(rounds) > ITERATIONS_MAX;
}

/* Which passphrase fits: the MAC tells.  Some programs write the empty one as no bytes, some as two zero bytes. */
static bool find_passphrase(PKCS12 *p12, const char *passphrase, struct visit *v)
{
	const char *const candidates[] = { passphrase, "", NULL };

	if (!PKCS12_mac_present(p12)) {
		v->passphrase = passphrase ? passphrase : "";
		v->length = (int)strlen(v->passphrase);
		return true;
	}
	for (size_t i = passphrase ? 0 : 1; i < 3; i++) {
		v->passphrase = candidates[i];
		v->length = candidates[i] ? (int)strlen(candidates[i]) : 0;
		if (PKCS12_verify_mac(p12, v->passphrase, v->length))
			return true;
		ERR_clear_error();
	}
	return false;
}

int pkcs12_visit(struct span der, const char *passphrase, const struct pkcs12_visitor *visitor, struct error *err)
{
	const unsigned char *p = (const unsigned char *)der.p;
	struct visit v = { visitor, NULL, 0, err };
	PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)der.n);
	int rc;

	if (!p12)
		return fail(&v, "broken or cut off");
	openssl_complete(NULL); /* what seals it was chosen by others */
	if (too_costly(p12))
		rc = error_set(err, E_PERM, "PKCS#12: more than %d rounds of key derivation", ITERATIONS_MAX);
	else if (find_passphrase(p12, passphrase, &v))
		rc = visit_all(&v, p12);
	else
		rc = error_set(err, E_CONFIG, "PKCS#12: neither the passphrase that is known here nor an empty one opens it");
	PKCS12_free(p12);
	return rc;
}
