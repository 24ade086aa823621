/* area_lookup.c - an area answers what its folder holds at the moment of the question */
#include "test.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/area.h"
#include "common/area_inside.h"
#include "lib/fs.h"
#include "lib/mem.h"

/* ---- a site in a temporary folder ---- */

static char root[64];
static struct config config;
static EVP_PKEY *key;

static char *at(const char *path)
{
	static char full[4][600];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", root, path);
	return full[turn];
}

static void remove_tree(const char *path)
{
	static char rm[] = "rm", rf[] = "-rf";
	char copy[700];
	char *const argv[] = { rm, rf, copy, NULL };
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", path);
	pid = fork();
	if (pid == 0) {
		execv("/bin/rm", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static int set_up(void **state)
{
	static char areas[100], spool[100], passphrase[100];

	snprintf(root, sizeof(root), "/tmp/postern-area.XXXXXX");
	assert_non_null(mkdtemp(root));
	snprintf(areas, sizeof(areas), "%s/certs", root);
	snprintf(spool, sizeof(spool), "%s/spool", root);
	snprintf(passphrase, sizeof(passphrase), "%s/passphrase", root);
	config.areas = areas;
	config.spool = spool;
	config.passphrase_file = passphrase;
	assert_int_equal(fs_make_directory(at("certs/public"), 0755, NULL), 0);
	assert_int_equal(mkdir(spool, 0700), 0);
	if (!key)
		key = EVP_EC_gen("P-256");
	return 0;
}

static int tear_down(void **state)
{
	remove_tree(root);
	return 0;
}

static X509 *make(const char *address, long serial, long days)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *san;
	char text[400];

	snprintf(text, sizeof(text), "email:%s", address);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)address, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), days * 86400);
	X509_gmtime_adj(X509_getm_notAfter(x), (days + 100) * 86400);
	X509_set_pubkey(x, key);
	san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_sign(x, key, EVP_sha256());
	return x;
}

static void put(const char *path, const char *address, long serial, long days)
{
	X509 *x = make(address, serial, days);
	BIO *b = BIO_new_file(at(path), "w");

	assert_non_null(b);
	PEM_write_bio_X509(b, x);
	BIO_free(b);
	X509_free(x);
}

static void put_text(const char *path, const char *text)
{
	FILE *f = fopen(at(path), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct area *open_area(const char *name)
{
	struct error err = { 0 };
	struct area *a;

	if (area_open(&config, name, &a, &err) < 0)
		fail_msg("%s", err.text);
	return a;
}

/* How many certificates the area has for the address; serials of them in *serials as "2 1". */
static size_t ask_area(struct area *a, const char *address, char *serials, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct area_list list;
	struct error err = { 0 };
	size_t found;

	*serials = '\0';
	if (area_find_address(a, &arena, address, &list, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < list.n; i++) {
		const unsigned char *p = (const unsigned char *)list.items[i].der.p;
		X509 *x = d2i_X509(NULL, &p, (long)list.items[i].der.n);

		assert_non_null(x);
		snprintf(serials + strlen(serials), n - strlen(serials), "%s%ld%s", i ? " " : "",
			 ASN1_INTEGER_get(X509_get0_serialNumber(x)), list.items[i].domain ? "*" : "");
		X509_free(x);
	}
	found = list.n;
	arena_release(&arena);
	return found;
}

#define assert_finds(a, address, wanted) do { \
	char serials[400]; \
	ask_area(a, address, serials, sizeof(serials)); \
	assert_string_equal(serials, wanted); \
} while (0)

/* ---- copying, removing, overwriting ---- */

static int note_serial(void *ctx, const struct area_entry *e)
{
	const unsigned char *p = (const unsigned char *)e->der.p;
	X509 *x = d2i_X509(NULL, &p, (long)e->der.n);

	if (ASN1_INTEGER_get(X509_get0_serialNumber(x)) != 1)
		*(long *)ctx = ASN1_INTEGER_get(X509_get0_serialNumber(x));
	X509_free(x);
	return 0;
}

static long other_than_1(struct area *a)
{
	long serial = 0;

	assert_int_equal(area_each_certificate(a, note_serial, &serial, NULL), 0);
	return serial;
}

static int pass_over(void *ctx, const struct area_record *r)
{
	return 0;
}

/* A file overwritten in place changes no folder.  So many that looking at all has its pauses, and none of them so young that it is watched. */
static void overwriting_in_a_crowd(void **state)
{
	struct area *a = open_area("public");
	char name[40];

	put("certs/public/crowd", "x@example.org", 1, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "certs/public/%d", i);
		assert_int_equal(link(at("certs/public/crowd"), at(name)), 0);
	}
	put("certs/public/one", "y@example.org", 2, 0);
	usleep(150000);
	assert_int_equal(other_than_1(a), 2);
	assert_int_equal(area_each(a, pass_over, NULL, NULL), 0);
	put("certs/public/one", "y@example.org", 3, 0);
	assert_int_equal(other_than_1(a), 3);
	area_close(a);
}

static void copying_is_all(void **state)
{
	struct area *a = open_area("public"), *other;

	assert_finds(a, "x@example.org", "");
	put("certs/public/any name.txt", "X@Example.org", 1, 0);
	assert_finds(a, "x@example.org", "1");
	assert_finds(a, "X@EXAMPLE.ORG", "1");
	assert_finds(a, "y@example.org", "");
	put("certs/public/two", "x@example.org", 2, -10);
	put("certs/public/three", "x@example.org", 3, 10);
	assert_finds(a, "x@example.org", "3 1 2");
	other = open_area("public");
	assert_finds(other, "x@example.org", "3 1 2");
	assert_int_equal(unlink(at("certs/public/three")), 0);
	assert_finds(a, "x@example.org", "1 2");
	put("certs/public/two", "z@example.org", 4, 0);
	assert_finds(a, "x@example.org", "1");
	assert_finds(other, "z@example.org", "4");
	assert_int_equal(rename(at("certs/public/two"), at("certs/public/any name.txt")), 0);
	assert_finds(other, "x@example.org", "");
	assert_finds(a, "z@example.org", "4");
	area_close(a);
	area_close(other);
}

static void folders_and_domains(void **state)
{
	struct area *a = open_area("public");

	put("certs/public/own", "x@partner.example", 1, 0);
	assert_int_equal(mkdir(at("certs/public/@Partner.example"), 0755), 0);
	put("certs/public/@Partner.example/gate", "gateway@partner.example", 2, 0);
	assert_int_equal(mkdir(at("certs/public/plain"), 0755), 0);
	put("certs/public/plain/c", "c@other.example", 3, 0);
	put("certs/public/san", "@third.example", 4, 0);
	assert_finds(a, "x@partner.example", "1 2*");
	assert_finds(a, "nobody@PARTNER.example", "2*");
	assert_finds(a, "c@other.example", "3");
	assert_finds(a, "d@other.example", "");
	assert_finds(a, "any@third.example", "4*");
	assert_finds(a, "any@sub.third.example", "");
	put("certs/public/plain/d", "d@other.example", 5, 0);
	assert_finds(a, "d@other.example", "5");
	remove_tree(at("certs/public/@Partner.example"));
	assert_finds(a, "x@partner.example", "1");
	area_close(a);
}

static void bad_files_harm_nobody(void **state)
{
	struct area *a = open_area("public");

	put("certs/public/good", "x@example.org", 1, 0);
	put_text("certs/public/half", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	put_text("certs/public/empty", "");
	put_text("certs/public/README", "no certificate\n");
	put("certs/public/.hidden", "h@example.org", 2, 0);
	assert_int_equal(mkfifo(at("certs/public/pipe"), 0600), 0);
	assert_finds(a, "x@example.org", "1");
	assert_finds(a, "h@example.org", "");
	put("certs/public/half", "half@example.org", 3, 0);
	assert_finds(a, "half@example.org", "3");
	area_close(a);
}

/* What the index has of the file. */
static void digest_in_index(struct area *a, const char *path, char out[33])
{
	struct file_record r;
	struct record_key k;
	struct span value;

	file_key(&k, 'F', path);
	assert_int_equal(index_begin(a->index, true, NULL), 0);
	assert_int_equal(index_get(a->index, key_span(&k), &value), 0);
	assert_true(file_parse(value, &r, NULL));
	memcpy(out, r.digest, 32);
	out[32] = '\0';
	assert_int_equal(index_commit(a->index, NULL), 0);
}

/* Both begin with 20 bytes for which FNV-1a is the same, so it is the same for all: what a stranger could do, too. */
static void files_that_are_told_apart(void **state)
{
	static const char *const begins[] = { "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ" };
	struct area *a = open_area("public");
	struct buf pem = BUF_INIT, text = BUF_INIT;
	char digests[2][33];

	put("certs/public/c", "x@example.org", 1, 0);
	assert_int_equal(fs_read(at("certs/public/c"), 65536, &pem, NULL), 0);
	for (int i = 0; i < 2; i++) {
		buf_clear(&text);
		buf_addf(&text, "%s\n%s", begins[i], pem.data);
		assert_int_equal(fs_replace(at("certs/public/c"), text.data, text.len, 0644, NULL), 0);
		assert_finds(a, "x@example.org", "1");
		digest_in_index(a, "c", digests[i]);
	}
	assert_string_not_equal(digests[0], digests[1]);
	buf_release(&pem);
	buf_release(&text);
	area_close(a);
}

static void files_of_the_largest_size(void **state)
{
	struct area *a = open_area("public");
	struct buf text = BUF_INIT;
	size_t pem;

	put("certs/public/c", "x@example.org", 1, 0);
	assert_int_equal(fs_read(at("certs/public/c"), 65536, &text, NULL), 0);
	pem = text.len;
	while (text.len < AREA_FILE_MAX)
		buf_addch(&text, '\n');
	assert_int_equal(fs_replace(at("certs/public/c"), text.data, text.len, 0644, NULL), 0);
	assert_finds(a, "x@example.org", "1");
	buf_addch(&text, '\n');
	assert_int_equal(fs_replace(at("certs/public/c"), text.data, text.len, 0644, NULL), 0);
	assert_finds(a, "x@example.org", "");
	assert_int_equal(fs_replace(at("certs/public/c"), text.data, pem, 0644, NULL), 0);
	assert_finds(a, "x@example.org", "1");
	buf_release(&text);
	area_close(a);
}

/* What is wrong with an index never shows in an answer. */
static void the_index_is_only_a_cache(void **state)
{
	static const char *const damage[] = { "", "rubbish", NULL };
	struct area *a;

	put("certs/public/c", "x@example.org", 1, 0);
	for (int i = 0; i < 4; i++) {
		a = open_area("public");
		assert_false(index_in_memory(a->index));
		assert_finds(a, "x@example.org", "1");
		area_close(a);
		if (i < 2)
			put_text("spool/index/public/data.mdb", damage[i]);
		else if (i == 2)
			assert_int_equal(truncate(at("spool/index/public/data.mdb"), 4096 * 2), 0);
	}
	remove_tree(at("spool/index"));
	assert_int_equal(symlink("/nonexistent/place", at("spool/index")), 0);
	a = open_area("public");
	assert_true(index_in_memory(a->index));
	assert_finds(a, "x@example.org", "1");
	put("certs/public/d", "y@example.org", 2, 0);
	assert_finds(a, "y@example.org", "2");
	area_close(a);
}

static void other_questions(void **state)
{
	struct area *a = open_area("public");
	struct arena arena = ARENA_INIT;
	struct area_list list;
	struct buf der = BUF_INIT;
	X509 *x = make("q@example.org", 77, 0), *y = make("Q@Example.ORG", 78, 0);
	unsigned char *p = NULL, digest[20];
	int n = i2d_X509(x, &p);
	unsigned nd;

	put_text("certs/public/none", "");
	assert_int_equal(fs_replace(at("certs/public/q.der"), p, (size_t)n, 0644, NULL), 0);
	assert_int_equal(area_find_serial(a, &arena, X509_get_issuer_name(x), X509_get0_serialNumber(x), &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.items[0].der.n, n);
	assert_int_equal(area_find_serial(a, &arena, X509_get_issuer_name(x), X509_get0_serialNumber(y), &list, NULL), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(area_find_subject(a, &arena, X509_get_subject_name(y), &list, NULL), 0);
	assert_int_equal(list.n, 1);
	X509_pubkey_digest(x, EVP_sha1(), digest, &nd);
	assert_int_equal(area_find_key_id(a, &arena, span_from(digest, nd), &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(area_find_exact(a, &arena, span_from(p, (size_t)n), &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(area_find_some(a, &arena, 0, 1, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(area_find_some(a, &arena, 1, 1, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	OPENSSL_free(p);
	X509_free(x);
	X509_free(y);
	buf_release(&der);
	arena_release(&arena);
	area_close(a);
}

/* Puts a record in the place of s, which then was learnt so many seconds ago. */
static void age(struct area *a, struct area_signature s, int64_t seconds)
{
	struct signature_record r = { s, (int64_t)time(NULL) - seconds };
	struct record_key k;

	key_signature(&k, &s);
	assert_int_equal(index_begin(a->index, true, NULL), 0);
	assert_int_equal(index_put(a->index, key_span(&k), span_from((const char *)&r, sizeof(r)), NULL), 0);
	assert_int_equal(index_commit(a->index, NULL), 0);
}

static void signatures_are_remembered(void **state)
{
	struct area_signature s = { .object = "object", .signer = "signer" }, t = s, neighbour = s;
	struct area *a, *b;

	assert_int_equal(area_open(&config, "public", &a, NULL), 0);
	assert_int_equal(area_open(&config, "public", &b, NULL), 0);
	assert_false(area_knows_signature(a, &s));
	assert_int_equal(area_learn_signature(a, &s, NULL), 0);
	assert_true(area_knows_signature(b, &s)); /* as another process would */
	t.signer[31] = 1;                          /* the same place, another signer */
	assert_false(area_knows_signature(a, &t));
	t = s;
	t.object[31] = 1;
	assert_false(area_knows_signature(a, &t));
	assert_int_equal(area_learn_signature(a, &t, NULL), 0);
	assert_true(area_knows_signature(a, &s)); /* it stays for a while */
	assert_false(area_knows_signature(a, &t));
	neighbour.object[1] ^= 1;
	assert_int_equal(area_learn_signature(a, &neighbour, NULL), 0);
	assert_true(area_knows_signature(a, &neighbour) && area_knows_signature(a, &s));
	age(a, s, 7 * 86400);
	area_learn_signature(a, &t, NULL);
	assert_false(area_knows_signature(a, &t));
	age(a, s, 7 * 86400 + 2);
	area_learn_signature(a, &t, NULL);
	assert_true(area_knows_signature(a, &t) && !area_knows_signature(a, &s));
	age(a, s, -100);                        /* of a clock that was wrong */
	area_learn_signature(a, &t, NULL);
	assert_true(area_knows_signature(a, &t));
	area_close(a);
	area_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copying_is_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overwriting_in_a_crowd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(folders_and_domains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_files_harm_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_of_the_largest_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_that_are_told_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_index_is_only_a_cache, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_questions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signatures_are_remembered, set_up, tear_down),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	EVP_PKEY_free(key);
	return rc;
}
