/* rules_match.c - patterns: plain ones give the answers PCRE2 gives, and none can hang */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "rules-file/match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct fixture {
	struct arena arena;
	struct matcher matcher;
};

static struct pattern *read_pattern(struct fixture *f, const char *text)
{
	struct error err = { 0 };
	struct pattern *p;
	size_t offset;

	if (pattern_read(&f->matcher, &f->arena, span_of(text), &p, &offset, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return p;
}

static int found(struct fixture *f, const char *pattern, const char *address)
{
	struct pattern *p = read_pattern(f, pattern);
	struct error err = { 0 };
	struct subject s;
	bool yes = false;
	int rc = subject_init(&s, address, &err);

	if (rc == 0)
		rc = pattern_match(&f->matcher, p, &s, &yes, &err);
	pattern_release(p);
	return rc < 0 ? rc : yes;
}

static void release(struct fixture *f)
{
	matcher_release(&f->matcher);
	arena_release(&f->arena);
}

static void kinds(void **state)
{
	static const char *const plain[] = { "a", "partner-1.com", "@partner\\.com$", "^user_1@", "[@.]partner\\.com$", ".*@x\\.de",
		"^.*@x", "@x.*$", ".*", "o'neil", "a=b", "..", "x..*" };
	static const char *const pcre[] = { "(a)", "a|b", "a*", "a+b", "[^@]", "[a-z]", "[@.][@.]", "\\d", "a^", "a$b", "a{2}", "\xc3\xbc",
		"[.@]", ".*?@x", "]", "^*" };
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };

	assert_int_equal(read_pattern(&f, ".")->kind, PATTERN_ANY);
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (read_pattern(&f, plain[i])->kind != PATTERN_PLAIN)
			fail_msg("not plain: %s", plain[i]);
	for (size_t i = 0; i < sizeof(pcre) / sizeof(*pcre); i++) {
		struct pattern *p;
		size_t offset;

		pattern_read(&f.matcher, &f.arena, span_of(pcre[i]), &p, &offset, NULL);
		if (p->kind != PATTERN_PCRE)
			fail_msg("not for PCRE2: %s", pcre[i]);
		pattern_release(p);
	}
	release(&f);
}

static void answers(void **state)
{
	static const struct { const char *pattern, *address; int want; } cases[] = {
		{ ".", "", 1 }, { ".", "a@b", 1 }, { "..", "", 0 }, { ".*", "", 1 }, { "^$", "", 1 }, { "^$", "a", 0 },
		{ "x", "", 0 }, { "partner-1.com", "joe@PARTNER-1.com.evil.example", 1 },
		{ "@partner-1\\.com$", "joe@partner-1.com", 1 }, { "@partner-1\\.com$", "joe@partner-1.com.evil", 0 },
		{ "@partner-1\\.com$", "joe@partner-1xcom", 0 }, { "@PARTNER\\.com$", "joe@partner.COM", 1 },
		{ "^joe@", "joe@x", 1 }, { "^joe@", "ajoe@x", 0 }, { "^joe@x$", "joe@x", 1 }, { "^joe@x$", "joe@xy", 0 },
		{ "[@.]p\\.de$", "a@p.de", 1 }, { "[@.]p\\.de$", "a@m.P.de", 1 }, { "[@.]p\\.de$", "a@xp.de", 0 },
		{ "^(joe|ann)@", "Ann@x", 1 }, { "^(joe|ann)@", "bob@x", 0 }, { "\\bx\\b", "a@x", 1 },
		{ "j\xc3\xbcrgen", "J\xc3\x9cRGEN@x", 1 }, { "@x", "j\xc3\xbc@X", 1 },
		{ "^.@x", "\xc3\xbc@x", 1 }, { "^..@x", "\xc3\xbc@x", 0 }, { "x", "\xff", E_PERM },
		{ "a.b", "a\xe2\x82\xac" "b@x", 1 }, { "@x$", "a@x\n", 0 },
	};
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (found(&f, cases[i].pattern, cases[i].address) != cases[i].want)
			fail_msg("pattern %s, address %s: not %d", cases[i].pattern, cases[i].address, cases[i].want);
	release(&f);
}

/* What PCRE2 itself says about the pattern and the address. */
static int judge(const char *pattern, const char *address)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_code *code;
	size_t offset;
	int rc;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &rc,
			     &offset, NULL);
	rc = code ? pcre2_match(code, (PCRE2_SPTR)address, strlen(address), 0, 0, data, NULL) : -99;
	pcre2_code_free(code);
	pcre2_match_data_free(data);
	return rc == -99 ? E_PERM : rc >= 0;
}

/* Random short patterns over the characters that matter: the plain search must agree with PCRE2 on each. */
static void agrees_with_pcre2(void **state)
{
	static const char pattern_letters[] = "aaBb@@..-_^$[]\\*", address_letters[] = "aAbB@.-_";
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };
	unsigned plain = 0, seed = 1;

	for (unsigned round = 0; round < 40000; round++) {
		char pattern[8] = "", address[8] = "";
		struct pattern *p;
		size_t offset, n;
		int rc;

		n = 1 + (seed = seed * 1103515245 + 12345) / 65536 % 6;
		for (size_t i = 0; i < n; i++)
			pattern[i] = pattern_letters[(seed = seed * 1103515245 + 12345) / 65536 % (sizeof(pattern_letters) - 1)];
		n = (seed = seed * 1103515245 + 12345) / 65536 % 7;
		for (size_t i = 0; i < n; i++)
			address[i] = address_letters[(seed = seed * 1103515245 + 12345) / 65536 % (sizeof(address_letters) - 1)];
		rc = pattern_read(&f.matcher, &f.arena, span_of(pattern), &p, &offset, NULL);
		if (rc < 0)
			assert_int_equal(judge(pattern, address), E_PERM);
		else if (p->kind == PATTERN_PLAIN && ++plain && found(&f, pattern, address) != judge(pattern, address))
			fail_msg("pattern %s, address %s: PCRE2 says %d", pattern, address, judge(pattern, address));
		if (p)
			pattern_release(p);
		arena_release(&f.arena);
	}
	assert_true(plain > 5000);
	release(&f);
}

static void long_patterns(void **state)
{
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };
	char text[PATTERN_MAX + 2];
	struct pattern *p;
	size_t offset;

	memset(text, 'x', sizeof(text));
	text[PATTERN_MAX + 1] = '\0';
	assert_int_equal(pattern_read(&f.matcher, &f.arena, span_of(text), &p, &offset, NULL), E_PERM);
	text[PATTERN_MAX] = '\0';
	assert_int_equal(pattern_read(&f.matcher, &f.arena, span_of(text), &p, &offset, NULL), 0);
	release(&f);
}

static void nesting(void **state)
{
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };
	char text[2 * (PATTERN_NESTING_MAX + 1) + 2];

	for (int n = PATTERN_NESTING_MAX; n <= PATTERN_NESTING_MAX + 1; n++) {
		struct pattern *p;
		size_t offset;
		int rc;

		memset(text, '(', (size_t)n);
		text[n] = 'x';
		memset(text + n + 1, ')', (size_t)n);
		rc = pattern_read(&f.matcher, &f.arena, span_from(text, 2 * (size_t)n + 1), &p, &offset, NULL);
		assert_int_equal(rc, n == PATTERN_NESTING_MAX ? 0 : E_PERM);
		pattern_release(p);
	}
	release(&f);
}

static void long_addresses(void **state)
{
	char address[ADDRESS_MAX + 2];
	struct subject s;

	memset(address, 'x', sizeof(address));
	address[ADDRESS_MAX + 1] = '\0';
	assert_int_equal(subject_init(&s, address, NULL), E_PERM);
	address[ADDRESS_MAX] = '\0';
	assert_int_equal(subject_init(&s, address, NULL), 0);
}

/* Backtracking without end, recursion without end: an answer comes, and it is an error. */
static void gives_up(void **state)
{
	struct fixture f = { ARENA_INIT, { NULL, NULL, NULL } };
	char address[ADDRESS_MAX];

	memset(address, 'a', sizeof(address) - 2);
	address[sizeof(address) - 2] = '!';
	address[sizeof(address) - 1] = '\0';
	assert_int_equal(found(&f, "^(a+)+$", address), E_CONFIG);
	assert_int_equal(found(&f, "^(a|aa)+$", address), E_CONFIG);
	assert_int_equal(found(&f, "(a|(?R))*$", address), E_CONFIG);
	assert_int_equal(found(&f, "(*LIMIT_MATCH=4000000000)^(a+)+$", address), E_CONFIG);
	assert_int_equal(found(&f, "^a+!$", address), 1);
	release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),          cmocka_unit_test(answers), cmocka_unit_test(agrees_with_pcre2),
		cmocka_unit_test(long_patterns),  cmocka_unit_test(nesting), cmocka_unit_test(long_addresses),
		cmocka_unit_test(gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
