/* mime_header.c - fields, encoded words, parameters, addresses, writing */
#include "test.h"

#include <string.h>
#include <time.h>

#include "mime/charset.h"
#include "mime/header.h"

static struct arena arena;

static int clean(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct span whole(const char *s)
{
	return span_of(s);
}

static void fields(void **state)
{
	struct header h;
	struct span in = whole("Subject: a\r\n b\r\nX : y\nEmpty:\r\n\r\nbody: no\r\n");

	assert_int_equal(header_parse(&arena, in, 1000, &h, NULL), 0);
	assert_int_equal(h.n, 3);
	assert_true(span_eqstr(h.fields[0].name, "Subject"));
	assert_true(span_eqstr(h.fields[0].value, " a\r\n b"));
	assert_true(span_eqstr(h.fields[0].whole, "Subject: a\r\n b\r\n"));
	assert_true(span_eqstr(h.fields[1].name, "X"));
	assert_true(span_eqstr(h.fields[1].value, " y"));
	assert_true(span_eqstr(h.fields[2].value, ""));
	assert_string_equal(h.eol, "\r\n");
	assert_false(h.garbage);
	assert_true(span_eqstr(span_sub(in, h.body, in.n), "body: no\r\n"));
	assert_int_equal(h.bytes.n, h.body - 2);
	assert_ptr_equal(header_find(&h, "sUBJECT", NULL), &h.fields[0]);
	assert_null(header_find(&h, "subject", &h.fields[0]));
	assert_int_equal(header_count(&h, "empty"), 1);
}

static void odd_headers(void **state)
{
	static const struct { const char *in; size_t n, body; bool garbage; } cases[] = {
		{ "", 0, 0, false },
		{ "\n", 0, 1, false },
		{ "\r\n", 0, 2, false },
		{ "\r", 0, 0, true },
		{ "A: b", 1, 4, false },
		{ "A: b\n", 1, 5, false },
		{ "A: b\n\n", 1, 6, false },
		{ "A: b\r\n\n", 1, 7, false },
		{ "A: b\nno field\nC: d\n", 1, 5, true },
		{ " folded: first\n", 0, 0, true },
		{ ": no name\n", 0, 0, true },
		{ "A: b\n \n c\n\nbody", 1, 11, false },
		{ "A\x80: b\n\n", 0, 0, true },
		{ "A: \x80\xff\n\n", 1, 7, false },
		{ "A: b\rB: c\n\n", 1, 11, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct header h;

		assert_int_equal(header_parse(&arena, whole(cases[i].in), 1000, &h, NULL), 0);
		if (h.n != cases[i].n || h.body != cases[i].body || h.garbage != cases[i].garbage)
			fail_msg("case %zu: %zu fields, body at %zu, garbage %d", i, h.n, h.body, h.garbage);
	}
}

static void header_limit(void **state)
{
	struct error err = { 0 };
	struct header h;

	assert_int_equal(header_parse(&arena, whole("A: 3456\n\nbody"), 8, &h, &err), 0);
	assert_int_equal(header_parse(&arena, whole("A: 34567\n\nbody"), 8, &h, &err), E_LIMIT);
	assert_int_equal(header_parse(&arena, whole("A: 34567890"), 8, &h, &err), E_LIMIT);
	assert_int_equal(header_parse(&arena, whole("\nbody body body"), 0, &h, &err), 0);
}

static void nul_bytes(void **state)
{
	static const char text[] = "A: x\0y\n\n";
	struct header h;

	assert_int_equal(header_parse(&arena, span_from(text, sizeof(text) - 1), 100, &h, NULL), 0);
	assert_string_equal(header_unfold(&arena, h.fields[0].value), "x" UTF8_REPLACEMENT "y");
	assert_string_equal(header_decode(&arena, h.fields[0].value), "x" UTF8_REPLACEMENT "y");
}

static void mbox(void **state)
{
	static const struct { const char *in; size_t n; const char *sender; } cases[] = {
		{ "From a@b Mon Jan\nX: y\n", 17, "a@b" },
		{ ">From <a@b> x\r\n", 15, "a@b" },
		{ "From MAILER-DAEMON\n", 19, "" },
		{ "From <>\n", 8, "" },
		{ "From  a@b", 9, "a@b" },
		{ "From  Sun Nov 22 10:00:00 2026\n", 31, "" },
		{ "From \"a \\\" b\"@c Sun Nov\n", 24, "\"a \\\" b\"@c" },
		{ "From \"a b\\\n", 11, "\"a b\\" },
		{ "From \n", 6, "" },
		{ "From: a@b\n", 0, "" },
		{ "from a@b\n", 0, "" },
		{ "", 0, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *sender;

		assert_int_equal(mbox_from_line(&arena, whole(cases[i].in), &sender), cases[i].n);
		assert_string_equal(sender, cases[i].sender);
		assert_int_equal(mbox_from_line(&arena, whole(cases[i].in), NULL), cases[i].n);
	}
}

static void words(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ " plain\r\n text ", "plain text" },
		{ "=?UTF-8?Q?a=C3=BC_b?=", "a\xc3\xbc b" },
		{ "=?utf-8?q?[sig?= =?UTF-8?B?bmVkXQ==?= x", "[signed] x" },
		{ "=?utf-8?Q?[si?=\r\n\t=?us-ascii?Q?gned]?=", "[signed]" },
		{ "=?utf-8?Q?[si?==?utf-8?Q?gned]?=", "[signed]" },
		{ "=?utf-8*de?Q?J=C3?= =?utf-8?Q?=BC?=", "J\xc3\xbc" }, /* a character in two words */
		{ "=?UTF-8?Q?=5Bsi?= =?UTF-8?Q?gned?= ]", "[signed ]" },
		{ "a=?utf-8?q?b?=c", "abc" },
		{ "\"=?utf-8?q?b?=\"", "\"b\"" },
		{ "a =?utf-8?q?b?= c", "a b c" },
		{ "=?utf-8?q?a b?=", "a b" },
		{ "=?utf-8?q?a?b?=", "a?b" },
		{ "=?utf-8?q?" "?=x", "x" },
		{ "=?iso-8859-1?Q?=FC?=", "\xc3\xbc" },
		{ "=?ISO-8859-15?Q?=A4?=", "\xe2\x82\xac" },
		{ "=?windows-1252?Q?=80?=", "\xe2\x82\xac" },
		{ "=?utf-7?Q?+AFs-signed+AF0-?=", "[signed]" },
		{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
		{ "=?utf-8?Q?=FF?=", UTF8_REPLACEMENT },
		{ "=?utf-8?Q?a=00b=0Ac=0D?=", "a" UTF8_REPLACEMENT "b c " },
		{ "=?x-none?Q?=FF?= =?x-none?Q?a?=", "=?x-none?Q?=FF?= =?x-none?Q?a?=" },
		{ "=?x-none?Q?=FF?= =?utf-8?Q?a?=", "=?x-none?Q?=FF?= a" },
		{ "=?x-none?Q?[signed]?=", "[signed]" },
		{ "=?utf-8//IGNORE?Q?=FF?=", "=?utf-8//IGNORE?Q?=FF?=" },
		{ "=?utf-8?X?a?=", "=?utf-8?X?a?=" },
		{ "=?utf-8?Q?a", "=?utf-8?Q?a" },
		{ "=?utf-8?Q?", "=?utf-8?Q?" },
		{ "=?", "=?" },
		{ "=?=?utf-8?Q?a?=", "=?a" },
		{ "=?utf-8?Q?=4?=", "=4" },
		{ "=?utf-8?Q?=zz=?=", "=zz=" },
		{ "=?utf-8?B?YQ==YQ==?=", "aa" },
		{ "=?utf-8?B?Y!Q?=", "a" },
		{ "raw \xc3\xbc \xff", "raw \xc3\xbc " UTF8_REPLACEMENT },
		{ "a\x01" "b\xef\xbf\xbf", "a" UTF8_REPLACEMENT "b" UTF8_REPLACEMENT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(header_decode(&arena, whole(cases[i].in)), cases[i].out);
}

static void check_value(const char *in, const char *text, const char *name, const char *value, bool duplicate, bool malformed)
{
	struct header_value v;
	const char *got;

	header_value_parse(&arena, whole(in), &v);
	got = name ? header_parameter(&v, name) : NULL;
	if (strcmp(v.text, text) != 0 || v.duplicate != duplicate || v.malformed != malformed || !got != !value ||
	    (got && strcmp(got, value) != 0))
		fail_msg("%s: text \"%s\", %s \"%s\", duplicate %d, malformed %d", in, v.text, name ? name : "-", got ? got : "(none)",
			 v.duplicate, v.malformed);
}

static void parameters(void **state)
{
	check_value(" Text/PLAIN; Charset=UTF-8", "text/plain", "charset", "UTF-8", false, false);
	check_value("text/plain", "text/plain", "charset", NULL, false, false);
	check_value("text/plain;", "text/plain", "charset", NULL, false, false);
	check_value("text / plain", "text/plain", NULL, NULL, false, false);
	check_value("(a;b(c)) text/plain (x=y;) ; (q) a (r) = (s) \"b\" (t) ; c=d", "text/plain", "c", "d", false, false);
	check_value("(a;b(c)) text/plain (x=y;) ; (q) a (r) = (s) \"b\" (t) ; c=d", "text/plain", "a", "b", false, false);
	check_value("a/b; x=\"a\\\"b;c\\\\\"", "a/b", "x", "a\"b;c\\", false, false);
	check_value("a/b; x=\"a\r\n b\"", "a/b", "x", "a b", false, false);
	check_value("a/b;;x=y", "a/b", "x", "y", false, false);
	check_value("a/b; x=y; X=z", "a/b", "x", "y", true, false);
	check_value("a/b; x=\"open", "a/b", "x", "open", false, true);
	check_value("a/b; x=\"y\" junk; z=1", "a/b", "z", "1", false, true);
	check_value("a/b; x=my file (1).pdf; z=1", "a/b", "z", "1", false, true);
	check_value("attachment; filename=my file.pdf", "attachment", "filename", "my file.pdf", false, true);
	check_value("attachment; filename=f(1).pdf", "attachment", "filename", "f(1).pdf", false, true);
	check_value("a/b c; x=y", "a/b", "x", "y", false, true);
	check_value("", "", NULL, NULL, false, true);
	check_value("/b", "/b", NULL, NULL, false, true);
	check_value("a/b (open", "a/b", NULL, NULL, false, true);
	check_value("a/b; x", "a/b", "x", NULL, false, true);
	check_value("a/b; =y", "a/b", "", NULL, false, true);
}

static void extended_parameters(void **state)
{
	check_value("a/b; x*=utf-8'de'%C3%BC%20y", "a/b", "x", "\xc3\xbc y", false, false);
	check_value("a/b; x*=iso-8859-1''%FC", "a/b", "x", "\xc3\xbc", false, false);
	check_value("a/b; x*=''%41", "a/b", "x", "A", false, false);
	check_value("a/b; x*=%41", "a/b", "x", "A", false, true);
	check_value("a/b; x*=utf-8''%4", "a/b", "x", "%4", false, true);
	check_value("a/b; x*0=a; x*1=b; x*2=c", "a/b", "x", "abc", false, false);
	check_value("a/b; x*2=c; x*0=a; x*1=b", "a/b", "x", "abc", false, false);
	check_value("a/b; x*10=k; x*9=j; x*0=a;x*1=b;x*2=c;x*3=d;x*4=e;x*5=f;x*6=g;x*7=h;x*8=i", "a/b", "x", "abcdefghijk", false, false);
	check_value("a/b; x*0*=utf-8''%C3; x*1*=%BC; x*2=\"%41\"", "a/b", "x", "\xc3\xbc%41", false, false);
	check_value("a/b; x*0=a; x*0=b; x*1=c", "a/b", "x", "ac", true, false);
	check_value("a/b; x*0=a; x*2=c", "a/b", "x", "a", false, true);
	check_value("a/b; x*1=a", "a/b", "x", NULL, false, true);
	check_value("a/b; x*00=a", "a/b", "x", NULL, false, true);
	check_value("a/b; x=plain; x*=utf-8''ext", "a/b", "x", "ext", true, false);
	check_value("a/b; x=plain; x*1=b", "a/b", "x", "plain", true, true);
	check_value("a/b; x*=utf-8''%00", "a/b", "x", UTF8_REPLACEMENT, false, false);
}

static void address_lists(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "a@b", "a@b" },
		{ " A@B.example , c@d ", "A@B.example|c@d" },
		{ "J. Doe <j@d>, \"x@y, z\" <q@r>", "j@d|q@r" },
		{ "=?utf-8?Q?J=C3=BC?= <j@d>", "j@d" },
		{ "\"a b\"@c", "\"a b\"@c" },
		{ "\"a\\\"@x\"@c", "\"a\\\"@x\"@c" },
		{ "a(c (d) \\) e)@b (f)", "a@b" },
		{ "a . b @ c . d", "a.b@c.d" },
		{ "<@r1,@r2:a@b>", "a@b" },
		{ "x <a@b> (y)", "a@b" },
		{ "a@[1.2.3.4]", "a@[1.2.3.4]" },
		{ "g: a@b, c <d@e>; , f@g", "a@b|d@e|f@g" },
		{ "undisclosed recipients:;", "" },
		{ ",a@b,,", "a@b" },
		{ "a@\r\n b", "a@b" },
		{ "John Q. Public <a@b>", "a@b" },
		{ "Q. <a@b>", "a@b" },
		{ "j\xc3\xbc@b", "j\xc3\xbc@b" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };
		struct buf got = BUF_INIT;
		const char **list;
		size_t n;

		if (header_addresses(&arena, whole(cases[i].in), &list, &n, &err) != 0)
			fail_msg("%s: %s", cases[i].in, err.text);
		for (size_t k = 0; k < n; k++)
			buf_addf(&got, "%s%s", k ? "|" : "", list[k]);
		assert_string_equal(buf_str(&got), cases[i].out);
		buf_release(&got);
	}
}

static void bad_address_lists(void **state)
{
	static const char *const bad[] = { "", " ", ",", "a", "a b@c", "a@", "@b", "<>", "<a@b", "a@b>", "a@b <c@d>", "<a@b> c@d",
		"<a@b> <c@d>", "a@b c@d", "a@b; c@d", "g: a@b", "g: h: a@b;;", "g: a@b; c@d", "a..b@c", ".a@b", "a.@b", "a@b.", "a@.b", "a@b..c",
		"a@b@c", "\"a@b", "a@[1.2", "(a@b", "a@b (c", "a@b\x01", "\xff@b", "=?utf-8?Q?a@b?= <c@d>", "<@r a@b>", "a <b>", "a\"b\"@c",
		"a@b:", "\"a\"" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = { 0 };
		const char **list;
		size_t n;

		if (header_addresses(&arena, whole(bad[i]), &list, &n, &err) != E_PERM || n != 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_not_equal(err.text[0], '\0');
	}
}

static size_t longest_line(const char *s)
{
	size_t most = 0;

	while (*s) {
		size_t n = strcspn(s, "\n");

		most = n > most ? n : most;
		s += n + (s[n] == '\n');
	}
	return most;
}

static void check_round_trip(const char *value, size_t most)
{
	struct buf b = BUF_INIT;
	struct header h;

	header_write(&b, "Subject", value, "\n");
	buf_addstr(&b, "\n");
	if (longest_line(b.data) > most)
		fail_msg("line of %zu in:\n%s", longest_line(b.data), b.data);
	for (const char *s = b.data; (s = strchr(s, '\n')) != NULL && s[1] != '\n'; s++)
		assert_int_equal(s[1], ' ');
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.data[i] < 0x7f);
	assert_int_equal(header_parse(&arena, span_from(b.data, b.len), 100000, &h, NULL), 0);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.body, b.len);
	assert_string_equal(header_decode(&arena, h.fields[0].value), value);
	buf_release(&b);
}

static void writing(void **state)
{
	struct buf b = BUF_INIT;

	header_write(&b, "Subject", "short", "\r\n");
	assert_string_equal(b.data, "Subject: short\r\n");
	buf_clear(&b);
	header_write(&b, "Subject", "", "\n");
	assert_string_equal(b.data, "Subject: \n");
	buf_clear(&b);
	header_write(&b, "Subject", "a\r\nBcc: x", "\n");
	assert_string_equal(b.data, "Subject: a??Bcc: x\n");
	buf_clear(&b);
	header_write(&b, "From", "J\xc3\xbcrgen <a@b>", "\n");
	assert_string_equal(b.data, "From: =?UTF-8?Q?J=C3=BCrgen?= <a@b>\n");
	buf_clear(&b);
	header_write(&b, "S", "\xff", "\n");
	assert_string_equal(b.data, "S: =?UTF-8?B?77+9?=\n");
	buf_release(&b);
}

static void writing_round_trips(void **state)
{
	struct buf b = BUF_INIT;

	check_round_trip("a  b", 78);
	check_round_trip("J\xc3\xbcrgen \xc3\xa4  \xc3\xb6 plain \xc3\xbc", 78);
	check_round_trip("=?utf-8?Q?not_a_word?=", 78);
	for (int i = 0; i < 40; i++)
		buf_addstr(&b, "\xe6\x97\xa5\xe6\x9c\xac ");
	buf_addstr(&b, "x");
	check_round_trip(b.data, 78);
	buf_clear(&b);
	for (int i = 0; i < 60; i++)
		buf_addf(&b, "word%d ", i);
	buf_addstr(&b, "end");
	check_round_trip(b.data, 78);
	for (size_t n = 60; n < 90; n++) {
		buf_clear(&b);
		for (size_t i = 0; i < n; i++)
			buf_addch(&b, 'x');
		buf_addstr(&b, " y \xc3\xbc");
		check_round_trip(b.data, 100);
	}
	buf_clear(&b);
	for (int i = 0; i < 3000; i++)
		buf_addch(&b, 'x');
	check_round_trip(b.data, 998);
	buf_release(&b);
}

static void writing_raw(void **state)
{
	struct buf b = BUF_INIT, v = BUF_INIT;

	header_write_raw(&b, "Content-Type", "multipart/signed; protocol=\"application/pkcs7-signature\";\tmicalg=sha-256;"
			 " boundary=\"=?x?=\"", "\n");
	assert_string_equal(b.data, "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\n"
			    " micalg=sha-256; boundary=\"=?x?=\"\n");
	buf_clear(&b);
	header_write_raw(&b, "X", "a\n\x80", "\n");
	assert_string_equal(b.data, "X: a??\n");
	buf_clear(&b);
	for (int i = 0; i < 2500; i++)
		buf_addch(&v, 'x');
	header_write_raw(&b, "X", v.data, "\n");
	assert_int_equal(longest_line(b.data), 998);
	buf_release(&b);
	buf_release(&v);
}

/* Half words, comments and long tokens without end: sixteen times as much takes about sixteen times as long. */
static double seconds(const char *each, size_t times)
{
	struct buf b = BUF_INIT, out = BUF_INIT;
	struct timespec from, to;
	struct header_value v;
	const char **list;
	size_t n;

	for (size_t i = 0; i < times; i++)
		buf_addstr(&b, each);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	header_write(&out, "Subject", header_decode(&arena, span_from(b.data, b.len)), "\n");
	header_value_parse(&arena, span_from(b.data, b.len), &v);
	header_addresses(&arena, span_from(b.data, b.len), &list, &n, NULL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	buf_release(&b);
	buf_release(&out);
	arena_release(&arena);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void linear_time(void **state)
{
	static const char *const each[] = { "=?utf-8?q?", "=?utf-8?q?=C3?=", "=?utf-8?q?=C3?= ", "=?x?q?=C3?= ", "=?", "(", "a(b)", "a,", "a@b,",
		"\"", ";a=b", ";a*1=b", ";a*=b''", " ", "x", "\xc3\xbc", "\xff", "<", "g:;,", "=?koi8-r?q?=C3?= =?utf-8?q?=C3?= " };

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		double one = seconds(each[i], 2000), many = seconds(each[i], 32000);

		if (many > one * 60 + 0.005)
			fail_msg("\"%s\": %g s, sixteen times as much %g s", each[i], one, many);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(fields, clean),        cmocka_unit_test_teardown(odd_headers, clean),
		cmocka_unit_test_teardown(header_limit, clean),  cmocka_unit_test_teardown(nul_bytes, clean),
		cmocka_unit_test_teardown(mbox, clean),          cmocka_unit_test_teardown(words, clean),
		cmocka_unit_test_teardown(parameters, clean),    cmocka_unit_test_teardown(extended_parameters, clean),
		cmocka_unit_test_teardown(address_lists, clean), cmocka_unit_test_teardown(bad_address_lists, clean),
		cmocka_unit_test_teardown(writing, clean),       cmocka_unit_test_teardown(writing_round_trips, clean),
		cmocka_unit_test_teardown(writing_raw, clean),   cmocka_unit_test_teardown(linear_time, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
