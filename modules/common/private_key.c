/* private_key.c - the private key of a certificate, out of bytes in any of the usual forms */
#include "common/private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/certfile.h"
#include "common/fast_key.h"
#include "common/pkcs12.h"
#include "lib/openssl.h"

/* For the numbers of private keys: locked into memory and left out of dumps. */
#define SECURE_MEMORY ((size_t)64 * 1024)
#define SECURE_PIECE 16

struct key_search {
	struct span certificate;
	struct key_info public; /* its public key ... */
	X509 *parsed;           /* ... and as OpenSSL reads it, where that is needed */
	const char *passphrase; /* NULL: none */
	bool asked;             /* a key wanted a passphrase ... */
	bool failed;            /* ... or did not open with ours */
	EVP_PKEY *found;
};

/* ---- is it this one? ---- */

/* The long way: OpenSSL reads both and compares. */
static void consider_key(struct key_search *k, EVP_PKEY *key)
{
	const unsigned char *p = (const unsigned char *)k->certificate.p;

	openssl_complete(NULL);
	if (!k->parsed)
		k->parsed = d2i_X509(NULL, &p, (long)k->certificate.n);
	if (key && k->parsed && !k->found && X509_check_private_key(k->parsed, key) == 1 && EVP_PKEY_up_ref(key))
		k->found = key;
	EVP_PKEY_free(key);
	ERR_clear_error();
}

static int consider_pkcs8(void *ctx, const PKCS8_PRIV_KEY_INFO *key)
{
	struct key_search *k = ctx;
	unsigned char *der = NULL;
	int n = k->found ? 0 : i2d_PKCS8_PRIV_KEY_INFO(key, &der);
	struct key_info private;
	bool unsure = true;

	if (n <= 0)
		return 0;
	if (key_info_private(span_from(der, (size_t)n), &private))
		k->found = fast_key(&private, &k->public, &unsure);
	if (unsure) {
		openssl_complete(NULL);
		consider_key(k, EVP_PKCS82PKEY(key));
	}
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}

static void try_plain(struct key_search *k, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	PKCS8_PRIV_KEY_INFO *key = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);

	if (key)
		consider_pkcs8(k, key);
	PKCS8_PRIV_KEY_INFO_free(key);
}

static void try_encrypted(struct key_search *k, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &p, (long)der.n);
	PKCS8_PRIV_KEY_INFO *key = NULL;

	openssl_complete(NULL); /* for its cipher */
	if (sealed && k->passphrase)
		key = PKCS8_decrypt(sealed, k->passphrase, (int)strlen(k->passphrase));
	if (key)
		consider_pkcs8(k, key);
	else
		k->failed = true;
	PKCS8_PRIV_KEY_INFO_free(key);
	X509_SIG_free(sealed);
}

static int give_passphrase(char *buffer, int size, int writing, void *ctx)
{
	struct key_search *k = ctx;
	size_t n = k->passphrase ? strlen(k->passphrase) : 0;

	(void)writing;
	k->asked = true;
	if (!k->passphrase || size < 0 || n > (size_t)size)
		return -1;
	memcpy(buffer, k->passphrase, n);
	return (int)n;
}

/* PEM headers name their cipher in OpenSSL's old table, which process_start_openssl leaves empty. */
static void add_older_ciphers(void)
{
	EVP_add_cipher(EVP_aes_128_cbc());
	EVP_add_cipher(EVP_aes_192_cbc());
	EVP_add_cipher(EVP_aes_256_cbc());
	EVP_add_cipher(EVP_des_ede3_cbc());
	EVP_add_cipher(EVP_des_cbc());
}

/* The older forms, with their own kind of encryption in RFC 1421 headers. */
static void try_older(struct key_search *k, const struct pem_block *b, struct span der)
{
	struct key_info private;
	bool unsure = true;
	EVP_PKEY *key;
	BIO *bio;

	if (!memchr(b->body.p, ':', b->body.n) && key_info_older(b->label, der, &private))
		k->found = fast_key(&private, &k->public, &unsure);
	if (!unsure)
		return;
	openssl_complete(NULL);
	add_older_ciphers();
	bio = BIO_new_mem_buf(b->whole.p, (int)b->whole.n);
	k->asked = false;
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, k) : NULL;
	if (!key && k->asked)
		k->failed = true;
	consider_key(k, key);
	BIO_free(bio);
}

static void try_pkcs12(struct key_search *k, struct span der)
{
	const struct pkcs12_visitor visitor = { NULL, consider_pkcs8, NULL, k };

	if (pkcs12_visit(der, k->passphrase, &visitor, NULL) == E_CONFIG)
		k->failed = true;
}

/* ---- where keys stand ---- */

static bool ends_with(struct span s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static void try_block(struct key_search *k, const struct pem_block *b)
{
	struct buf der = BUF_INIT;
	struct span s;

	buf_reserve(&der, b->body.n); /* at once: growing would leave copies */
	if (pem_decode(b, &der) == 0) {
		s = span_from(buf_str(&der), der.len);
		if (span_eqstr(b->label, "PRIVATE KEY"))
			try_plain(k, s);
		else if (span_eqstr(b->label, "ENCRYPTED PRIVATE KEY"))
			try_encrypted(k, s);
		else if (span_eqstr(b->label, "PKCS12"))
			try_pkcs12(k, s);
		else if (ends_with(b->label, " PRIVATE KEY"))
			try_older(k, b, s);
	}
	buf_wipe(&der);
	ERR_clear_error();
}

static void search_pem(struct key_search *k, struct span text)
{
	struct pem_block b;
	size_t at = 0;

	while (!k->found && pem_next(text, &at, &b, NULL) == 0)
		try_block(k, &b);
}

static void search(struct key_search *k, struct span bytes)
{
	if (memmem(bytes.p, bytes.n, "-----BEGIN ", 11))
		search_pem(k, bytes);
	else
		try_pkcs12(k, bytes);
}

static int judge(const struct key_search *k, const char *name, const char **code, struct error *err)
{
	if (k->found)
		return 0;
	if (k->failed) {
		*code = "passphrase-needed";
		return error_set(err, E_CONFIG, "%s: %s", name, k->passphrase ? "the passphrase in passphrase_file does not open it" :
				 "encrypted, and there is no passphrase_file");
	}
	*code = "no-key";
	return error_set(err, E_CONFIG, "%s: holds no private key for this certificate", name);
}

void keys_start_secure_memory(void)
{
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(SECURE_MEMORY, SECURE_PIECE);
}

int private_key_find(struct span bytes, const char *name, struct span certificate, const char *passphrase, EVP_PKEY **out,
		     const char **code, struct error *err)
{
	struct key_search k = { .certificate = certificate, .passphrase = passphrase };
	struct certificate_parts parts;
	int rc;

	*out = NULL;
	keys_start_secure_memory();
	if (!certificate_parts(certificate, &parts) || !key_info_public(parts.public_key, &k.public))
		return error_set(err, E_PERM, "%s: broken public key in the certificate", name);
	search(&k, bytes);
	rc = judge(&k, name, code, err);
	X509_free(k.parsed);
	ERR_clear_error();
	*out = k.found;
	return rc;
}
