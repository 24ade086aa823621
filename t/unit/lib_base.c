/* lib_base.c - addresses, look-ups, networks, base64, frames, moments, XML */
#include "test.h"

#include <string.h>

#include "lib/address.h"
#include "lib/base64.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/lookup.h"
#include "lib/mem.h"
#include "lib/moment.h"
#include "lib/netlist.h"
#include "lib/xml.h"

static void addresses(void **state)
{
	static const char *const good[] = { "a@b", "user_1@behoerde.de", "o'neil+x@sub.example.org",
		"\"a b\"@example.org", "=?x@example.org", "j\xc3\xbcrgen@b\xc3\xbc.example" };
	static const char *const bad[] = { "", "a", "a@", "@b", "-f@b", "a b@c", "a@b c", "a|b@c", "a;b@c", "a`b@c", "a$b@c",
		"a@b;c", "a@b@c", "a@-b", "a@b-", "a@b..c", "a@b.", "a\n@b", "a\x01@b", "<a@b>", "a@[1.2.3.4]", "\"a\\\"\"@b",
		"a\xff@b", "(x)a@b", "a,b@c", "a:b@c" };
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (address_check(good[i], &err) != 0)
			fail_msg("refused: %s: %s", good[i], err.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (address_check(bad[i], &err) != E_PERM)
			fail_msg("accepted: %s", bad[i]);
}

static void address_quotes(void **state)
{
	static const struct {
		const char *written, *meant;
	} all[] = {
		{ "\"bob\"@x.example", "bob@x.example" }, { "\"b.o-b+1\"@x.example", "b.o-b+1@x.example" }, { "bob@x.example", "bob@x.example" },
		{ "\"b b\"@x", "\"b b\"@x" }, { "\"-bob\"@x", "\"-bob\"@x" }, { "\".bob\"@x", "\".bob\"@x" }, { "\"bob.\"@x", "\"bob.\"@x" },
		{ "\"b..b\"@x", "\"b..b\"@x" }, { "\"b%y\"@x", "\"b%y\"@x" }, { "\"y!b\"@x", "\"y!b\"@x" }, { "\"b@y\"@x", "\"b@y\"@x" },
		{ "\"\"@x", "\"\"@x" }, { "\"@x", "\"@x" }, { "\"bob\"", "\"bob\"" }, { "", "" },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		assert_string_equal(address_unquoted(&a, all[i].written), all[i].meant);
	arena_release(&a);
}

static void address_lengths(void **state)
{
	char a[400];

	memset(a, 'x', sizeof(a));
	memcpy(a + 64, "@b.example", 11);
	assert_int_equal(address_check(a, NULL), 0);
	memset(a, 'x', sizeof(a));
	memcpy(a + 65, "@b.example", 11);
	assert_int_equal(address_check(a, NULL), E_PERM);
}

static void domains(void **state)
{
	assert_true(domain_matches("Example.ORG", "example.org"));
	assert_false(domain_matches("a.example.org", "example.org"));
	assert_true(domain_matches("a.example.org", ".example.org"));
	assert_false(domain_matches("example.org", ".example.org"));
	assert_false(domain_matches("badexample.org", ".example.org"));
	assert_true(address_equal("A@b", "a@B"));
	assert_false(address_equal("a@b", "a@b "));
}

static void error_text_is_cut_between_characters(void **state)
{
	char text[sizeof(((struct error *)0)->text) + 10];
	struct error err;

	for (size_t shift = 0; shift < 4; shift++) {
		size_t n = shift;

		memset(text, 'x', shift);
		for (; n + 4 < sizeof(text); n += 4)
			memcpy(text + n, "\xf0\x9f\x93\xac", 4);
		text[n] = '\0';
		assert_int_equal(error_set(&err, E_PERM, "%s", text), E_PERM);
		assert_true(utf8_valid(span_of(err.text)));
		assert_in_range(strlen(err.text), sizeof(err.text) - 8, sizeof(err.text) - 1);
	}
}

static bool in(const char *network, const char *host)
{
	struct net n, h;

	assert_int_equal(net_parse(network, &n, NULL), 0);
	assert_int_equal(net_parse(host, &h, NULL), 0);
	return net_contains(&n, &h);
}

static void lookups(void **state)
{
	static const char *const strings[] = { "b", "a", "b", "", "A" };
	struct arena a = ARENA_INIT;
	struct lookup l;

	lookup_make(&a, strings, 5, &l);
	assert_int_equal(lookup_find(&l, "b"), 0); /* the first of two */
	assert_int_equal(lookup_find(&l, "a"), 1);
	assert_int_equal(lookup_find(&l, ""), 3);
	assert_int_equal(lookup_find(&l, "A"), 4);
	assert_int_equal(lookup_find(&l, "ab"), -1);
	assert_int_equal(lookup_find(&l, "c"), -1);
	lookup_make(&a, NULL, 0, &l);
	assert_int_equal(lookup_find(&l, "a"), -1);
	arena_release(&a);
}

static void take_text(void *arg, enum log_level level, const char *text)
{
	snprintf(arg, 3000, "%s", text);
}

static void log_lines_are_text(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "j\xc3\xbcrgen", "j\xc3\xbcrgen" },
		{ "a\nb\tc", "a b c" },
		{ "a\rb\x7f\x1b[31m", "a\\x0db\\x7f\\x1b[31m" },
		{ "m\xfcller@b", "m\\xfcller@b" },
		{ "\xc3", "\\xc3" },
		{ "\xc0\xaf\xed\xa0\x80", "\\xc0\\xaf\\xed\\xa0\\x80" },
		{ "c1 \xc2\x85", "c1 \\xc2\\x85" },
		{ "turned \xe2\x80\xae", "turned \\xe2\\x80\\xae" },
		{ "a\\b", "a\\b" },
	};
	char text[3000], noise[3000];

	log_divert(take_text, text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		log_error("%s", cases[i].in);
		assert_string_equal(text, cases[i].out);
	}
	memset(noise, 0xff, sizeof(noise) - 1);
	noise[sizeof(noise) - 1] = '\0';
	log_error("%s", noise);
	assert_in_range(strlen(text), 2040, 2047);
	assert_string_equal(text + strlen(text) - 4, "\\xff");
	log_divert(NULL, NULL);
}

static void networks(void **state)
{
	static const char *const texts[] = { "10.0.0.0/8", "10.0.0.1", "0.0.0.0/0", "::/0", "::1", "2001:db8::/32", "::fffe:0:0/95",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124" };
	struct net n;
	bool known;

	assert_true(in("127.0.0.0/8", "127.1.2.3"));
	assert_false(in("127.0.0.0/8", "128.0.0.1"));
	assert_true(in("10.0.0.0/9", "10.127.255.255"));
	assert_false(in("10.0.0.0/9", "10.128.0.0"));
	assert_true(in("::1", "[::1]"));
	assert_true(in("2001:db8::/32", "IPv6:2001:db8::7"));
	assert_true(in("::ffff:10.0.0.1", "10.0.0.1"));
	assert_true(in("0.0.0.0/0", "1.2.3.4"));
	assert_false(in("0.0.0.0/0", "2001:db8::7"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char text[NET_TEXT];

		assert_int_equal(net_parse(texts[i], &n, NULL), 0);
		net_format(&n, text);
		assert_string_equal(text, texts[i]);
	}
	assert_int_equal(net_parse("10.0.0.1/8", &n, NULL), E_PERM);
	assert_int_equal(net_parse("10.0.0.0/33", &n, NULL), E_PERM);
	assert_int_equal(net_parse("10.0.0.256", &n, NULL), E_PERM);
	assert_int_equal(client_parse("unknown", &n, &known, NULL), 0);
	assert_false(known);
	assert_int_equal(client_parse("", &n, &known, NULL), 0);
	assert_true(known);
	assert_int_equal(client_parse("10.0.0.0/8", &n, &known, NULL), E_PERM);
}

static void base64(void **state)
{
	static const struct { const char *plain, *coded; } cases[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Zg", "Zg=", "Z", "Zh==", "Zm9=", "Zg==Zg==", "Zg=*", "*" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT, c = BUF_INIT;

		base64_encode(&b, cases[i].plain, strlen(cases[i].plain), 0, "");
		assert_string_equal(buf_str(&b), cases[i].coded);
		assert_int_equal(base64_decode(&c, span_of(cases[i].coded), true), 0);
		assert_string_equal(buf_str(&c), cases[i].plain);
		buf_release(&b);
		buf_release(&c);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf c = BUF_INIT;

		if (base64_decode(&c, span_of(bad[i]), true) != E_PERM)
			fail_msg("accepted: %s", bad[i]);
		buf_release(&c);
	}
}

/* All lengths, with breaks at each width, against the definition: 24 bits are four letters. */
static void base64_lengths(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char bytes[200];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 167 + 41);
	for (size_t line = 0; line <= 80; line += line == 0 ? 1 : 3)
		for (size_t n = 0; n <= sizeof(bytes); n++) {
			struct buf coded = BUF_INIT, plain = BUF_INIT, wanted = BUF_INIT;
			size_t quads = line >= 4 ? line / 4 : 1;

			for (size_t i = 0; i < (n + 2) / 3; i++) {
				for (int k = 0; k < 4; k++) {
					unsigned v = 0;

					for (size_t b = 0; b < 3; b++)
						v = v << 8 | (3 * i + b < n ? bytes[3 * i + b] : 0);
					buf_addch(&wanted, 3 * i + (size_t)k > n ? '=' : letters[v >> (18 - 6 * k) & 63]);
				}
				if (line && (i % quads == quads - 1 || i + 1 == (n + 2) / 3))
					buf_addstr(&wanted, "\r\n");
			}
			base64_encode(&coded, bytes, n, line, "\r\n");
			assert_string_equal(buf_str(&coded), buf_str(&wanted));
			assert_int_equal(coded.len, wanted.len);
			assert_int_equal(base64_decode(&plain, span_from(buf_str(&coded), coded.len), true), 0);
			assert_int_equal(plain.len, n);
			assert_memory_equal(buf_str(&plain), bytes, n);
			buf_release(&coded);
			buf_release(&plain);
			buf_release(&wanted);
		}
}

/* Whatever stands where, a byte that is no letter is skipped or refused, never taken for one. */
static void base64_foreign(void **state)
{
	for (int c = 1; c < 256; c++)
		for (size_t at = 0; at < 9; at++) {
			char text[] = "QUJDREVG\0";
			struct buf out = BUF_INIT;
			bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';

			memmove(text + at + 1, text + at, sizeof(text) - at - 2);
			text[at] = (char)c;
			if (letter || c == '=')
				continue;
			assert_int_equal(base64_decode(&out, span_of(text), false), 0);
			assert_string_equal(buf_str(&out), "ABCDEF");
			buf_release(&out);
			assert_int_equal(base64_decode(&out, span_of(text), true), ascii_space(c) ? 0 : E_PERM);
			buf_release(&out);
		}
}

static void frames(void **state)
{
	struct span doc;

	assert_int_equal(frame_parse(span_of("3\nabcd"), 10, &doc, NULL), 5);
	assert_true(span_eqstr(doc, "abc"));
	for (size_t n = 0; n < 5; n++) /* byte by byte: more input is needed */
		assert_int_equal(frame_parse(span_from("3\nabc", n), 10, &doc, NULL), 0);
	assert_int_equal(frame_parse(span_of("10\n0123456789"), 10, &doc, NULL), 13);
	assert_int_equal(frame_parse(span_of("11\n"), 10, &doc, NULL), E_LIMIT);
	assert_int_equal(frame_parse(span_of("9999999999\n"), 10, &doc, NULL), E_LIMIT);
	assert_int_equal(frame_parse(span_of("99999999999"), 10, &doc, NULL), E_PERM);
	assert_int_equal(frame_parse(span_of("-1\n"), 10, &doc, NULL), E_PERM);
	assert_int_equal(frame_parse(span_of("03\nabc"), 10, &doc, NULL), E_PERM);
	assert_int_equal(frame_parse(span_of("\n"), 10, &doc, NULL), E_PERM);
	assert_int_equal(frame_parse(span_of("0\n"), 10, &doc, NULL), E_PERM);
}

static int try_xml(const char *text)
{
	struct xml_document *doc;
	int rc = xml_parse(span_of(text), &doc, NULL);

	xml_free(doc);
	return rc;
}

static void nested_xml(struct buf *b, int depth)
{
	buf_clear(b);
	for (int i = 0; i < depth; i++)
		buf_addstr(b, "<a>");
	for (int i = 0; i < depth; i++)
		buf_addstr(b, "</a>");
}

static void xml_reading(void **state)
{
	struct buf b = BUF_INIT;

	assert_int_equal(try_xml("<a b='c'>d<e/></a>"), 0);
	assert_int_equal(try_xml("<a>"), E_PERM);
	assert_int_equal(try_xml("<a/><b/>"), E_PERM);
	assert_int_equal(try_xml("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), E_PERM);
	assert_int_equal(try_xml("<a>&x;</a>"), E_PERM);
	assert_int_equal(try_xml("<a><?php ?></a>"), E_PERM);
	assert_int_equal(try_xml("<a>\xff</a>"), E_PERM);
	nested_xml(&b, XML_DEPTH_MAX);
	assert_int_equal(try_xml(b.data), 0);
	nested_xml(&b, XML_DEPTH_MAX + 1);
	assert_int_equal(try_xml(b.data), E_PERM);
	buf_release(&b);
}

static void xml_round_trip(void **state)
{
	struct xml_document *doc;
	struct xml_writer w;
	struct span bytes;
	struct buf text = BUF_INIT;

	xml_writer_init(&w);
	xml_open(&w, "a");
	xml_put(&w, "x", "<\"&'\n\t>");
	xml_open(&w, "b");
	xml_put_binary(&w, "\0\xff", 2);
	xml_close(&w);
	xml_close(&w);
	assert_int_equal(xml_finish(&w, &bytes, NULL), 0);
	assert_int_equal(xml_parse(bytes, &doc, NULL), 0);
	assert_string_equal(xml_attr(xml_root(doc), "x"), "<\"&'\n\t>");
	assert_int_equal(xml_binary(xml_first(xml_root(doc), "b"), &text, NULL), 0);
	assert_int_equal(text.len, 2);
	assert_memory_equal(text.data, "\0\xff", 2);
	xml_free(doc);
	xml_writer_release(&w);
	buf_release(&text);
}

static void xml_writer_refuses(void **state)
{
	static const char *const bad[] = { "\x01", "\xff", "\xef\xbf\xbf" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct xml_writer w;
		struct span bytes;

		xml_writer_init(&w);
		xml_open(&w, "a");
		xml_put(&w, "x", bad[i]);
		xml_close(&w);
		assert_int_equal(xml_finish(&w, &bytes, NULL), E_PERM);
		xml_writer_release(&w);
	}
}

static void moments_as_text(void **state)
{
	static const struct { time_t when; const char *text; } known[] = {
		{ 0, "1970-01-01T00:00:00Z" }, { -1, "1969-12-31T23:59:59Z" }, { 951827696, "2000-02-29T12:34:56Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" }, { -62167219200, "0000-01-01T00:00:00Z" },
	};
	static const char *const wrong[] = { "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-00-01T00:00:00Z",
					     "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
					     "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z" };
	char text[MOMENT_TEXT];
	time_t when, next;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		moment_text(known[i].when, text);
		assert_string_equal(text, known[i].text);
		assert_int_equal(moment_read(text, &when, NULL), 0);
		assert_int_equal(when, known[i].when);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (moment_read(wrong[i], &when, NULL) != E_PERM)
			fail_msg("read: %s", wrong[i]);
	moment_text(253402300800, text);
	assert_string_equal(text, "");
	moment_text(-62167219201, text);
	assert_string_equal(text, "");
	assert_int_equal(moment_read("2016-12-31T23:59:60Z", &when, NULL), 0); /* a leap second */
	assert_int_equal(moment_read("2017-01-01T00:00:00Z", &next, NULL), 0);
	assert_int_equal(when, next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_text_is_cut_between_characters),
		cmocka_unit_test(addresses), cmocka_unit_test(address_quotes), cmocka_unit_test(address_lengths), cmocka_unit_test(domains),
		cmocka_unit_test(lookups),   cmocka_unit_test(log_lines_are_text),
		cmocka_unit_test(networks),    cmocka_unit_test(base64), cmocka_unit_test(base64_lengths), cmocka_unit_test(base64_foreign),          cmocka_unit_test(frames),
		cmocka_unit_test(moments_as_text),
		cmocka_unit_test(xml_reading), cmocka_unit_test(xml_round_trip),  cmocka_unit_test(xml_writer_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
