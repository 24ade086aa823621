/* filter.c - search filters (RFC 4515) from the operator's templates and strangers' values */
#include "keys-ldap/filter.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/idn.h"

int filter_check(const char *template, const char *letters, struct error *err)
{
	for (const char *p = template; (p = strchr(p, '%')); p += 2)
		if (!p[1] || (p[1] != '%' && !strchr(letters, p[1])))
			return error_set(err, E_CONFIG, "\"%s\": only %%%% and %% with one of \"%s\" mean something", template, letters);
	return 0;
}

/* RFC 4515 section 3: NUL ( ) * \ must be escaped, any byte may be. */
static void add_escaped(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < 0x20 || c >= 0x7f || strchr("()*\\", c))
			buf_addf(out, "\\%02x", c);
		else
			buf_addch(out, (char)c);
	}
}

struct substitution {
	char letter;
	struct span value;
};

static void expand(const char *template, const struct substitution *values, size_t n, struct buf *out)
{
	for (const char *p = template; *p; p++) {
		if (*p != '%' || !p[1]) {
			buf_addch(out, *p);
			continue;
		}
		p++;
		if (*p == '%')
			buf_addch(out, '%');
		for (size_t i = 0; i < n; i++)
			if (values[i].letter == *p)
				add_escaped(out, values[i].value);
	}
}

static void add_address(const char *template, struct span local, struct span domain, struct buf *out)
{
	struct buf whole = BUF_INIT;

	buf_add(&whole, local.p, local.n);
	if (domain.n)
		buf_addch(&whole, '@');
	buf_add(&whole, domain.p, domain.n);
	expand(template, (const struct substitution[]){ { 's', span_from(buf_str(&whole), whole.len) }, { 'u', local }, { 'd', domain } },
	       3, out);
	buf_release(&whole);
}

/* A directory may have the domain in either form: the attribute "mail" takes A-labels only, others take both. */
static void add_both(const char *template, struct span local, struct span ascii, struct span unicode, struct buf *out)
{
	const char *open = *template == '(' ? "" : "(", *close = *open ? ")" : "";

	buf_addf(out, "(|%s", open);
	add_address(template, local, ascii, out);
	buf_addf(out, "%s%s", close, open);
	add_address(template, local, unicode, out);
	buf_addf(out, "%s)", close);
}

void filter_address(const char *template, const char *address, struct buf *out)
{
	struct span domain = span_of(address_domain(address)), whole = span_of(address);
	struct span local = span_sub(whole, 0, domain.n ? whole.n - domain.n - 1 : whole.n);
	struct buf ascii = BUF_INIT, unicode = BUF_INIT;

	if (idn_ascii(domain, &ascii) && idn_unicode(domain, &unicode) && !idn_plain(span_from(unicode.data, unicode.len)))
		add_both(template, local, span_from(ascii.data, ascii.len), span_from(unicode.data, unicode.len), out);
	else
		add_address(template, local, domain, out);
	buf_release(&ascii);
	buf_release(&unicode);
}

/* RFC 4514, in UTF-8; inside GSER's quotation marks (RFC 3641 section 3.2) they are written twice. */
static bool issuer_text(const X509_NAME *issuer, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = -1;

	if (bio && X509_NAME_print_ex(bio, issuer, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(bio, &text);
	for (long i = 0; i < n; i++) {
		if (text[i] == '"')
			buf_addch(out, '"');
		buf_addch(out, text[i]);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n >= 0; /* an empty name is one */
}

int filter_serial(const char *template, const struct identifier *id, struct buf *out, struct error *err)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(id->serial, NULL);
	char *decimal = number ? BN_bn2dec(number) : NULL, *hex = number ? BN_bn2hex(number) : NULL;
	struct buf issuer = BUF_INIT;
	int rc = 0;

	if (!decimal || !hex || !issuer_text(id->issuer, &issuer)) {
		rc = error_set(err, E_PERM, "an issuer or serial number that cannot be written");
	} else {
		const char *digits = hex;

		while (digits[0] == '0' && digits[1])
			digits++;
		expand(template, (const struct substitution[]){
			{ 'i', span_from(buf_str(&issuer), issuer.len) }, { 'n', span_of(decimal) }, { 'x', span_of(digits) },
		}, 3, out);
	}
	buf_release(&issuer);
	OPENSSL_free(decimal);
	OPENSSL_free(hex);
	BN_free(number);
	ERR_clear_error();
	return rc;
}

void filter_key_id(const char *template, const struct identifier *id, struct buf *out)
{
	struct span bytes = span_from(buf_str(&id->key_id), id->key_id.len);
	struct buf hex = BUF_INIT;

	for (size_t i = 0; i < bytes.n; i++)
		buf_addf(&hex, "%02x", (unsigned char)bytes.p[i]);
	expand(template, (const struct substitution[]){ { 'b', bytes }, { 'x', span_from(buf_str(&hex), hex.len) } }, 2, out);
	buf_release(&hex);
}
