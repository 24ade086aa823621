/* path-bare.c - what OpenSSL alone takes for the check that bench/check-path measures: one X509_verify_cert() in a new process
 *
 * usage: path-bare TIMES ROOT SUB ROOT-CRL SUB-CRL LEAF...
 *
 * Files are PEM or DER, and read by who needs them only: no index, no policy of ours, no verify log.  TIMES 0 starts OpenSSL and
 * reads nothing, which is what the figure is beyond.  Writes how many were good.
 */
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

static BIO *file(const char *name)
{
	BIO *b = BIO_new_file(name, "rb");

	if (!b)
		exit(1);
	return b;
}

static X509 *certificate(const char *name)
{
	BIO *b = file(name);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	BIO_free(b);
	return x;
}

static X509_CRL *list(const char *name)
{
	BIO *b = file(name);
	X509_CRL *l = d2i_X509_CRL_bio(b, NULL);

	BIO_free(b);
	return l;
}

static int verify(X509_STORE *store, STACK_OF(X509) *others, X509 *leaf)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int good = X509_STORE_CTX_init(ctx, store, leaf, others) && X509_verify_cert(ctx) == 1;

	X509_STORE_CTX_free(ctx);
	return good;
}

int main(int argc, char **argv)
{
	int times = argc > 6 ? (int)strtol(argv[1], NULL, 10) : -1, good = 0;
	STACK_OF(X509) *others;
	X509_STORE *store;

	if (times < 0)
		return 64;
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (times > 0) {
		store = X509_STORE_new();
		others = sk_X509_new_null();
		X509_STORE_add_cert(store, certificate(argv[2]));
		sk_X509_push(others, certificate(argv[3]));
		X509_STORE_add_crl(store, list(argv[4]));
		X509_STORE_add_crl(store, list(argv[5]));
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
		for (int i = 0; i < times; i++)
			good += verify(store, others, certificate(argv[6 + i % (argc - 6)]));
	}
	printf("%d\n", good);
	return good == times ? 0 : 1;
}
