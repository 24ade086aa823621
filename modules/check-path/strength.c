/* strength.c - keys, hashes and lengths of validity, held against the floor (floor.h) */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "check-path/checking.h"

#define DAY ((int64_t)86400)

static const struct key_kind key_kinds[] = {
	{ EVP_PKEY_RSA, "RSA", "rsa", SIZE_RSA, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, KU_KEY_ENCIPHERMENT },
	{ EVP_PKEY_RSA_PSS, "RSA-PSS", "rsa-pss", SIZE_RSA, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0 },
	{ EVP_PKEY_EC, "EC", "ec", SIZE_EC, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, KU_KEY_AGREEMENT },
	{ EVP_PKEY_ED25519, "Ed25519", "ed25519", SIZE_FIXED, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0 },
	{ EVP_PKEY_ED448, "Ed448", "ed448", SIZE_FIXED, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0 },
	{ EVP_PKEY_X25519, "X25519", "x25519", SIZE_FIXED, 0, KU_KEY_AGREEMENT },
	{ EVP_PKEY_X448, "X448", "x448", SIZE_FIXED, 0, KU_KEY_AGREEMENT },
	{ EVP_PKEY_DSA, "DSA", "dsa", SIZE_RSA, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0 },
	{ EVP_PKEY_DH, "DH", "dh", SIZE_RSA, 0, KU_KEY_AGREEMENT },
	{ EVP_PKEY_DHX, "DH", "dh", SIZE_RSA, 0, KU_KEY_AGREEMENT },
};

const struct key_kind *key_kind_of(const EVP_PKEY *key)
{
	for (size_t i = 0; key && i < sizeof(key_kinds) / sizeof(*key_kinds); i++)
		if (EVP_PKEY_get_base_id(key) == key_kinds[i].type)
			return &key_kinds[i];
	return NULL;
}

/* ---- keys ---- */

/* RFC 5480 section 2.1.1: a curve has a name. */
static bool curve_is_spelled_out(const EVP_PKEY *key)
{
	int spelled_out = 0;

	return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelled_out) && spelled_out;
}

static bool weak(struct checking *k, X509 *x, const char *what)
{
	return judge(&k->judgement, k->arena, REASON_WEAK_KEY, "the key of %s %s: a new key is needed", policy_who(k, x), what);
}

static bool size_is_good(struct checking *k, X509 *x, const EVP_PKEY *key, const struct key_kind *kind)
{
	const struct floor *floor = &k->checker->floor;
	uint64_t least = kind->size == SIZE_RSA ? floor->rsa_bits : kind->size == SIZE_EC ? floor->ec_bits : 0;
	uint64_t bits = (uint64_t)EVP_PKEY_get_bits(key);

	if (kind->size == SIZE_RSA && bits > OPENSSL_RSA_MAX_MODULUS_BITS) /* OpenSSL has it, but computes nothing with it */
		return judge(&k->judgement, k->arena, REASON_UNSUPPORTED, "the key of %s has %u bits, more than the %u that are "
			     "supported here", policy_who(k, x), (unsigned)bits, OPENSSL_RSA_MAX_MODULUS_BITS);
	return bits >= least ||
	       weak(k, x, arena_printf(k->arena, "has %u bits, %s needs %u", (unsigned)bits, kind->name, (unsigned)least));
}

static bool curve_is_good(struct checking *k, X509 *x, const EVP_PKEY *key)
{
	const char *curves = k->checker->floor.curves;
	char name[80];

	if (!curves || !*curves)
		return true;
	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) && floor_lists_curve(curves, OBJ_txt2nid(name)))
		return true;
	return weak(k, x, "is on a curve that is not allowed here");
}

static bool exponent_is_good(struct checking *k, X509 *x, const EVP_PKEY *key)
{
	uint64_t least = k->checker->floor.rsa_exponent;
	BIGNUM *e = NULL;
	bool good;

	if (!least)
		return true;
	good = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && (BN_num_bits(e) > 32 || BN_get_word(e) >= least);
	BN_free(e);
	return good || weak(k, x, arena_printf(k->arena, "has a public exponent below %u", (unsigned)least));
}

bool policy_key(struct checking *k, X509 *x)
{
	const struct floor *floor = &k->checker->floor;
	EVP_PKEY *key = X509_get0_pubkey(x);
	const struct key_kind *kind = key_kind_of(key);

	if (!kind)
		return judge(&k->judgement, k->arena, REASON_UNSUPPORTED, "the public key of %s is of a kind that is not "
			     "supported here", policy_who(k, x));
	if (kind->size == SIZE_EC && curve_is_spelled_out(key))
		return policy_malformed(k, x, "an elliptic curve without a name");
	if (floor->keys && *floor->keys && !floor_lists(floor->keys, kind->word))
		return weak(k, x, arena_printf(k->arena, "is of kind %s, which is not allowed here", kind->name));
	return size_is_good(k, x, key, kind) && (kind->size != SIZE_EC || curve_is_good(k, x, key)) &&
	       (strncmp(kind->word, "rsa", 3) != 0 || exponent_is_good(k, x, key));
}

/* ---- hashes ---- */

const char *strength_hash_problem(const struct checking *k, int hash)
{
	if (hash == NID_undef || floor_lists(k->checker->floor.hashes, OBJ_nid2sn(hash)))
		return NULL;
	return arena_printf(k->arena, "is signed with %s, which is no longer safe", OBJ_nid2sn(hash));
}

bool policy_hash(struct checking *k, X509 *x)
{
	int hash, key;
	bool known = X509_get_signature_info(x, &hash, &key, NULL, NULL);

	if (known && hash == NID_undef && (key == NID_ED25519 || key == NID_ED448))
		return true; /* part of the algorithm */
	if (!known || hash == NID_undef)
		return judge(&k->judgement, k->arena, REASON_UNSUPPORTED, "the signature algorithm in %s is not supported "
			     "here", policy_who(k, x));
	if (!floor_lists(k->checker->floor.hashes, OBJ_nid2sn(hash)))
		return judge(&k->judgement, k->arena, REASON_WEAK_HASH, "%s was signed with %s, which is no longer safe: a "
			     "new one is needed", policy_who(k, x), OBJ_nid2sn(hash));
	return true;
}

/* Whoever makes two texts with one digest has signed both: with MD5 in seconds, with SHA-1 for some tens of thousands of dollars.  A
 * text that somebody else signed cannot be exchanged with either (RFC 8551 appendix B.2). */
bool policy_digest(struct checking *k)
{
	const struct floor *floor = &k->checker->floor;
	const char *digest = k->request->digest;
	bool tolerated;

	if (!digest || floor_lists(floor->hashes, digest))
		return true;
	tolerated = floor->weak_hashes && floor_lists(floor->weak_hashes, digest);
	return judge(&k->judgement, k->arena, tolerated ? REASON_WEAKENED_HASH : REASON_WEAK_HASH, "the signature is over a %s digest, "
		     "which another text can have as well: its sender should sign with SHA-256", digest);
}

/* ---- length of validity ---- */

bool policy_lifetime(struct checking *k, X509 *x)
{
	uint64_t most = k->checker->floor.leaf_days;
	time_t begins, ends;
	int64_t seconds;

	if (!most || X509_check_ca(x) == 1 || !asn1_time_read(X509_get0_notBefore(x), &begins) ||
	    !asn1_time_read(X509_get0_notAfter(x), &ends))
		return true; /* policy_time() says what cannot be read */
	/* both ends are part of it; what is over by less than a day counts as a whole one */
	seconds = (int64_t)ends - (int64_t)begins;
	if (seconds + 1 <= (int64_t)most * DAY)
		return true;
	return judge(&k->judgement, k->arena, REASON_LIFETIME, "%s is valid for %u days, more than the %u that are allowed here",
		     policy_who(k, x), (unsigned)((seconds + DAY) / DAY), (unsigned)most);
}
