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
#include "keys-file/keys_file.h"
#include "lib/fs.h"

#define KEY_FILE_MAX ((size_t)16 << 20)

struct key_search {
	EVP_PKEY *wanted;       /* the public key */
	const char *passphrase; /* NULL: none */
	bool asked;             /* a key wanted a passphrase ... */
	bool failed;            /* ... or did not open with ours */
	EVP_PKEY *found;
};

static int consider(void *ctx, EVP_PKEY *key)
{
	struct key_search *k = ctx;

	if (!k->found && EVP_PKEY_eq(key, k->wanted) == 1 && EVP_PKEY_up_ref(key))
		k->found = key;
	return 0;
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

static void try_key_block(struct key_search *k, struct span block)
{
	BIO *b = BIO_new_mem_buf(block.p, (int)block.n);
	EVP_PKEY *key;

	k->asked = false;
	key = b ? PEM_read_bio_PrivateKey(b, NULL, give_passphrase, k) : NULL;
	if (key)
		consider(k, key);
	else if (k->asked)
		k->failed = true;
	EVP_PKEY_free(key);
	BIO_free(b);
	ERR_clear_error();
}

static void try_pkcs12(struct key_search *k, struct span der)
{
	const struct pkcs12_visitor visitor = { NULL, consider, NULL, k };

	if (pkcs12_visit(der, k->passphrase, &visitor, NULL) == E_CONFIG)
		k->failed = true;
}

static bool ends_with(struct span s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static void search_pem(struct key_search *k, struct span text)
{
	struct pem_block b;
	size_t at = 0;

	while (!k->found && pem_next(text, &at, &b, NULL) == 0) {
		struct buf der = BUF_INIT;

		if (ends_with(b.label, "PRIVATE KEY"))
			try_key_block(k, b.whole);
		else if (span_eqstr(b.label, "PKCS12") && pem_decode(&b, &der) == 0)
			try_pkcs12(k, span_from(buf_str(&der), der.len));
		buf_wipe(&der);
	}
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
	const unsigned char *p = (const unsigned char *)certificate.p;
	X509 *x = d2i_X509(NULL, &p, (long)certificate.n);
	struct key_search k = { .wanted = x ? X509_get0_pubkey(x) : NULL };
	char *passphrase = NULL;
	int rc = 0;

	*out = NULL;
	if (!k.wanted)
		rc = error_set(err, E_PERM, "%s: public key of a kind that is not supported", file);
	if (rc == 0)
		rc = passphrase_read(s->config->passphrase_file, &passphrase, err);
	k.passphrase = passphrase;
	if (rc == 0)
		rc = search_file(&k, file, err);
	if (rc == 0)
		rc = judge(s, &k, file, err);
	passphrase_free(passphrase);
	X509_free(x);
	ERR_clear_error();
	*out = k.found;
	return rc;
}
