/* check_floor.c - files of floors: what they may say, and that etc/floors says what is built in */
#include "test.h"

#include <string.h>

#include "check-path/floor.h"
#include "lib/fs.h"

static int parse(const char *text, const char *name, struct floor *out, struct error *err)
{
	static struct arena a;

	*err = (struct error){ 0 };
	return floor_parse(&a, "F", span_of(text), name, out, err);
}

static void the_file_is_what_is_built_in(void **state)
{
	static const char *const names[] = { "default", "bsi-tr-02102", "cabf-smime-br", "cabf-smime-br-legacy" };
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct floor here, there;

	assert_int_equal(fs_read(SOURCE_DIRECTORY "/etc/floors", 100000, &text, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(floor_parse(&a, "", span_from("", 0), names[i], &here, NULL), 0);
		assert_int_equal(floor_parse(&a, "F", span_from(text.data, text.len), names[i], &there, NULL), 0);
		assert_int_equal(here.rsa_bits, there.rsa_bits);
		assert_int_equal(here.ec_bits, there.ec_bits);
		assert_int_equal(here.rsa_exponent, there.rsa_exponent);
		assert_int_equal(here.leaf_days, there.leaf_days);
		assert_string_equal(here.keys ? here.keys : "", there.keys);
		assert_string_equal(here.curves ? here.curves : "", there.curves);
		assert_string_equal(here.hashes, there.hashes);
		assert_string_equal(here.weak_hashes ? here.weak_hashes : "", there.weak_hashes);
	}
	buf_release(&text);
	arena_release(&a);
}

static void inheritance(void **state)
{
	struct floor f;
	struct error err;

	assert_int_equal(parse("[a]\nlike = BSI-tr-02102\nleaf_days=400\n[b]\nlike=a\nrsa_bits = 4096\n", "B", &f, &err), 0);
	assert_int_equal(f.rsa_bits, 4096);
	assert_int_equal(f.leaf_days, 400);
	assert_int_equal(f.rsa_exponent, 65537);
	assert_int_equal(parse("[cabf-smime-br]\nleaf_days = 398", "cabf-smime-br", &f, &err), 0);
	assert_int_equal(f.leaf_days, 398);
	assert_string_equal(f.curves, "P-256 P-384 P-521");
	assert_int_equal(parse("[x]", "x", &f, &err), 0);
	assert_int_equal(f.rsa_bits, 2048);
}

static void errors(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "rsa_bits = 1", "F:1: a setting before the first [floor]: rsa_bits" },
		{ "[a]\nrsa_bit = 1", "F:2: unknown setting: rsa_bit" },
		{ "[a]\n\n# x\nrsa_bits = many", "F:4: not a number in the allowed range: many" },
		{ "[a]\nrsa_bits = 16385", "F:2: not a number in the allowed range: 16385" },
		{ "[a]\nec_bits = 572", "F:2: not a number in the allowed range: 572" },
		{ "[a]\nleaf_days = 36501", "F:2: not a number in the allowed range: 36501" },
		{ "[a]\nrsa_exponent = 4294967296", "F:2: not a number in the allowed range: 4294967296" },
		{ "[a]\nhashes = sha256 sha257", "F:2: not a word of this setting: sha257" },
		{ "[a]\nkeys = rsa, elgamal", "F:2: not a word of this setting: elgamal" },
		{ "[a]\ncurves = P-256 P-255", "F:2: not a word of this setting: P-255" },
		{ "[a]\nrsa_bits = 1\nrsa_bits = 2", "F:3: a second time in one floor: rsa_bits" },
		{ "[a]\n[A]", "F:2: a floor for the second time: A" },
		{ "[a]\nrsa_bits = 1\nlike = default", "F:3: \"like\" must come first in its section: default" },
		{ "[a]\nlike = b\n[b]", "F:2: \"like\" names no floor that is built in or stands above: b" },
		{ "[a", "F:1: a section's line ends with ]: [a" },
		{ "[]", "F:1: a name has letters, digits, '.', '_' and '-' only, 64 at most: " },
		{ "[a]\nword", "F:2: neither [floor] nor name = value: word" },
		{ "", "check_path_floor: no floor \"house\" is built in or stands in F" },
	};
	struct floor f;
	struct error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].text, "house", &f, &err), E_CONFIG);
		assert_string_equal(err.text, cases[i].says);
	}
	assert_int_equal(parse("[a]\nrsa_bits = 16384\nec_bits = 571\nleaf_days = 36500\nrsa_exponent = 4294967295\nkeys = *\n"
			       "curves = brainpool* secp384r1\nhashes = md5", "a", &f, &err), 0);
}

static void words(void **state)
{
	assert_true(floor_lists("sha256 sha3-*", "SHA3-256"));
	assert_true(floor_lists("sha256,sha3-*", "SHA256"));
	assert_false(floor_lists("sha256 sha3-*", "SHA384"));
	assert_false(floor_lists("", "SHA384"));
	assert_true(floor_lists_curve("P-256", 415));
	assert_true(floor_lists_curve("PRIME256v1", 415));
	assert_true(floor_lists_curve("brainpoolP256*", 927));
	assert_false(floor_lists_curve("brainpoolP256*", 415));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_what_is_built_in), cmocka_unit_test(inheritance), cmocka_unit_test(errors),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
