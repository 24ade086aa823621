/* seal_entity.c - the MIME around a CMS structure (RFC 8551 3.2, 3.4, 3.5.3; RFC 1847) */
#include "smime/seal_entity.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base64.h"
#include "lib/openssl.h"

#define LINE 76
#define BOUNDARY_RANDOM 24 /* bytes */
#define BOUNDARY_MAX 64

int seal_failed(struct error *err, int code, const char *what)
{
	unsigned long last = ERR_peek_last_error();
	const char *reason = openssl_reason(last);

	error_set(err, code, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
	ERR_clear_error();
	return code;
}

int seal_unfit(struct error *err, X509 *certificate, const char *why)
{
	BIO *text = BIO_new(BIO_s_mem());
	const char *subject = NULL;
	long n = 0;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(text, (char **)&subject);
	error_set(err, E_PERM, "certificate of %.*s: %s", n > 0 ? (int)(n < 200 ? n : 200) : 1, n > 0 ? subject : "?", why);
	BIO_free(text);
	ERR_clear_error();
	return E_PERM;
}

struct der {
	unsigned char *p;
	int n;
};

/* The structure's DER; the structure is freed, so that a large message is not in memory once more. */
static int encode(CMS_ContentInfo *cms, struct der *out, struct error *err)
{
	out->p = NULL;
	out->n = i2d_CMS_ContentInfo(cms, &out->p);
	CMS_ContentInfo_free(cms);
	return out->n > 0 ? 0 : seal_failed(err, E_TEMP, "cannot write the CMS structure");
}

/* Appends base64 with CRLF behind every line, and frees what was encoded. */
static void write_base64(struct der *der, struct buf *out)
{
	buf_reserve(out, (size_t)der->n / 57 * 78 + 160);
	base64_encode(out, der->p, (size_t)der->n, LINE, "\r\n");
	OPENSSL_free(der->p);
}

int entity_write_cms(CMS_ContentInfo *cms, const char *smime_type, struct buf *out, struct error *err)
{
	struct der der;
	int rc = encode(cms, &der, err);

	if (rc < 0)
		return rc;
	buf_addf(out,
		 "Content-Type: application/pkcs7-mime; smime-type=%s;\r\n"
		 " name=\"smime.p7m\"\r\n"
		 "Content-Transfer-Encoding: base64\r\n"
		 "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n"
		 "\r\n",
		 smime_type);
	write_base64(&der, out);
	return 0;
}

/* A boundary nobody can have guessed when the content was written; its "=_" cannot occur in quoted-printable
 * or base64 (RFC 2045 6.7), and that it does not occur in anything else is looked up.  From the kernel: a
 * message that is only signed then never sets up OpenSSL's generator, a fifth of what it costs. */
static int make_boundary(struct span entity, char boundary[BOUNDARY_MAX], struct error *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[BOUNDARY_RANDOM];
	int n;

	do {
		if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
			return error_set(err, E_TEMP, "no random numbers: %s", strerror(errno));
		n = snprintf(boundary, BOUNDARY_MAX, "=_postern_");
		for (size_t i = 0; i < sizeof(bytes); i++)
			boundary[n++] = letters[bytes[i] & 63];
		boundary[n] = '\0';
	} while (entity.n && memmem(entity.p, entity.n, boundary, (size_t)n));
	return 0;
}

int entity_write_signed(struct span entity, const char *micalg, CMS_ContentInfo *cms, struct buf *out, struct error *err)
{
	char boundary[BOUNDARY_MAX];
	struct der der;
	int rc = encode(cms, &der, err);

	if (rc < 0)
		return rc;
	if ((rc = make_boundary(entity, boundary, err)) < 0) {
		OPENSSL_free(der.p);
		return rc;
	}
	buf_reserve(out, entity.n + 8192);
	buf_addf(out,
		 "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
		 " micalg=\"%s\"; boundary=\"%s\"\r\n"
		 "\r\n"
		 "This is a message with an S/MIME signature.\r\n"
		 "\r\n"
		 "--%s\r\n",
		 micalg, boundary, boundary);
	buf_add(out, entity.p, entity.n);
	buf_addf(out,
		 "\r\n--%s\r\n"
		 "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
		 "Content-Transfer-Encoding: base64\r\n"
		 "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
		 "\r\n",
		 boundary);
	write_base64(&der, out);
	buf_addf(out, "\r\n--%s--\r\n", boundary);
	return 0;
}
