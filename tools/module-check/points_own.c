/* points_own.c - "sign, unwrap, agree" of postern-modules(7): what the module's keys do, checked with OpenSSL
 *
 * Only public keys are used here; what the module says must fit them.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "module-check/check.h"
#include "module-check/stranger.h"

#define SECRET 32 /* bytes, as a content key */

/* A conversation in which one of the module's keys was found. */
struct use {
	struct modules m;
	struct found_key *keys;
	size_t n;
	struct key_calls calls;
	struct error err;
	EVP_PKEY *public;
	bool rsa, ec;
};

static const char no_own[] = "-own tells for which address it has a key";

static void drop_keys(struct use *u)
{
	for (size_t i = 0; i < u->n; i++) {
		X509_free(u->keys[i].certificate);
		sk_X509_pop_free(u->keys[i].chain, X509_free);
	}
}

/* The best key to sign for -own; 0 or as asking. */
static int find_own(struct checker *c, struct use *u)
{
	int rc = ask_signing_keys(&u->m, &c->arena, c->own_address, &u->keys, &u->n, &u->err);

	if (rc < 0)
		return rc;
	ask_key_calls(&u->m, &u->calls);
	u->public = X509_get0_pubkey(u->keys[0].certificate);
	u->rsa = u->public && (EVP_PKEY_get_base_id(u->public) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(u->public) == EVP_PKEY_RSA_PSS);
	u->ec = u->public && EVP_PKEY_get_base_id(u->public) == EVP_PKEY_EC;
	return 0;
}

static bool use_begin(struct checker *c, struct use *u)
{
	int rc;

	*u = (struct use){ .n = 0 };
	if (!ask_begin(c, &u->m, NULL))
		return false;
	rc = find_own(c, u);
	if (rc == 0)
		return true;
	ask_end(c, &u->m, 0, &u->err);
	failed(c, "no key signs for %s: %.300s", c->own_address, u->err.text);
	return false;
}

static enum outcome use_end(struct checker *c, struct use *u, enum outcome so_far)
{
	char why[sizeof(c->why)];
	enum outcome o;

	memcpy(why, c->why, sizeof(why));
	drop_keys(u);
	o = ask_end(c, &u->m, 0, &u->err);
	if (so_far == PASSED)
		return o;
	memcpy(c->why, why, sizeof(why));
	return so_far;
}

/* One point about one key, in a conversation of its own. */
static enum outcome with_key(struct checker *c, enum outcome (*point)(struct checker *, struct use *, enum key_mechanism),
			     enum key_mechanism mechanism)
{
	struct use u;

	if (lacks(c, "find-keys"))
		return NOT_ASKED;
	if (!c->own_address)
		return not_asked(c, no_own);
	if (!use_begin(c, &u))
		return FAILED;
	return use_end(c, &u, point(c, &u, mechanism));
}

/* ---- sign ---- */

static bool verifies(struct use *u, enum key_mechanism mechanism, const unsigned char *value, size_t n, const struct buf *signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(u->public, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) > 0;

	if (good && mechanism != KEY_ECDSA)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, mechanism == KEY_RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0;
	good = good && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0;
	if (good && mechanism == KEY_RSA_PSS)
		good = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
	good = good && EVP_PKEY_verify(ctx, (const unsigned char *)buf_str(signature), signature->len, value, n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static enum outcome sign(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	unsigned char value[32] = { 0 };
	struct key_request q = { .mechanism = mechanism, .digest = "sha256", .mgf_digest = "sha256", .salt_length = 32,
				 .input = span_from(value, sizeof(value)) };
	struct buf signature = BUF_INIT;
	enum outcome o = PASSED;

	if (mechanism == KEY_ECDSA ? !u->ec : !u->rsa)
		o = not_asked(c, "its key is of another kind");
	else if (RAND_bytes(value, sizeof(value)) != 1)
		o = not_asked(c, "no random numbers");
	else if (u->calls.sign(u->calls.ctx, u->keys[0].key_id, &q, &signature, &u->err) < 0)
		o = failed(c, "%s", u->err.text);
	else if (!verifies(u, mechanism, value, sizeof(value), &signature))
		o = failed(c, "the signature does not fit the certificate's key");
	buf_wipe(&signature);
	return o;
}

static enum outcome signs_pkcs1(struct checker *c)
{
	return with_key(c, sign, KEY_RSA_PKCS1);
}

static enum outcome signs_pss(struct checker *c)
{
	return with_key(c, sign, KEY_RSA_PSS);
}

static enum outcome signs_ecdsa(struct checker *c)
{
	return with_key(c, sign, KEY_ECDSA);
}

static enum outcome sign_wrong_length(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	struct key_request q = { .digest = "sha256", .mgf_digest = "sha256", .salt_length = 32, .input = span_from("0123456789", 10) };
	struct buf signature = BUF_INIT;
	enum outcome o = PASSED;

	q.mechanism = u->ec ? KEY_ECDSA : mechanism;
	if (u->calls.sign(u->calls.ctx, u->keys[0].key_id, &q, &signature, &u->err) == 0)
		o = failed(c, "it signed ten bytes as a SHA-256 value");
	buf_wipe(&signature);
	return o;
}

static enum outcome signs_no_wrong_length(struct checker *c)
{
	return with_key(c, sign_wrong_length, KEY_RSA_PKCS1);
}

/* What a key cannot do it will not be able to do tomorrow. */
static enum outcome sign_otherwise(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	unsigned char value[32] = { 0 };
	struct key_request q = { .mechanism = u->ec ? mechanism : KEY_ECDSA, .digest = "sha256", .mgf_digest = "sha256", .salt_length = 32,
				 .input = span_from(value, sizeof(value)) };
	struct buf signature = BUF_INIT;
	int rc = u->calls.sign(u->calls.ctx, u->keys[0].key_id, &q, &signature, &u->err);

	buf_wipe(&signature);
	if (rc == 0)
		return failed(c, "it signed");
	return rc == E_PERM ? PASSED : failed(c, "it is to be refused as bad-request: %s", u->err.text);
}

static enum outcome signs_nothing_it_cannot(struct checker *c)
{
	return with_key(c, sign_otherwise, KEY_RSA_PKCS1);
}

/* ---- unwrap ---- */

static bool wraps(struct use *u, enum key_mechanism mechanism, const unsigned char *secret, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(u->public, NULL);
	bool good = ctx && EVP_PKEY_encrypt_init(ctx) > 0;

	if (good && mechanism == KEY_RSA_OAEP)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
	else if (good)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	good = good && EVP_PKEY_encrypt(ctx, out, n, secret, SECRET) > 0;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Whether the certificate allows this use of its key, where it says anything. */
static bool may(const struct use *u, uint32_t usage)
{
	uint32_t known = X509_get_key_usage(u->keys[0].certificate);

	return known == UINT32_MAX || (known & usage);
}

static enum outcome unwrap(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	unsigned char secret[SECRET] = { 0 }, wrapped[2048];
	size_t n = sizeof(wrapped);
	struct key_request q = { .mechanism = mechanism, .digest = "sha256", .mgf_digest = "sha256" };
	struct buf out = BUF_INIT;
	enum outcome o = PASSED;

	if (!u->rsa || !may(u, KU_KEY_ENCIPHERMENT))
		o = not_asked(c, "its key is not for that");
	else if (RAND_bytes(secret, SECRET) != 1 || !wraps(u, mechanism, secret, wrapped, &n))
		o = not_asked(c, "OpenSSL cannot encrypt to this key");
	q.input = span_from(wrapped, n);
	if (o == PASSED && u->calls.unwrap(u->calls.ctx, u->keys[0].key_id, &q, &out, &u->err) < 0)
		o = failed(c, "%s", u->err.text);
	else if (o == PASSED && !span_eq(span_from(out.data, out.len), span_from(secret, SECRET)))
		o = failed(c, "what came back is not what was encrypted");
	buf_wipe(&out);
	return o;
}

static enum outcome unwraps_pkcs1(struct checker *c)
{
	return with_key(c, unwrap, KEY_RSA_PKCS1);
}

static enum outcome unwraps_oaep(struct checker *c)
{
	return with_key(c, unwrap, KEY_RSA_OAEP);
}

/* What was encrypted to nobody: refused for good, or (which hides the padding from who asks) a secret that opens nothing;
 * never "try later", with which one message would come again and again. */
static enum outcome unwrap_junk(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	unsigned char junk[2048];
	struct key_request q = { .mechanism = mechanism, .digest = "sha256", .mgf_digest = "sha256" };
	struct buf out = BUF_INIT;
	enum outcome o = PASSED;

	if (!u->rsa || !may(u, KU_KEY_ENCIPHERMENT))
		o = not_asked(c, "its key is not for that");
	else {
		memset(junk, 0x2a, sizeof(junk));
		q.input = span_sub(span_from(junk, sizeof(junk)), 0, (size_t)EVP_PKEY_get_size(u->public));
		if (u->calls.unwrap(u->calls.ctx, u->keys[0].key_id, &q, &out, &u->err) == E_TEMP)
			o = failed(c, "it wants to be asked again later: %.200s", u->err.text);
	}
	buf_wipe(&out);
	return o;
}

static enum outcome unwraps_no_junk(struct checker *c)
{
	return with_key(c, unwrap_junk, KEY_RSA_PKCS1);
}

/* ---- agree ---- */

/* An ephemeral key on the same curve. */
static EVP_PKEY *companion(EVP_PKEY *public)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public, NULL);
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_keygen_init(ctx) > 0)
		EVP_PKEY_keygen(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool derives(EVP_PKEY *mine, EVP_PKEY *theirs, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	bool good = ctx && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, theirs) > 0 && EVP_PKEY_derive(ctx, out, n) > 0;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static enum outcome compare_agreement(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	EVP_PKEY *mine = companion(u->public);
	unsigned char expected[128], *spki = NULL;
	size_t n = sizeof(expected);
	int length = mine ? i2d_PUBKEY(mine, &spki) : 0;
	struct key_request q = { .mechanism = mechanism, .input = span_from(spki, length > 0 ? (size_t)length : 0) };
	struct buf out = BUF_INIT;
	enum outcome o = PASSED;

	if (length <= 0 || !derives(mine, u->public, expected, &n))
		o = not_asked(c, "OpenSSL cannot agree with this key");
	else if (u->calls.agree(u->calls.ctx, u->keys[0].key_id, &q, &out, &u->err) < 0)
		o = failed(c, "%s", u->err.text);
	else if (!span_eq(span_from(out.data, out.len), span_from(expected, n)))
		o = failed(c, "its secret is not ours");
	buf_wipe(&out);
	OPENSSL_free(spki);
	EVP_PKEY_free(mine);
	return o;
}

static enum outcome agree(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	if (!u->ec || !may(u, KU_KEY_AGREEMENT))
		return not_asked(c, "its key is not for that");
	return compare_agreement(c, u, mechanism);
}

static enum outcome agrees(struct checker *c)
{
	return with_key(c, agree, KEY_ECDH);
}

/* ---- find-keys, the other way ---- */

static enum outcome find_recipient(struct checker *c, struct use *u, enum key_mechanism mechanism)
{
	struct found_key *keys = NULL;
	struct certificate_id ids[2];
	struct error err = { 0 };
	X509 *other = stranger();
	enum outcome o = PASSED;
	size_t n = 0;
	int rc;

	(void)mechanism;
	if (!other)
		return not_asked(c, "OpenSSL makes no certificate");
	ids[0] = identifier_of(&c->arena, other);
	ids[1] = identifier_of(&c->arena, u->keys[0].certificate);
	rc = ask_decrypting_keys(&u->m, &c->arena, ids, 2, &keys, &n, &err);
	if (rc < 0)
		o = failed(c, "%s", err.text);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (keys[i].which != 1 || X509_cmp(keys[i].certificate, u->keys[0].certificate) != 0)
			o = failed(c, "it found the key of another certificate");
		X509_free(keys[i].certificate);
		sk_X509_pop_free(keys[i].chain, X509_free);
	}
	X509_free(other);
	return o;
}

static enum outcome finds_its_recipient(struct checker *c)
{
	return with_key(c, find_recipient, KEY_ECDH);
}

#define KEYS (1u << ROLE_KEYS)

static const struct point points[] = {
	{ "own keys", "find-keys: it is found by issuer and serial number, among strangers", MUST, finds_its_recipient, KEYS },
	{ "own keys", "sign rsa-pkcs1: the signature fits the certificate", MUST, signs_pkcs1, KEYS },
	{ "own keys", "sign rsa-pss: the signature fits the certificate", MUST, signs_pss, KEYS },
	{ "own keys", "sign ecdsa: the signature fits the certificate", MUST, signs_ecdsa, KEYS },
	{ "own keys", "sign: a value that is not as long as its digest is refused", MUST, signs_no_wrong_length, KEYS },
	{ "own keys", "sign: what a key of its kind cannot do is refused for good", MUST, signs_nothing_it_cannot, KEYS },
	{ "own keys", "unwrap rsa-pkcs1: what was encrypted to the certificate comes back", MUST, unwraps_pkcs1, KEYS },
	{ "own keys", "unwrap rsa-oaep: what was encrypted to the certificate comes back", MUST, unwraps_oaep, KEYS },
	{ "own keys", "unwrap: junk is never a reason to try again later", MUST, unwraps_no_junk, KEYS },
	{ "own keys", "agree ecdh: both sides have the same secret", MUST, agrees, KEYS },
};

const struct chapter chapter_own = { points, sizeof(points) / sizeof(*points) };
