/* rules_parse.c - the rule language: every word, every error with its place, every limit, and what wins */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "rules-file/rules.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what decides ---- */

/* "FS as a@b, FE, profile p, ..." for one sender and recipient */
static void decision_of(const char *file, const char *sender, const char *recipient, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct error err = { 0 };
	struct candidates c;
	struct decision d;
	struct rules *r;
	const struct words *w = &d.words;

	if (rules_parse("rules", span_of(file), &r, &err) < 0 || rules_for_sender(r, &arena, sender, &c, &err) < 0 ||
	    rules_decide(&c, recipient, &d, &err) < 0)
		fail_msg("%s", err.text);
	buf_addf(out, "%s", sign_name(w->sign));
	if (w->sign_as)
		buf_addf(out, "=%s", w->sign_as);
	buf_addf(out, " %s%s%s%s", encrypt_name(w->encrypt), w->strip ? " strip" : "", w->block_signed ? " block-signed" : "",
		 w->block_encrypted ? " block-encrypted" : "");
	if (w->profile)
		buf_addf(out, " profile=%s", w->profile);
	if (w->via)
		buf_addf(out, " via=%s", w->via);
	if (w->reject)
		buf_addf(out, " reject=<%s>", w->reject);
	for (size_t i = 0; i < d.napplied; i++)
		buf_addf(out, " %u", d.applied[i]->line);
	arena_release(&arena);
	rules_free(r);
}

struct decide_case {
	const char *file, *want; /* for a@our.de to b@x.com */
};

static void decide_all(const struct decide_case *cases, size_t n)
{
	struct buf got = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_clear(&got);
		decision_of(cases[i].file, "a@our.de", "b@x.com", &got);
		if (strcmp(buf_str(&got), cases[i].want) != 0)
			fail_msg("%s\ngot:  %s\nwant: %s", cases[i].file, buf_str(&got), cases[i].want);
	}
	buf_release(&got);
}

static void every_word(void **state)
{
	static const struct decide_case cases[] = {
		{ "", "NS NE" },
		{ ". (to) . (do) FS", "FS NE 1" },
		{ ". (to) . (do) FS=m@our.de", "FS=m@our.de NE 1" },
		{ ". (to) . (do) FS@m@our.de", "FS=m@our.de NE 1" },
		{ ". (to) . (do) SIP", "SIP NE 1" },
		{ ". (to) . (do) SIP=m@our.de", "SIP=m@our.de NE 1" },
		{ ". (to) . (do) NS", "NS NE 1" },
		{ ". (to) . (do) FE", "NS FE 1" },
		{ ". (to) . (do) EIP", "NS EIP 1" },
		{ ". (to) . (do) NE", "NS NE 1" },
		{ ". (to) . (do) NE!", "NS NE 1" },
		{ ". (to) . (do) PROFILE=bdew-gcm", "NS NE profile=bdew-gcm 1" },
		{ ". (to) . (do) STRIP", "NS NE strip 1" },
		{ ". (to) . (do) BLOCK-SIGNED", "NS NE block-signed 1" },
		{ ". (to) . (do) BLOCK-ENCRYPTED", "NS NE block-encrypted 1" },
		{ ". (to) . (do) VIA=tls", "NS NE via=tls 1" },
		{ ". (to) . (do) REJECT=no, not, FE here", "NS NE reject=<no, not, FE here> 1" },
		{ ". (to) . (do) REJECT=\"no, \\\"not\\\" \\\\ # so\" FE", "NS FE reject=<no, \"not\" \\ # so> 1" },
		{ ". (to) . (do) REJECT=a\tb # c", "NS NE reject=<a b> 1" },
		{ ". (TO) . (Do) fs, fe profile=X strip block-encrypted", "FS FE strip block-encrypted profile=X 1" },
	};

	decide_all(cases, COUNT(cases));
}

static void what_wins(void **state)
{
	static const struct decide_case cases[] = {
		{ ". (to) . (do) FS=m@our.de\n. (to) . (do) NS", "NS NE 1 2" },
		{ ". (to) . (do) NS\n. (to) . (do) SIP=m@our.de\n", "SIP=m@our.de NE 1 2" },
		{ ". (to) . (do) FS=m@our.de\n. (to) . (do) FS", "FS NE 1 2" },
		{ ". (to) . (do) FS=m@our.de\n. (to) . (do) FE", "FS=m@our.de FE 1 2" },
		{ ". (to) . (do) FE\n. (to) . (do) EIP\n. (to) . (do) NE", "NS FE 1 2 3" },
		{ ". (to) . (do) NE\n. (to) . (do) EIP\n. (to) . (do) FE", "NS FE 1 2 3" },
		{ ". (to) . (do) FE\n. (to) . (do) NE!", "NS NE 1 2" },
		{ ". (to) . (do) FE\n. (to) . (do) NE!\n. (to) . (do) EIP", "NS EIP 1 2 3" },
		{ ". (to) . (do) NE!\n. (to) . (do) FE", "NS FE 1 2" },
		{ ". (to) . (do) VIA=a PROFILE=p\n. (to) . (do) VIA=b PROFILE=q", "NS NE profile=q via=b 1 2" },
		{ ". (to) . (do) REJECT=a\n. (to) . (do) REJECT=b", "NS NE reject=<b> 1 2" },
		{ ". (to) . (do) STRIP\n. (to) . (do) FE", "NS FE strip 1 2" },
		{ ". (to) y.com (do) FE\n. (to) @x\\.com$ (do) FS\nz@ (to) . (do) FE\na@our (to) b@ (do) EIP", "FS EIP 2 4" },
		{ "# c\n\n \t\n . (to) . (do) FE # c\n\t# c\n.\t(to)\t.\t(do)\tFS , STRIP", "FS FE strip 4 6" },
		{ ". (to) x#y (do) FE\n. (to) x\\.com|# (do) FS", "FS NE 2" },
	};

	decide_all(cases, COUNT(cases));
}

static void encodings(void **state)
{
	static const struct decide_case cases[] = {
		{ "\xef\xbb\xbf. (to) . (do) FE", "NS FE 1" },
		{ "\xef\xbb\xbf# c\r\n. (to) . (do) FE\r\n\r\n. (to) . (do) FS\r\n", "FS FE 2 4" },
		{ ". (to) . (do) FE\r", "NS FE 1" },
		{ ". (to) . (do) REJECT=gr\xc3\xb6\xc3\x9f" "er", "NS NE reject=<gr\xc3\xb6\xc3\x9f" "er> 1" },
	};
	struct buf got = BUF_INIT;

	decide_all(cases, COUNT(cases));
	decision_of("b\xc3\x9c" "ro (to) \xc3\xa9@ (do) FE", "b\xc3\xbcro@our.de", "caf\xc3\x89@x.com", &got);
	assert_string_equal(buf_str(&got), "NS FE 1");
	buf_clear(&got);
	decision_of(". (to) . (do) FE\n.. (to) . (do) FS", "", "a@b", &got);
	assert_string_equal(buf_str(&got), "NS FE 1");
	buf_release(&got);
}

/* One domain has several spellings; a rule is written in one. */
static void domains(void **state)
{
	static const char *const rules[] = { ". (to) ^p@b\xc3\xbc" "cher\\.example$ (do) FE", ". (to) ^p@xn--bcher-kva\\.example$ (do) FE",
		"^p@b\xc3\xbc" "cher\\.example$ (to) . (do) FE", "@xn--bcher-kva (to) @XN--BCHER-KVA (do) FE" };
	static const char *const spellings[] = { "p@b\xc3\xbc" "cher.example", "p@xn--bcher-kva.example", "P@Xn--Bcher-KVA.Example" };
	struct buf got = BUF_INIT;

	for (size_t i = 0; i < COUNT(rules); i++)
		for (size_t k = 0; k < COUNT(spellings); k++) {
			buf_clear(&got);
			decision_of(rules[i], spellings[k], spellings[(k + 1) % 3], &got);
			assert_string_equal(buf_str(&got), "NS FE 1");
		}
	buf_clear(&got);
	decision_of(rules[0], "a@b", "p@xn--bcher-kvb.example", &got);
	assert_string_equal(buf_str(&got), "NS NE");
	buf_release(&got);
}

/* ---- errors ---- */

static void expect_error(struct span file, const char *want)
{
	struct error err = { 0 };
	struct rules *r;
	int rc = rules_parse("R", file, &r, &err);

	rules_free(r);
	if (rc != E_CONFIG || strncmp(err.text, want, strlen(want)) != 0)
		fail_msg("%.*s\ngot:  %s\nwant: %s", (int)(file.n < 200 ? file.n : 200), file.p, rc ? err.text : "no error", want);
}

static void every_error(void **state)
{
	static const struct { const char *file, *want; } cases[] = {
		{ "(to) . (do) FE", "R:1:1: expected a pattern for the sender, got \"(to)\"" },
		{ "\n .", "R:2:3: the line ends; expected (to) after the sender's pattern" },
		{ ". . (do) FE", "R:1:3: expected (to) after the sender's pattern, got \".\"" },
		{ ". (to)", "R:1:7: expected a pattern for the recipient" },
		{ ". (to) (do) FE", "R:1:8: expected a pattern for the recipient, got \"(do)\"" },
		{ ". (to) #x (do) FE", "R:1:8: expected a pattern for the recipient" },
		{ ". (to) .", "R:1:9: the line ends; expected (do) after the recipient's pattern" },
		{ ". (to) . FE", "R:1:10: expected (do) after the recipient's pattern, got \"FE\"" },
		{ ". (to) . (do)FE", "R:1:10: expected (do) after the recipient's pattern, got \"(do)FE\"" },
		{ ". (to) . (do)", "R:1:14: no word after (do); expected FS, SIP, NS, FE, EIP, NE, NE!," },
		{ ". (to) . (do) # FE", "R:1:15: no word after (do)" },
		{ "a( (to) . (do) FE", "R:1:3: pattern \"a(\": missing closing parenthesis" },
		{ ". (to) b[ (do) FE", "R:1:10: pattern \"b[\": missing terminating ]" },
		{ ". (to) a* (do) FE\n. (to) *a (do) FE", "R:2:8: pattern \"*a\": quantifier does not follow" },
		{ ". (to) \xc3\xbc\\C (do) FE", "R:1:11: pattern \"\xc3\xbc\\C\": using \\C is disabled" },
		{ ". (to) . (do) FEE", "R:1:15: unknown word \"FEE\"; did you mean FE?" },
		{ ". (to) . (do) FS BLOCKSIGNED", "R:1:18: unknown word \"BLOCKSIGNED\"; did you mean BLOCK-SIGNED?" },
		{ ". (to) . (do) Profil=x", "R:1:15: unknown word \"Profil\"; did you mean PROFILE=name?" },
		{ ". (to) . (do) nonsense", "R:1:15: unknown word \"nonsense\"; expected FS, SIP, NS, FE" },
		{ ". (to) . (do) FE#", "R:1:15: unknown word \"FE#\"; did you mean FE?" },
		{ ". (to) . (do) ,FE", "R:1:15: no word before \",\"" },
		{ ". (to) . (do) =x", "R:1:15: no word before \"=\"" },
		{ ". (to) . (do) FE,,FS", "R:1:18: no word after the comma" },
		{ ". (to) . (do) FE ,", "R:1:19: no word after the comma" },
		{ ". (to) . (do) FE=x", "R:1:17: FE takes no value" },
		{ ". (to) . (do) NE!@x", "R:1:18: NE! takes no value" },
		{ ". (to) . (do) FS=", "R:1:18: FS has an empty value; expected FS or FS=address" },
		{ ". (to) . (do) SIP=, FE", "R:1:19: SIP has an empty value" },
		{ ". (to) . (do) FS=nobody", "R:1:18: FS: address \"nobody\" has no domain" },
		{ ". (to) . (do) FS=a|b@c.de", "R:1:18: FS: address \"a|b@c.de\": dangerous character" },
		{ ". (to) . (do) PROFILE", "R:1:22: PROFILE needs a value; expected PROFILE=name" },
		{ ". (to) . (do) VIA@x", "R:1:18: VIA needs a value; expected VIA=name" },
		{ ". (to) . (do) VIA=", "R:1:19: VIA has an empty value" },
		{ ". (to) . (do) VIA=a/b", "R:1:20: VIA: \"a/b\" is no name" },
		{ ". (to) . (do) PROFILE=.a", "R:1:23: PROFILE: \".a\" is no name" },
		{ ". (to) . (do) REJECT", "R:1:21: REJECT needs a value; expected REJECT=text" },
		{ ". (to) . (do) REJECT=  # c", "R:1:24: REJECT has an empty value" },
		{ ". (to) . (do) REJECT=\" \"", "R:1:22: REJECT: expected a text" },
		{ ". (to) . (do) REJECT=\"a\\\"", "R:1:22: the quoted text does not end; expected a closing \"" },
		{ ". (to) . (do) REJECT=\"a\"b", "R:1:25: expected a comma or a blank after the text" },
		{ ". (to) . (do) FS, NS", "R:1:19: NS after FS: a line has one signing word" },
		{ ". (to) . (do) FS SIP", "R:1:18: SIP after FS: a line has one signing word" },
		{ ". (to) . (do) FS FS=a@b.de", "R:1:18: FS after FS" },
		{ ". (to) . (do) NE, FE", "R:1:19: FE after NE: a line has one encryption word" },
		{ ". (to) . (do) NE!, NE", "R:1:20: NE after NE!" },
		{ ". (to) . (do) STRIP BLOCK-SIGNED", "R:1:21: BLOCK-SIGNED after STRIP" },
		{ ". (to) . (do) BLOCK-ENCRYPTED BLOCK-ENCRYPTED", "R:1:31: BLOCK-ENCRYPTED after BLOCK-ENCRYPTED" },
		{ ". (to) . (do) VIA=a VIA=b", "R:1:21: VIA after VIA" },
		{ ". (to) . (do) PROFILE=a PROFILE=b", "R:1:25: PROFILE after PROFILE" },
		{ ". (to) . (do) REJECT=\"a\" REJECT=b", "R:1:26: REJECT after REJECT" },
		{ "\xc3\xbc\xc3\xbc (to) . (do) X", "R:1:16: unknown word \"X\"" },
		{ "\xef\xbb\xbf. (to) . X", "R:1:10: expected (do)" },
		{ "# ok\n. (to) \xff (do) FE", "R:2:8: byte 0xff is not UTF-8" },
		{ "# \xc3\xbc\xc3", "R:1:4: byte 0xc3 is not UTF-8" },
		{ "# \xef\xbf\xbf", "R:1:3: a noncharacter" },
		{ ". (to) . (do) FE\rFS", "R:1:17: control character 0x0d" },
		{ "# \x1b[m", "R:1:3: control character 0x1b" },
		{ "# \x7f", "R:1:3: control character 0x7f" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_error(span_of(cases[i].file), cases[i].want);
	expect_error(span_from("# a\n. (to) .\0 (do) FE", 21), "R:2:9: control character 0x00");
}

static void all_errors_are_kept(void **state)
{
	struct error err = { 0 };
	struct rules *r;

	assert_int_equal(rules_parse("R", span_of(". X\n. (to) . (do) FE\n. (to) ( (do) FE\n. (to) . (do) Q"), &r, &err), E_CONFIG);
	assert_int_equal(r->nerrors, 3);
	assert_int_equal(r->n, 1);
	assert_string_equal(err.text, "R:1:3: expected (to) after the sender's pattern, got \"X\"");
	rules_free(r);
}

/* ---- limits ---- */

static void add(struct buf *b, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addch(b, c);
}

static void expect_limit(const struct buf *at, const struct buf *above, const char *want)
{
	struct error err = { 0 };
	struct rules *r;

	if (rules_parse("R", span_from(at->data, at->len), &r, &err) < 0)
		fail_msg("at the limit: %s", err.text);
	rules_free(r);
	expect_error(span_from(above->data, above->len), want);
}

/* before + n times c + after is fine, with one more it is not */
static void limit(const char *before, char c, size_t n, const char *after, const char *want)
{
	struct buf at = BUF_INIT, above = BUF_INIT;

	buf_addstr(&at, before);
	buf_addstr(&above, before);
	add(&at, c, n);
	add(&above, c, n + 1);
	buf_addstr(&at, after);
	buf_addstr(&above, after);
	expect_limit(&at, &above, want);
	buf_release(&at);
	buf_release(&above);
}

static void limits(void **state)
{
	limit("#", 'x', RULES_LINE_MAX - 1, "\r\n", "R:1:1: the line has 4097 bytes, at most 4096 are allowed");
	limit("", '\n', RULES_LINES_MAX - 1, ". (to) . (do) FE\n", "R:50001:1: more than 50000 lines");
	limit("\n. (to) ", 'x', PATTERN_MAX, " (do) FE", "R:2:8: pattern \"xxxx");
	limit(". (to) . (do) VIA=", 'x', NAME_MAX_RULES, "", "R:1:19: VIA: a name has at most 64 bytes");
	limit(". (to) . (do) REJECT=", 'x', REJECT_MAX, "", "R:1:22: REJECT: the text has 301 bytes, at most 300 are allowed");
	limit(". (to) . (do) REJECT=\"", 'x', REJECT_MAX, "\",FE", "R:1:22: REJECT: the text has 301 bytes");
}

static void file_size(void **state)
{
	struct buf at = BUF_INIT, above = BUF_INIT;

	while (at.len + 4096 < RULES_FILE_MAX) {
		add(&at, '#', 4095);
		buf_addch(&at, '\n');
	}
	add(&at, '#', RULES_FILE_MAX - at.len);
	assert_int_equal(at.len, RULES_FILE_MAX);
	buf_add(&above, at.data, at.len);
	buf_addch(&above, '\n');
	expect_limit(&at, &above, "R: bigger than 8388608 bytes");
	buf_release(&at);
	buf_release(&above);
}

static void catastrophic(void **state)
{
	struct arena arena = ARENA_INIT;
	struct error err = { 0 };
	struct candidates c;
	struct decision d;
	struct rules *r;

	assert_int_equal(rules_parse("R", span_of("# c\n. (to) ^(a+)+$ (do) FE"), &r, &err), 0);
	assert_int_equal(rules_for_sender(r, &arena, "x@y", &c, &err), 0);
	assert_int_equal(rules_decide(&c, "b@x", &d, &err), 0);
	assert_int_equal(rules_decide(&c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x", &d, &err), E_CONFIG);
	assert_memory_equal(err.text, "R:2:8: the pattern takes too long", 33);
	assert_int_equal(rules_decide(&c, "", &d, &err), E_PERM);
	assert_int_equal(rules_decide(&c, "\xff@x", &d, &err), E_PERM);
	rules_free(r);
	arena_release(&arena);
}

static void unreadable(void **state)
{
	struct error err = { 0 };
	struct rules *r;

	assert_int_equal(rules_load("/nonexistent/rules", &r, &err), E_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/rules: no such file"));
	rules_free(r);
	assert_int_equal(rules_load("/", &r, &err), E_TEMP);
	rules_free(r);
}

/* Every prefix of a file is read without harm. */
static void byte_by_byte(void **state)
{
	static const char file[] = "\xef\xbb\xbf# \xc3\xbc\r\n^(a|b)@x\\.de$ (to) [@.]y\\.de$ (do) FS=a@x.de, FE PROFILE=p\n"
		". (to) . (do) REJECT=\"\\\"x\\\\\" VIA=z, NE! # end\n";
	struct rules *r;

	for (size_t n = 0; n < sizeof(file); n++) {
		char *copy = malloc(n ? n : 1); /* so that a sanitizer sees the end */

		memcpy(copy, file, n);
		rules_parse("R", span_from(copy, n), &r, NULL);
		free(copy);
		rules_lint(r);
		rules_free(r);
	}
	assert_int_equal(rules_parse("R", span_from(file, sizeof(file) - 1), &r, NULL), 0);
	assert_int_equal(r->n, 2);
	rules_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word), cmocka_unit_test(what_wins), cmocka_unit_test(encodings), cmocka_unit_test(domains),
		cmocka_unit_test(every_error), cmocka_unit_test(all_errors_are_kept), cmocka_unit_test(limits),
		cmocka_unit_test(file_size), cmocka_unit_test(catastrophic), cmocka_unit_test(unreadable),
		cmocka_unit_test(byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
