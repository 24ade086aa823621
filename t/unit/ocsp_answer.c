/* ocsp_answer.c - OCSP answers of every kind, made here: whom they are believed from, and until when; and how they are kept */
#include "test.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ocsp_answer.h"
#include "common/ocsp_cache.h"
#include "lib/fs.h"
#include "lib/openssl.h"

#define NOW ((time_t)1790000000)
#define DAY 86400

struct party {
	EVP_PKEY *key;
	X509 *x;
};

static struct party ca, other_ca, user, other_user, delegate, expired, bare, no_usage;

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static struct party make(const char *name, const struct party *by, const char *usage, bool nocheck, int days)
{
	static long serial = 1;
	struct party p = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *n = X509_get_subject_name(p.x);

	X509_set_version(p.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial++);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p.x, by ? X509_get_subject_name(by->x) : n);
	ASN1_TIME_set(X509_getm_notBefore(p.x), NOW - 100 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(p.x), NOW + (time_t)days * DAY);
	X509_set_pubkey(p.x, p.key);
	if (usage)
		add_extension(p.x, by ? by->x : p.x, NID_ext_key_usage, usage);
	if (nocheck)
		add_extension(p.x, by ? by->x : p.x, NID_id_pkix_OCSP_noCheck, "NULL");
	assert_true(X509_sign(p.x, by ? by->key : p.key, EVP_sha256()) > 0);
	return p;
}

static int make_all(void **state)
{
	(void)state;
	openssl_start();
	ca = make("ca", NULL, NULL, false, 100);
	other_ca = make("ca", NULL, NULL, false, 100); /* the same name */
	user = make("user", &ca, NULL, false, 10);
	other_user = make("other", &ca, NULL, false, 10);
	delegate = make("delegate", &ca, "OCSPSigning", true, 10);
	expired = make("expired", &ca, "OCSPSigning", true, -1);
	bare = make("bare", &ca, "OCSPSigning", false, 10);
	no_usage = make("no usage", &ca, "anyExtendedKeyUsage,emailProtection", true, 10);
	return 0;
}

static int free_all(void **state)
{
	struct party *const all[] = { &ca, &other_ca, &user, &other_user, &delegate, &expired, &bare, &no_usage };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		EVP_PKEY_free(all[i]->key);
		X509_free(all[i]->x);
	}
	return 0;
}

/* ---- responses ---- */

struct recipe {
	int status;                  /* V_OCSP_CERTSTATUS_..., 0: good */
	const struct party *signer;  /* NULL: the CA */
	time_t from, to;             /* relative to NOW; 0: a minute ago, in a day */
	bool endless;                /* no nextUpdate */
	const struct party *about;   /* NULL: the user */
	const EVP_MD *id_digest, *digest; /* NULL: SHA-1, SHA-256 */
	const char *nonce;           /* NULL: none */
	unsigned long flags;         /* OCSP_NOCERTS, OCSP_RESPID_KEY */
	bool damaged;
	int second;                  /* one more, later response with this status + 1; 0: none */
};

static void add_single(OCSP_BASICRESP *b, const struct recipe *r, int status, time_t from)
{
	OCSP_CERTID *id = OCSP_cert_to_id(r->id_digest ? r->id_digest : EVP_sha1(), r->about ? r->about->x : user.x, ca.x);
	ASN1_TIME *when = ASN1_TIME_set(NULL, NOW - 5 * DAY), *f = ASN1_TIME_set(NULL, NOW + from);
	ASN1_TIME *t = ASN1_TIME_set(NULL, NOW + (r->to ? r->to : DAY));

	assert_non_null(OCSP_basic_add1_status(b, id, status, 1, status == V_OCSP_CERTSTATUS_REVOKED ? when : NULL, f, r->endless ? NULL : t));
	OCSP_CERTID_free(id);
	ASN1_TIME_free(when);
	ASN1_TIME_free(f);
	ASN1_TIME_free(t);
}

static void cook(const struct recipe *r, struct buf *out)
{
	const struct party *signer = r->signer ? r->signer : &ca;
	OCSP_BASICRESP *b = OCSP_BASICRESP_new();
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;
	int n;

	add_single(b, r, r->status, r->from ? r->from : -60);
	if (r->second)
		add_single(b, r, r->second - 1, r->from ? r->from + 60 : 0);
	if (r->nonce)
		OCSP_basic_add1_nonce(b, (unsigned char *)(uintptr_t)r->nonce, (int)strlen(r->nonce));
	assert_true(OCSP_basic_sign(b, signer->x, signer->key, r->digest ? r->digest : EVP_sha256(), NULL, r->flags) == 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, b);
	n = i2d_OCSP_RESPONSE(response, &der);
	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	if (r->damaged) /* in the middle of what is signed */
		out->data[80] ^= 1;
	OPENSSL_free(der);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(b);
}

static const struct ocsp_rules usual = { .now = NOW, .time = NOW, .skew = 300, .age = DAY, .nocheck = true };

static int read_with(const struct recipe *r, const struct ocsp_rules *rules, struct ocsp_answer *a)
{
	struct buf der = BUF_INIT;
	struct error err = { 0 };
	int rc;

	cook(r, &der);
	rc = ocsp_answer_read(span_from(der.data, der.len), user.x, ca.x, rules, a, &err);
	if (rc < 0)
		assert_true(*err.text != '\0');
	buf_release(&der);
	return rc;
}

#define GOOD V_OCSP_CERTSTATUS_GOOD
#define RECIPE(...) (&(struct recipe){ __VA_ARGS__ })

static void statuses(void **state)
{
	struct ocsp_answer a;

	(void)state;
	assert_int_equal(read_with(RECIPE(.status = GOOD), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_GOOD);
	assert_int_equal(a.produced, NOW - 60);
	assert_int_equal(a.next, NOW + DAY);
	assert_false(a.delegated);
	assert_string_equal(a.responder, "/CN=ca");
	assert_int_equal(read_with(RECIPE(.status = V_OCSP_CERTSTATUS_UNKNOWN), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_UNKNOWN);
	assert_int_equal(read_with(RECIPE(.status = V_OCSP_CERTSTATUS_REVOKED), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_REVOKED);
	assert_int_equal(a.revoked_at, NOW - 5 * DAY);
	assert_int_equal(a.reason, 1);
	/* two words about the same certificate: the newer one, but a revocation is the last word */
	assert_int_equal(read_with(RECIPE(.status = V_OCSP_CERTSTATUS_UNKNOWN, .second = GOOD + 1), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_GOOD);
	assert_int_equal(read_with(RECIPE(.status = V_OCSP_CERTSTATUS_REVOKED, .second = GOOD + 1), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_REVOKED);
	assert_int_equal(read_with(RECIPE(.status = GOOD, .second = V_OCSP_CERTSTATUS_REVOKED + 1), &usual, &a), 0);
	assert_int_equal(a.status, OCSP_REVOKED);
}

static void times(void **state)
{
	struct ocsp_rules later = usual;
	struct ocsp_answer a;

	(void)state;
	assert_int_equal(read_with(RECIPE(.from = 300), &usual, &a), 0);
	assert_int_equal(read_with(RECIPE(.from = 301), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.from = -DAY, .to = -300), &usual, &a), 0);
	assert_int_equal(a.late, 0);
	assert_int_equal(read_with(RECIPE(.from = -DAY, .to = -301), &usual, &a), 0);
	assert_int_equal(a.late, 301);
	assert_int_equal(read_with(RECIPE(.from = -60, .to = -61), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.from = -DAY - 300, .endless = true), &usual, &a), 0);
	assert_int_equal(a.late, 0);
	assert_int_equal(read_with(RECIPE(.from = -DAY - 301, .endless = true), &usual, &a), 0);
	assert_true(a.late > 0);
	/* of today for a moment of last week: as good as then */
	later.time = NOW - 7 * DAY;
	assert_int_equal(read_with(RECIPE(.status = GOOD), &later, &a), 0);
	assert_int_equal(a.late, 0);
}

static void signers(void **state)
{
	struct ocsp_rules lenient = usual;
	struct ocsp_answer a;

	(void)state;
	lenient.nocheck = false;
	assert_int_equal(read_with(RECIPE(.flags = OCSP_RESPID_KEY), &usual, &a), 0);
	assert_int_equal(read_with(RECIPE(.flags = OCSP_NOCERTS), &usual, &a), 0);
	assert_int_equal(read_with(RECIPE(.signer = &delegate), &usual, &a), 0);
	assert_true(a.delegated);
	assert_int_equal(read_with(RECIPE(.signer = &delegate, .flags = OCSP_NOCERTS), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.signer = &expired), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.signer = &bare), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.signer = &bare), &lenient, &a), 0);
	assert_int_equal(read_with(RECIPE(.signer = &no_usage), &lenient, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.signer = &user), &lenient, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.signer = &other_ca), &lenient, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.damaged = true), &usual, &a), E_PERM);
	assert_int_equal(a.status, OCSP_UNKNOWN);
	assert_int_equal(read_with(RECIPE(.digest = EVP_sha1()), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.digest = EVP_sha512()), &usual, &a), 0);
}

static bool refuse(void *ctx, X509 *signer)
{
	*(int *)ctx += X509_cmp(signer, delegate.x) == 0;
	return false;
}

static void more_rules(void **state)
{
	int asked = 0;
	struct ocsp_rules rules = usual;
	struct ocsp_answer a;

	(void)state;
	rules.signer_is_good = refuse;
	rules.ctx = &asked;
	assert_int_equal(read_with(RECIPE(.status = GOOD), &rules, &a), 0);
	assert_int_equal(asked, 0);
	assert_int_equal(read_with(RECIPE(.signer = &delegate), &rules, &a), E_PERM);
	assert_int_equal(asked, 1);
}

static void identifiers(void **state)
{
	struct buf der = BUF_INIT;
	struct ocsp_answer a;

	(void)state;
	assert_int_equal(read_with(RECIPE(.about = &other_user), &usual, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.id_digest = EVP_sha256()), &usual, &a), 0);
	assert_int_equal(read_with(RECIPE(.id_digest = EVP_md5()), &usual, &a), E_PERM);
	cook(RECIPE(.status = GOOD), &der);
	assert_true(ocsp_is_about(span_from(der.data, der.len), user.x, ca.x));
	assert_false(ocsp_is_about(span_from(der.data, der.len), other_user.x, ca.x));
	assert_false(ocsp_is_about(span_from(der.data, der.len - 1), user.x, ca.x));
	buf_release(&der);
}

static void nonces(void **state)
{
	struct ocsp_rules rules = usual;
	struct ocsp_answer a;

	(void)state;
	assert_int_equal(read_with(RECIPE(.nonce = "somebody's"), &rules, &a), 0);
	rules.nonce = span_of("0123456789abcdef");
	assert_int_equal(read_with(RECIPE(.nonce = "0123456789abcdef"), &rules, &a), 0);
	assert_int_equal(read_with(RECIPE(.nonce = "0123456789abcdeF"), &rules, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.status = GOOD), &rules, &a), 0);
	rules.nonce_required = true;
	assert_int_equal(read_with(RECIPE(.status = GOOD), &rules, &a), E_PERM);
	assert_int_equal(read_with(RECIPE(.nonce = "0123456789abcdef"), &rules, &a), 0);
}

/* Every cut-off, every single changed bit: never another status, never a crash. */
static void cut_and_flipped(void **state)
{
	struct buf der = BUF_INIT;
	struct ocsp_answer a;
	size_t accepted = 0;

	(void)state;
	cook(RECIPE(.flags = OCSP_NOCERTS), &der);
	for (size_t i = 0; i < der.len; i++)
		assert_int_not_equal(ocsp_answer_read(span_from(der.data, i), user.x, ca.x, &usual, &a, NULL), 0);
	for (size_t i = 0; i < der.len; i++) {
		der.data[i] ^= 1;
		accepted += ocsp_answer_read(span_from(der.data, der.len), user.x, ca.x, &usual, &a, NULL) == 0;
		der.data[i] ^= 1;
	}
	assert_int_equal(accepted, 0);
	buf_addch(&der, 0);
	assert_int_equal(ocsp_answer_read(span_from(der.data, der.len), user.x, ca.x, &usual, &a, NULL), E_PERM);
	buf_release(&der);
}

static void questions(void **state)
{
	struct buf with = BUF_INIT, without = BUF_INIT, nonce = BUF_INIT;

	(void)state;
	assert_int_equal(ocsp_request(user.x, ca.x, NID_sha1, false, &without, &nonce, NULL), 0);
	assert_int_equal(nonce.len, 0);
	assert_int_equal(ocsp_request(user.x, ca.x, NID_sha256, true, &with, &nonce, NULL), 0);
	assert_int_equal(nonce.len, 32);
	assert_non_null(memmem(with.data, with.len, nonce.data, nonce.len));
	buf_release(&with);
	buf_release(&without);
	buf_release(&nonce);
}

/* ---- the cache ---- */

static void keys(void **state)
{
	char a[DIGEST_HEX + 1], b[DIGEST_HEX + 1];

	(void)state;
	ocsp_cache_key(user.x, ca.x, a);
	ocsp_cache_key(user.x, ca.x, b);
	assert_string_equal(a, b);
	ocsp_cache_key(other_user.x, ca.x, b);
	assert_string_not_equal(a, b);
	ocsp_cache_key(user.x, other_ca.x, b); /* the same name, another key */
	assert_string_not_equal(a, b);
}

static int parse(const char *text, size_t n)
{
	struct ocsp_cached c;

	return ocsp_cache_parse(span_from(text, n), &c, NULL);
}

static void cache_files(void **state)
{
	static const char good[] = "postern-ocsp 1\nfetched 12\nurl http://a/\n\nDER";
	static const char *const bad[] = { "", "postern-ocsp 2\nfetched 12\nurl x\n\nDER", "postern-ocsp 1\nfetched -1\nurl x\n\nDER",
		"postern-ocsp 1\nfetched 999999999999999\nurl x\n\nDER", "postern-ocsp 1\nfetched 1\nurl a b\n\nDER",
		"postern-ocsp 1\nfetched 1\nurl x\nDER", "postern-ocsp 1\nfetched 1\nurl x\n\n", "postern-ocsp 1\nurl x\nfetched 1\n\nD" };
	struct ocsp_cached c;
	struct buf big = BUF_INIT;

	(void)state;
	assert_int_equal(ocsp_cache_parse(span_from(good, sizeof(good) - 1), &c, NULL), 0);
	assert_int_equal(c.fetched, 12);
	assert_true(span_eqstr(c.url, "http://a/"));
	assert_true(span_eqstr(c.answer, "DER"));
	for (size_t i = 0; i < sizeof(good) - 1 - 3 + 1; i++)
		assert_int_equal(parse(good, i), E_PERM);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i], strlen(bad[i])), E_PERM);
	buf_addstr(&big, "postern-ocsp 1\nfetched 1\nurl \n\n");
	for (size_t i = 0; i < OCSP_CACHE_ANSWER_MAX; i++)
		buf_addch(&big, 'x');
	assert_int_equal(parse(big.data, big.len), 0);
	buf_addch(&big, 'x');
	assert_int_equal(parse(big.data, big.len), E_PERM);
	buf_release(&big);
}

static void kept_and_read(void **state)
{
	char directory[] = "/tmp/postern-ocsp.XXXXXX";
	struct arena arena = ARENA_INIT;
	struct buf bytes = BUF_INIT, big = BUF_INIT;
	struct ocsp_cached c;
	struct stat st;
	char *path;

	(void)state;
	assert_non_null(mkdtemp(directory));
	path = ocsp_cache_path(&arena, directory, "abcdef");
	assert_int_equal(ocsp_cache_read(path, &bytes, &c, NULL), E_NOTFOUND);
	assert_int_equal(ocsp_cache_write(path, 5, "http://a/", span_of("one"), NULL), 0);
	assert_int_equal(ocsp_cache_write(path, 6, "http://a/", span_of("two"), NULL), 0);
	assert_int_equal(ocsp_cache_read(path, &bytes, &c, NULL), 0);
	assert_true(span_eqstr(c.answer, "two"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_reserve(&big, OCSP_CACHE_ANSWER_MAX + 1);
	memset(big.data, 'x', OCSP_CACHE_ANSWER_MAX + 1);
	assert_int_equal(ocsp_cache_write(path, 7, "", span_from(big.data, OCSP_CACHE_ANSWER_MAX + 1), NULL), E_LIMIT);
	assert_int_equal(ocsp_cache_write(path, 7, "a\nb", span_of("x"), NULL), E_PERM);
	buf_clear(&bytes);
	assert_int_equal(ocsp_cache_read(path, &bytes, &c, NULL), 0);
	assert_true(span_eqstr(c.answer, "two"));
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(directory);
	buf_release(&bytes);
	buf_release(&big);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses), cmocka_unit_test(times), cmocka_unit_test(signers), cmocka_unit_test(more_rules),
		cmocka_unit_test(identifiers), cmocka_unit_test(nonces), cmocka_unit_test(cut_and_flipped), cmocka_unit_test(questions),
		cmocka_unit_test(keys), cmocka_unit_test(cache_files), cmocka_unit_test(kept_and_read),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
