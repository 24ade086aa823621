/* fuzz_smime_open.c - any bytes as a message, opened with a key that fits every recipient
 *
 * The key is made for this and of no use elsewhere; the seeds are encrypted for it.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <unistd.h>

#include "lib/fs.h"
#include "smime/open.h"

static const char key_text[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxBKyvkRrBHlHZcRi\n"
	"tvGgsDklxc2AtUNaybRd+/ALyIKhRANCAARy3Nel1NEGjWbdtUEiwkajs6/wrYr7\n"
	"isfM8vV6r6iltjOwM2/yR9XvUpCQ/8y2SmvpRGlnXpxWpEKasZwYIXel\n"
	"-----END PRIVATE KEY-----\n";
static const char certificate_text[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBXzCCAQagAwIBAgIUWFPQPoob4fjy5umzPKviIgyawwswCgYIKoZIzj0EAwIw\n"
	"DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjIwMTE1MDlaGA8yMTI2MTAyOTAxMTUw\n"
	"OVowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHLc\n"
	"16XU0QaNZt21QSLCRqOzr/CtivuKx8zy9XqvqKW2M7Azb/JH1e9SkJD/zLZKa+lE\n"
	"aWdenFakQpqxnBghd6WjPjA8MBsGA1UdEQQUMBKBEGZ1enpAZXhhbXBsZS5vcmcw\n"
	"HQYDVR0OBBYEFP8ahBLai6iziO9UR1si7/EBhL+lMAoGCCqGSM49BAMCA0cAMEQC\n"
	"IG8NPeB99ojnHAUJEk3sBoEi4l9amknaAuxTmCGaIodtAiAnbEQMJqiDEzfCkvg3\n"
	"SgB9pAEPn1xJhyv60dhADwKfOg==\n"
	"-----END CERTIFICATE-----\n";

static EVP_PKEY *own_key;
static X509 *own_certificate;
static OSSL_LIB_CTX *ctx;
static int scratch = -1;

static void set_up(void)
{
	BIO *key = BIO_new_mem_buf(key_text, -1), *certificate = BIO_new_mem_buf(certificate_text, -1);

	ctx = OSSL_LIB_CTX_new();
	if (!OSSL_PROVIDER_load(ctx, "default"))
		abort();
	own_key = PEM_read_bio_PrivateKey_ex(key, NULL, NULL, NULL, ctx, NULL);
	own_certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	scratch = fs_temporary("/tmp", NULL);
	if (!own_key || !own_certificate || scratch < 0)
		abort();
	BIO_free(key);
	BIO_free(certificate);
}

static int find_key(void *unused, const struct certificate_id *ids, size_t n, size_t skip, size_t *which,
		    X509 **certificate, EVP_PKEY **key, struct error *err)
{
	if (skip >= n || skip > 2)
		return error_set(err, E_NOTFOUND, "no more");
	*which = skip;
	*certificate = own_certificate;
	*key = own_key;
	X509_up_ref(own_certificate);
	EVP_PKEY_up_ref(own_key);
	return 0;
}

static int find_certificate(void *unused, const struct certificate_id *id, X509 **certificate, struct error *err)
{
	*certificate = own_certificate;
	X509_up_ref(own_certificate);
	return 0;
}

/* What is promised: layers without content are never good, and what is replaced was opened. */
static void check(const struct opened *o)
{
	bool replaced = false;

	for (size_t i = 0; i < o->nlayers; i++) {
		const struct layer *l = &o->layers[i];

		replaced |= l->status == LAYER_OPEN && l->kind != LAYER_CERTS_ONLY && l->kind != LAYER_CLEAR_SIGNED;
		if ((l->kind == LAYER_CERTS_ONLY && l->nsigners) || !l->why || (l->status == LAYER_OPEN) != !*l->why)
			abort();
	}
	if (replaced != o->unwrapped)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct open_calls calls = { .find_key = find_key, .find_certificate = find_certificate };
	const struct open_limits limits = { .layers = 4, .message = 1 << 20,
					    .mime = { .header = 65536, .parts = 100, .depth = 20 } };
	struct arena arena = ARENA_INIT;
	struct entity *root;
	struct opened opened;
	bool is_signed, is_encrypted;

	if (scratch < 0)
		set_up();
	if (smime_open(&arena, ctx, span_from(data, n), &calls, &limits, scratch, &opened, NULL) == 0) {
		check(&opened);
		opened_release(&opened);
	}
	if (entity_parse(&arena, span_from(data, n), &limits.mime, &root, NULL) == 0)
		smime_looks(root, &is_signed, &is_encrypted);
	arena_release(&arena);
	ERR_clear_error();
	return ftruncate(scratch, 0);
}
