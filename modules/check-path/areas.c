/* areas.c - the operator's folders, read once when the module starts: PEM and DER files */
#include "check-path/areas.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/fs.h"
#include "lib/log.h"

#define FILE_MAX ((size_t)64 * 1024 * 1024)

static const char *const folder_names[] = { "trusted", "untrusted", "ca", "crl" };
enum { FOLDER_CRL = 3, FOLDERS = 4 };

struct item {
	X509 *x;
	X509_CRL *crl;
	const char *file;
};

struct folder {
	struct item *items;
	size_t n;
};

struct areas {
	struct arena arena;
	const char *directory;
	struct folder folders[FOLDERS];
};

static void add(struct folder *f, X509 *x, X509_CRL *crl, const char *file)
{
	f->items = mem_resize(f->items, (f->n + 1) * sizeof(*f->items));
	f->items[f->n++] = (struct item){ x, crl, file };
}

static void read_pem(struct folder *f, struct span bytes, const char *file)
{
	BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
	STACK_OF(X509_INFO) *all = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);

	for (int i = 0; i < sk_X509_INFO_num(all); i++) {
		X509_INFO *info = sk_X509_INFO_value(all, i);

		if (info->x509 || info->crl)
			add(f, info->x509, info->crl, file);
		info->x509 = NULL;
		info->crl = NULL;
	}
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
}

static void read_der(struct folder *f, struct span bytes, const char *file)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	X509 *x = d2i_X509(NULL, &p, (long)bytes.n);
	X509_CRL *crl = x ? NULL : d2i_X509_CRL(NULL, &p, (long)bytes.n);

	if (x || crl)
		add(f, x, crl, file);
}

static int read_file(struct folder *f, const char *file, struct error *err)
{
	struct buf bytes = BUF_INIT;
	size_t before = f->n;
	int rc = fs_read(file, FILE_MAX, &bytes, err);

	if (rc == 0 && memmem(buf_str(&bytes), bytes.len, "-----BEGIN", 10))
		read_pem(f, span_from(bytes.data, bytes.len), file);
	else if (rc == 0)
		read_der(f, span_from(buf_str(&bytes), bytes.len), file);
	if (rc == 0 && f->n == before)
		log_warning("%s: neither certificate nor CRL", file);
	buf_release(&bytes);
	return rc;
}

static int read_folder(struct areas *a, int which, struct error *err)
{
	const char *path = arena_printf(&a->arena, "%s/%s", a->directory, folder_names[which]);
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			read_file(&a->folders[which], arena_printf(&a->arena, "%s/%s", path, e->d_name), err);
	closedir(d);
	return 0;
}

int areas_open(const struct config *config, struct areas **out, struct error *err)
{
	struct areas *a = mem_alloc(sizeof(*a));
	int rc = 0;

	a->directory = arena_strdup(&a->arena, config->areas);
	for (int i = 0; i < FOLDERS && rc == 0; i++)
		rc = read_folder(a, i, err);
	*out = a;
	if (rc < 0) {
		areas_close(a);
		*out = NULL;
	}
	return rc;
}

void areas_close(struct areas *a)
{
	struct arena arena;

	if (!a)
		return;
	for (int i = 0; i < FOLDERS; i++) {
		for (size_t j = 0; j < a->folders[i].n; j++) {
			X509_free(a->folders[i].items[j].x);
			X509_CRL_free(a->folders[i].items[j].crl);
		}
		free(a->folders[i].items);
	}
	arena = a->arena;
	arena_release(&arena);
	free(a);
}

const char *areas_directory(const struct areas *a)
{
	return a->directory;
}

int areas_find_issuers(struct areas *a, struct arena *arena, const X509_NAME *subject, STACK_OF(X509) *out,
		       struct error *err)
{
	const struct folder *f = &a->folders[AREAS_CA];

	(void)arena, (void)err;
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].x && X509_NAME_cmp(X509_get_subject_name(f->items[i].x), subject) == 0) {
			X509_up_ref(f->items[i].x);
			sk_X509_push(out, f->items[i].x);
		}
	return 0;
}

int areas_find_exact(struct areas *a, struct arena *arena, enum areas_list list, X509 *x, const char **file,
		     struct error *err)
{
	const struct folder *f = &a->folders[list];

	(void)arena, (void)err;
	*file = NULL;
	for (size_t i = 0; i < f->n && !*file; i++)
		if (f->items[i].x && X509_cmp(f->items[i].x, x) == 0)
			*file = f->items[i].file;
	return 0;
}

int areas_find_crls(struct areas *a, struct arena *arena, const X509_NAME *issuer, struct areas_crl **out, size_t *n,
		    struct error *err)
{
	const struct folder *f = &a->folders[FOLDER_CRL];

	(void)err;
	*out = arena_array(arena, f->n, sizeof(**out));
	*n = 0;
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].crl && X509_NAME_cmp(X509_CRL_get_issuer(f->items[i].crl), issuer) == 0)
			(*out)[(*n)++] = (struct areas_crl){ f->items[i].crl, f->items[i].file };
	return 0;
}
