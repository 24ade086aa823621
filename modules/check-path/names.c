/* names.c - names, serial numbers and times of certificates as people and logs read them
 *
 * What stands in a certificate was written by a stranger: nothing from here has a control character, and
 * everything is UTF-8 that may stand in an XML document.
 */
#include "check-path/names.h"

#include <openssl/bio.h>
#include <stdio.h>
#include <time.h>

#include "lib/address.h"
#include "lib/buf.h"

#define NAME_MAX_BYTES ((size_t)400)
#define SERIAL_MAX_BYTES 40

/* C1 controls and the two noncharacters of the BMP, which XML does not allow, become '?'. */
static void make_printable(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		size_t n = 0;

		if (*p < 0x20 || *p == 0x7f)
			n = 1;
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			n = 2;
		else if (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
			n = 3;
		if (n)
			memset(p, '?', n);
	}
}

/* Cuts at a character's start. */
static void cut(char *s)
{
	size_t n = NAME_MAX_BYTES;

	if (strlen(s) <= n)
		return;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	memcpy(s + n, "...", 4);
}

const char *name_text(struct arena *a, const X509_NAME *name)
{
	static const unsigned long flags = (XN_FLAG_RFC2253 | ASN1_STRFLGS_UTF8_CONVERT) & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *bio = BIO_new(BIO_s_mem());
	const char *bytes;
	char *s = NULL;
	long n;

	if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0 && (n = BIO_get_mem_data(bio, &bytes)) >= 0 &&
	    utf8_valid(span_from(bytes, (size_t)n))) {
		s = arena_alloc(a, (size_t)n + 4);
		if (n) /* of an empty name there are no bytes at all */
			memcpy(s, bytes, (size_t)n);
		make_printable(s);
		cut(s);
	}
	BIO_free(bio);
	return s ? (*s ? s : "(empty name)") : "(unreadable name)";
}

const char *subject_text(struct arena *a, const X509 *x)
{
	return name_text(a, X509_get_subject_name(x));
}

const char *serial_text(struct arena *a, const ASN1_INTEGER *serial)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = ASN1_STRING_get0_data(serial);
	int n = ASN1_STRING_length(serial);
	bool whole = n <= SERIAL_MAX_BYTES;
	char *s = arena_alloc(a, 2 * SERIAL_MAX_BYTES + 8), *out = s;

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		*out++ = '-';
	for (int i = 0; i < (whole ? n : SERIAL_MAX_BYTES); i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	memcpy(out, whole ? "" : "...", whole ? 1 : 4);
	return s;
}

const char *asn1_time_text(struct arena *a, const ASN1_TIME *t)
{
	char *s = arena_alloc(a, 64);
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm) || !strftime(s, 64, "%Y-%m-%d %H:%M:%S UTC", &tm))
		return "(unreadable time)";
	return s;
}

bool asn1_time_is_plain(const ASN1_TIME *t)
{
	struct span s = span_from(ASN1_STRING_get0_data(t), (size_t)ASN1_STRING_length(t));
	size_t digits = ASN1_STRING_type(t) == V_ASN1_UTCTIME ? 12 : 14, i = 0;

	while (i < s.n && ascii_digit(s.p[i]))
		i++;
	return i == digits && s.n == digits + 1 && s.p[digits] == 'Z';
}

bool asn1_time_read(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (!asn1_time_is_plain(t) || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}
