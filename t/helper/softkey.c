/* softkey.c - a key's holder inside the test program */
#include "softkey.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static EVP_PKEY *find(struct softkeys *keys, const char *id, const struct key_request *request, struct error *err)
{
	keys->calls++;
	keys->last = *request;
	snprintf(keys->digest, sizeof(keys->digest), "%s", request->digest ? request->digest : "");
	snprintf(keys->mgf_digest, sizeof(keys->mgf_digest), "%s", request->mgf_digest ? request->mgf_digest : "");
	keys->last.digest = keys->digest;
	keys->last.mgf_digest = keys->mgf_digest;
	keys->last.input = keys->last.label = (struct span){ 0 };
	if (keys->fail) {
		error_set(err, keys->fail, "%s", keys->fail_text);
		return NULL;
	}
	for (struct softkey *k = keys->first; k; k = k->next)
		if (strcmp(k->id, id) == 0)
			return k->key;
	error_set(err, E_NOTFOUND, "no key %s", id);
	return NULL;
}

static int result(const unsigned char *p, size_t n, int ok, struct buf *out, struct error *err)
{
	if (!ok)
		return error_set(err, E_PERM, "the private operation failed");
	buf_add(out, p, n);
	return 0;
}

static int soft_sign(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	EVP_PKEY *key = find(ctx, id, r, err);
	EVP_PKEY_CTX *c;
	unsigned char sig[1024];
	size_t n = sizeof(sig);
	int ok;

	if (!key)
		return err->code;
	c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ok = EVP_PKEY_sign_init(c) == 1;
	if (ok && r->mechanism == KEY_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_get_digestbyname(r->mgf_digest)) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(c, r->salt_length) == 1;
	else if (ok && r->mechanism == KEY_RSA_PKCS1)
		ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1;
	ok = ok && EVP_PKEY_CTX_set_signature_md(c, EVP_get_digestbyname(r->digest)) == 1 &&
	     EVP_PKEY_sign(c, sig, &n, (const unsigned char *)r->input.p, r->input.n) == 1;
	EVP_PKEY_CTX_free(c);
	return result(sig, n, ok, out, err);
}

static int soft_unwrap(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	EVP_PKEY *key = find(ctx, id, r, err);
	EVP_PKEY_CTX *c;
	unsigned char secret[1024];
	size_t n = sizeof(secret);
	int ok;

	if (!key)
		return err->code;
	c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ok = EVP_PKEY_decrypt_init(c) == 1;
	if (ok && r->mechanism == KEY_RSA_OAEP) {
		ok = EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_get_digestbyname(r->digest)) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_get_digestbyname(r->mgf_digest)) == 1;
		if (ok && r->label.n)
			ok = EVP_PKEY_CTX_set0_rsa_oaep_label(c, OPENSSL_memdup(r->label.p, r->label.n), (int)r->label.n) == 1;
	}
	ok = ok && EVP_PKEY_decrypt(c, secret, &n, (const unsigned char *)r->input.p, r->input.n) == 1;
	EVP_PKEY_CTX_free(c);
	return result(secret, n, ok, out, err);
}

static int soft_agree(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	EVP_PKEY *key = find(ctx, id, r, err), *peer;
	const unsigned char *p = (const unsigned char *)r->input.p;
	EVP_PKEY_CTX *c;
	unsigned char secret[256];
	size_t n = sizeof(secret);
	int ok;

	if (!key)
		return err->code;
	peer = d2i_PUBKEY(NULL, &p, (long)r->input.n);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	ok = peer && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 &&
	     EVP_PKEY_derive(c, secret, &n) == 1;
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(peer);
	return result(secret, n, ok, out, err);
}

struct key_calls softkey_calls(struct softkeys *keys)
{
	return (struct key_calls){ .sign = soft_sign, .unwrap = soft_unwrap, .agree = soft_agree, .ctx = keys };
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s failed\n", what);
	abort();
}

EVP_PKEY *softkey_generate(const char *type, unsigned bits, const char *curve)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	must(ctx && EVP_PKEY_keygen_init(ctx) == 1, type);
	must(curve ? EVP_PKEY_CTX_set_group_name(ctx, curve) == 1 : EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1,
	     "key size");
	must(EVP_PKEY_generate(ctx, &key) == 1, "key generation");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

X509 *softkey_certify(EVP_PKEY *key, const char *name, long serial, const char *key_usage)
{
	X509 *made = X509_new(), *parsed;
	unsigned char *der = NULL;
	const unsigned char *p;
	int n;

	X509_set_version(made, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
	X509_gmtime_adj(X509_getm_notBefore(made), -3600);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	X509_set_pubkey(made, key);
	if (key_usage) {
		X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, key_usage);

		must(usage && X509_add_ext(made, usage, -1) == 1, key_usage);
		X509_EXTENSION_free(usage);
	}
	must(X509_sign(made, key, EVP_sha256()) > 0, "signing the certificate");
	n = i2d_X509(made, &der);
	p = der;
	must((parsed = d2i_X509(NULL, &p, n)) != NULL, "reading the certificate");
	OPENSSL_free(der);
	X509_free(made);
	return parsed;
}
