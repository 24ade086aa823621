/* mime_entity.c - boundaries, nesting, offsets, decoding, hostile input, time */
#include "test.h"

#include <string.h>
#include <time.h>

#include "mime/entity.h"

static struct arena arena;
static const struct mime_limits limits = { .header = 4096, .parts = 100, .depth = 10 };

static int clean(void **state)
{
	arena_release(&arena);
	return 0;
}

static struct entity *parse(const char *text)
{
	struct error err = { 0 };
	struct entity *root;

	if (entity_parse(&arena, span_of(text), &limits, &root, &err) != 0)
		fail_msg("%s", err.text);
	return root;
}

static void shape(const struct entity *e, struct buf *out)
{
	buf_addstr(out, e->type.text);
	if (!e->first)
		return;
	buf_addch(out, '{');
	for (const struct entity *c = e->first; c; c = c->next) {
		shape(c, out);
		if (c->next)
			buf_addch(out, ',');
	}
	buf_addch(out, '}');
}

static void check_shape(const char *text, const char *want, bool ambiguous)
{
	struct entity *root = parse(text);
	const struct entity *doubted = root;
	struct buf got = BUF_INIT;

	shape(root, &got);
	assert_string_equal(got.data, want);
	buf_release(&got);
	while (doubted && !doubted->ambiguous)
		doubted = entity_walk(doubted, root);
	if (!doubted != !ambiguous)
		fail_msg("%s: %s", text, doubted ? doubted->why_ambiguous : "not ambiguous");
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

static void simple(void **state)
{
	struct entity *root = parse("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre\r\n--b\r\n"
				    "Content-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: Base64\r\n"
				    "Content-Disposition: attachment; filename*=utf-8''%C3%BC\r\n\r\nYQ==\r\n--b\t \r\n\r\nplain\r\n\r\n--b--\r\nepi\r\n");
	struct entity *one = root->first, *two = one->next;

	assert_string_equal(root->path, "");
	assert_true(span_eqstr(root->preamble, "pre"));
	assert_true(span_eqstr(root->epilogue, "epi\r\n"));
	assert_string_equal(one->path, "1");
	assert_string_equal(one->type.text, "text/html");
	assert_string_equal(one->charset, "utf-8");
	assert_string_equal(one->filename, "\xc3\xbc");
	assert_int_equal(one->encoding, ENCODING_BASE64);
	assert_true(span_eqstr(one->body, "YQ=="));
	assert_true(span_casestarts(one->whole, "Content-Type: text/html"));
	assert_ptr_equal(one->whole.p + one->whole.n, one->body.p + one->body.n);
	assert_string_equal(two->path, "2");
	assert_string_equal(two->type.text, "text/plain");
	assert_true(span_eqstr(two->body, "plain\r\n"));
	assert_true(span_eqstr(two->whole, "\r\nplain\r\n"));
	assert_null(two->next);
	assert_false(root->ambiguous);
	assert_true(entity_is(root, "multipart/"));
	assert_true(entity_is(root, "Multipart/Mixed"));
	assert_false(entity_is(root, "multipart/m"));
	assert_ptr_equal(entity_walk(root, root), one);
	assert_ptr_equal(entity_walk(one, root), two);
	assert_null(entity_walk(two, root));
	assert_null(entity_walk(one, one));
}

static void boundaries(void **state)
{
	check_shape(MIXED "--b\n\na\n--b\n\nb\n--b--\n", "multipart/mixed{text/plain,text/plain}", false);
	check_shape(MIXED "--b\n\na\n--b--", "multipart/mixed{text/plain}", false);
	check_shape(MIXED "--b\n\na\n", "multipart/mixed{text/plain}", true); /* no final one */
	check_shape(MIXED "--b\n\na\n --b--\n", "multipart/mixed{text/plain}", true);
	check_shape(MIXED "x--b\n\na\n--b--\n", "multipart/mixed", true);
	check_shape(MIXED "", "multipart/mixed", true);
	check_shape(MIXED "--b--\n", "multipart/mixed", true);
	check_shape(MIXED "--b\n--b\n--b--\n", "multipart/mixed{text/plain,text/plain}", false); /* empty parts */
	check_shape(MIXED "--b\nContent-Type: text/html\n--b--\n", "multipart/mixed{text/html}", false);
	check_shape(MIXED "--b\n\na\n--bx\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape(MIXED "--b\n\na\n--b --\n--b--\n", "multipart/mixed{text/plain,text/plain}", true); /* something behind it */
	check_shape(MIXED "--b\n\na\n--b-- x\n--c\n", "multipart/mixed{text/plain}", true);
	check_shape(MIXED "--b\n\na\n--b--x\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape(MIXED "--b\n\na\n--b-- \t\r\n--b\n\nz\n", "multipart/mixed{text/plain}", true); /* behind the end */
	check_shape(MIXED "--b\n\na\r--b\r\rz\n--b--\n", "multipart/mixed{text/plain}", true);    /* a lone CR */
	check_shape(MIXED "--b\n\na\r--c\r\rz\n--b--\n", "multipart/mixed{text/plain}", false);
	check_shape("Content-Type: multipart/mixed; boundary=\"b  \"\n\n--b  \n\na\n--b\n--b  --\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--b\n\na\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\n\n--bc\n\na\n--bc--\n", "multipart/mixed{text/plain}", false);
	check_shape("Content-Type: multipart/signed; boundary*0=b; boundary*1=c\n\n--bc\n\na\n--bc--\n", "multipart/signed{text/plain}", true);
	/* what others read in another way: a CR at the end of the line, blanks, quotes, the word in another place */
	check_shape(MIXED "--b\n\na\n--b\r\r\n\nz\n--b--\n", "multipart/mixed{text/plain,text/plain}", true);
	check_shape("Content-Type: multipart / mixed; boundary=b\n\n--b\n\na\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary =b\n\n--b\n\na\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/signed; boundary=b=c\n\n--b=c\n\na\n--b=c--\n", "multipart/signed{text/plain}", true);
	check_shape("Content-Type: multipart/signed; boundary=\"b=c\"\n\n--b=c\n\na\n--b=c--\n", "multipart/signed{text/plain}", false);
	check_shape("Content-Type: multipart/signed; x=\"; boundary=c\"; boundary=b\n\n--b\n\na\n--b--\n", "multipart/signed{text/plain}", true);
	check_shape("Content-Type: multipart/signed; x-boundary=c; boundary=b\n\n--b\n\na\n--b--\n", "multipart/signed{text/plain}", true);
	check_shape("Content-Type: multipart/signed; boundary=\"b;c\"\n\n--b;c\n\na\n--b;c--\n", "multipart/signed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary=\"b\xff\"\n\n--b\xff\n\na\n--b\xff--\n", "multipart/mixed{text/plain}", false);
	check_shape("Content-Type: multipart/mixed\n\n--b\n\na\n--b--\n", "multipart/mixed", true);
	check_shape("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\na\n----\n", "multipart/mixed", true);
}

#define INNER(b) "Content-Type: multipart/alternative; boundary=" b "\n\n"

static void nesting(void **state)
{
	check_shape(MIXED "--b\n" INNER("c") "--c\n\nx\n--c--\n--b\n\ny\n--b--\n",
		    "multipart/mixed{multipart/alternative{text/plain},text/plain}", false);
	/* the outer boundary is the beginning of the inner one, and the other way round */
	check_shape(MIXED "--b\n" INNER("bb") "--bb\n\nx\n--bb--\n--b\n\ny\n--b--\n",
		    "multipart/mixed{multipart/alternative{text/plain},text/plain}", false);
	check_shape("Content-Type: multipart/mixed; boundary=bb\n\n--bb\n" INNER("b") "--b\n\nx\n--b--\n--bb--\n",
		    "multipart/mixed{multipart/alternative{text/plain}}", false);
	check_shape(MIXED "--b\n" INNER("\"b c\"") "--b c\n\nx\n--b c--\n--b\n\ny\n--b--\n",
		    "multipart/mixed{multipart/alternative{text/plain},text/plain}", false);
	/* an inner one without end */
	check_shape(MIXED "--b\n" INNER("c") "--c\n\nx\n--b\n\ny\n--b--\n",
		    "multipart/mixed{multipart/alternative{text/plain},text/plain}", true);
	/* the same boundary again: the outer multipart has the parts */
	check_shape(MIXED "--b\n" INNER("b") "--b\n\nx\n--b--\n\n--b--\n", "multipart/mixed{multipart/alternative,text/plain}", true);
	/* "--b--" ends the outer one and would be a part of the inner one */
	check_shape(MIXED "--b\n" INNER("b--") "--b--\n\nx\n", "multipart/mixed{multipart/alternative}", true);
	/* an inner epilogue that has the inner boundary again */
	check_shape(MIXED "--b\n" INNER("c") "--c\n\nx\n--c--\n--c\n\nz\n--b--\n", "multipart/mixed{multipart/alternative{text/plain}}", true);
}

static void messages(void **state)
{
	check_shape("Content-Type: message/rfc822\n\nSubject: x\n\nbody\n", "message/rfc822{text/plain}", false);
	check_shape(MIXED "--b\nContent-Type: message/rfc822\n\n" INNER("c") "--c\n\nx\n--c--\n--b--\n",
		    "multipart/mixed{message/rfc822{multipart/alternative{text/plain}}}", false);
	check_shape("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b--\n",
		    "multipart/digest{message/rfc822{text/plain}}", false);
	check_shape(MIXED "--b\nContent-Type: message/rfc822\n--b\n\n--b--\n", "multipart/mixed{message/rfc822{text/plain},text/plain}", false);
	check_shape("Content-Type: message/rfc822", "message/rfc822{text/plain}", false);
	check_shape(MIXED "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nYQ==\n--b--\n",
		    "multipart/mixed{message/rfc822}", true);
	check_shape("Content-Type: message/rfc822\n\nFrom a@b x\nContent-Type: text/html\n\nbody\n", "message/rfc822{text/html}", false);
	assert_int_equal(parse("Content-Type: message/rfc822\n\nFrom a@b\nA: b\n")->first->header_at, 39);
	assert_string_equal(parse("Content-Type: message/rfc822\n\n" MIXED "--b\n\n--b--\n")->first->first->path, "1.1");
}

static void doubts(void **state)
{
	check_shape("Content-Type: text/html\nContent-Type: text/plain\n\n", "text/html", true);
	check_shape("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n", "text/plain", true);
	check_shape("Content-Transfer-Encoding: x-rot13\n\n", "text/plain", true);
	check_shape("Content-Type: multipart\n\n", "text/plain", true);
	check_shape("Content-Type: text/\x80" "html\n\n", "text/plain", true);
	check_shape("Content-Type: text/html/x\n\n", "text/plain", true);
	check_shape("Content-Type:\n\n", "text/plain", true);
	check_shape("A: b\n \nContent-Type: text/html\n\n", "text/html", true);
	check_shape("A: b\rContent-Type: text/html\n\n", "text/plain", true);
	check_shape("A: b\nno field\nContent-Type: text/html\n\n", "text/plain", true);
	check_shape("Content-Type : text/html\n\n", "text/html", true);
	check_shape("Content-Type: multipart/mixed; boundary (x)=b\n\n--b\n\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary=\"\\b\"\n\n--b\n\n--b--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary=\"b\n c\"\n\n--b c\n\n--b c--\n", "multipart/mixed{text/plain}", true);
	check_shape("Content-Type: multipart/mixed; boundary==_b?\n\n--=_b?\n\n--=_b?--\n", "multipart/mixed{text/plain}", false);
	check_shape("Content-Type: text/plain; charset=utf-8 (x)\n\n", "text/plain", false);
	check_shape("Content-Type: text/html; charset=\n\n", "text/html", false);
	check_shape("Content-Transfer-Encoding: base64\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n",
		    "multipart/mixed{text/plain}", true);
}

static struct buf decoded(const char *encoding, const char *body)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	buf_addf(&text, "Content-Transfer-Encoding: %s\n\n%s", encoding, body);
	assert_int_equal(entity_decode(parse(text.data), &out, NULL), 0);
	buf_release(&text);
	return out;
}

static void decoding(void **state)
{
	static const struct { const char *encoding, *in, *out; } cases[] = {
		{ "7bit", "a=3D\n", "a=3D\n" },
		{ "quoted-printable", "a=3Db=3d \t\r\nc=\r\nd=  \ne=", "a=b=\r\ncde" },
		{ "quoted-printable", "=4=zz=\n=", "=4=zz" },
		{ "quoted-printable", "=", "" },
		{ "quoted-printable", "=3", "=3" },
		{ "quoted-printable", "\xff=FF\n\n", "\xff\xff\n\n" },
		{ "base64", "YW\r\nJj\n", "abc" },
		{ "base64", "Y W!J*j", "abc" },
		{ "base64", "YQ==\nYg==\ntext", "a" },
		{ "base64", "YQ", "a" },
		{ "base64", "YQ=", "a" },
		{ "base64", "=", "" },
		{ "base64", "Y", "" },
		{ "x-uuencode", "begin", "begin" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = decoded(cases[i].encoding, cases[i].in);

		if (strcmp(buf_str(&out), cases[i].out) != 0)
			fail_msg("case %zu: %s", i, buf_str(&out));
		buf_release(&out);
	}
}

static int parse_rc(const struct buf *text, const struct mime_limits *l, struct error *err)
{
	struct entity *root;

	return entity_parse(&arena, span_from(text->data, text->len), l, &root, err);
}

static void parts_text(struct buf *b, size_t n)
{
	buf_clear(b);
	buf_addstr(b, MIXED);
	for (size_t i = 0; i < n; i++)
		buf_addstr(b, "--b\nA: b\n\nx\n");
	buf_addstr(b, "--b--\n");
}

static void nested_text(struct buf *b, size_t levels)
{
	buf_clear(b);
	for (size_t i = 1; i < levels; i++)
		buf_addf(b, "Content-Type: multipart/mixed; boundary=b%zu\n\n--b%zu\n", i, i);
	buf_addstr(b, "\nx\n");
}

static void past_limits(void **state)
{
	struct mime_limits l = { .header = 100, .parts = 4, .depth = 4 };
	struct error err = { 0 };
	struct buf b = BUF_INIT;

	parts_text(&b, 3); /* and the root */
	assert_int_equal(parse_rc(&b, &l, &err), 0);
	parts_text(&b, 4);
	assert_int_equal(parse_rc(&b, &l, &err), E_LIMIT);
	assert_string_equal(err.text, "more than 4 parts");
	nested_text(&b, 4);
	assert_int_equal(parse_rc(&b, &l, &err), 0);
	nested_text(&b, 5);
	assert_int_equal(parse_rc(&b, &l, &err), E_LIMIT);
	assert_string_equal(err.text, "parts nested deeper than 4");
	buf_clear(&b);
	buf_addstr(&b, MIXED "--b\nA: ");
	for (int i = 0; i < 96; i++)
		buf_addch(&b, 'x');
	buf_addstr(&b, "\n\n--b--\n");
	assert_int_equal(parse_rc(&b, &l, &err), 0);
	memcpy(b.data + b.len - 8, "xx\n\n", 4);
	assert_int_equal(parse_rc(&b, &l, &err), E_LIMIT);
	assert_string_equal(err.text, "part 1: header section has more than 100 bytes");
	l.header = SIZE_MAX; /* no limit must not wrap around */
	assert_int_equal(parse_rc(&b, &l, &err), 0);
	buf_release(&b);
}

static void check_bounds(struct span in, const struct entity *root)
{
	for (const struct entity *e = root; e; e = entity_walk(e, root)) {
		const struct entity *up = e->parent;

		assert_true(e->header_at <= e->body_at && e->body_at <= e->end_at && e->end_at <= in.n);
		assert_ptr_equal(e->whole.p, in.p + e->header_at);
		assert_ptr_equal(e->body.p, in.p + e->body_at);
		assert_int_equal(e->body.n, e->end_at - e->body_at);
		assert_true(e->preamble.n + e->epilogue.n <= e->body.n);
		if (up)
			assert_true(e->header_at >= up->body_at && e->end_at <= up->end_at);
		if (e->next)
			assert_true(e->end_at <= e->next->header_at);
	}
}

/* Every beginning of these parses, and all offsets stay in it. */
static void byte_by_byte(void **state)
{
	static const char *const texts[] = {
		MIXED "pre\r\n--b\r\nA: b\r\n\r\nx\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" INNER("\"c d\"")
		"--c d\n\n--c d\nX\n--c d--\n--c d\n--b\n--b\n\n--b--\r\nepi",
		INNER("c") "--c\nContent-Type: multipart/mixed; boundary=c\n\n--c\r\r\n--c--\n--c--\r--c\r\n--c\nA: b\n\n\n--c",
		"Content-Type: multipart/digest; boundary*0*=''%62; boundary*1=\"b\n c\"\n\n--bb c\n\nSubject: =?utf-8?q?x?=\n\ny\n--bb c--\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *copy = mem_alloc(n); /* exact, so that the sanitizer sees a byte too far */
			struct entity *root;

			memcpy(copy, texts[i], n);
			assert_int_equal(entity_parse(&arena, span_from(copy, n), &limits, &root, NULL), 0);
			check_bounds(span_from(copy, n), root);
			arena_release(&arena);
			free(copy);
		}
	}
}

static double seconds(const struct buf *text)
{
	struct mime_limits l = { .header = (size_t)1 << 30, .parts = (size_t)1 << 30, .depth = 1000 };
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		struct timespec from, to;
		struct entity *root;
		double s;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		assert_int_equal(entity_parse(&arena, span_from(text->data, text->len), &l, &root, NULL), 0);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		best = s < best ? s : best;
		arena_release(&arena);
	}
	return best;
}

static void repeat(struct buf *b, const char *head, const char *each, size_t n)
{
	buf_clear(b);
	buf_addstr(b, head);
	for (size_t i = 0; i < n; i++)
		buf_addstr(b, each);
	buf_addstr(b, "\n\n");
}

/* Eight times as much of anything takes about eight times as long; quadratic would be sixty-four. */
static void linear_time(void **state)
{
	static const struct { const char *head, *each; size_t n; } cases[] = {
		{ MIXED, "--b\nA: b\n\nx\n", 2000 },
		{ MIXED, "--b\n", 5000 },
		{ MIXED, "--b\nno field\n", 3000 },
		{ MIXED "--b\n", "A: b\n", 5000 },
		{ "", "A: b\n", 5000 },
		{ "A: b\n", " folded\n", 5000 },
		{ MIXED "--b\n\n", "--bb\n", 10000 },
		{ MIXED "--b\n\n", "\r--b", 10000 },
		{ "Content-Type: multipart/mixed; boundary=b", "; x=y", 3000 },
		{ "Content-Type: multipart/mixed; boundary*0=b", ";x*1=y", 3000 },
		{ "Content-Disposition: x; filename=\"", "=?utf-8?q?", 3000 },
		{ "Content-Disposition: x; filename=\"", "=?utf-8?q?x?= ", 3000 },
		{ "Content-Disposition: x", "(", 10000 },
		{ MIXED "--b\nContent-Type: message/rfc822\n\n", "x", 100000 },
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double one, eight;

		repeat(&b, cases[i].head, cases[i].each, cases[i].n);
		one = seconds(&b);
		repeat(&b, cases[i].head, cases[i].each, cases[i].n * 8);
		eight = seconds(&b);
		if (eight > one * 24 + 0.002)
			fail_msg("case %zu: %g s, eight times as much %g s", i, one, eight);
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(simple, clean),       cmocka_unit_test_teardown(boundaries, clean),
		cmocka_unit_test_teardown(nesting, clean),      cmocka_unit_test_teardown(messages, clean),
		cmocka_unit_test_teardown(doubts, clean),       cmocka_unit_test_teardown(decoding, clean),
		cmocka_unit_test_teardown(past_limits, clean),  cmocka_unit_test_teardown(byte_by_byte, clean),
		cmocka_unit_test_teardown(linear_time, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
