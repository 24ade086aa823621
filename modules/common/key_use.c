/* key_use.c - "sign", "unwrap" and "agree": what private keys do (RFC 8017, RFC 5753, SEC 1)
 *
 * A v1.5 unwrap that fails says so in one way only, whatever was wrong inside: the core goes on as with a wrong key.
 */
#include "common/key_use.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/key_request.h"
#include "lib/openssl.h"

struct use {
	struct server *s;
	struct key_request request;
	EVP_PKEY *key;       /* the module's */
	EVP_PKEY_CTX *ctx;
	struct buf out;
	struct error *err;
};

static int fail(struct use *u, const char *code, const char *what)
{
	unsigned long n = ERR_peek_last_error();
	const char *why = n ? ERR_reason_error_string(n) : NULL;

	u->s->code = code;
	error_set(u->err, E_PERM, "%s: %s%s%s", u->request.name, what, why ? ": " : "", why ? why : "");
	ERR_clear_error();
	return E_PERM;
}

static int begin(struct use *u, key_use_find find, int (*init)(EVP_PKEY_CTX *))
{
	int rc = find(u->s, u->request.key, &u->key, u->err);

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
	buf_wipe(&u->out);
	key_request_release(&u->request);
	ERR_clear_error();
}

static struct span result(const struct use *u)
{
	return span_from(buf_str(&u->out), u->out.len);
}

/* Runs one of the EVP_PKEY operations that first tell the size. */
static int run(struct use *u, int (*operation)(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t),
	       const char *code)
{
	const unsigned char *in = (const unsigned char *)u->request.input.data;
	size_t n = 0;

	if (operation(u->ctx, NULL, &n, in, u->request.input.len) <= 0)
		return fail(u, code, "failed");
	buf_reserve(&u->out, n + 1);
	if (operation(u->ctx, (unsigned char *)u->out.data, &n, in, u->request.input.len) <= 0)
		return fail(u, code, "failed");
	u->out.len = n;
	return 0;
}

/* ---- sign ---- */

static int prepare_pkcs1(struct use *u)
{
	if (EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA)
		return fail(u, "bad-request", "not an RSA key");
	/* OpenSSL puts the DigestInfo around the value. */
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(u->ctx, u->request.digest) <= 0)
		return fail(u, "bad-request", "digest refused");
	return 0;
}

static int prepare_pss(struct use *u)
{
	if (EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA && EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA_PSS)
		return fail(u, "bad-request", "not an RSA key");
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(u->ctx, u->request.digest) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(u->ctx, u->request.mgf) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(u->ctx, (int)u->request.salt_length) <= 0)
		return fail(u, "bad-request", "parameters refused");
	return 0;
}

static int prepare_to_sign(struct use *u)
{
	if (u->request.mechanism == KEY_RSA_PKCS1)
		return prepare_pkcs1(u);
	if (u->request.mechanism == KEY_RSA_PSS)
		return prepare_pss(u);
	return EVP_PKEY_get_base_id(u->key) == EVP_PKEY_EC ? 0 : fail(u, "bad-request", "not an elliptic curve key");
}

int key_use_sign(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err)
{
	struct use u = { .s = s, .err = err };
	int rc = key_request_sign(s, request, &u.request, err);

	if (rc == 0)
		rc = begin(&u, find, EVP_PKEY_sign_init);
	if (rc == 0)
		rc = prepare_to_sign(&u);
	if (rc == 0)
		rc = run(&u, EVP_PKEY_sign, "sign-failed");
	if (rc == 0)
		key_answer_signature(w, result(&u));
	end(&u);
	return rc;
}

/* ---- unwrap ---- */

static int set_label(struct use *u)
{
	const struct buf *label = &u->request.label;
	void *copy;

	if (!label->len)
		return 0;
	copy = OPENSSL_memdup(label->data, label->len);
	if (!copy || EVP_PKEY_CTX_set0_rsa_oaep_label(u->ctx, copy, (int)label->len) <= 0) {
		OPENSSL_free(copy);
		return fail(u, "bad-request", "label refused");
	}
	return 0;
}

static int prepare_to_unwrap(struct use *u)
{
	if (EVP_PKEY_get_base_id(u->key) != EVP_PKEY_RSA)
		return fail(u, "bad-request", "not an RSA key");
	if (u->request.mechanism == KEY_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_PADDING) > 0 ? 0 : fail(u, "bad-request", "padding refused");
	if (EVP_PKEY_CTX_set_rsa_padding(u->ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(u->ctx, u->request.digest) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(u->ctx, u->request.mgf) <= 0)
		return fail(u, "bad-request", "parameters refused");
	return set_label(u);
}

/* No reason is given, in the log neither: it would be the oracle. */
static int unwrap(struct use *u)
{
	int rc = run(u, EVP_PKEY_decrypt, "unwrap-failed");

	if (rc == 0 && u->out.len > 0)
		return 0;
	u->s->code = "unwrap-failed";
	return error_set(u->err, E_PERM, "%s: this key does not open it", u->request.name);
}

int key_use_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err)
{
	struct use u = { .s = s, .err = err };
	int rc = key_request_unwrap(s, request, &u.request, err);

	if (rc == 0)
		rc = begin(&u, find, EVP_PKEY_decrypt_init);
	if (rc == 0)
		rc = prepare_to_unwrap(&u);
	if (rc == 0)
		rc = unwrap(&u);
	if (rc == 0)
		key_answer_secret(w, result(&u));
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
static int derive(struct use *u)
{
	EVP_PKEY *peer = read_peer(&u->request.input);
	size_t n = 0;
	int rc = 0;

	if (!peer)
		rc = fail(u, "bad-request", "the peer's public key is broken or of an unknown kind");
	else if (EVP_PKEY_derive_set_peer(u->ctx, peer) <= 0 || EVP_PKEY_derive(u->ctx, NULL, &n) <= 0)
		rc = fail(u, "agree-failed", "the peer's key does not fit ours");
	if (rc == 0) {
		buf_reserve(&u->out, n + 1);
		if (EVP_PKEY_derive(u->ctx, (unsigned char *)u->out.data, &n) <= 0)
			rc = fail(u, "agree-failed", "failed");
		else
			u->out.len = n;
	}
	EVP_PKEY_free(peer);
	return rc;
}

int key_use_agree(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err)
{
	struct use u = { .s = s, .err = err };
	int rc = key_request_agree(s, request, &u.request, err);

	if (rc == 0)
		rc = begin(&u, find, EVP_PKEY_derive_init);
	if (rc == 0)
		rc = derive(&u);
	if (rc == 0)
		key_answer_secret(w, result(&u));
	end(&u);
	return rc;
}
