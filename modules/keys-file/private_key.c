/* private_key.c - one private key out of a file of the area "private"
 *
 * PEM: keys and certificates in any order, PKCS#8 (plain or encrypted) and the older forms; PKCS#12, in DER or PEM
 * armour.  The key is chosen by the public key of the certificate, never by its place in the file.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/certfile.h"
#include "common/passphrase.h"
#include "common/pkcs12.h"
#include "keys-file/fast_key.h"
#include "keys-file/keys_file.h"
#include "lib/fs.h"
#include "lib/openssl.h"

#define KEY_FILE_MAX ((size_t)16 << 20)

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

/* PEM headers name their cipher in OpenSSL's old table, which main.c leaves empty. */
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

static int search_file(struct key_search *k, const char *file, struct error *err)
{
	struct buf bytes = BUF_INIT;
	struct span s;
	int rc = fs_read_secret(file, KEY_FILE_MAX, &bytes, err);

	if (rc == 0) {
		s = span_from(buf_str(&bytes), bytes.len);
		if (memmem(s.p, s.n, "-----BEGIN ", 11))
			search_pem(k, s);
		else
			try_pkcs12(k, s);
	}
	buf_wipe(&bytes);
	return rc;
}

static int judge(struct server *s, const struct key_search *k, const char *file, struct error *err)
{
	if (k->found)
		return 0;
	if (k->failed) {
		s->code = "passphrase-needed";
		return error_set(err, E_CONFIG, "%s: %s", file, k->passphrase ? "the passphrase in passphrase_file does not open it" :
				 "encrypted, and there is no passphrase_file");
	}
	s->code = "no-key";
	return error_set(err, E_CONFIG, "%s: holds no private key for this certificate", file);
}

int private_key_read(struct server *s, const char *file, struct span certificate, EVP_PKEY **out, struct error *err)
{
	struct key_search k = { .certificate = certificate };
	struct certificate_parts parts;
	char *passphrase = NULL;
	int rc = 0;

	*out = NULL;
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(SECURE_MEMORY, SECURE_PIECE);
	if (!certificate_parts(certificate, &parts) || !key_info_public(parts.public_key, &k.public))
		rc = error_set(err, E_PERM, "%s: broken public key in the certificate", file);
	if (rc == 0)
		rc = passphrase_read(s->config->passphrase_file, &passphrase, err);
	k.passphrase = passphrase;
	if (rc == 0)
		rc = search_file(&k, file, err);
	if (rc == 0)
		rc = judge(s, &k, file, err);
	passphrase_free(passphrase);
	X509_free(k.parsed);
	ERR_clear_error();
	*out = k.found;
	return rc;
}
