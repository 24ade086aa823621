/* store.c - "store-certificate": a certificate that came by mail, into "seen" (or "public") */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "common/keys_answer.h"
#include "common/place.h"
#include "keys-file/keys_file.h"
#include "lib/base64.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"

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
	const char *folder = place_folder(&s->arena, area_directory(a), area_files(a), span_from(der->data, der->len));
	char *hidden = hidden_name(s, folder, der);
	char *visible = arena_strdup(&s->arena, hidden);
	size_t name = strlen(folder) + 1;
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

/* Another key or another issuer: not the same certificate renewed. */
static bool differs(X509 *a, X509 *b)
{
	return X509_NAME_cmp(X509_get_issuer_name(a), X509_get_issuer_name(b)) != 0 ||
	       X509_PUBKEY_eq(X509_get_X509_PUBKEY(a), X509_get_X509_PUBKEY(b)) != 1;
}

/* The file of a certificate in use for the address that is another one; NULL: there is none. */
static int find_other(struct server *s, enum keys_area where, const char *address, const struct buf *der, const char **other,
		      struct error *err)
{
	struct span bytes = span_from(der->data, der->len);
	X509 *ours = openssl_certificate(NULL, &bytes), *x;
	struct area_list list = { 0 };
	struct area *a;
	int rc = ours ? keys_area(s, where, &a, err) : error_set(err, E_PERM, "not a certificate in DER");

	if (rc == 0)
		rc = area_find_address(a, &s->arena, address, &list, err);
	for (size_t i = 0; rc == 0 && i < list.n && !*other; i++) {
		bytes = list.items[i].der;
		x = openssl_certificate(NULL, &bytes);
		if (!list.items[i].domain && (!x || differs(ours, x)))
			*other = list.items[i].file;
		X509_free(x);
	}
	X509_free(ours);
	ERR_clear_error();
	return rc;
}

struct storing {
	enum keys_area where;
	const char *address;
	struct buf der;
	const char *state, *other;
};

/* Where nobody may be replaced, it waits in "seen". */
static int avoid_conflict(struct server *s, struct storing *t, struct error *err)
{
	int rc = find_other(s, IN_PUBLIC, t->address, &t->der, &t->other, err);

	if (rc == 0 && !t->other)
		rc = find_other(s, IN_TRUSTED, t->address, &t->der, &t->other, err);
	if (rc == 0 && t->other)
		t->where = IN_SEEN;
	return rc;
}

static int store(struct server *s, struct storing *t, struct error *err)
{
	struct span der = span_from(t->der.data, t->der.len);
	struct area *a;
	bool known;
	int rc = is_known(s, IN_PUBLIC, der, &known, err);

	if (rc == 0 && known) {
		t->where = IN_PUBLIC;
		t->state = "known";
		return 0;
	}
	if (rc == 0 && t->where == IN_PUBLIC)
		rc = avoid_conflict(s, t, err);
	if (rc == 0)
		rc = is_known(s, t->where, der, &known, err);
	if (rc == 0)
		rc = keys_area(s, t->where, &a, err);
	if (rc == 0 && !known)
		rc = write_file(s, a, &t->der, err);
	t->state = known ? "known" : t->other ? "conflict" : "new";
	return rc;
}

static void write_stored(struct server *s, struct xml_writer *w, const struct storing *t)
{
	xml_open(w, "stored");
	xml_put(w, "area", targets[t->where == IN_PUBLIC].name);
	xml_put(w, "state", t->state);
	if (strcmp(t->state, "conflict") == 0)
		xml_put(w, "with", keys_printable(s, t->other));
	xml_close(w);
}

int store_certificate(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const char *area = xml_attr_or(request, "area", "seen"), *capabilities = xml_attr(request, "capabilities");
	struct storing t = { .address = xml_attr_or(request, "address", ""), .der = BUF_INIT };
	size_t i = 0;
	int rc;

	while (i < 2 && strcmp(targets[i].name, area) != 0)
		i++;
	if (i == 2)
		return error_set(err, E_PERM, "nothing is stored in the area \"%s\"", area);
	t.where = targets[i].area;
	rc = xml_binary(request, &t.der, err);
	if (rc == 0)
		rc = check(&t.der, err);
	if (rc == 0)
		rc = store(s, &t, err);
	if (rc == 0 && capabilities)
		rc = capabilities_remember(s, t.address, xml_attr_or(request, "signed", ""), capabilities, err);
	if (rc == 0)
		write_stored(s, w, &t);
	buf_release(&t.der);
	return rc;
}
