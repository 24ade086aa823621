/* smime_profile.c - profiles: built in, from a file, and files with mistakes */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/profile.h"

static const char *const names[] = { "compatible", "rfc8551", "bdew", "bdew-gcm", "bsi-tr-02102" };
#define NNAMES (sizeof(names) / sizeof(*names))

static struct arena arena;

static int parse(const char *text, const char *name, struct profile *out, struct error *err)
{
	return profile_parse(&arena, "profiles", span_of(text), name, out, err);
}

static void same(const struct profile *a, const struct profile *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->digest, b->digest);
	assert_string_equal(a->oaep_digest, b->oaep_digest);
	assert_string_equal(a->cipher, b->cipher);
	assert_string_equal(a->key_wrap, b->key_wrap);
	assert_string_equal(a->kdf_digest, b->kdf_digest);
	assert_int_equal(a->pss, b->pss);
	assert_int_equal(a->oaep, b->oaep);
	assert_int_equal(a->adaptive, b->adaptive);
	assert_int_equal(a->opaque, b->opaque);
	assert_int_equal(a->rsa_bits_least, b->rsa_bits_least);
	assert_int_equal(a->ec_bits_least, b->ec_bits_least);
}

static void built_in_without_a_file(void **state)
{
	struct profile p;
	struct error err;

	assert_int_equal(profile_find(&arena, "/nonexistent/profiles", "bdew", &p, &err), 0);
	assert_string_equal(p.name, "bdew");
	assert_string_equal(p.cipher, "aes-128-cbc");
	assert_true(p.pss);
	assert_true(p.oaep);
	assert_int_equal(p.rsa_bits_least, 2048);
	assert_int_equal(profile_find(&arena, "/nonexistent/profiles", "BDEW", &p, &err), 0);
	assert_int_equal(profile_find(&arena, "/nonexistent/profiles", "bdew-", &p, &err), E_NOTFOUND);
	assert_non_null(strstr(err.text, "bdew-"));
}

/* The shipped file says what is built in, word for word, and every setting of it. */
static void shipped_file(void **state)
{
	static const char path[] = SOURCE_DIRECTORY "/etc/profiles";
	struct profile a, b;
	struct error err;

	for (size_t i = 0; i < NNAMES; i++) {
		assert_int_equal(access(path, R_OK), 0);
		assert_int_equal(profile_find(&arena, path, names[i], &a, &err), 0);
		assert_int_equal(parse("", names[i], &b, &err), 0);
		same(&a, &b);
	}
}

static void a_file_changes_and_adds(void **state)
{
	static const char text[] = "# comment\n\n [bdew] \ncipher = aes-256-cbc\r\n\n[mine]\nlike = bdew\nRSA_Bits_Least=4096\n"
				   "opaque = yes\n[plain]\nrsa_transport = oaep\n[last]\nlike=mine\nkey_wrap = id-aes192-wrap";
	struct profile p;
	struct error err;

	assert_int_equal(parse(text, "bdew", &p, &err), 0);
	assert_string_equal(p.cipher, "aes-256-cbc");
	assert_true(p.pss);
	assert_int_equal(parse(text, "mine", &p, &err), 0);
	assert_string_equal(p.name, "mine");
	assert_string_equal(p.cipher, "aes-256-cbc");
	assert_int_equal(p.rsa_bits_least, 4096);
	assert_true(p.opaque);
	assert_int_equal(parse(text, "plain", &p, &err), 0);
	assert_string_equal(p.cipher, "aes-256-cbc");
	assert_true(p.oaep);
	assert_false(p.adaptive);
	assert_int_equal(parse(text, "last", &p, &err), 0);
	assert_int_equal(p.rsa_bits_least, 4096);
	assert_string_equal(p.key_wrap, "id-aes192-wrap");
	assert_int_equal(parse(text, "rfc8551", &p, &err), 0);
	assert_int_equal(parse("[compatible]\ndigest = sha512\n", "compatible", &p, &err), 0);
	assert_true(p.adaptive);
}

static void mistakes_name_file_and_line(void **state)
{
	static const struct { const char *text, *where; } cases[] = {
		{ "cipher = aes-128-cbc\n", "profiles:1:" },
		{ "[a]\n\ncipher = des-ede3-cbc\n", "profiles:3:" },
		{ "[a]\ncipher = aes-128-ccm\n", "profiles:2:" },
		{ "[a]\ndigest = sha1\n", "profiles:2:" },
		{ "[a]\ndigest =\n", "profiles:2:" },
		{ "[a]\nunknown = 1\n", "profiles:2: unknown setting: unknown" },
		{ "[a]\nopaque = maybe\n", "profiles:2:" },
		{ "[a]\nopaque = yes\nopaque = no\n", "profiles:3: a second time" },
		{ "[a]\n[A]\n", "profiles:2: a profile for the second time: A" },
		{ "[a]\nopaque = yes\nlike = bdew\n", "profiles:3:" },
		{ "[a]\nlike = bdew\nlike = bdew\n", "profiles:3:" },
		{ "[a]\nlike = a\n", "profiles:2:" },
		{ "[a]\nlike = b\n[b]\n", "profiles:2:" },
		{ "[a\n", "profiles:1:" },
		{ "[\n", "profiles:1:" },
		{ "[]\n", "profiles:1:" },
		{ "[a b]\n", "profiles:1:" },
		{ "[a]\nword\n", "profiles:2:" },
		{ "[a]\nrsa_bits_least = 16385\n", "profiles:2:" },
		{ "[a]\nrsa_bits_least = -1\n", "profiles:2:" },
		{ "[a]\nec_bits_least = 522\n", "profiles:2:" },
	};
	struct profile p;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* also when another, good profile is wanted */
		assert_int_equal(parse(cases[i].text, "bdew", &p, &err), E_CONFIG);
		if (!strstr(err.text, cases[i].where))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
	assert_int_equal(profile_parse(&arena, "profiles", span_from("[a]\nx\0y = 1\n", 12), "a", &p, &err), E_CONFIG);
	assert_int_equal(parse("[a]\nrsa_bits_least = 16384\nec_bits_least = 521\n", "a", &p, &err), 0);
}

static void numbers_of_sections(void **state)
{
	struct buf text = BUF_INIT;
	struct profile p;
	struct error err;

	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "[p%d]\n", i);
	assert_int_equal(parse(buf_str(&text), "p999", &p, &err), 0);
	buf_addstr(&text, "[p1000]\n");
	assert_int_equal(parse(buf_str(&text), "p999", &p, &err), E_CONFIG);
	assert_string_equal(err.text, "profiles:1001: too many sections: p1000");
	buf_release(&text);
}

static void lengths_of_names(void **state)
{
	char text[100], name[70];
	struct profile p;
	struct error err;

	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	snprintf(text, sizeof(text), "[%s]\n", name);
	assert_int_equal(parse(text, name, &p, &err), 0);
	snprintf(text, sizeof(text), "[%sn]\n", name);
	assert_int_equal(parse(text, "bdew", &p, &err), E_CONFIG);
}

static int release(void **state)
{
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_without_a_file),     cmocka_unit_test(shipped_file),
		cmocka_unit_test(a_file_changes_and_adds),     cmocka_unit_test(mistakes_name_file_and_line),
		cmocka_unit_test(numbers_of_sections),
		cmocka_unit_test(lengths_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
