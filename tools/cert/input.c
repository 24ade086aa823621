/* input.c - certificates and revocation lists from files that somebody names */
#include "cert/input.h"

#include <unistd.h>

#include "common/certfile.h"
#include "lib/fs.h"
#include "lib/log.h"

#define INPUT_MAX ((size_t)256 << 20)

static int read_bytes(const char *path, struct buf *out, struct error *err)
{
	int rc = strcmp(path, "-") == 0 ? fs_read_descriptor(STDIN_FILENO, "standard input", INPUT_MAX, out, err)
					: fs_read(path, INPUT_MAX, out, err);

	if (rc == E_TEMP) /* no permission, a folder: nothing that waiting mends */
		rc = err->code = E_NOTFOUND;
	return rc;
}

/* ---- objects ---- */

static void push(struct arena *a, struct check_object **list, size_t *n, struct span der, const char *name)
{
	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		struct check_object *bigger = arena_array(a, *n ? *n * 2 : 1, sizeof(*bigger));

		if (*n)
			memcpy(bigger, *list, *n * sizeof(*bigger));
		*list = bigger;
	}
	(*list)[(*n)++] = (struct check_object){ der, name };
}

static void push_all(struct arena *a, const struct certfile *f, const char *name, struct input *out)
{
	for (size_t i = 0; i < f->n; i++) {
		struct span der = span_from(arena_memdup(a, f->items[i].der.p, f->items[i].der.n), f->items[i].der.n);

		if (f->items[i].certificate)
			push(a, &out->certificates, &out->ncertificates, der, name);
		else
			push(a, &out->crls, &out->ncrls, der, name);
	}
}

/* Broken, but of the kind: whether the others suffice is for the verdict to say. */
static bool is_meant(struct span bytes)
{
	return bytes.n && ((unsigned char)bytes.p[0] == 0x30 || memmem(bytes.p, bytes.n, "-----BEGIN ", 11));
}

static int take_file(struct arena *a, const char *path, struct span bytes, struct input *out, struct error *err)
{
	struct certfile f;
	struct error why = { 0 };
	int rc = certfile_read(bytes, NULL, &f, &why);

	if (rc < 0 && (f.n || is_meant(bytes)))
		log_warning("%s: %s; passed over", path, why.text);
	if (f.n == 0 && !is_meant(bytes))
		rc = error_set(err, E_PERM, "%s: %s", path, why.code ? why.text : "holds no certificate and no revocation list");
	else
		rc = 0;
	push_all(a, &f, arena_strdup(a, path), out);
	certfile_release(&f);
	return rc;
}

int input_read(struct arena *a, const char *path, struct input *out, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = read_bytes(path, &bytes, err);

	if (rc == 0)
		rc = take_file(a, path, span_from(buf_str(&bytes), bytes.len), out, err);
	buf_release(&bytes);
	return rc;
}

/* ---- the one to be judged ---- */

static bool is_certificate_label(struct span label)
{
	return span_eqstr(label, "CERTIFICATE") || span_eqstr(label, "X509 CERTIFICATE") || span_eqstr(label, "TRUSTED CERTIFICATE");
}

/* The first certificate's block; what is behind it may be issuers. */
static bool first_of_pem(struct arena *a, const char *path, struct span bytes, struct span *first, struct input *out)
{
	struct pem_block b;
	struct buf der = BUF_INIT;
	size_t at = 0;

	while (pem_next(bytes, &at, &b, NULL) == 0) {
		if (!is_certificate_label(b.label))
			continue;
		if (pem_decode(&b, &der) < 0)
			buf_clear(&der);
		if (span_eqstr(b.label, "TRUSTED CERTIFICATE")) /* OpenSSL's own words stand behind it */
			der.len = der_element(span_from(buf_str(&der), der.len));
		*first = span_from(arena_memdup(a, buf_str(&der), der.len), der.len);
		buf_release(&der);
		take_file(a, path, span_sub(bytes, at, bytes.n), out, NULL);
		return true;
	}
	return false;
}

/* What is behind a certificate is others, one after the other, or else it belongs to the first and spoils it. */
static bool are_sequences(struct span rest)
{
	size_t n = 1;

	for (; rest.n && n; rest = span_sub(rest, n, rest.n))
		n = (unsigned char)rest.p[0] == 0x30 ? der_element(rest) : 0;
	return n != 0;
}

/* DER, with others behind it or not. */
static bool first_of_der(struct arena *a, const char *path, struct span bytes, struct span *first, struct input *out)
{
	size_t header, content, n = der_element(bytes);
	bool is_sequence = bytes.n > 2 && (unsigned char)bytes.p[0] == 0x30;

	if (!is_sequence || (der_header(bytes, &header, &content) && header < bytes.n && (unsigned char)bytes.p[header] != 0x30))
		return false; /* PKCS#7 and PKCS#12 begin with an OID or a number */
	if (n && n < bytes.n && are_sequences(span_sub(bytes, n, bytes.n)))
		take_file(a, path, span_sub(bytes, n, bytes.n), out, NULL);
	else
		n = bytes.n;
	*first = span_from(arena_memdup(a, bytes.p, n), n);
	return true;
}

int input_take_first(struct arena *a, const char *path, struct span bytes, struct span *first, struct input *out, struct error *err)
{
	struct input all = { 0 };
	int rc;

	*first = span_from(NULL, 0);
	if (first_of_pem(a, path, bytes, first, out) || first_of_der(a, path, bytes, first, out))
		return 0;
	rc = take_file(a, path, bytes, &all, err);
	if (rc == 0 && all.ncertificates == 0)
		rc = error_set(err, E_PERM, "%s: holds no certificate", path);
	if (rc == 0)
		*first = all.certificates[0].der;
	for (size_t i = 1; rc == 0 && i < all.ncertificates; i++)
		push(a, &out->certificates, &out->ncertificates, all.certificates[i].der, all.certificates[i].name);
	return rc;
}

int input_read_first(struct arena *a, const char *path, struct span *first, struct input *out, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = read_bytes(path, &bytes, err);

	*first = span_from(NULL, 0);
	if (rc == 0)
		rc = input_take_first(a, path, span_from(buf_str(&bytes), bytes.len), first, out, err);
	buf_release(&bytes);
	return rc;
}
