/* check_verify_log.c - a line of the verify log is one line, whatever stands in the certificate; words and names */
#include "test.h"

#include <string.h>

#include "check-path/names.h"
#include "check-path/verify_log.h"
#include "lib/address.h"

/* One line with this subject. */
static const char *line_with(struct buf *b, const char *subject)
{
	const struct check_request request = { .address = "a@b", .purpose = CHECK_ENCRYPT };
	const struct check_answer answer = { .verdict = CHECK_UNKNOWN, .reason = "no-path", .subject = subject,
		.issuer = "CN=i", .serial = "0A" };

	buf_clear(b);
	verify_log_format(b, 1792749600, "Q", &request, &answer);
	return buf_str(b);
}

static void one_line(void **state)
{
	struct buf b = BUF_INIT;

	assert_string_equal(line_with(&b, "CN=s"), "time=2026-10-23T10:00:00Z\tqueue-id=Q\taddress=a@b\tsubject=CN=s\tissuer=CN=i"
			    "\tserial=0A\tverdict=unknown\treason=no-path\tpurpose=encrypt\tevidence=\n");
	buf_release(&b);
}

static void evidence(void **state)
{
	struct check_evidence second = { .source = "revocation not checked: a; b", .kind = "remark", .number = "", .about = "" };
	struct check_evidence first = { &second, "/c/crl/x y.crl", 1792749600, "crl", "2F", "0A", 1792753200 };
	const struct check_request request = { .address = "a@b" };
	const struct check_answer answer = { .reason = "", .subject = "s", .issuer = "i", .serial = "0A", .evidence = &first };
	struct buf b = BUF_INIT;

	verify_log_format(&b, 1792749600, "Q", &request, &answer);
	assert_non_null(strstr(buf_str(&b), "\tevidence=crl serial=0A number=2F this=2026-10-23T10:00:00Z next=2026-10-23T11:00:00Z "
			       "source=/c/crl/x y.crl; remark source=revocation not checked: a\\x3b b\n"));
	second.next = &second; /* for ever */
	buf_clear(&b);
	verify_log_format(&b, 1792749600, "Q", &request, &answer);
	assert_true(b.len < 6000);
	assert_non_null(strstr(buf_str(&b), "; ...\n"));
	buf_release(&b);
}

static void escapes(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" },
		{ "j\xc3\xbcrgen", "j\xc3\xbcrgen" },
		{ "\t\n\r", "\\x09\\x0a\\x0d" },
		{ "\x7f", "\\x7f" },
		{ "a\\nb", "a\\\\nb" },
		{ "\\x0a", "\\\\x0a" },
		{ "\xff", "\\xff" },
		{ "\xc3", "\\xc3" },               /* the end of the string inside a character */
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
		{ "\xf0\x9f\x94", "\\xf0\\x9f\\x94" },
		{ "\xc0\x8a", "\\xc0\\x8a" },       /* an over-long line feed */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
		{ "\xc2\x85", "\\xc2\\x85" },       /* NEL */
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* line separator */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" }, /* right-to-left override */
		{ "\xe2\x80\xaf", "\xe2\x80\xaf" },
		{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" }, /* zero width space */
		{ "\xe2\x80\x8a", "\xe2\x80\x8a" },
		{ "\xe2\x80\x90", "\xe2\x80\x90" },    /* hyphen */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* left-to-right isolate */
	};
	struct buf b = BUF_INIT, want = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&want);
		buf_addf(&want, "\tsubject=%s\tissuer=", cases[i].out);
		if (!strstr(line_with(&b, cases[i].in), buf_str(&want)))
			fail_msg("case %zu: %s", i, buf_str(&b));
	}
	buf_release(&b);
	buf_release(&want);
}

/* Every byte after every byte: always one line of nine fields in UTF-8. */
static void any_bytes(void **state)
{
	struct buf b = BUF_INIT;
	char in[5] = "aaaa";

	for (int i = 1; i < 256; i++)
		for (int j = 1; j < 256; j++) {
			size_t tabs = 0;

			in[1] = (char)i;
			in[2] = (char)j;
			line_with(&b, in);
			for (size_t k = 0; k < b.len; k++)
				tabs += b.data[k] == '\t';
			assert_int_equal(tabs, 9);
			assert_ptr_equal(memchr(b.data, '\n', b.len), b.data + b.len - 1);
			assert_true(utf8_valid(span_from(b.data, b.len)));
		}
	buf_release(&b);
}

static void long_values(void **state)
{
	struct buf b = BUF_INIT;
	char in[1100];

	memset(in, 'x', sizeof(in));
	in[1000] = '\0';
	assert_null(strstr(line_with(&b, in), "..."));
	in[1000] = 'x';
	in[1001] = '\0';
	assert_non_null(strstr(line_with(&b, in), "xx...\tissuer=CN=i\t"));
	assert_true(b.len < 1200);
	buf_release(&b);
}

static void words(void **state)
{
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const char *word = reason_word((enum reason)r);

		assert_true(strlen(word) > 2);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
		assert_int_not_equal(reason_verdict((enum reason)r), CHECK_VALID);
		for (int other = REASON_NONE; other < r; other++)
			assert_false(strcmp(word, reason_word((enum reason)other)) == 0 &&
				     reason_verdict((enum reason)r) == reason_verdict((enum reason)other));
	}
	assert_int_equal(reason_verdict(REASON_NONE), CHECK_VALID);
	assert_string_equal(reason_word(REASON_NONE), "");
}

static const char *name_of(struct arena *a, int type, const void *bytes, int n)
{
	X509_NAME *name = X509_NAME_new();
	const char *text;

	assert_true(X509_NAME_add_entry_by_NID(name, NID_commonName, type, bytes, n, -1, 0));
	text = name_text(a, name);
	X509_NAME_free(name);
	return text;
}

static void names(void **state)
{
	struct arena a = ARENA_INIT;
	char many[900];

	assert_string_equal(name_of(&a, V_ASN1_UTF8STRING, "J\xc3\xbcrgen, x", 10), "CN=J\xc3\xbcrgen\\, x");
	assert_string_equal(name_of(&a, V_ASN1_T61STRING, "J\xfcrgen", 6), "CN=J\xc3\xbcrgen");
	assert_string_equal(name_of(&a, V_ASN1_PRINTABLESTRING, "a\nb", 3), "CN=a\\0Ab");
	assert_string_equal(name_of(&a, V_ASN1_UTF8STRING, "a\0b", 3), "CN=a\\00b");
	assert_string_equal(name_of(&a, V_ASN1_UTF8STRING, "a\xc2\x9b" "b", 4), "CN=a??b");
	assert_string_equal(name_of(&a, V_ASN1_BMPSTRING, "\0a\xff\xff", 4), "CN=a???");
	assert_string_equal(name_of(&a, V_ASN1_UTF8STRING, "a\xff", 2), "(unreadable name)");
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? '\xbc' : '\xc3';
	assert_true(utf8_valid(span_of(name_of(&a, V_ASN1_UTF8STRING, many, sizeof(many)))));
	assert_true(strlen(name_of(&a, V_ASN1_UTF8STRING, many, sizeof(many))) <= 403);
	arena_release(&a);
}

static void serials(void **state)
{
	struct arena a = ARENA_INIT;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	ASN1_INTEGER_set_int64(serial, 0x1234);
	assert_string_equal(serial_text(&a, serial), "1234");
	ASN1_INTEGER_set_int64(serial, -5);
	assert_string_equal(serial_text(&a, serial), "-05");
	ASN1_INTEGER_set_int64(serial, 0);
	assert_string_equal(serial_text(&a, serial), "00");
	ASN1_INTEGER_free(serial);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line), cmocka_unit_test(evidence), cmocka_unit_test(escapes), cmocka_unit_test(any_bytes),
		cmocka_unit_test(long_values), cmocka_unit_test(words), cmocka_unit_test(names), cmocka_unit_test(serials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
