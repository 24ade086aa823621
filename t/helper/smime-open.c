/* smime-open.c - shows what opening a message finds, with keys and certificates from PEM files
 *
 * usage: smime-open [option value]... FILE
 *   -pem FILE          keys and certificates, any number (also several times)
 *   -passphrase WORD   of encrypted keys
 *   -part PATH         opens this part as if it were the message
 *   -cms yes           FILE is a bare CMS structure, DER or PEM
 *   -detached FILE     the signed content of the bare CMS structure
 *   -layers N -size N  limits (8, 100000000)
 *   -fail key|certificate|operation   these cannot be asked for now
 *   -content FILE      the innermost content goes there
 * Output: a line for what it looks like, each layer, each signer, the content, each leaf.  Exit 1 if not opened at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <unistd.h>

#include "lib/fs.h"
#include "smime/layer.h"

#define MOST 200

static struct options {
	const char *passphrase, *part, *cms, *detached, *fail, *content, *file, *layers, *size;
} options = { .fail = "" };

static struct store {
	EVP_PKEY *keys[MOST];
	X509 *certificates[MOST];
	size_t nkeys, ncertificates;
} store;

static const char *const kinds[] = { "enveloped", "authenveloped", "opaque-signed", "clear-signed", "certs-only",
	"compressed", "unknown", "nested" };
static const char *const statuses[] = { "open", "no-key", "refused", "unsupported", "malformed", "temporary", "locked",
	"not-tried" };
static const char *const signatures[] = { "good", "bad", "no-certificate", "unsupported" };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "smime-open: %s: %s\n", what, why);
	exit(2);
}

static int give_passphrase(char *to, int size, int writing, void *ctx)
{
	int n = options.passphrase ? snprintf(to, (size_t)size, "%s", options.passphrase) : 0;

	return n < size ? n : 0;
}

static void load_pem(OSSL_LIB_CTX *ctx, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	EVP_PKEY *key;

	if (!file)
		die(path, strerror(errno));
	STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read_bio_ex(file, NULL, give_passphrase, NULL, ctx, NULL);
	for (int i = 0; i < sk_X509_INFO_num(infos) && store.ncertificates < MOST; i++) {
		X509_INFO *info = sk_X509_INFO_value(infos, i);

		if (info->x509) {
			X509_up_ref(info->x509);
			store.certificates[store.ncertificates++] = info->x509;
		}
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	if (BIO_reset(file) < 0)
		die(path, "cannot be read again");
	while (store.nkeys < MOST && (key = PEM_read_bio_PrivateKey_ex(file, NULL, give_passphrase, NULL, ctx, NULL)))
		store.keys[store.nkeys++] = key;
	ERR_clear_error();
	BIO_free(file);
}

static bool is_certificate(X509 *x, const struct certificate_id *id)
{
	const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(x);
	struct arena a = ARENA_INIT;
	struct certificate_id own;
	bool same;

	identifier_make(&a, X509_get_issuer_name(x), X509_get0_serialNumber(x), key_id, &own);
	same = id->key_id.n ? span_eq(own.key_id, id->key_id) :
			      span_eq(own.issuer, id->issuer) && span_eq(own.serial, id->serial);
	arena_release(&a);
	return same;
}

static int find_key(void *ctx, const struct certificate_id *ids, size_t n, size_t skip, size_t *which,
		    X509 **certificate, EVP_PKEY **key, struct error *err)
{
	if (strcmp(options.fail, "key") == 0)
		return error_set(err, E_TEMP, "told to fail");
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < store.ncertificates; c++)
			for (size_t k = 0; k < store.nkeys; k++) {
				if (!is_certificate(store.certificates[c], &ids[i]) ||
				    X509_check_private_key(store.certificates[c], store.keys[k]) != 1 || skip-- > 0)
					continue;
				ERR_clear_error();
				*which = i;
				*certificate = store.certificates[c];
				*key = store.keys[k];
				X509_up_ref(*certificate);
				EVP_PKEY_up_ref(*key);
				return 0;
			}
	ERR_clear_error();
	return error_set(err, E_NOTFOUND, "no such key");
}

static int find_certificate(void *ctx, const struct certificate_id *id, X509 **certificate, struct error *err)
{
	if (strcmp(options.fail, "certificate") == 0)
		return error_set(err, E_TEMP, "told to fail");
	for (size_t c = 0; c < store.ncertificates; c++)
		if (is_certificate(store.certificates[c], id)) {
			*certificate = store.certificates[c];
			X509_up_ref(*certificate);
			return 0;
		}
	return error_set(err, E_NOTFOUND, "no such certificate");
}

static int key_trouble(void *ctx, struct error *err)
{
	return strcmp(options.fail, "operation") == 0 ? error_set(err, E_TEMP, "told to fail") : 0;
}

static const struct open_calls calls = { .find_key = find_key, .find_certificate = find_certificate,
					 .key_trouble = key_trouble };

/* ---- output */

static void print_hash(struct span s, size_t bytes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest(s.p, s.n, digest, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < bytes; i++)
		printf("%02x", digest[i]);
}

static void print_signer(size_t layer, size_t number, const struct found_signer *f)
{
	printf("signer %zu.%zu status=%s digest=%s algorithm=%s time=%lld capabilities=%zu certificate=%s addresses=", layer,
	       number, signatures[f->status], f->digest, f->algorithm, (long long)f->signing_time, f->capabilities.n,
	       f->certificate ? "yes" : "no");
	for (size_t i = 0; i < f->naddresses; i++)
		printf("%s%s", i ? "," : "", f->addresses[i]);
	printf(" why=%s\n", f->why);
}

static void print_layer(size_t number, const struct layer *l)
{
	printf("layer %zu kind=%s status=%s cipher=%s key_management=%s recipients=%zu signers=%zu certificates=%d why=%s\n",
	       number, kinds[l->kind], statuses[l->status], l->cipher, l->key_management, l->recipients, l->nsigners,
	       l->certificates ? sk_X509_num(l->certificates) : 0, l->why);
	for (size_t i = 0; i < l->nsigners; i++)
		print_signer(number, i + 1, &l->signers[i]);
}

static void print_leaves(struct arena *a, const struct open_limits *limits, struct span content)
{
	struct entity *root;

	if (entity_parse(a, content, &limits->mime, &root, NULL) < 0)
		return;
	for (const struct entity *e = root; e; e = entity_walk(e, root)) {
		if (e->first && entity_is(e, "multipart/"))
			continue;
		printf("leaf %s %s ", *e->path ? e->path : "-", e->type.text);
		print_hash(e->body, 4);
		printf("\n");
	}
}

static void print_opened(struct arena *a, const struct open_limits *limits, const struct opened *o)
{
	for (size_t i = 0; i < o->nlayers; i++)
		print_layer(i + 1, &o->layers[i]);
	printf("content sha256=");
	print_hash(o->content, 32);
	printf(" bytes=%zu unwrapped=%s encrypted=%s header_protected=%s\n", o->content.n, o->unwrapped ? "yes" : "no",
	       o->encrypted ? "yes" : "no", o->header_protected ? "yes" : "no");
	print_leaves(a, limits, o->content);
	if (options.content && fs_replace(options.content, o->content.p, o->content.n, 0600, NULL) < 0)
		die(options.content, "cannot be written");
}

static void print_looks(const struct entity *root)
{
	bool is_signed, is_encrypted;

	smime_looks(root, &is_signed, &is_encrypted);
	printf("looks signed=%s encrypted=%s\n", is_signed ? "yes" : "no", is_encrypted ? "yes" : "no");
}

/* ---- input */

static struct span pick_part(struct arena *a, const struct open_limits *limits, struct span message)
{
	struct entity *root;
	struct error err = { 0 };

	if (entity_parse(a, message, &limits->mime, &root, &err) < 0)
		die(options.file, err.text);
	for (const struct entity *e = root; e; e = entity_walk(e, root))
		if (strcmp(e->path, options.part ? options.part : "") == 0) {
			print_looks(e);
			return e->whole;
		}
	die(options.part, "no such part");
	return message;
}

/* A bare structure needs no header, but smime_open wants a message. */
static void add_header(struct buf *file)
{
	struct buf with = BUF_INIT;

	buf_addstr(&with, "Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n");
	buf_add(&with, file->data, file->len);
	buf_release(file);
	*file = with;
}

static int open_detached(struct opening *o, struct span cms)
{
	struct buf content = BUF_INIT, decoded = BUF_INIT;
	struct entity e = { .body = cms };
	struct signed_part part = { 0 };
	struct span bytes, inside;
	int rc;

	if (fs_read(options.detached, (size_t)1 << 30, &content, NULL) < 0)
		die(options.detached, "cannot be read");
	part.whole = span_from(content.data, content.len);
	rc = layer_bytes(&e, &decoded, &bytes, o->err);
	if (rc == 0)
		rc = layer_open_cms(o, bytes, &decoded, &part, layer_add(o, LAYER_CLEAR_SIGNED), &inside);
	buf_release(&decoded);
	buf_release(&content);
	return rc;
}

static size_t number(const char *word, size_t otherwise)
{
	uint64_t value;

	if (!word)
		return otherwise;
	if (!span_number(span_of(word), (uint64_t)1 << 40, &value))
		die(word, "not a number");
	return (size_t)value;
}

static int run(OSSL_LIB_CTX *ctx, struct buf *file)
{
	struct arena a = ARENA_INIT;
	struct opened opened = { .content = { "", 0 } };
	struct error err = { 0 };
	struct open_limits limits = { .layers = number(options.layers, 8), .message = number(options.size, 100000000),
				      .mime = { .header = 262144, .parts = 10000, .depth = 100 } };
	int scratch = fs_temporary(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", &err);
	struct span message;
	int rc;

	if (options.cms && !options.detached)
		add_header(file);
	message = span_from(file->data, file->len);
	if (options.detached) {
		struct opening o = { .arena = &a, .ctx = ctx, .calls = &calls, .limits = &limits, .scratch = scratch,
				     .out = &opened, .err = &err };

		rc = open_detached(&o, message);
	} else {
		message = span_sub(message, mbox_from_line(&a, message, NULL), message.n);
		message = pick_part(&a, &limits, message);
		rc = smime_open(&a, ctx, message, &calls, &limits, scratch, &opened, &err);
	}
	if (rc < 0)
		printf("error %s %s\n", rc == E_LIMIT ? "limit" : rc == E_TEMP ? "temporary" : "other", err.text);
	else
		print_opened(&a, &limits, &opened);
	opened_release(&opened);
	arena_release(&a);
	close(scratch);
	return rc < 0;
}

static const char **option(const char *name)
{
	static const struct {
		const char *name;
		const char **value;
	} all[] = { { "-passphrase", &options.passphrase }, { "-part", &options.part }, { "-cms", &options.cms },
		    { "-detached", &options.detached }, { "-fail", &options.fail }, { "-content", &options.content },
		    { "-layers", &options.layers }, { "-size", &options.size } };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].value;
	die(name, "unknown option");
	return NULL;
}

int main(int argc, char **argv)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *provider = OSSL_PROVIDER_load(ctx, "default");
	struct buf file = BUF_INIT;
	struct error err = { 0 };
	int rc;

	for (int i = 1; i + 1 < argc; i += 2) /* a passphrase may come behind the file it is for */
		if (strcmp(argv[i], "-pem") != 0)
			*option(argv[i]) = argv[i + 1];
	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], "-pem") == 0)
			load_pem(ctx, argv[i + 1]);
	options.file = argc % 2 == 0 ? argv[argc - 1] : "/dev/stdin";
	if (fs_read(options.file, (size_t)1 << 30, &file, &err) < 0)
		die("input", err.text);
	rc = run(ctx, &file);
	buf_release(&file);
	for (size_t i = 0; i < store.nkeys; i++)
		EVP_PKEY_free(store.keys[i]);
	for (size_t i = 0; i < store.ncertificates; i++)
		X509_free(store.certificates[i]);
	OSSL_PROVIDER_unload(provider);
	OSSL_LIB_CTX_free(ctx);
	return rc;
}
