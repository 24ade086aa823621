/* import.c - a folder of files instead of a network: the same checks, the same places
 *
 * Each file may be a revocation list, CA certificates, or an OCSP answer; which, it says itself.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/x509v3.h>

#include "common/certfile.h"
#include "common/crl.h"
#include "common/ocsp_answer.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "refresh/place.h"
#include "refresh/run.h"

#define FILES_MAX 100000

/* The content of an extension, as it stands; n = 0: absent. */
static struct span extension_of(const X509_EXTENSIONS *all, int nid)
{
	int at = X509v3_get_ext_by_NID(all, nid, -1);
	const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509v3_get_ext(all, at));

	return value ? span_from(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)) : span_from("", 0);
}

/* One name for each issuer, kind and scope, so that the next one of the same takes its place.  *delta: it is one. */
static const char *place_of_list(struct run *r, const struct crl *crl, bool *delta)
{
	const unsigned char *p = (const unsigned char *)crl->extensions.p;
	X509_EXTENSIONS *all = crl->extensions.n ? d2i_X509_EXTENSIONS(NULL, &p, (long)crl->extensions.n) : NULL;
	struct span scope = extension_of(all, NID_issuing_distribution_point);
	char hex[DIGEST_HEX + 1];
	struct digest d;

	*delta = extension_of(all, NID_delta_crl).n > 0;
	digest_init(&d);
	digest_add(&d, crl->issuer.p, crl->issuer.n);
	digest_add(&d, *delta ? "delta" : "crl", 3);
	digest_add(&d, scope.p, scope.n);
	digest_hex(&d, hex);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return arena_printf(&r->arena, "%s/crl/" PLACE_FOLDER "/import-%.32s.crl", r->config->areas, hex);
}

static struct source *source_for(struct run *r, enum source_kind kind, const char *path)
{
	struct source *s = arena_alloc(&r->arena, sizeof(*s));
	const char **urls = arena_array(&r->arena, 1, sizeof(*urls));

	urls[0] = path;
	s->run = r;
	s->kind = kind;
	s->urls = urls;
	s->nurls = 1;
	s->what = "";
	*r->end = s;
	r->end = &s->next;
	r->nsources++;
	return s;
}

static void import_list(struct run *r, const char *path, const struct certfile_object *o)
{
	bool delta, unchanged = false;
	const char *place;
	struct source *s;
	struct crl crl;

	if (!crl_view(span_from(buf_str(&o->crl), o->crl.len), &crl))
		return;
	place = place_of_list(r, &crl, &delta);
	s = source_for(r, delta ? SOURCE_DELTA : SOURCE_CRL, path);
	s->file = place;
	s->error.code = crls_take(s, o->der, s->file, &unchanged, &s->error);
	run_finished(s, s->error.code ? OUTCOME_FAILED : unchanged ? OUTCOME_UNCHANGED : OUTCOME_NEW);
}

/* A file with a whole chain has the anchor, too: that is no reason to complain. */
static bool is_known(struct run *r, const struct certfile_object *o)
{
	struct area_list found = { 0 };
	struct arena arena = ARENA_INIT;
	bool known = area_find_exact(r->ca, &arena, o->der, &found, NULL) == 0 && found.n;

	arena_release(&arena);
	return known;
}

static void import_certificate(struct run *r, const char *path, const struct certfile_object *o)
{
	struct source *s;

	if (is_known(r, o))
		return;
	s = source_for(r, SOURCE_ISSUER, path);

	s->error.code = issuers_take(s, o->der, &s->error);
	issuers_settle(r);
	run_finished(s, s->error.code ? OUTCOME_FAILED : OUTCOME_NEW);
}

/* Every certificate in use that it is about. */
static bool import_answer(struct run *r, const char *path, struct span bytes)
{
	bool any = false;

	for (struct source *s = r->sources; s; s = s->next) {
		const unsigned char *p = (const unsigned char *)s->certificate.p, *q = (const unsigned char *)s->issuer.p;
		bool ours = s->kind == SOURCE_OCSP && s->record && s->issuer.n; /* not one that was imported just now */
		X509 *x = ours ? d2i_X509(NULL, &p, (long)s->certificate.n) : NULL;
		X509 *issuer = x ? d2i_X509(NULL, &q, (long)s->issuer.n) : NULL;

		if (issuer && ocsp_is_about(bytes, x, issuer)) {
			struct source *one = source_for(r, SOURCE_OCSP, path);

			one->certificate = s->certificate;
			one->issuer = s->issuer;
			one->file = s->file;
			one->there = answers_look(one);
			one->error.code = answers_take(one, bytes, "", &one->error);
			run_finished(one, one->error.code ? OUTCOME_FAILED : OUTCOME_NEW);
			s->there = answers_look(s);
			any = true;
		}
		X509_free(x);
		X509_free(issuer);
	}
	return any;
}

static void import_file(struct run *r, const char *path)
{
	struct buf bytes = BUF_INIT, room = BUF_INIT;
	struct certfile f = { 0 };
	struct error err = { 0 };
	int rc = fs_read(path, (size_t)r->options->size_limit, &bytes, &err);
	struct span s = span_from(buf_str(&bytes), bytes.len);

	if (rc == 0 && !import_answer(r, path, pem_or_der(s, &room))) {
		rc = certfile_read(s, NULL, &f, &err);
		for (size_t i = 0; rc == 0 && i < f.n; i++) {
			if (f.items[i].type == CERTFILE_CRL)
				import_list(r, path, &f.items[i]);
			else
				import_certificate(r, path, &f.items[i]);
		}
	}
	if (rc < 0)
		run_complain(r, path, err.text);
	certfile_release(&f);
	buf_release(&bytes);
	buf_release(&room);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int import_folder(struct run *r, const char *folder, struct error *err)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char **names = NULL;
	size_t n = 0;
	int rc;

	if (!d)
		return error_set(err, E_CONFIG, "%s: %s", folder, strerror(errno));
	while ((rc = fs_next(d, folder, &e, err)) == 0 && e && n < FILES_MAX) {
		if (e->d_name[0] == '.')
			continue;
		names = mem_resize(names, (n + 1) * sizeof(*names));
		names[n++] = arena_printf(&r->arena, "%s/%s", folder, e->d_name);
	}
	closedir(d);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		import_file(r, names[i]);
	free(names);
	return rc;
}
