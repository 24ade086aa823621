/* check_mailbox.c - domains in A-labels and U-labels, constraints on mailboxes */
#include "test.h"

#include <string.h>

#include "check-path/mailbox.h"

/* Samples of RFC 3492 section 7.1 and of RFC 5891's kind. */
static void punycode(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "bcher-kva", "b\xc3\xbc" "cher" },
		{ "BCHER-KVA", "b\xc3\xbc" "cher" },
		{ "mnchen-3ya", "m\xc3\xbcnchen" },
		{ "ihqwcrb4cv8a8dqg056pqjye", "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87" },
		{ "Hello-Another-Way--fc4qua05auwb3674vfr0b", "hello-another-way-\xe3\x81\x9d\xe3\x82\x8c\xe3\x81\x9e\xe3\x82\x8c\xe3\x81\xae\xe5\xa0\xb4\xe6\x89\x80" },
		{ "d9juau41awczczp", "\xe3\x81\x9d\xe3\x81\xae\xe3\x82\xb9\xe3\x83\x94\xe3\x83\xbc\xe3\x83\x89\xe3\x81\xa7" },
		{ "-> $1.00 <--", "-> $1.00 <-" },
		{ "99999999", NULL },          /* past Unicode */
		{ "bcher-kv", NULL },          /* cut off */
		{ "bcher-kv!", NULL },
		{ "b\xc3\xbc-kva", NULL },
		{ "", NULL },
	};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool good;

		buf_clear(&out);
		good = mailbox_punycode(span_of(cases[i].in), &out);
		assert_int_equal(good, cases[i].out != NULL);
		if (good)
			assert_string_equal(buf_str(&out), cases[i].out);
	}
	buf_release(&out);
}

static void longest_label(void **state)
{
	char label[64];
	struct buf out = BUF_INIT;

	memset(label, 'a', sizeof(label));
	memcpy(label + 62, "-", 1);
	assert_true(mailbox_punycode(span_from(label, 63), &out));
	assert_int_equal(out.len, 62);
	assert_false(mailbox_punycode(span_from(label, 64), &out));
	buf_release(&out);
}

static void equal(void **state)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "a@b.example", "a@b.example", true },
		{ "A@B.example", "a@b.EXAMPLE", true },
		{ "a@b.example", "b@b.example", false },
		{ "a@b.example", "a@b.example.", false },
		{ "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example", true },
		{ "j\xc3\xbcrgen@b\xc3\xbc" "cher.example", "j\xc3\xbcrgen@XN--BCHER-KVA.Example", true },
		{ "j\xc3\xbcrgen@b.example", "J\xc3\x9cRGEN@b.example", false },
		{ "a@xn--bcher-kva.example", "a@xn--bcher-kvb.example", false },
		{ "a@xn--b-.example", "a@b.example", false }, /* a second way to write ASCII */
		{ "a@", "a@", false },
		{ "a", "a", false },
		{ "a@b..example", "a@b..example", true },     /* the very same bytes */
		{ "a@b..example", "a@B..example", false },
		{ "a@\xff.example", "a@\xff.example", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(mailbox_equal(span_of(cases[i].a), span_of(cases[i].b)), cases[i].same);
}

static void within(void **state)
{
	static const struct { const char *mailbox, *constraint; bool is; } cases[] = {
		{ "a@b.example", "b.example", true },
		{ "a@c.b.example", "b.example", false },
		{ "a@c.b.example", ".b.example", true },
		{ "a@b.example", ".b.example", false },
		{ "a@xb.example", ".b.example", false },
		{ "a@b.example", "a@b.example", true },
		{ "A@b.example", "a@b.example", false }, /* RFC 5280 section 7.5: local parts have case */
		{ "a@B.example", "a@b.EXAMPLE", true },
		{ "\xc3\xbc@b\xc3\xbc" "cher.example", "xn--bcher-kva.example", true },
		{ "\xc3\xbc@xn--bcher-kva.example", "xn--bcher-kva.example", true },
		{ "\xc3\xbc@a.b\xc3\xbc" "cher.example", ".xn--bcher-kva.example", true },
		{ "\xc3\xbc@b\xc3\xbc" "cher.example", "bucher.example", false },
		{ "a@b.example", "", false },
		{ "a", "b.example", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(mailbox_within(span_of(cases[i].mailbox), span_of(cases[i].constraint)), cases[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(punycode), cmocka_unit_test(longest_label), cmocka_unit_test(equal), cmocka_unit_test(within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
