/* ocsp_cache.c - OCSP answers on disk */
#include "common/ocsp_cache.h"

#include <inttypes.h>

#include "lib/fs.h"

#define FIRST_LINE "postern-ocsp 1"
#define FILE_ROOM ((size_t)4096) /* beside the answer */
#define TIME_MOST ((uint64_t)253402300799) /* 9999-12-31 */

/* ---- names ---- */

static void add_sized(struct digest *d, const void *p, size_t n)
{
	uint64_t size = n;

	digest_add(d, &size, sizeof(size));
	digest_add(d, p, n);
}

void ocsp_cache_key(const X509 *x, const X509 *issuer, char hex[DIGEST_HEX + 1])
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	const unsigned char *name = NULL;
	size_t n = 0;
	struct digest d;

	digest_init(&d);
	X509_NAME_get0_der(X509_get_subject_name(issuer), &name, &n);
	add_sized(&d, name, n);
	add_sized(&d, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
	add_sized(&d, ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "+", 1);
	add_sized(&d, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	digest_hex(&d, hex);
}

char *ocsp_cache_path(struct arena *a, const char *spool, const char *hex)
{
	return arena_printf(a, "%s/ocsp/%.2s/%s", spool, hex, hex + 2);
}

/* ---- the file ---- */

static bool take_line(struct span *rest, struct span *line)
{
	ptrdiff_t end = span_find(*rest, '\n');

	if (end < 0)
		return false;
	*line = span_sub(*rest, 0, (size_t)end);
	*rest = span_sub(*rest, (size_t)end + 1, rest->n);
	return true;
}

static bool take_field(struct span *rest, const char *name, struct span *value)
{
	size_t n = strlen(name);

	if (!take_line(rest, value) || value->n < n || memcmp(value->p, name, n) != 0)
		return false;
	*value = span_sub(*value, n, value->n);
	return true;
}

int ocsp_cache_parse(struct span bytes, struct ocsp_cached *out, struct error *err)
{
	struct span line, seconds;
	uint64_t fetched = 0;
	bool good;

	*out = (struct ocsp_cached){ 0 };
	good = take_line(&bytes, &line) && span_eqstr(line, FIRST_LINE) && take_field(&bytes, "fetched ", &seconds) &&
	       span_number(seconds, TIME_MOST, &fetched) && take_field(&bytes, "url ", &out->url) &&
	       out->url.n <= OCSP_CACHE_URL_MAX && take_line(&bytes, &line) && !line.n && bytes.n &&
	       bytes.n <= OCSP_CACHE_ANSWER_MAX;
	for (size_t i = 0; good && i < out->url.n; i++)
		good = (unsigned char)out->url.p[i] > ' ' && out->url.p[i] != 0x7f;
	if (!good) {
		*out = (struct ocsp_cached){ 0 };
		return error_set(err, E_PERM, "not an OCSP answer as postern keeps them, or cut off");
	}
	out->fetched = (int64_t)fetched;
	out->answer = bytes;
	return 0;
}

int ocsp_cache_read(const char *path, struct buf *bytes, struct ocsp_cached *out, struct error *err)
{
	int rc = fs_read(path, OCSP_CACHE_ANSWER_MAX + FILE_ROOM, bytes, err);

	*out = (struct ocsp_cached){ 0 };
	if (rc < 0)
		return rc;
	rc = ocsp_cache_parse(span_from(buf_str(bytes), bytes->len), out, err);
	return rc < 0 ? (error_prefix(err, "%s", path), rc) : 0;
}

int ocsp_cache_write(const char *path, int64_t fetched, const char *url, struct span answer, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct buf file = BUF_INIT, folder = BUF_INIT;
	struct ocsp_cached check;
	int rc;

	if (answer.n > OCSP_CACHE_ANSWER_MAX)
		return error_set(err, E_LIMIT, "an OCSP answer of more than %zu bytes", OCSP_CACHE_ANSWER_MAX);
	buf_addf(&file, FIRST_LINE "\nfetched %" PRId64 "\nurl %s\n\n", fetched, url);
	buf_add(&file, answer.p, answer.n);
	buf_add(&folder, path, (size_t)(slash - path));
	rc = ocsp_cache_parse(span_from(file.data, file.len), &check, err);
	if (rc == 0)
		rc = fs_make_directory(folder.data, 0700, err);
	if (rc == 0)
		rc = fs_replace(path, file.data, file.len, 0600, err);
	buf_release(&file);
	buf_release(&folder);
	return rc;
}
