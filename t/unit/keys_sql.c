/* a certificate as rows; and who is tried again when others were faster */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/identifier.h"
#include "keys-sql/keys_sql.h"

struct keys_sql_options keys_sql;

/* ---- certificates ---- */

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

/* serial_bytes: how long the serial number is, key_id_bytes likewise (0: no such extension). */
static struct buf certificate_of(size_t serial_bytes, size_t key_id_bytes, const char *address, long from)
{
	unsigned char serial[100], *der = NULL;
	X509 *x = X509_new();
	struct buf out = BUF_INIT;
	ASN1_OCTET_STRING *id;
	X509_NAME *name = X509_get_subject_name(x);
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *one = GENERAL_NAME_new();
	int n;

	memset(serial, 0x11, sizeof(serial));
	ASN1_STRING_set(X509_get_serialNumber(x), serial, (int)serial_bytes);
	X509_set_version(x, 2);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(x, name);
	ASN1_TIME_set(X509_getm_notBefore(x), from);
	ASN1_TIME_set(X509_getm_notAfter(x), from + 86400);
	X509_set_pubkey(x, key);
	if (key_id_bytes) {
		id = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(id, serial, (int)key_id_bytes);
		X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0);
		ASN1_OCTET_STRING_free(id);
	}
	one->type = GEN_EMAIL;
	one->d.rfc822Name = ASN1_IA5STRING_new();
	ASN1_STRING_set(one->d.rfc822Name, address, -1);
	sk_GENERAL_NAME_push(names, one);
	X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
	assert_true(X509_sign(x, key, EVP_sha256()));
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	buf_add(&out, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
	return out;
}

static struct record read_record(struct arena *arena, const struct buf *der, const char *domain)
{
	struct error err = { 0 };
	struct record r;

	assert_int_equal(record_read(arena, span_from(der->data, der->len), domain, &r, &err), 0);
	return r;
}

static void test_columns(void **state)
{
	struct arena arena = ARENA_INIT;
	struct buf der = certificate_of(3, 20, "Maria@Partner.example", 1767225600);
	struct record r = read_record(&arena, &der, "@Whole.example");
	unsigned char *spki = NULL, digest[32];
	char hex[65];
	int n = i2d_PUBKEY(key, &spki);

	(void)state;
	assert_int_equal(strlen(r.sha256), 64);
	assert_string_equal(strchr(r.issuer_serial, ':'), ":111111");
	assert_string_equal(r.key_id, "1111111111111111111111111111111111111111");
	assert_string_equal(r.not_before, "2026-01-01T00:00:00Z");
	assert_string_equal(r.not_after, "2026-01-02T00:00:00Z");
	assert_int_equal(r.naddresses, 2);
	assert_string_equal(r.addresses[0], "maria@partner.example");
	assert_string_equal(r.addresses[1], "@whole.example");
	EVP_Digest(spki, (size_t)n, digest, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(r.public_key, hex); /* what openssl pkey -pubout -outform DER | sha256sum says */
	OPENSSL_free(spki);
	buf_release(&der);
	arena_release(&arena);
}

/* What stands in an index has a bound; a longer one is found all the same. */
static void test_long_numbers(void **state)
{
	static const size_t lengths[] = { 64, 65 };
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf der = certificate_of(lengths[i], lengths[i], "a@b.example", 0);
		struct record r = read_record(&arena, &der, NULL);
		struct identifier id = { .key_id = BUF_INIT };
		const unsigned char *p = (const unsigned char *)der.data;
		X509 *x = d2i_X509(NULL, &p, (long)der.len);

		assert_int_equal(strncmp(strchr(r.issuer_serial, ':') + 1, "sha256-", 7) == 0, lengths[i] > 64);
		assert_int_equal(strncmp(r.key_id, "sha256-", 7) == 0, lengths[i] > 64);
		assert_true(strlen(r.key_id) <= 128 && strlen(r.issuer_serial) <= 160);
		id.issuer = X509_get_issuer_name(x);
		id.serial = X509_get_serialNumber(x);
		assert_string_equal(record_of_identifier(&arena, &id), r.issuer_serial);
		id.serial = NULL;
		for (size_t k = 0; k < lengths[i]; k++)
			buf_addch(&id.key_id, 0x11);
		assert_string_equal(record_of_identifier(&arena, &id), r.key_id);
		buf_release(&id.key_id);
		buf_release(&der);
		X509_free(x);
	}
	arena_release(&arena);
}

/* PostgreSQL takes no text that is not UTF-8: such an address is nobody's. */
static void test_what_is_no_text(void **state)
{
	struct arena arena = ARENA_INIT;
	struct buf der = certificate_of(3, 20, "m\xfcller@partner.example", 0);
	struct record r = read_record(&arena, &der, NULL);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(r.naddresses, 0);
	assert_int_equal(record_read(&arena, span_from(der.data, der.len - 1), NULL, &r, &err), E_PERM);
	assert_null(record_of_name(&arena, span_of("no name")));
	buf_release(&der);
	arena_release(&arena);
}

static void test_times(void **state)
{
	char text[RECORD_TIME];

	(void)state;
	record_time(253402300799, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	record_time(253402300800, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
	record_time(-62167219200, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
	record_time(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
}

/* ---- alone ---- */

/* A database whose commits lose so many times. */
static struct {
	enum database_problem problem;
	unsigned losses, begun, committed, rolled_back, worked;
} fake;

static int fake_transaction(struct database *db, enum transaction what, struct error *err)
{
	fake.begun += what == TRANSACTION_BEGIN;
	fake.rolled_back += what == TRANSACTION_ROLLBACK;
	if (what != TRANSACTION_COMMIT)
		return 0;
	if (!fake.losses) {
		fake.committed++;
		return 0;
	}
	fake.losses--;
	db->problem = fake.problem;
	return error_set(err, E_TEMP, "others were faster");
}

static void fake_end(struct database *db)
{
	(void)db;
}

static int work(void *ctx, struct error *err)
{
	fake.worked++;
	return ctx ? error_set(err, E_PERM, "no") : 0;
}

static const struct database_driver fake_driver = { .transaction = fake_transaction, .end = fake_end };

static int run_alone(unsigned losses, enum database_problem problem, int64_t ms, void *ctx)
{
	char name[] = "fake";
	struct database db = { .driver = &fake_driver, .name = name, .until = deadline_in(ms) };
	struct error err = { 0 };

	memset(&fake, 0, sizeof(fake));
	fake.losses = losses;
	fake.problem = problem;
	return database_alone(&db, work, ctx, &err);
}

static void test_alone(void **state)
{
	int something = 0;

	(void)state;
	assert_int_equal(run_alone(0, PROBLEM_BUSY, 60000, NULL), 0);
	assert_int_equal(fake.worked, 1);
	assert_int_equal(run_alone(4, PROBLEM_BUSY, 60000, NULL), 0);
	assert_int_equal(fake.worked, 5);
	assert_int_equal(fake.rolled_back, 4);
	assert_int_equal(fake.committed, 1);
	assert_int_equal(run_alone(1, PROBLEM_READ_ONLY, 60000, NULL), E_TEMP); /* another time would be no better */
	assert_int_equal(fake.worked, 1);
	assert_int_equal(run_alone(1000000, PROBLEM_BUSY, 50, NULL), E_TEMP); /* until there is no time left */
	assert_true(fake.worked >= 1 && !fake.committed);
	assert_int_equal(run_alone(0, PROBLEM_NONE, 60000, &something), E_PERM);
	assert_int_equal(fake.rolled_back, 1);
	assert_int_equal(fake.committed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_long_numbers),
		cmocka_unit_test(test_what_is_no_text),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
