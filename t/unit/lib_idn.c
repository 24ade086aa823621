/* lib_idn.c - domains in A-labels and U-labels; addresses that are the same in either */
#include "test.h"

#include <string.h>

#include "lib/address.h"
#include "lib/idn.h"

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
		good = idn_decode(span_of(cases[i].in), &out);
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
	assert_true(idn_decode(span_from(label, 63), &out));
	assert_int_equal(out.len, 62);
	assert_false(idn_decode(span_from(label, 64), &out));
	buf_release(&out);
}

/* The same samples, back: letters come in lower case. */
static void encode(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "b\xc3\xbc" "cher", "bcher-kva" },
		{ "B\xc3\xbc" "CHER", "bcher-kva" },
		{ "m\xc3\xbcnchen", "mnchen-3ya" },
		{ "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87", "ihqwcrb4cv8a8dqg056pqjye" },
		{ "hello-another-way-\xe3\x81\x9d\xe3\x82\x8c\xe3\x81\x9e\xe3\x82\x8c\xe3\x81\xae\xe5\xa0\xb4\xe6\x89\x80",
		  "hello-another-way--fc4qua05auwb3674vfr0b" },
		{ "\xe3\x81\x9d\xe3\x81\xae\xe3\x82\xb9\xe3\x83\x94\xe3\x83\xbc\xe3\x83\x89\xe3\x81\xa7", "d9juau41awczczp" },
		{ "\xf0\x9f\x92\xa9", "ls8h" },
		{ "\xff", NULL },
		{ "\xc3", NULL },
		{ "", NULL },
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool good;

		buf_clear(&out);
		good = idn_encode(span_of(cases[i].in), &out);
		assert_int_equal(good, cases[i].out != NULL);
		if (good)
			assert_string_equal(buf_str(&out), cases[i].out);
	}
	buf_release(&out);
}

static void ascii(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "B\xc3\xbc" "cher.Example", "xn--bcher-kva.example" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
		{ "a.m\xc3\xbcnchen.b\xc3\xbc" "cher", "a.xn--mnchen-3ya.xn--bcher-kva" },
		{ "example.org", "example.org" },
		{ "\xff.example", NULL },
		{ "", NULL },
	};
	char label[64] = "\xc3\xbc";
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool good;

		buf_clear(&out);
		good = idn_ascii(span_of(cases[i].in), &out);
		assert_int_equal(good, cases[i].out != NULL);
		if (good)
			assert_string_equal(buf_str(&out), cases[i].out);
	}
	memset(label + 2, 'a', 55); /* xn--, 55, -, and three digits */
	buf_clear(&out);
	assert_true(idn_ascii(span_from(label, 57), &out));
	assert_int_equal(out.len, 63);
	label[57] = 'a';
	assert_false(idn_ascii(span_from(label, 58), &out));
	buf_release(&out);
}

static void same_address(void **state)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "a@b\xc3\xbc" "cher.example", "A@xn--bcher-kva.EXAMPLE", true },
		{ "\xc3\xbc@b\xc3\xbc" "cher.example", "\xc3\xbc@XN--bcher-kva.example", true },
		{ "a@b\xc3\xbc" "cher.example", "b@xn--bcher-kva.example", false },
		{ "a@b\xc3\xbc" "cher.example", "a@bucher.example", false },
		{ "a@xn--b-.example", "a@b.example", false },
		{ "\xc3\xbc@b.example", "xn--tda@b.example", false }, /* local parts have no such form */
		{ "a@\xff.example", "a@\xff.example", true },          /* the very same bytes */
		{ "a@\xff.example", "a@\xfe.example", false },
		{ "b\xc3\xbc" "cher.example", "xn--bcher-kva.example", false }, /* no address */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(address_equal(cases[i].a, cases[i].b), cases[i].same);
		assert_int_equal(address_equal(cases[i].b, cases[i].a), cases[i].same);
	}
	assert_true(domain_matches("b\xc3\xbc" "cher.example", "xn--bcher-kva.example"));
	assert_true(domain_matches("xn--bcher-kva.example", "b\xc3\xbc" "cher.example"));
	assert_true(domain_matches("mx.xn--bcher-kva.example", ".b\xc3\xbc" "cher.example"));
	assert_false(domain_matches("xn--bcher-kva.example", ".b\xc3\xbc" "cher.example"));
	assert_false(domain_matches("bucher.example", "b\xc3\xbc" "cher.example"));
}

static void domain_in_a_labels(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "a@x.example", "a@x.example" },
		{ "A@X.example", "A@X.example" },
		{ "J\xc3\xbcrgen@x.example", "J\xc3\xbcrgen@x.example" },
		{ "A@B\xc3\xbc" "cher.Example", "A@xn--bcher-kva.example" },
		{ "a@B\xc3\x9c" "CHER.example", "a@xn--bcher-kva.example" },
		{ "a@\xc3\x96sterreich.example", "a@xn--sterreich-z7a.example" },
		{ "a@\xc3\x97.example", "a@xn--rca.example" },             /* no letter, so there is no small one */
		{ "a@\xc5\xbb" "ywiec.example", "a@xn--ywiec-hib.example" },
		{ "a@\xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0.example", "a@xn--80adxhks.example" },
		{ "a@\xd0\x81.example", "a@xn--61a.example" },
		{ "a@\xce\x91\xce\xb8\xce\x89\xce\xbd\xce\xb1.example", "a@xn--jxafb0a0a.example" },
		{ "a@xn--bcher-kva.b\xc3\xbc" "cher.example", "a@xn--bcher-kva.xn--bcher-kva.example" },
		{ "a@\xef\xbd\x90" "artner.example", "a@xn--artner-o068a.example" }, /* full width */
		{ "a@partner\xe3\x80\x82" "example", "a@xn--partnerexample-r62m" },  /* ideographic full stop */
	};
	char big[200] = "a@\xc3\xbc";
	const char *address = big;
	struct arena a = ARENA_INIT;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = cases[i].in;

		assert_int_equal(address_to_ascii(&a, &text, &err), 0);
		assert_string_equal(text, cases[i].out);
	}
	memset(big + 4, 'a', 54); /* xn-- and -, the letters, three digits: 63 */
	while (strlen(big) < 100 && address_to_ascii(&a, &address, &err) == 0) {
		assert_true(strlen(address) - 2 <= 63);
		big[strlen(big)] = 'a';
		address = big;
	}
	assert_int_equal(err.code, E_PERM);
	assert_ptr_equal(address, big);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(punycode), cmocka_unit_test(longest_label), cmocka_unit_test(encode), cmocka_unit_test(ascii),
		cmocka_unit_test(same_address), cmocka_unit_test(domain_in_a_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
