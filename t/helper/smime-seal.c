/* smime-seal.c - seals a file with certificates and keys of PEM files, for tests
 *
 *   smime-seal [-profiles FILE] [-profile NAME] [-sign CERT KEY [-chain CERTS]] [-to CERT]... [-capabilities DER] FILE
 *
 * FILE is a canonical MIME entity.  The message goes to standard output, the content cipher to standard error.
 * -capabilities belongs to the -to before it.  The keys are used through the delegating provider.
 */
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/fs.h"
#include "smime/seal.h"
#include "softkey.h"

#define RECIPIENTS_MAX 1000

struct job {
	const char *profiles, *profile;
	struct signer signer;
	EVP_PKEY *key;
	struct sealed_for to[RECIPIENTS_MAX];
	struct buf capabilities[RECIPIENTS_MAX];
	size_t nto;
	const char *file;
};

static void die(const char *what)
{
	fprintf(stderr, "smime-seal: %s\n", what);
	exit(1);
}

static FILE *open_file(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		die(path);
	return f;
}

static X509 *read_certificate(const char *path)
{
	FILE *f = open_file(path);
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

	fclose(f);
	if (!x)
		die(path);
	return x;
}

static STACK_OF(X509) *read_chain(const char *path)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	FILE *f = open_file(path);
	X509 *x;

	while ((x = PEM_read_X509(f, NULL, NULL, NULL)))
		sk_X509_push(chain, x);
	fclose(f);
	return chain;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = open_file(path);
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

	fclose(f);
	if (!key)
		die(path);
	return key;
}

static void read_capabilities(struct job *j, const char *path)
{
	struct buf *b = &j->capabilities[j->nto - 1];

	if (fs_read(path, 65536, b, NULL) < 0)
		die(path);
	j->to[j->nto - 1].capabilities = span_from(b->data, b->len);
}

static void read_arguments(struct job *j, int argc, char **argv)
{
	int i = 1;

	for (; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-profiles") == 0)
			j->profiles = argv[++i];
		else if (strcmp(argv[i], "-profile") == 0)
			j->profile = argv[++i];
		else if (strcmp(argv[i], "-sign") == 0 && i + 2 < argc) {
			j->signer.certificate = read_certificate(argv[++i]);
			j->key = read_key(argv[++i]);
		} else if (strcmp(argv[i], "-chain") == 0)
			j->signer.chain = read_chain(argv[++i]);
		else if (strcmp(argv[i], "-to") == 0 && j->nto < RECIPIENTS_MAX)
			j->to[j->nto++].certificate = read_certificate(argv[++i]);
		else if (strcmp(argv[i], "-capabilities") == 0 && j->nto)
			read_capabilities(j, argv[++i]);
		else
			die(argv[i]);
	}
	if (i + 1 != argc)
		die("no FILE");
	j->file = argv[i];
}

static int seal(struct job *j, OSSL_LIB_CTX *ctx, const struct profile *profile, struct buf *entity, struct error *err)
{
	struct buf out = BUF_INIT;
	const char *used;
	int rc = 0;

	if (j->signer.certificate) {
		if ((rc = seal_sign(ctx, span_from(entity->data, entity->len), &j->signer, profile, &out, err)) < 0)
			return rc;
		buf_release(entity);
		*entity = out;
		out = (struct buf)BUF_INIT;
	}
	if (j->nto) {
		rc = seal_encrypt(ctx, span_from(entity->data, entity->len), j->to, j->nto, profile, &out, &used, err);
		if (rc < 0)
			return rc;
		fprintf(stderr, "%s\n", used);
		buf_release(entity);
		*entity = out;
	}
	return 0;
}

static void release(struct job *j)
{
	for (size_t i = 0; i < j->nto; i++) {
		X509_free(j->to[i].certificate);
		buf_release(&j->capabilities[i]);
	}
	X509_free(j->signer.certificate);
	EVP_PKEY_free(j->signer.key);
	EVP_PKEY_free(j->key);
	sk_X509_pop_free(j->signer.chain, X509_free);
}

int main(int argc, char **argv)
{
	static struct job job = { .profiles = "/nonexistent", .profile = "compatible" };
	struct softkey soft = { .id = "the key" };
	struct softkeys keys = { .first = &soft };
	struct key_calls calls = softkey_calls(&keys);
	struct arena arena = ARENA_INIT;
	struct buf entity = BUF_INIT;
	struct delegate *d = NULL;
	struct profile profile;
	struct error err;
	int rc;

	rc = delegate_new(&calls, &d, &err); /* first: it keeps OpenSSL from reading openssl.cnf */
	read_arguments(&job, argc, argv);
	soft.key = job.key;
	if (rc == 0)
		rc = profile_find(&arena, job.profiles, job.profile, &profile, &err);
	if (rc == 0 && job.key)
		rc = delegate_key(d, job.signer.certificate, soft.id, &job.signer.key, &err);
	if (rc == 0)
		rc = fs_read(job.file, (size_t)1 << 30, &entity, &err);
	if (rc == 0)
		rc = seal(&job, delegate_context(d), &profile, &entity, &err);
	if (rc == 0) {
		fputs("MIME-Version: 1.0\r\n", stdout);
		fwrite(entity.data, 1, entity.len, stdout);
	} else {
		fprintf(stderr, "smime-seal: %s\n", err.text);
	}
	buf_release(&entity);
	release(&job);
	delegate_free(d);
	arena_release(&arena);
	return rc < 0 || fflush(stdout) != 0;
}
