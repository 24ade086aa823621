/* addresses.c - whose certificate it is, as exact bytes (RFC 8550 3, RFC 9598, RFC 5280 4.2.1.6)
 *
 * An address with a NUL or another control character, or one that is no UTF-8, is an attempt to be taken for
 * another one: such an entry is as if it were not there.  Nothing is trimmed, nothing is folded.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/address.h"
#include "smime/open.h"

struct found {
	struct arena *arena;
	const char **addresses;
	size_t n, cap;
};

static bool usable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n && utf8_valid(s);
}

static void add(struct found *f, struct span s)
{
	if (!usable(s))
		return;
	for (size_t i = 0; i < f->n; i++)
		if (span_eqstr(s, f->addresses[i]))
			return;
	if (f->n == f->cap) {
		const char **more = arena_array(f->arena, f->cap ? f->cap * 2 : 4, sizeof(*more));

		if (f->n)
			memcpy(more, f->addresses, f->n * sizeof(*more));
		f->cap = f->cap ? f->cap * 2 : 4;
		f->addresses = more;
	}
	f->addresses[f->n++] = arena_strndup(f->arena, s.p, s.n);
}

static void add_string(struct found *f, const ASN1_STRING *s)
{
	add(f, span_from(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
}

static void add_general_name(struct found *f, const GENERAL_NAME *name)
{
	if (name->type == GEN_EMAIL)
		add_string(f, name->d.rfc822Name);
	else if (name->type == GEN_OTHERNAME &&
		 OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox &&
		 name->d.otherName->value->type == V_ASN1_UTF8STRING)
		add_string(f, name->d.otherName->value->value.utf8string);
}

/* Directory strings may come as BMPString. */
static void add_subject(struct found *f, const X509_NAME *subject)
{
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0) {
		const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
		unsigned char *utf8 = NULL;
		int n;

		if (ASN1_STRING_type(s) == V_ASN1_IA5STRING || ASN1_STRING_type(s) == V_ASN1_UTF8STRING) {
			add_string(f, s);
			continue;
		}
		n = ASN1_STRING_to_UTF8(&utf8, s);
		if (n >= 0)
			add(f, span_from(utf8, (size_t)n));
		OPENSSL_free(utf8);
	}
}

void certificate_addresses(struct arena *a, X509 *certificate, const char ***addresses, size_t *n)
{
	struct found f = { .arena = a };
	GENERAL_NAMES *names;

	ERR_set_mark();
	names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_general_name(&f, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	add_subject(&f, X509_get_subject_name(certificate));
	ERR_pop_to_mark();
	*addresses = f.addresses;
	*n = f.n;
}
