/* core_result.c - the result record: written, verified, bound to the message, told from forgeries */
#include "test.h"

#include <string.h>

#include "result.h"

static const char message[] = "From: a@b\nDate: today\nMessage-ID: <1@b>\nSubject: x\n";
static const char body_text[] = "line one\nline two\n\n";
static const struct result good = { .word = RESULT_PASS, .reason = "", .text = "all good", .encrypted = true,
	.layers = "enveloped:aes-256-cbc:rsa", .signer = "a@b", .subject = "CN=A; mac=forged\r\nB", .issuer = "CN=\"CA\"",
	.serial = "01", .verdict = "valid" };

struct fixture {
	struct arena a;
	struct buf bytes; /* the message with the result fields */
};

static void make(struct fixture *f, const char *key)
{
	struct header h;
	char *head = arena_printf(&f->a, "%s\n", message);
	struct span body = span_of(body_text);

	assert_int_equal(header_parse(&f->a, span_of(head), 100000, &h, NULL), 0);
	assert_int_equal(result_write(&f->bytes, NULL, span_of(key), "mx.example", "Q1", 0, &good, &h, &body, 1, "\n", NULL), 0);
	buf_addstr(&f->bytes, head);
	buf_addstr(&f->bytes, body_text);
}

static int verify(struct fixture *f, const char *key, struct span bytes)
{
	struct header h;
	const char *record;

	assert_int_equal(header_parse(&f->a, bytes, 100000, &h, NULL), 0);
	return result_verify(&f->a, NULL, span_of(key), "mx.example", &h, span_sub(bytes, h.body, bytes.n), &record, NULL);
}

static void release(struct fixture *f)
{
	buf_release(&f->bytes);
	arena_release(&f->a);
}

static void verifies(void **state)
{
	struct fixture f = { 0 };
	char *crlf, *p;

	make(&f, "0123456789abcdef");
	assert_int_equal(verify(&f, "0123456789abcdef", span_from(f.bytes.data, f.bytes.len)), 0);
	assert_int_equal(verify(&f, "0123456789abcdeg", span_from(f.bytes.data, f.bytes.len)), E_PERM);
	crlf = p = arena_alloc(&f.a, f.bytes.len * 2);
	for (size_t i = 0; i < f.bytes.len; i++) { /* on its way it gets CRLF and loses empty lines at the end */
		if (f.bytes.data[i] == '\n')
			*p++ = '\r';
		*p++ = f.bytes.data[i];
	}
	assert_int_equal(verify(&f, "0123456789abcdef", span_from(crlf, (size_t)(p - crlf) - 2)), 0);
	release(&f);
}

/* Changing any single byte of the result fields, From, Date, Message-ID or body must be noticed. */
static void any_change_is_noticed(void **state)
{
	struct fixture f = { 0 };
	size_t subject;

	make(&f, "0123456789abcdef");
	subject = (size_t)(strstr(f.bytes.data, "Subject:") - f.bytes.data);
	for (size_t i = 0; i < f.bytes.len - 2; i++) {
		char was = f.bytes.data[i];

		if (ascii_space((unsigned char)was) || (i >= subject && i < subject + 12))
			continue;
		f.bytes.data[i] = was == 'Q' ? 'R' : 'Q';
		if (verify(&f, "0123456789abcdef", span_from(f.bytes.data, f.bytes.len)) == 0)
			fail_msg("byte %zu of\n%s", i, f.bytes.data);
		f.bytes.data[i] = was;
	}
	release(&f);
}

static void refuses_what_is_not_there(void **state)
{
	struct fixture f = { 0 };
	struct buf twice = BUF_INIT;

	assert_int_equal(verify(&f, "0123456789abcdef", span_of("From: a@b\n\nx\n")), E_NOTFOUND);
	assert_int_equal(verify(&f, "0123456789abcdef", span_of("X-Postern-Result: v=1; result=pass\nFrom: a@b\n\nx\n")), E_PERM);
	assert_int_equal(verify(&f, "0123456789abcdef", span_of("X-Postern-Result: v=1; mac=\nFrom: a@b\n\nx\n")), E_PERM);
	make(&f, "0123456789abcdef");
	buf_addstr(&twice, "X-Postern-Result: v=1; result=pass\n");
	buf_add(&twice, f.bytes.data, f.bytes.len);
	assert_int_equal(verify(&f, "0123456789abcdef", span_from(twice.data, twice.len)), E_PERM);
	buf_clear(&twice); /* a claim beside a genuine record */
	buf_addstr(&twice, "Authentication-Results: mx.example; smime=pass\n");
	buf_add(&twice, f.bytes.data, f.bytes.len);
	assert_int_equal(verify(&f, "0123456789abcdef", span_from(twice.data, twice.len)), E_PERM);
	buf_clear(&twice);
	buf_addstr(&twice, "Authentication-Results: other.example; spf=pass\n");
	buf_add(&twice, f.bytes.data, f.bytes.len);
	assert_int_equal(verify(&f, "0123456789abcdef", span_from(twice.data, twice.len)), 0);
	buf_release(&twice);
	release(&f);
}

static bool reserved(const char *line)
{
	struct arena a = ARENA_INIT;
	struct header h;
	bool is;

	assert_int_equal(header_parse(&a, span_of(line), 1000, &h, NULL), 0);
	assert_int_equal(h.n, 1);
	is = result_is_reserved(&a, "mx.example", &h.fields[0]);
	arena_release(&a);
	return is;
}

static void reserved_fields(void **state)
{
	static const char *const ours[] = { "X-Postern-Result: x\n", "x-POSTERN-anything: x\n", "X-Postern-Result : x\n",
		"Authentication-Results: mx.example; smime=pass\n", "authentication-results: MX.EXAMPLE; smime=pass\n",
		"Authentication-Results: (c) mx.example (d); smime=pass\n", "Authentication-Results: mx.example 1; smime=pass\n",
		"Authentication-Results:\n mx.example;\n smime=pass\n", "Authentication-Results: \"mx.example\"; smime=pass\n",
		"Authentication-Results: =?utf-8?Q?mx=2Eexample?=; smime=pass\n", "Authentication-Results: mx.example/1; smime=pass\n",
		"Authentication-Results: ; smime=pass\n", "Authentication-Results: mx.example\n" };
	static const char *const others[] = { "Authentication-Results: mx.other.example; smime=pass\n", "X-Other: mx.example\n",
		"Authentication-Results: notmx.example; dkim=pass\n", "X-Posterns: x\n" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!reserved(ours[i]))
			fail_msg("let through: %s", ours[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (reserved(others[i]))
			fail_msg("taken away: %s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies), cmocka_unit_test(any_change_is_noticed), cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(reserved_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
