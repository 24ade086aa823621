/* mime_canonical.c - the form that is signed: every trap other signers fell into */
#include "test.h"

#include <string.h>

#include "mime/canonical.h"
#include "mime/decode.h"

static struct arena arena;
static const struct mime_limits limits = { .header = 65536, .parts = 1000, .depth = 100 };

static int clean(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct entity *parse_bytes(struct span in)
{
	struct error err = { 0 };
	struct entity *root;

	if (entity_parse(&arena, in, &limits, &root, &err) != 0)
		fail_msg("%s", err.text);
	return root;
}

static char *canonical_bytes(struct span in)
{
	struct error err = { 0 };
	struct buf out = BUF_INIT;
	char *s;

	if (canonical_entity(parse_bytes(in), &out, &err) != 0)
		fail_msg("%s", err.text);
	s = arena_strndup(&arena, buf_str(&out), out.len);
	buf_release(&out);
	return s;
}

static void check(const char *in, const char *want)
{
	assert_string_equal(canonical_bytes(span_of(in)), want);
}

static void check_refused(const char *in, const char *want)
{
	struct error err = { 0 };
	struct buf out = BUF_INIT;

	assert_int_equal(canonical_entity(parse_bytes(span_of(in)), &out, &err), E_PERM);
	assert_string_equal(err.text, want);
	buf_release(&out);
}

static void entity_only(void **state)
{
	/* Content-* without MIME-Version; nothing else of the message's header; CRLF */
	check("From: a@b\nMIME-Version: 1.0\nSubject: x\nContent-Type: text/plain;\n\tcharset=utf-8\nContent-Length: 7\n"
	      "X-Other: y\nContent-Language: de\n\nhello\n",
	      "Content-Type: text/plain;\r\n\tcharset=utf-8\r\nContent-Language: de\r\n\r\nhello\r\n");
	check("Subject: no MIME\n\nhello\r\nyou", "Content-Type: text/plain; charset=us-ascii\r\n\r\nhello\r\nyou");
	check("\n\xc3\xbc\xc3\xbc xxxxxxxxxxxxxxxxxxxxx\n", "Content-Type: text/plain; charset=utf-8\r\n"
	      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC=C3=BC xxxxxxxxxxxxxxxxxxxxx\r\n");
	check("\n\xfc xxxxxxxxxxxxxxxxxxxxx", "Content-Type: text/plain; charset=unknown-8bit\r\n"
	      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC xxxxxxxxxxxxxxxxxxxxx");
	check("", "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
}

static void no_surroundings(void **state)
{
	check("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nx\n--b\nContent-Type: multipart/mixed; boundary=c\n\n"
	      "inner\n--c\n\ny\n--c--\ninner epilogue\n--b--\nepilogue\n",
	      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
	      "inner\r\n--c\r\n\r\ny\r\n--c--\r\ninner epilogue\r\n--b--\r\n");
	/* what surrounds inner parts is left out rather than encoded, a missing final boundary is written */
	check("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\nblank \n--c\n\ny\n--b--",
	      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
	      "--c\r\n\r\ny\r\n--c--\r\n\r\n--b--\r\n");
}

static void fragile_text(void **state)
{
#define QP "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
#define TEXT "Content-Type: text/plain\n\n"
	check(TEXT "From me\n>From\n", QP "=46rom me\r\n>From\r\n");
	check(TEXT "-- \n", QP "=2D-=20\r\n");
	check(TEXT "tab\t\nx", QP "tab=09\r\nx");
	check(TEXT "a = b \n.\n", QP "a =3D b=20\r\n=2E\r\n");
	check(TEXT "a\rb\n", QP "a=0Db\r\n");
	check("Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\nascii\n",
	      "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nascii\r\n");
	check("Content-Transfer-Encoding: 8bit\nContent-Type: text/plain\n\n\xc3\xbc and more text\n",
	      "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\n=C3=BC and more text\r\n");
	/* mostly foreign: base64 */
	check(TEXT "\xe6\x97\xa5\xe6\x9c\xac", "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys\r\n");
	/* already encoded and safe: as it is; not safe: again */
	check("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\na=3Db=\nc\n",
	      "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\na=3Db=\r\nc\r\n");
	check("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\nFrom=20\na=0Ab\n",
	      "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\nFrom=20\r\na=0Ab\r\n");
	check("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\nFrom x=0Ay=20\n",
	      "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\n=46rom x=0Ay=20\r\n");
	check("Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\nYWJj \n",
	      "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\nYWJj\r\n");
#undef QP
#undef TEXT
}

static void long_lines(void **state)
{
	char text[4000] = "Content-Type: text/plain\n\n";
	size_t head = strlen(text);

	memset(text + head, 'x', 998);
	assert_null(strstr(canonical_bytes(span_of(text)), "quoted-printable"));
	text[head + 998] = 'x';
	assert_non_null(strstr(canonical_bytes(span_of(text)), "quoted-printable"));
}

static void quoted_printable_lines(void **state)
{
	/* at every length and place: never over 76 columns, no boundary or From made by a soft break, same bytes back */
	for (size_t n = 60; n < 240; n++) {
		struct buf in = BUF_INIT, out = BUF_INIT, back = BUF_INIT;

		for (size_t i = 0; i < n; i++)
			buf_addch(&in, i % 7 ? 'x' : '=');
		buf_addstr(&in, n % 3 == 0 ? "From x" : n % 3 == 1 ? "--b" : ". ");
		buf_addstr(&in, "\r\n");
		qp_encode(&out, span_from(in.data, in.len));
		for (char *line = out.data; *line; line = strstr(line, "\r\n") + 2) {
			assert_true(strstr(line, "\r\n") - line <= 76);
			assert_false(strncmp(line, "--", 2) == 0 || strncmp(line, "From ", 5) == 0 || *line == '.');
		}
		qp_decode(&back, span_from(out.data, out.len));
		assert_string_equal(back.data, in.data);
		buf_release(&in);
		buf_release(&out);
		buf_release(&back);
	}
}

static void binary_leaves(void **state)
{
	static const char tnef[] = "Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: binary\n\n"
				   "\x78\x9f\x3e\x22\0\n\r\nx";

	/* every byte stays, line breaks too */
	assert_string_equal(canonical_bytes(span_from(tnef, sizeof(tnef) - 1)),
			    "Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+IgAKDQp4\r\n");
	check("Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64\n\neJ8+IgAKDQp4\n",
	      "Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\neJ8+IgAKDQp4\r\n");
	check("Content-Type: application/x\nContent-Transfer-Encoding: binary\n\nplain\n",
	      "Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\ncGxhaW4K\r\n");
}

static void calendars(void **state)
{
	check("Content-Type: text/calendar; method=REQUEST; charset=\"UTF-8\"\nContent-Transfer-Encoding: 8bit\n\n"
	      "BEGIN:VCALENDAR\nX:\xc3\xbc\n",
	      "Content-Type: text/calendar; method=REQUEST; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	      "QkVHSU46VkNBTEVOREFSDQpYOsO8DQo=\r\n");
	check("Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n",
	      "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n");
}

static void attached_messages(void **state)
{
	/* an attached .eml: its own header, MIME-Version, trailing blanks and From lines stay */
	check("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@b\nMIME-Version: 1.0\n"
	      "Subject: x \n\nFrom x \n--b--\n",
	      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@b\r\nMIME-Version: 1.0\r\n"
	      "Subject: x \r\n\r\nFrom x \r\n--b--\r\n");
	/* 8-bit bytes in it stay, and are declared all the way up */
	check("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\n\xc3\xbc\n--b--\n",
	      "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
	      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\r\n\xc3\xbc\r\n--b--\r\n");
	check_refused("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\na\rb\n--b--\n",
		      "part 1 (message/rfc822) has a CR without LF and must not be changed");
}

static void sealed_parts(void **state)
{
#define SIGNED "Content-Type: multipart/signed; boundary=s\n\nThis is signed \n--s\n\nFrom x \n--s\n" \
	"Content-Type: application/pkcs7-signature\n\nMII\n--s--\n"
	check("Content-Type: multipart/mixed; boundary=b\n\n--b\n" SIGNED "\n--b--\n",
	      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\nThis is signed \r\n"
	      "--s\r\n\r\nFrom x \r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nMII\r\n--s--\r\n\r\n--b--\r\n");
	/* as the root: without its surroundings */
	check(SIGNED "epilogue\n", "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nFrom x \r\n--s\r\n"
	      "Content-Type: application/pkcs7-signature\r\n\r\nMII\r\n--s--\r\n");
	check("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\nMII \n",
	      "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\nMII \r\n");
	check_refused("Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n\x30\x80",
		      "part 0 (application/pkcs7-mime) has 8-bit bytes and must not be changed");
	check_refused("Content-Type: application/pgp-encrypted\n\na\rb\n",
		      "part 0 (application/pgp-encrypted) has a CR without LF and must not be changed");
	check_refused("Content-Type: text/plain\nContent-Transfer-Encoding: x-own\n\n\xff",
		      "part 0 (text/plain) has 8-bit bytes and must not be changed");
	check("Content-Type: multipart/encrypted; boundary=e\n\n--e\n\n\xff\n--e--\n",
	      "Content-Type: multipart/encrypted; boundary=e\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--e\r\n\r\n\xff\r\n--e--\r\n");
	check_refused("Content-Type: multipart/mixed; boundary=\"b \"\n\n--b \n\nx\n--b --\n",
		      "part 0 (multipart/mixed) has a boundary that is not ASCII or ends with a blank and must not be changed");
#undef SIGNED
}

/* A part on its own, such as what a removed signature covered: it is the root then. */
static void one_part(void **state)
{
	struct entity *root = parse_bytes(span_of("Content-Type: multipart/signed; boundary=s\n\n--s\nSubject: inside\n"
		"Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nx\n--b--\nepilogue\n--s\n\n--s--\n"));
	struct buf out = BUF_INIT;

	assert_int_equal(canonical_entity(root->first, &out, NULL), 0);
	assert_string_equal(out.data, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n");
	buf_release(&out);
}

static void headers_of_parts(void **state)
{
	/* 8-bit in parameters and descriptions, a line of blanks that would end the header */
	check("Content-Type: text/plain; name=\"\xc3\xbc.txt\"; x=y\nContent-Description: \xc3\xbc\nContent-Disposition: a\n \n ;b=c\n\nx",
	      "Content-Type: text/plain; name*=utf-8''%C3%BC.txt; x=\"y\"\r\nContent-Description: =?UTF-8?B?w7w=?=\r\n"
	      "Content-Disposition: a\r\n ;b=c\r\n\r\nx");
	check("Content-Type: text/plain; name=\"\xfc\"\n\nx", "Content-Type: text/plain; name*=iso-8859-1''%FC\r\n\r\nx");
	check("Content-Type : text/html\n\nx", "Content-Type: text/html\r\n\r\nx");
	check("Content-Type: multipart/mixed; boundary=b\n\n--b\nX-Part: kept\n\nx\n--b--\n",
	      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-Part: kept\r\n\r\nx\r\n--b--\r\n");
}

static void long_parameters(void **state)
{
	struct buf in = BUF_INIT;
	struct entity *e;

	buf_addstr(&in, "Content-Disposition: attachment; filename=\"");
	for (int i = 0; i < 100; i++)
		buf_addstr(&in, "\xc3\xbc");
	buf_addstr(&in, ".pdf\"\n\nx");
	e = parse_bytes(span_of(canonical_bytes(span_from(in.data, in.len))));
	assert_int_equal(strlen(e->filename), 204);
	assert_string_equal(e->filename + 200, ".pdf");
	assert_false(e->ambiguous);
	buf_release(&in);
}

static void is_stable(void **state)
{
	static const char *const texts[] = {
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\xc3\xbc and \t\n--b\nContent-Type: text/html\n\nFrom\n--b\n"
		"Content-Type: image/png\nContent-Transfer-Encoding: binary\n\n\x89PNG\r\n--b--\n",
		"\n\xff\xff",
		"Content-Type: multipart/signed; boundary=s\n\n--s\n\nx \n--s--\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *once = canonical_bytes(span_of(texts[i]));

		assert_string_equal(canonical_bytes(span_of(once)), once);
	}
}

static void line_breaks(void **state)
{
	static const struct { const char *in, *crlf, *lf; } cases[] = {
		{ "", "", "" },
		{ "a\nb\r\nc", "a\r\nb\r\nc", "a\nb\nc" },
		{ "\n\r\n", "\r\n\r\n", "\n\n" },
		{ "a\rb\r\r\nc\r", "a\rb\r\r\nc\r", "a\rb\r\nc\r" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;

		canonical_lines(span_of(cases[i].in), &b);
		assert_string_equal(buf_str(&b), cases[i].crlf);
		buf_clear(&b);
		convert_lines(span_of(cases[i].in), "\r\n", &b);
		assert_string_equal(buf_str(&b), cases[i].crlf);
		buf_clear(&b);
		convert_lines(span_of(cases[i].in), "\n", &b);
		assert_string_equal(buf_str(&b), cases[i].lf);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(entity_only, clean),      cmocka_unit_test_teardown(no_surroundings, clean),
		cmocka_unit_test_teardown(fragile_text, clean),     cmocka_unit_test_teardown(long_lines, clean),
		cmocka_unit_test_teardown(quoted_printable_lines, clean),
		cmocka_unit_test_teardown(binary_leaves, clean),    cmocka_unit_test_teardown(calendars, clean),
		cmocka_unit_test_teardown(attached_messages, clean), cmocka_unit_test_teardown(sealed_parts, clean),
		cmocka_unit_test_teardown(one_part, clean),         cmocka_unit_test_teardown(headers_of_parts, clean), cmocka_unit_test_teardown(long_parameters, clean),
		cmocka_unit_test_teardown(is_stable, clean),        cmocka_unit_test_teardown(line_breaks, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
