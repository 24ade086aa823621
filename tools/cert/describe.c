/* describe.c - what people want to know of a certificate */
#include "cert/describe.h"

#include <openssl/evp.h>

#include "check-path/names.h"
#include "common/certificate.h"
#include "common/marks.h"
#include "lib/address.h"
#include "lib/openssl.h"

static void take_addresses(struct arena *a, struct certificate *c, struct span der, struct description *out)
{
	struct buf list = BUF_INIT;
	struct span rest, mark;
	size_t n = 0;

	marks_of_certificate(c, der, NULL, &list);
	rest = span_from(buf_str(&list), list.len);
	while (marks_next(&rest, &mark))
		n += mark.p[0] == MARK_ADDRESS;
	out->addresses = arena_array(a, n + 1, sizeof(*out->addresses));
	rest = span_from(buf_str(&list), list.len);
	while (marks_next(&rest, &mark)) {
		const char *address = arena_strndup(a, mark.p + 1, mark.n - 1);
		bool again = false;

		if (mark.p[0] != MARK_ADDRESS)
			continue;
		for (size_t i = 0; i < out->naddresses; i++)
			again |= strcmp(out->addresses[i], address) == 0;
		if (!again)
			out->addresses[out->naddresses++] = address;
	}
	buf_release(&list);
}

bool describe(struct arena *a, struct span der, struct description *out)
{
	struct certificate *c = certificate_parse(der);
	struct digest d;

	*out = (struct description){ "", "", "", 0, 0, NULL, 0, "" };
	digest_init(&d);
	digest_add(&d, der.p, der.n);
	digest_hex(&d, out->sha256);
	if (!c)
		return false;
	out->subject = name_text(a, certificate_subject(c));
	out->issuer = name_text(a, certificate_issuer(c));
	out->serial = serial_text(a, certificate_serial(c));
	out->not_before = (time_t)c->not_before;
	out->not_after = (time_t)c->not_after;
	take_addresses(a, c, der, out);
	certificate_free(c);
	return true;
}

const char *describe_key(struct arena *a, struct span der)
{
	X509 *x = openssl_certificate(NULL, &der);
	EVP_PKEY *key = x ? X509_get0_pubkey(x) : NULL;
	const char *text = "unknown";

	if (key)
		text = arena_printf(a, "%s %d bits", EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "?",
				    EVP_PKEY_get_bits(key));
	X509_free(x);
	return text;
}

void describe_json(struct json *j, const struct description *d)
{
	json_text(j, "subject", d->subject);
	json_text(j, "issuer", d->issuer);
	json_text(j, "serial", d->serial);
	json_time(j, "not_before", d->not_before);
	json_time(j, "not_after", d->not_after);
	json_open(j, "addresses", '[');
	for (size_t i = 0; i < d->naddresses; i++)
		json_text(j, NULL, d->addresses[i]);
	json_close(j, ']');
	json_text(j, "sha256", d->sha256);
}

void make_printable(char *text)
{
	for (char *p = text; *p; p++) {
		size_t n = (unsigned char)*p < 0x20 || *p == 0x7f ? 1 : utf8_invisible(p);

		if (n) {
			memset(p, '?', n);
			p += n - 1;
		}
	}
}

const char *printable(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	make_printable(copy);
	return copy;
}
