/* core_subject.c - foreign tags are found in every disguise, wishes are taken out of the Subject */
#include "test.h"

#include <string.h>

#include "subject.h"

static const struct config config = { .tag_signed = "[signed OK]", .tag_encrypted = "[encrypted]", .tag_invalid = "[INVALID]",
				      .subject_sign = "\\[sign\\]", .subject_encrypt = "^\\s*secret:", .subject_plain = "" };

static void tags(void **state)
{
	static const struct { const char *value, *rest; } forged[] = {
		{ " [signed OK] Hello", "Hello" },
		{ " Re: [SIGNED ok] Hello", "Re: Hello" },
		{ " [signed\r\n OK] Hello", "Hello" },
		{ " [signed  OK]Hello", "Hello" },
		{ " [signedOK] Hello", "Hello" },
		{ " =?utf-8?Q?=5Bsigned_OK=5D?= Hello", "Hello" },
		{ " =?utf-8?B?W3NpZ25lZCBPS10=?= Hello", "Hello" },
		{ " =?utf-8?Q?=5Bsig?= =?iso-8859-1?Q?ned_OK=5D?= Hello", "Hello" },
		{ " [sig\xe2\x80\x8bned OK] Hello", "Hello" },
		{ " [signed\xc2\xa0OK] Hello", "Hello" },
		{ " [sig[signed OK]ned OK] Hello", "Hello" },
		{ " [sig[encrypted]ned OK] Hello", "Hello" },
		{ " [signed OK][signed OK][encrypted]", "" },
		{ " Hello [invalid]", "Hello" },
	};
	static const char *const honest[] = { " Hello", " signed OK", " [signed] OK", " =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "" };
	struct arena a = ARENA_INIT;
	bool had;

	for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
		const char *rest = subject_without_tags(&a, &config, span_of(forged[i].value), &had);

		if (!had || strcmp(rest, forged[i].rest) != 0)
			fail_msg("\"%s\" -> \"%s\", had %d", forged[i].value, rest, had);
	}
	for (size_t i = 0; i < sizeof(honest) / sizeof(*honest); i++) {
		subject_without_tags(&a, &config, span_of(honest[i]), &had);
		if (had)
			fail_msg("\"%s\" taken for forged", honest[i]);
	}
	arena_release(&a);
}

static void long_subjects_are_cut(void **state)
{
	struct arena a = ARENA_INIT;
	char *s = arena_alloc(&a, 8192 + 3);
	bool had;

	memset(s, 'x', 8192);
	subject_without_tags(&a, &config, span_from(s, 8192), &had);
	assert_false(had);
	s[8192] = 'x';
	assert_int_equal(strlen(subject_without_tags(&a, &config, span_from(s, 8193), &had)), 8192);
	assert_true(had);
	arena_release(&a);
}

static void wishes(void **state)
{
	struct arena a = ARENA_INIT;
	struct wishes w;
	const char *rest;

	assert_int_equal(subject_wishes(&a, &config, "Secret: plans [SIGN]", &w, &rest, NULL), 0);
	assert_true(w.sign && w.encrypt && !w.plain);
	assert_string_equal(rest, "plans");
	assert_int_equal(subject_wishes(&a, &config, "no secret: here", &w, &rest, NULL), 0);
	assert_false(w.sign || w.encrypt || w.plain);
	assert_string_equal(rest, "no secret: here");
	arena_release(&a);
}

static void bad_patterns(void **state)
{
	const struct config broken = { .subject_sign = "[", .subject_encrypt = "", .subject_plain = "" };
	const struct config slow = { .subject_sign = "(a+)+$", .subject_encrypt = "", .subject_plain = "" };
	struct arena a = ARENA_INIT;
	struct error err = { 0 };
	struct wishes w;
	const char *rest;

	assert_int_equal(subject_wishes(&a, &broken, "x", &w, &rest, &err), E_CONFIG);
	assert_non_null(strstr(err.text, "subject_sign"));
	assert_int_equal(subject_wishes(&a, &slow, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", &w, &rest, &err), E_CONFIG);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags), cmocka_unit_test(long_subjects_are_cut), cmocka_unit_test(wishes),
		cmocka_unit_test(bad_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
