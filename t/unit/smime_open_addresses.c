/* smime_open_addresses.c - the addresses of a certificate, byte for byte or not at all */
#include "test.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "smime/open.h"

static struct arena arena;

static GENERAL_NAME *mail(const char *bytes, size_t n)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	ASN1_STRING_set(s, bytes, (int)n);
	GENERAL_NAME_set0_value(name, GEN_EMAIL, s);
	return name;
}

static GENERAL_NAME *other(int nid, int type, const char *bytes, size_t n)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	ASN1_STRING_set(s, bytes, (int)n);
	ASN1_TYPE_set(value, type, s);
	GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), value);
	return name;
}

static X509 *certificate(GENERAL_NAME *const *names)
{
	X509 *x = X509_new();
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	for (; *names; names++)
		sk_GENERAL_NAME_push(all, *names);
	if (sk_GENERAL_NAME_num(all))
		X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0);
	GENERAL_NAMES_free(all);
	return x;
}

static void expect(X509 *x, const char *want)
{
	const char **addresses;
	struct buf got = BUF_INIT;
	size_t n;

	certificate_addresses(&arena, x, &addresses, &n);
	for (size_t i = 0; i < n; i++)
		buf_addf(&got, "%s|", addresses[i]);
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(ERR_peek_error(), 0);
	buf_release(&got);
	X509_free(x);
}

#define MAIL(s) mail(s, sizeof(s) - 1)
#define NAMES(...) certificate((GENERAL_NAME *[]){ __VA_ARGS__, NULL })

static void alternative_names(void **state)
{
	expect(certificate((GENERAL_NAME *[]){ NULL }), "");
	expect(NAMES(MAIL("a@example.org")), "a@example.org|");
	expect(NAMES(MAIL("A@Example.ORG"), MAIL("b@example.org"), MAIL("A@Example.ORG")), "A@Example.ORG|b@example.org|");
	expect(NAMES(MAIL(" a@example.org ")), " a@example.org |"); /* nothing is trimmed */
	expect(NAMES(MAIL("1"), MAIL("2"), MAIL("3"), MAIL("4"), MAIL("5"), MAIL("6"), MAIL("7"), MAIL("8"), MAIL("9")),
	       "1|2|3|4|5|6|7|8|9|");
}

static void hostile_names(void **state)
{
	expect(NAMES(MAIL("a@example.org\0.evil.example"), MAIL("b@example.org")), "b@example.org|");
	expect(NAMES(MAIL("a@example.org\0")), "");
	expect(NAMES(MAIL("\0a@example.org")), "");
	expect(NAMES(MAIL("")), "");
	expect(NAMES(MAIL("a@example.org\nb@example.org")), "");
	expect(NAMES(MAIL("a@ex\x7f" "ample.org")), "");
	expect(NAMES(MAIL("a@ex\xff" "ample.org")), "");
}

static void utf8_mailboxes(void **state)
{
	static const char utf8[] = "j\xc3\xbcrgen@example.org";

	expect(NAMES(other(NID_id_on_SmtpUTF8Mailbox, V_ASN1_UTF8STRING, utf8, sizeof(utf8) - 1)), "j\xc3\xbcrgen@example.org|");
	expect(NAMES(other(NID_id_on_SmtpUTF8Mailbox, V_ASN1_UTF8STRING, "a\0b@c", 5)), "");
	expect(NAMES(other(NID_id_on_SmtpUTF8Mailbox, V_ASN1_UTF8STRING, "a\xff@b", 4)), "");
	expect(NAMES(other(NID_id_on_SmtpUTF8Mailbox, V_ASN1_IA5STRING, "a@b", 3)), "");
	expect(NAMES(other(NID_commonName, V_ASN1_UTF8STRING, "a@b", 3)), "");
}

static X509 *subject(int type, const char *bytes, int n, GENERAL_NAME *name)
{
	X509 *x = certificate((GENERAL_NAME *[]){ name, NULL });
	X509_NAME *subject_name = X509_get_subject_name(x);

	X509_NAME_add_entry_by_NID(subject_name, NID_commonName, MBSTRING_ASC, (const unsigned char *)"cn@example.org", -1, -1, 0);
	X509_NAME_add_entry_by_NID(subject_name, NID_pkcs9_emailAddress, type, (const unsigned char *)bytes, n, -1, 0);
	return x;
}

static void legacy_subjects(void **state)
{
	expect(subject(V_ASN1_IA5STRING, "a@example.org", 13, NULL), "a@example.org|");
	expect(subject(V_ASN1_UTF8STRING, "a@example.org", 13, NULL), "a@example.org|");
	expect(subject(V_ASN1_PRINTABLESTRING, "a@b", 3, NULL), "a@b|");
	expect(subject(V_ASN1_BMPSTRING, "\0a\0@\0b", 6, NULL), "a@b|");
	expect(subject(V_ASN1_IA5STRING, "a@example.org\0.evil", 19, NULL), "");
	expect(subject(V_ASN1_BMPSTRING, "\0a\0@\0\0\0b", 8, NULL), "");
	expect(subject(V_ASN1_IA5STRING, "a@example.org", 13, MAIL("b@example.org")), "b@example.org|a@example.org|");
	expect(subject(V_ASN1_IA5STRING, "b@example.org", 13, MAIL("b@example.org")), "b@example.org|");
}

/* An extension that is no GeneralNames says nothing, and leaves nothing in OpenSSL's error queue. */
static void broken_extension(void **state)
{
	X509 *x = X509_new();
	ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(junk, (const unsigned char *)"\x30\x05junk", 6);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, junk);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(junk);
	expect(x, "");
}

static int clean(void **state)
{
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alternative_names), cmocka_unit_test(hostile_names),    cmocka_unit_test(utf8_mailboxes),
		cmocka_unit_test(legacy_subjects),   cmocka_unit_test(broken_extension),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
