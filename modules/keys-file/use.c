/* use.c - "sign", "unwrap" and "agree": what private keys do (RFC 8017, RFC 5753, SEC 1)
 *
 * A v1.5 unwrap that fails says so in one way only, whatever was wrong inside: the core goes on as with a wrong key.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "keys-file/keys_file.h"
#include "lib/base64.h"
#include "lib/openssl.h"

#define INPUT_MAX ((size_t)64 * 1024)
#define SALT_MAX 1024

struct use {
	struct server *s;
	const struct xml *request;
	const char *mechanism;
	struct buf input;
	EVP_PKEY *key;       /* the known key's */
	EVP_PKEY_CTX *ctx;
	struct error *err;
};

static int fail(struct use *u, const char *code, const char *what)
{
	unsigned long n = ERR_peek_last_error();
	const char *why = n ? ERR_reason_error_string(n) : NULL;

	u->s->code = code;
	error_set(u->err, E_PERM, "%s: %s%s%s", u->mechanism, what, why ? ": " : "", why ? why : "");
	ERR_clear_error();
	return E_PERM;
}

/* ---- the key ---- */

static int find_key(struct use *u)
{
	struct keys_file *state = u->s->state;
	const char *id = xml_attr_or(u->request, "key", "");
	struct known_key *k = state->keys;
	int rc = 0;

	while (k && strcmp(k->id, id) != 0)
		k = k->next;
	if (!k) {
		u->s->code = "no-key";
		return error_set(u->err, E_PERM, "no key \"%s\"; find-keys names them", id);
	}
	if (!k->key)
		rc = private_key_read(u->s, k->file, k->der, &k->key, u->err);
	u->key = k->key;
	return rc;
}

static int begin(struct use *u, int (*init)(EVP_PKEY_CTX *))
{
	int rc = xml_binary(u->request, &u->input, u->err);

	u->mechanism = xml_attr_or(u->request, "mechanism", "");
	if (rc < 0)
		return rc;
	if (u->input.len == 0 || u->input.len > INPUT_MAX)
		return error_set(u->err, E_PERM, "%s: no input, or too much", u->mechanism);
	rc = find_key(u);
	if (rc < 0)
		return rc;
	u->ctx = EVP_PKEY_CTX_new(u->key, NULL);
	if (!u->ctx || init(u->ctx) <= 0)
		return fail(u, "bad-request", "this key cannot do that");
	return 0;
}

static void end(struct use *u)
{
	EVP_PKEY_CTX_free(u->ctx);
	buf_wipe(&u->input);
	ERR_clear_error();
}

static bool is_rsa(const struct use *u)
{
	return EVP_PKEY_get_base_id(u->key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(u->key) == EVP_PKEY_RSA_PSS;
}

/* Those that sign or mask anything today; EVP_get_digestbyname would first register every algorithm there is. */
static const EVP_MD *digest_by_name(const char *name)
{
	static const struct {
		const char *name;
		const EVP_MD *(*digest)(void);
	} digests[] = {
		{ "sha256", EVP_sha256 }, { "sha384", EVP_sha384 }, { "sha512", EVP_sha512 }, { "sha224", EVP_sha224 },
		{ "sha1", EVP_sha1 }, { "sha512-224", EVP_sha512_224 }, { "sha512-256", EVP_sha512_256 },
		{ "sha3-224", EVP_sha3_224 }, { "sha3-256", EVP_sha3_256 }, { "sha3-384", EVP_sha3_384 },
		{ "sha3-512", EVP_sha3_512 }, { "md5", EVP_md5 }, { "ripemd160", EVP_ripemd160 },
	};

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		if (ascii_caseeq(name, digests[i].name)) {
			openssl_complete_for_digest(NULL, EVP_MD_get_type(digests[i].digest()));
			return digests[i].digest();
		}
	return NULL;
}

/* The digest an attribute names; dflt: where it is absent, may be NULL. */
static int digest_of(struct use *u, const char *attribute, const EVP_MD *dflt, const EVP_MD **out)
{
	const char *name = xml_attr(u->request, attribute);

	*out = name ? digest_by_name(name) : dflt;
	if (*out)
		return 0;
	u->s->code = "bad-request";
	return error_set(u->err, E_PERM, "%s=\"%s\": unknown or missing", attribute, name ? name : "");
}

static void write_secret(struct xml_writer *w, const char *element, struct buf *out)
{
	xml_open(w, element);
	xml_put_binary(w, out->data, out->len);
	xml_close(w);
}

/* Runs one of the EVP_PKEY operations that first tell the size. */
static int run(struct use *u, int (*operation)(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t),
	       struct buf *out, const char *code)
{
	const unsigned char *in = (const unsigned char *)u->input.data;
	size_t n = 0;

	if (operation(u->ctx, NULL, &n, in, u->input.len) <= 0)
		return fail(u, code, "failed");
	buf_reserve(out, n + 1);
	if (operation(u->ctx, (unsigned char *)out->data, &n, in, u->input.len) <= 0)
		return fail(u, code, "failed");
	out->len = n;
	return 0;
}

/* ---- sign ---- */

static int prepare_pkcs1(struct use *u, const EVP_MD *digest)
{
	if (EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA)
		return fail(u, "bad-request", "not an RSA key");
	/* OpenSSL puts the DigestInfo around the value. */
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PADDING) <= 0 || EVP_PKEY_CTX_set_signature_md(u->ctx, digest) <= 0)
		return fail(u, "bad-request", "digest refused");
	return 0;
}

static int prepare_pss(struct use *u, const EVP_MD *digest)
{
	const EVP_MD *mgf;
	uint64_t salt;

	if (!is_rsa(u))
		return fail(u, "bad-request", "not an RSA key");
	if (digest_of(u, "mgf-digest", digest, &mgf) < 0)
		return E_PERM;
	if (!span_number(span_of(xml_attr_or(u->request, "salt-length", "")), SALT_MAX, &salt)) {
		salt = (uint64_t)EVP_MD_get_size(digest);
		if (xml_attr(u->request, "salt-length"))
			return fail(u, "bad-request", "salt-length is no number up to 1024");
	}
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(u->ctx, digest) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(u->ctx, mgf) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(u->ctx, (int)salt) <= 0)
		return fail(u, "bad-request", "parameters refused");
	return 0;
}

static int prepare_ecdsa(struct use *u, const EVP_MD *digest)
{
	(void)digest;
	return EVP_PKEY_get_base_id(u->key) == EVP_PKEY_EC ? 0 : fail(u, "bad-request", "not an elliptic curve key");
}

static const struct {
	const char *name;
	int (*prepare)(struct use *, const EVP_MD *);
} signing[] = {
	{ "rsa-pkcs1", prepare_pkcs1 },
	{ "rsa-pss", prepare_pss },
	{ "ecdsa", prepare_ecdsa },
};

static int prepare_to_sign(struct use *u)
{
	const EVP_MD *digest;
	int rc = digest_of(u, "digest", NULL, &digest);

	if (rc < 0)
		return rc;
	if ((size_t)EVP_MD_get_size(digest) != u->input.len)
		return fail(u, "bad-request", "the value has not the digest's length");
	for (size_t i = 0; i < sizeof(signing) / sizeof(*signing); i++)
		if (strcmp(u->mechanism, signing[i].name) == 0)
			return signing[i].prepare(u, digest);
	return fail(u, "bad-request", "not a mechanism to sign");
}

int use_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct use u = { .s = s, .request = request, .err = err };
	struct buf out = BUF_INIT;
	int rc = begin(&u, EVP_PKEY_sign_init);

	if (rc == 0)
		rc = prepare_to_sign(&u);
	if (rc == 0)
		rc = run(&u, EVP_PKEY_sign, &out, "sign-failed");
	if (rc == 0)
		write_secret(w, "signature", &out);
	buf_wipe(&out);
	end(&u);
	return rc;
}

/* ---- unwrap ---- */

static int set_label(struct use *u)
{
	const char *base64 = xml_attr(u->request, "label");
	struct buf label = BUF_INIT;
	void *copy;
	int n;

	if (!base64 || !*base64)
		return 0;
	if (base64_decode(&label, span_of(base64), true) < 0 || label.len > INPUT_MAX) {
		buf_release(&label);
		return fail(u, "bad-request", "label is not base64");
	}
	copy = OPENSSL_memdup(label.data, label.len);
	n = (int)label.len;
	buf_release(&label);
	if (!copy || EVP_PKEY_CTX_set0_rsa_oaep_label(u->ctx, copy, n) <= 0) {
		OPENSSL_free(copy);
		return fail(u, "bad-request", "label refused");
	}
	return 0;
}

static int prepare_oaep(struct use *u)
{
	const EVP_MD *digest, *mgf;

	if (digest_of(u, "digest", EVP_sha1(), &digest) < 0 || digest_of(u, "mgf-digest", digest, &mgf) < 0)
		return E_PERM;
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(u->ctx, digest) <= 0 || EVP_PKEY_CTX_set_rsa_mgf1_md(u->ctx, mgf) <= 0)
		return fail(u, "bad-request", "parameters refused");
	return set_label(u);
}

static int prepare_to_unwrap(struct use *u)
{
	if (EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA)
		return fail(u, "bad-request", "not an RSA key");
	if (strcmp(u->mechanism, "rsa-oaep") == 0)
		return prepare_oaep(u);
	if (strcmp(u->mechanism, "rsa-pkcs1") != 0)
		return fail(u, "bad-request", "not a mechanism to unwrap");
	return EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PADDING) > 0 ? 0 : fail(u, "bad-request", "padding refused");
}

/* No reason is given, in the log neither: it would be the oracle. */
static int unwrap(struct use *u, struct buf *out)
{
	int rc = run(u, EVP_PKEY_decrypt, out, "unwrap-failed");

	if (rc == 0 && out->len > 0)
		return 0;
	u->s->code = "unwrap-failed";
	return error_set(u->err, E_PERM, "%s: this key does not open it", u->mechanism);
}

int use_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct use u = { .s = s, .request = request, .err = err };
	struct buf out = BUF_INIT;
	int rc = begin(&u, EVP_PKEY_decrypt_init);

	if (rc == 0)
		rc = prepare_to_unwrap(&u);
	if (rc == 0)
		rc = unwrap(&u, &out);
	if (rc == 0)
		write_secret(w, "secret", &out);
	buf_wipe(&out);
	end(&u);
	return rc;
}

/* ---- agree ---- */

static EVP_PKEY *read_peer(const struct buf *spki)
{
	const unsigned char *p = (const unsigned char *)spki->data;
	EVP_PKEY *peer = d2i_PUBKEY(NULL, &p, (long)spki->len);

	if (!peer) { /* of a rare kind, perhaps */
		openssl_complete(NULL);
		ERR_clear_error();
		peer = d2i_PUBKEY(NULL, &p, (long)spki->len);
	}
	if (peer && p != (const unsigned char *)spki->data + spki->len) {
		EVP_PKEY_free(peer);
		peer = NULL;
	}
	return peer;
}

/* OpenSSL checks that the peer's point is on the curve before it is used. */
static int derive(struct use *u, struct buf *out)
{
	EVP_PKEY *peer = read_peer(&u->input);
	size_t n = 0;
	int rc = 0;

	if (!peer)
		rc = fail(u, "bad-request", "the peer's public key is broken or of an unknown kind");
	else if (EVP_PKEY_derive_set_peer(u->ctx, peer) <= 0 || EVP_PKEY_derive(u->ctx, NULL, &n) <= 0)
		rc = fail(u, "agree-failed", "the peer's key does not fit ours");
	if (rc == 0) {
		buf_reserve(out, n + 1);
		if (EVP_PKEY_derive(u->ctx, (unsigned char *)out->data, &n) <= 0)
			rc = fail(u, "agree-failed", "failed");
		else
			out->len = n;
	}
	EVP_PKEY_free(peer);
	return rc;
}

int use_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct use u = { .s = s, .request = request, .err = err };
	struct buf out = BUF_INIT;
	int rc = begin(&u, EVP_PKEY_derive_init);

	if (rc == 0 && strcmp(u.mechanism, "ecdh") != 0)
		rc = fail(&u, "bad-request", "not a mechanism to agree");
	if (rc == 0)
		rc = derive(&u, &out);
	if (rc == 0)
		write_secret(w, "secret", &out);
	buf_wipe(&out);
	end(&u);
	return rc;
}
