/* check_mailbox.c - mailboxes whose domains are in A-labels and U-labels, constraints on mailboxes */
#include "test.h"

#include <string.h>

#include "check-path/mailbox.h"

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
		cmocka_unit_test(equal), cmocka_unit_test(within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
