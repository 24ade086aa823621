/* store.c - "store-certificate": a certificate that came by mail, into "seen" (or "public") */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "keys-file/keys_file.h"
#include "lib/base64.h"
#include "lib/fs.h"
#include "lib/log.h"

#define STORE_MAX ((size_t)64 * 1024)

/* Never the areas that decide trust or hold keys. */
static const struct {
	const char *name;
	enum keys_area area;
} targets[] = {
	{ "seen", IN_SEEN },
	{ "public", IN_PUBLIC },
};

static int check(const struct buf *der, struct error *err)
{
	const unsigned char *p = (const unsigned char *)der->data;
	X509 *x;
	bool good;

	if (der->len == 0 || der->len > STORE_MAX)
		return error_set(err, E_PERM, "no certificate, or one of more than %zu bytes", STORE_MAX);
	x = d2i_X509(NULL, &p, (long)der->len);
	good = x && p == (const unsigned char *)der->data + der->len;
	X509_free(x);
	ERR_clear_error();
	return good ? 0 : error_set(err, E_PERM, "not a certificate in DER");
}

/* "DIRECTORY/.FINGERPRINT.pem", which is renamed without the dot when it is whole: areas pass over hidden files. */
static char *hidden_name(struct server *s, const char *directory, const struct buf *der)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned n = 0;

	EVP_Digest(der->data, der->len, digest, &n, EVP_sha256(), NULL);
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return arena_printf(&s->arena, "%s/.%s.pem", directory, hex);
}

static int write_file(struct server *s, struct area *a, const struct buf *der, struct error *err)
{
	char *hidden = hidden_name(s, area_directory(a), der);
	char *visible = arena_strdup(&s->arena, hidden);
	size_t name = strlen(area_directory(a)) + 1;
	struct buf pem = BUF_INIT;
	int rc;

	memmove(visible + name, visible + name + 1, strlen(visible + name));
	buf_addstr(&pem, "-----BEGIN CERTIFICATE-----\n");
	base64_encode(&pem, der->data, der->len, 64, "\n");
	buf_addstr(&pem, "-----END CERTIFICATE-----\n");
	rc = fs_make_directory(area_directory(a), 0755, err);
	if (rc == 0)
		rc = fs_replace(hidden, pem.data, pem.len, 0644, err);
	if (rc == 0 && rename(hidden, visible) < 0) {
		rc = error_set(err, E_TEMP, "%s: %s", visible, strerror(errno));
		unlink(hidden);
	}
	if (rc == 0)
		log_info("%s: stored", visible);
	buf_release(&pem);
	return rc;
}

/* Where it is already, or has been published from. */
static int is_known(struct server *s, enum keys_area where, struct span der, bool *known, struct error *err)
{
	struct area_list list;
	struct area *a;
	int rc = keys_area(s, where, &a, err);

	if (rc == 0)
		rc = area_find_exact(a, &s->arena, der, &list, err);
	*known = rc == 0 && list.n > 0;
	return rc;
}

static int store(struct server *s, enum keys_area where, const struct buf *der, struct error *err)
{
	struct area *a;
	bool known;
	int rc = is_known(s, where, span_from(der->data, der->len), &known, err);

	if (rc == 0 && !known && where == IN_SEEN)
		rc = is_known(s, IN_PUBLIC, span_from(der->data, der->len), &known, err);
	if (rc == 0 && !known)
		rc = keys_area(s, where, &a, err);
	return rc < 0 || known ? rc : write_file(s, a, der, err);
}

int store_certificate(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const char *area = xml_attr_or(request, "area", "seen");
	struct buf der = BUF_INIT;
	size_t i = 0;
	int rc;

	(void)w;
	while (i < 2 && strcmp(targets[i].name, area) != 0)
		i++;
	if (i == 2)
		return error_set(err, E_PERM, "nothing is stored in the area \"%s\"", area);
	rc = xml_binary(request, &der, err);
	if (rc == 0)
		rc = check(&der, err);
	if (rc == 0)
		rc = store(s, targets[i].area, &der, err);
	buf_release(&der);
	return rc;
}
