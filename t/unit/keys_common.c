/* keys_common.c - what modules that hold keys share: whom a certificate serves, which comes first, which one is meant, secrets */
#include "test.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/certificate.h"
#include "common/identifier.h"
#include "common/keys_order.h"
#include "common/secret_file.h"
#include "lib/base64.h"
#include "lib/fs.h"
#include "lib/openssl.h"

#define NOW 1000000000

static EVP_PKEY *key;

static int set_up(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static void extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	assert_true(!value || e);
	if (e)
		X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* A certificate for names ("email:..."), from NOW + from to NOW + until; never to be freed but with the process. */
static struct span make(long serial, const char *names, const char *usage, int64_t from, int64_t until)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"Some CA", -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + from);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + until);
	X509_set_pubkey(x, key);
	extend(x, NID_subject_alt_name, names);
	extend(x, NID_key_usage, usage);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	X509_free(x);
	assert_true(n > 0);
	return span_from(der, (size_t)n);
}

static void drop(struct span der)
{
	OPENSSL_free((void *)(uintptr_t)der.p);
}

static const char both[] = "digitalSignature,keyAgreement";

/* ---- what is given out must be readable to others ---- */

static X509 *openssl_reads(struct span der)
{
	X509 *x = openssl_certificate(NULL, &der);

	if (x && der.n == 0)
		return x;
	X509_free(x);
	return NULL;
}

static void same_extension(const X509 *x, const struct certificate *c, int nid)
{
	const ASN1_ITEM *type = ASN1_ITEM_ptr(X509V3_EXT_get_nid(nid)->it);
	void *theirs = X509_get_ext_d2i(x, nid, NULL, NULL), *ours = certificate_extension(c, nid);
	unsigned char *one = NULL, *other = NULL;
	int n = theirs ? ASN1_item_i2d(theirs, &one, type) : 0;

	assert_int_equal(!ours, !theirs);
	assert_int_equal(ours ? ASN1_item_i2d(ours, &other, type) : 0, n);
	assert_true(!n || memcmp(one, other, (size_t)n) == 0);
	OPENSSL_free(one);
	OPENSSL_free(other);
	ASN1_item_free(theirs, type);
	ASN1_item_free(ours, type);
}

static void agrees(struct span der)
{
	struct certificate *c = certificate_parse(der);
	X509 *x = openssl_reads(der);

	assert_int_equal(certificate_is_readable(der), x != NULL);
	assert_true(!c || x);
	if (c) {
		same_extension(x, c, NID_subject_alt_name);
		same_extension(x, c, NID_key_usage);
		same_extension(x, c, NID_basic_constraints);
		assert_int_equal(X509_NAME_cmp(certificate_issuer(c), X509_get_issuer_name(x)), 0);
		assert_int_equal(X509_NAME_cmp(certificate_subject(c), X509_get_subject_name(x)), 0);
		assert_int_equal(ASN1_INTEGER_cmp(certificate_serial(c), X509_get0_serialNumber(x)), 0);
	}
	certificate_free(c);
	X509_free(x);
}

/* Names in every kind of string, an algorithm with parameters and a critical extension. */
static struct span make_rich(void)
{
	static const int kinds[] = { V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING, V_ASN1_IA5STRING, V_ASN1_T61STRING };
	static const unsigned char text[] = "ABCD";
	X509 *x = X509_new();
	EVP_PKEY *rsa = EVP_RSA_gen(1024);
	unsigned char *der = NULL;
	int n;

	X509_set_version(x, 2);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, kinds[i], text, 4, -1, i % 2 ? -1 : 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	ASN1_TIME_set(X509_getm_notBefore(x), NOW);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)4102444800); /* GeneralizedTime from 2050 on */
	X509_set_pubkey(x, rsa);
	extend(x, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(X509_sign(x, rsa, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	X509_free(x);
	EVP_PKEY_free(rsa);
	return span_from(der, (size_t)n);
}

static void told_readable_as_openssl_does(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	const struct span list[] = { make(1, "email:a@x.example", both, -5, 5), make_rich() };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		unsigned char *p = (unsigned char *)(uintptr_t)list[k].p;

		assert_true(certificate_is_readable(list[k]));
		for (size_t i = 0; i < list[k].n; i++)
			for (size_t v = 0; v < sizeof(flips); v++) {
				p[i] ^= flips[v];
				agrees(list[k]);
				p[i] ^= flips[v];
			}
		for (size_t n = 0; n < list[k].n; n += 7)
			assert_false(certificate_is_readable(span_sub(list[k], 0, n)));
		drop(list[k]);
	}
}

/* An extension that is there twice says nothing, as OpenSSL has it. */
static void twice_is_not_there(void **state)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	struct certificate *c;
	int n;

	(void)state;
	X509_set_version(x, 2);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW);
	X509_set_pubkey(x, key);
	extend(x, NID_key_usage, "cRLSign");
	extend(x, NID_basic_constraints, "CA:TRUE");
	extend(x, NID_key_usage, "keyCertSign");
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	X509_free(x);
	c = certificate_parse(span_from(der, (size_t)n));
	assert_non_null(c);
	assert_null(certificate_extension(c, NID_key_usage));
	assert_true(certificate_is_ca(c));
	certificate_free(c);
	agrees(span_from(der, (size_t)n));
	OPENSSL_free(der);
}

static void serves_its_addresses(void **state)
{
	struct span own = make(1, "email:a@x.example,email:B@x.example", both, -5, 5), whole = make(2, "email:@x.example", NULL, -5, 5);
	struct span broken = span_sub(own, 0, own.n - 1);
	struct keys_candidate c;

	(void)state;
	assert_true(keys_candidate_read(own, "A@X.example", &c));
	assert_false(c.domain);
	assert_true(c.may_sign && c.may_encrypt && !c.is_ca);
	assert_true(keys_candidate_read(own, "b@x.example", &c));
	assert_false(keys_candidate_read(own, "c@x.example", &c));
	assert_false(keys_candidate_read(own, "@x.example", &c));
	assert_true(keys_candidate_read(own, NULL, &c));
	assert_true(keys_candidate_read(whole, "c@x.example", &c));
	assert_true(c.domain && c.may_sign && c.may_encrypt);
	assert_false(keys_candidate_read(whole, "c@y.example", &c));
	assert_false(keys_candidate_read(broken, NULL, &c));
	assert_false(keys_candidate_read(span_from("", 0), NULL, &c));
	drop(own);
	drop(whole);
}

enum { OLD, NEWER, EXPIRED, DOMAIN, FUTURE, SIGNS, ENCRYPTS, CERTIFICATES };

static void assert_order(const struct span *ders, const int *given, size_t n, enum keys_purpose purpose, const int *want, size_t nwant)
{
	struct keys_candidate list[16];

	for (size_t i = 0; i < n; i++)
		assert_true(keys_candidate_read(ders[given[i]], "a@x.example", &list[i]));
	assert_int_equal(keys_order(list, n, purpose, NOW), nwant);
	for (size_t i = 0; i < nwant; i++)
		assert_ptr_equal(list[i].der.p, ders[want[i]].p);
}

static void best_first(void **state)
{
	const char *own = "email:a@x.example";
	struct span ders[CERTIFICATES] = {
		[OLD] = make(1, own, both, -50, 50), [NEWER] = make(2, own, both, -40, 50), [EXPIRED] = make(3, own, both, -30, -1),
		[DOMAIN] = make(4, "email:@x.example", both, -20, 50), [FUTURE] = make(5, own, both, 10, 50),
		[SIGNS] = make(6, own, "nonRepudiation", -5, 50), [ENCRYPTS] = make(7, own, "keyEncipherment", -5, 50),
	};
	const int all[] = { SIGNS, DOMAIN, EXPIRED, OLD, FUTURE, ENCRYPTS, NEWER, OLD };
	const int encrypt[] = { ENCRYPTS, NEWER, OLD, FUTURE, EXPIRED, DOMAIN };
	const int sign[] = { SIGNS, NEWER, OLD, DOMAIN, FUTURE, EXPIRED };

	(void)state;
	assert_order(ders, all, 8, KEYS_TO_ENCRYPT, encrypt, 6);
	assert_order(ders, all, 8, KEYS_TO_SIGN, sign, 6);
	assert_order(ders, all, 0, KEYS_TO_SIGN, sign, 0);
	for (int i = 0; i < CERTIFICATES; i++)
		drop(ders[i]);
}

/* Both ends of the validity belong to it. */
static void valid_to_the_second(void **state)
{
	struct span ders[] = { make(1, "email:a@x.example", both, -9, 0), make(2, "email:a@x.example", both, -8, -1) };
	const int given[] = { 1, 0 }, want[] = { 0, 1 };

	(void)state;
	assert_order(ders, given, 2, KEYS_TO_ENCRYPT, want, 2);
	drop(ders[0]);
	drop(ders[1]);
}

static bool is_meant(const char *element, struct span der)
{
	struct arena arena = ARENA_INIT;
	struct xml_document *doc;
	struct identifier *id;
	bool matches;

	assert_int_equal(xml_parse(span_of(element), &doc, NULL), 0);
	assert_int_equal(identifier_read(&arena, xml_root(doc), &id, NULL), 0);
	matches = identifier_matches(id, der);
	identifier_release(id);
	xml_free(doc);
	arena_release(&arena);
	return matches;
}

static void the_one_that_is_meant(void **state)
{
	struct span der = make(0x0a3f, "email:a@x.example", both, -5, 5);
	unsigned char *name = NULL, digest[EVP_MAX_MD_SIZE];
	struct buf xml = BUF_INIT;
	unsigned size = 0;
	int n;
	X509_NAME *issuer = X509_NAME_new();
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);

	(void)state;
	/* other case, other blanks: the same name */
	X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC, (const unsigned char *)" some  ca", -1, -1, 0);
	n = i2d_X509_NAME(issuer, &name);
	buf_addstr(&xml, "<by issuer=\"");
	base64_encode(&xml, name, (size_t)n, 0, "");
	buf_addstr(&xml, "\" serial=\"0a3f\"/>");
	assert_true(is_meant(buf_str(&xml), der));
	xml.data[xml.len - 4] = 'e';
	assert_false(is_meant(buf_str(&xml), der));
	buf_clear(&xml);
	assert_true(X509_pubkey_digest(x, EVP_sha1(), digest, &size)); /* it has no extension */
	buf_addstr(&xml, "<by key-id=\"");
	for (unsigned i = 0; i < size; i++)
		buf_addf(&xml, "%02x", digest[i]);
	buf_addstr(&xml, "\"/>");
	assert_true(is_meant(buf_str(&xml), der));
	assert_false(is_meant("<by key-id=\"00\"/>", der));
	assert_false(is_meant(buf_str(&xml), span_of("rubbish")));
	buf_release(&xml);
	OPENSSL_free(name);
	X509_NAME_free(issuer);
	X509_free(x);
	drop(der);
}

static void secrets_are_ours_alone(void **state)
{
	char path[] = "/tmp/postern-secret.XXXXXX", *secret;
	char long_line[4097];
	struct error err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fs_replace(path, "open sesame\r\nnot this\n", 23, 0600, NULL), 0);
	assert_int_equal(secret_read(path, &secret, &err), 0);
	assert_string_equal(secret, "open sesame");
	secret_free(secret);
	chmod(path, 0640);
	assert_int_equal(secret_read(path, &secret, &err), E_CONFIG);
	assert_null(secret);
	memset(long_line, 'x', sizeof(long_line));
	assert_int_equal(fs_replace(path, long_line, 4096, 0600, NULL), 0);
	assert_int_equal(secret_read(path, &secret, &err), 0);
	assert_int_equal(strlen(secret), 4096);
	secret_free(secret);
	assert_int_equal(fs_replace(path, long_line, 4097, 0600, NULL), 0);
	assert_int_equal(secret_read(path, &secret, &err), E_CONFIG);
	assert_int_equal(err.code, E_CONFIG);
	for (size_t i = 0; i < 4; i++) {
		static const struct {
			const char *bytes;
			size_t n;
			int rc;
		} lines[] = { { "", 0, E_CONFIG }, { "\r\nsecond\n", 9, E_CONFIG }, { "open\0sesame\n", 12, E_CONFIG }, { "word\n\0", 6, 0 } };

		assert_int_equal(fs_replace(path, lines[i].bytes, lines[i].n, 0600, NULL), 0);
		assert_int_equal(secret_read(path, &secret, &err), lines[i].rc);
		assert_true((lines[i].rc == 0) == (secret != NULL));
		secret_free(secret);
	}
	unlink(path);
	assert_int_equal(secret_read(path, &secret, &err), E_NOTFOUND);
	assert_null(secret);
	secret_free(secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_readable_as_openssl_does),
		cmocka_unit_test(twice_is_not_there),
		cmocka_unit_test(serves_its_addresses),
		cmocka_unit_test(best_first),
		cmocka_unit_test(valid_to_the_second),
		cmocka_unit_test(the_one_that_is_meant),
		cmocka_unit_test(secrets_are_ours_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
