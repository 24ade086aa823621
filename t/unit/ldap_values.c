/* ldap_values.c - keys-ldap: filters from strangers' values, and what attributes may hold */
#include "test.h"

#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys-ldap/absent.h"
#include "keys-ldap/filter.h"
#include "keys-ldap/values.h"
#include "lib/fs.h"
#include "lib/log.h"

static void assert_filter(const char *template, const char *address, const char *want)
{
	struct buf out = BUF_INIT;

	filter_address(template, address, &out);
	assert_string_equal(buf_str(&out), want);
	buf_release(&out);
}

static void every_value_is_escaped(void **state)
{
	(void)state;
	assert_filter("(mail=%s)", "a@x.example", "(mail=a@x.example)");
	assert_filter("(&(uid=%u)(dc=%d))", "a.b@x.example", "(&(uid=a.b)(dc=x.example))");
	assert_filter("(mail=%s)", "*()\\\x7f\x01\xc3\xa4@x", "(mail=\\2a\\28\\29\\5c\\7f\\01\\c3\\a4@x)");
	assert_filter("%%s %u", "%s", "%s %s");
	assert_filter("%s", "\"a@b\"@x", "\"a@b\"@x");
	assert_filter("%u|%d", "\"a@b\"@x", "\"a@b\"|x");
	assert_filter("%u|%d", "nobody", "nobody|");
	assert_filter("(mail=%s)", "a@b\xc3\xbc" "cher.x", "(|(mail=a@xn--bcher-kva.x)(mail=a@b\\c3\\bccher.x))");
	assert_filter("(mail=%s)", "A@XN--bcher-kva.x", "(|(mail=A@xn--bcher-kva.x)(mail=A@b\\c3\\bccher.x))");
	assert_filter("dc=%d", "a@xn--bcher-kva", "(|(dc=xn--bcher-kva)(dc=b\\c3\\bccher))");
	assert_filter("(mail=%s)", "a@\xff", "(mail=a@\\ff)");
	assert_filter("", "a@x", "");
	assert_filter("ends with %", "a@x", "ends with %");
}

static void templates_are_checked(void **state)
{
	(void)state;
	assert_int_equal(filter_check("(mail=%s)%%(%d)", "sud", NULL), 0);
	assert_int_equal(filter_check("", "sud", NULL), 0);
	assert_int_equal(filter_check("%x", "sud", NULL), E_CONFIG);
	assert_int_equal(filter_check("%", "sud", NULL), E_CONFIG);
	assert_int_equal(filter_check("%%%", "sud", NULL), E_CONFIG);
}

static void assert_serial(const char *template, const char *cn, const char *hex, const char *want)
{
	struct identifier id = { X509_NAME_new(), NULL, BUF_INIT };
	struct buf out = BUF_INIT;
	BIGNUM *n = NULL;

	X509_NAME_add_entry_by_txt(id.issuer, "C", MBSTRING_ASC, (const unsigned char *)"DE", -1, -1, 0);
	X509_NAME_add_entry_by_txt(id.issuer, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	BN_hex2bn(&n, hex);
	id.serial = BN_to_ASN1_INTEGER(n, NULL);
	assert_int_equal(filter_serial(template, &id, &out, NULL), 0);
	assert_string_equal(buf_str(&out), want);
	buf_release(&out);
	BN_free(n);
	identifier_release(&id);
}

static void an_empty_issuer_is_one(void)
{
	struct identifier id = { X509_NAME_new(), ASN1_INTEGER_new(), BUF_INIT };
	struct buf out = BUF_INIT;

	ASN1_INTEGER_set_int64(id.serial, -3);
	assert_int_equal(filter_serial("[%i] %n %x", &id, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "[] -3 -03");
	buf_release(&out);
	identifier_release(&id);
}

static void issuers_and_numbers_are_written(void **state)
{
	(void)state;
	an_empty_issuer_is_one();
	assert_serial("%n %x", "a", "0A3F", "2623 A3F");
	assert_serial("%n %x", "a", "0", "0 0");
	assert_serial("%n", "a", "8000000000000000000000000000000000000001", "730750818665451459101842416358141509827966271489");
	assert_serial("%i", "Some CA", "1", "CN=Some CA,C=DE");
	assert_serial("%i", "a,b+c", "1", "CN=a\\5c,b\\5c+c,C=DE");
	assert_serial("%i", "a\"b(c)*", "1", "CN=a\\5c\"\"b\\28c\\29\\2a,C=DE");
	assert_serial("%i", "\xc3\xa4", "1", "CN=\\c3\\a4,C=DE");
}

static void key_identifiers_are_written(void **state)
{
	struct identifier id = { NULL, NULL, BUF_INIT };
	struct buf out = BUF_INIT;

	(void)state;
	buf_add(&id.key_id, "\0a*\xff", 4);
	filter_key_id("%b|%x", &id, &out);
	assert_string_equal(buf_str(&out), "\\00a\\2a\\ff|00612aff");
	buf_release(&out);
	identifier_release(&id);
}

static void no_certificates_in_nonsense(void **state)
{
	static const char *const nonsense[] = { "", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\x30\x80", "\x30\x03\x02\x01" };
	struct arena arena = ARENA_INIT;
	struct value values[6];
	struct found *found;
	struct query q = { .values = values, .n = 6 };
	char *big = mem_alloc(VALUE_MAX + 1);

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < 5; i++)
		values[i] = (struct value){ "cn=x", "userCertificate", span_of(nonsense[i]) };
	values[5] = (struct value){ "cn=x", "userCertificate", span_from(big, VALUE_MAX + 1) };
	assert_int_equal(values_for_address(&arena, &q, "ldap://x", "a@x.example", &found), 0);
	assert_null(value_capabilities(&arena, span_of("\x30\x03\x02\x01"), span_of("y")));
	assert_string_equal(value_source(&arena, "ldap://x", &values[0]), "ldap://x/cn=x");
	assert_string_equal(value_source(&arena, "ldap://x/", &values[0]), "ldap://x/cn=x");
	free(big);
	arena_release(&arena);
}

static void who_is_absent_is_remembered(void **state)
{
	char spool[] = "/tmp/postern-absent.XXXXXX", path[64];
	static const char *uris[] = { "ldap://x" };
	struct directory_options one = { .base = "dc=x", .filter = "(mail=%s)", .bind_dn = "", .uri = { uris, 1 }, .absent_lifetime = 60000 };
	struct directory_options other = one, off = one;
	struct absent *a, *b;

	(void)state;
	assert_non_null(mkdtemp(spool));
	other.base = "dc=y";
	off.absent_lifetime = 0;
	a = absent_open(spool, &one);
	b = absent_open(spool, &other);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(absent_open(spool, &off));
	assert_false(absent_is(a, "a@x.example"));
	absent_set(a, "a@x.example");
	assert_true(absent_is(a, "A@X.example"));
	assert_false(absent_is(a, "b@x.example"));
	assert_false(absent_is(b, "a@x.example"));
	absent_close(a);
	absent_close(b);
	a = absent_open(spool, &one);
	assert_true(absent_is(a, "a@x.example"));
	one.absent_lifetime = 1000; /* the clock was set back, or the option is a smaller one now: forgotten */
	assert_false(absent_is(a, "a@x.example"));
	absent_close(a);
	assert_false(absent_is(NULL, "a@x.example"));
	absent_set(NULL, "a@x.example");
	snprintf(path, sizeof(path), "%s/keys-ldap/absent", spool);
	unlink(path);
	snprintf(path, sizeof(path), "%s/keys-ldap", spool);
	rmdir(path);
	rmdir(spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_escaped),
		cmocka_unit_test(templates_are_checked),
		cmocka_unit_test(issuers_and_numbers_are_written),
		cmocka_unit_test(key_identifiers_are_written),
		cmocka_unit_test(no_certificates_in_nonsense),
		cmocka_unit_test(who_is_absent_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
