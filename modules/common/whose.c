/* whose.c - a certificate in words for people: whose it is, and until when */
#include "common/whose.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "common/certificate.h"
#include "common/keys_answer.h"

static char *text_of(struct server *s, const ASN1_STRING *text)
{
	const char *copy = text ? arena_strndup(&s->arena, (const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)) : "";

	return (char *)(uintptr_t)keys_printable(s, copy);
}

static const char *alternative(struct server *s, const struct certificate *c)
{
	GENERAL_NAMES *names = certificate_extension(c, NID_subject_alt_name);
	const char *found = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_EMAIL)
			found = text_of(s, name->d.rfc822Name);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static const char *in_subject(struct server *s, struct certificate *c)
{
	static const int kinds[] = { NID_pkcs9_emailAddress, NID_commonName };

	for (size_t i = 0; i < 2; i++) {
		int at = X509_NAME_get_index_by_NID(certificate_subject(c), kinds[i], -1);

		if (at >= 0)
			return text_of(s, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(certificate_subject(c), at)));
	}
	return "a nameless certificate";
}

static const char *date(struct server *s, int64_t when)
{
	time_t t = (time_t)when;
	char text[40] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return arena_strdup(&s->arena, text);
}

const char *keys_whose(struct server *s, struct span der)
{
	struct certificate *c = certificate_parse(der);
	const char *who = c ? alternative(s, c) : NULL, *text = "a certificate that cannot be read";

	if (c)
		text = arena_printf(&s->arena, "%s, valid until %s", who ? who : in_subject(s, c), date(s, c->not_after));
	certificate_free(c);
	ERR_clear_error();
	return text;
}
