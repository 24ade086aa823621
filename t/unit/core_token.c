/* core_token.c - tokens: written, read, bound to message and recipients, told from forgeries; digests of content; plain MAC fields */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/address.h"
#include "lib/config.h"
#include "mac.h"
#include "token.h"

#define KEY "0123456789abcdef"
#define ID "0123456789abcdef01234567"
#define CONTENT ID ID "0123456789abcdef"

static const char head[] = "From: Bob <bob@partner.example>\nTo: x\nMessage-ID: <1@partner.example>\nSubject: s\n\n";
static const char *const people[] = { "alice@here.example", "rita@here.example" };

struct fixture {
	struct arena a;
	struct buf field;
};

static struct token sample(void)
{
	return (struct token){ .id = ID, .host = "mx.here.example", .node = "node-1", .time = 1000000, .inside = DELIVER_ORIGINAL,
			       .content = CONTENT, .result = { .word = RESULT_PASS, .reason = "", .text = "", .encrypted = true,
			       .layers = "enveloped:aes-256-cbc:rsa,clear-signed", .signer = "bob@partner.example", .subject = "CN=\"B;mac=\n",
			       .issuer = "", .serial = "01", .verdict = "valid", .modified = "" } };
}

static int write_to(struct fixture *f, const char *text, const char *sender, const struct token *t, const char *const *to, size_t n)
{
	struct header h;

	buf_clear(&f->field);
	assert_int_equal(header_parse(&f->a, span_of(text), 100000, &h, NULL), 0);
	return token_write(&f->field, NULL, span_of(KEY), t, &(struct token_message){ &h, sender }, to, n, "\n", NULL);
}

static int read_from(struct fixture *f, const char *key, const char *token, const char *text, const char *sender, struct token *out,
		     bool *fits)
{
	char *all = arena_printf(&f->a, "%s%s", token, text);
	struct header h;

	assert_int_equal(header_parse(&f->a, span_of(all), 1000000, &h, NULL), 0);
	return token_read(&f->a, NULL, span_of(key), &(struct token_message){ &h, sender }, out, fits, NULL);
}

static bool fits(struct fixture *f, const char *text, const char *sender)
{
	struct token t;
	bool it_does;

	assert_int_equal(read_from(f, KEY, buf_str(&f->field), text, sender, &t, &it_does), 0);
	return it_does;
}

static bool covers(const struct token *t, const char *recipient)
{
	bool it_does;

	assert_int_equal(token_covers(NULL, span_of(KEY), t, recipient, &it_does, NULL), 0);
	return it_does;
}

static void release(struct fixture *f)
{
	buf_release(&f->field);
	arena_release(&f->a);
}

static void round_trip(void **state)
{
	struct fixture f = { 0 };
	struct token t = sample(), u;
	bool it_fits;

	assert_int_equal(write_to(&f, head, "bob@partner.example", &t, people, 2), 0);
	assert_int_equal(read_from(&f, KEY, buf_str(&f.field), head, "bob@partner.example", &u, &it_fits), 0);
	assert_true(it_fits);
	assert_string_equal(u.id, t.id);
	assert_string_equal(u.host, t.host);
	assert_string_equal(u.node, t.node);
	assert_string_equal(u.content, t.content);
	assert_int_equal(u.time, t.time);
	assert_int_equal(u.inside, t.inside);
	assert_int_equal(u.result.word, RESULT_PASS);
	assert_true(u.result.encrypted);
	assert_string_equal(u.result.layers, t.result.layers);
	assert_string_equal(u.result.subject, t.result.subject);
	assert_string_equal(u.result.issuer, "");
	assert_true(covers(&u, "alice@here.example") && covers(&u, "RITA@HERE.example"));
	assert_false(covers(&u, "carol@here.example") || covers(&u, "") || covers(&u, "alice@here.exampl"));
	assert_null(strstr(f.field.data, "alice"));
	release(&f);
}

static void is_bound_to_its_message(void **state)
{
	struct fixture f = { 0 };
	struct token t = sample();

	assert_int_equal(write_to(&f, head, "bob@partner.example", &t, people, 2), 0);
	assert_true(fits(&f, head, "BOB@partner.example"));
	assert_true(fits(&f, "Received: x\nMessage-Id:\n <1@partner.example>\nFrom:  Bob\n <bob@partner.example>\nSubject: other\n\n",
			 "bob@partner.example"));
	assert_false(fits(&f, head, "eve@partner.example"));
	assert_false(fits(&f, head, ""));
	assert_false(fits(&f, "From: Bob <bob@partner.example>\nMessage-ID: <2@partner.example>\n\n", "bob@partner.example"));
	assert_false(fits(&f, "From: Bob <bob@partner.example>\n\n", "bob@partner.example"));
	assert_true(fits(&f, "From: \"B\" <Bob@partner.example>\nMessage-ID: <1@partner.example>\n\n", "bob@partner.example"));
	assert_false(fits(&f, "From: Bob <eve@partner.example>\nMessage-ID: <1@partner.example>\n\n", "bob@partner.example"));
	assert_false(fits(&f, "From: Bob <bob@partner.example>\nFrom: e@x\nMessage-ID: <1@partner.example>\n\n", "bob@partner.example"));
	assert_int_equal(write_to(&f, "From: a@b\n\n", "", &t, people, 2), 0); /* it may be given a Message-ID on the way */
	assert_true(fits(&f, "From: a@b\nMessage-ID: <x@y>\n\n", ""));
	release(&f);
}

static void any_change_is_noticed(void **state)
{
	struct fixture f = { 0 };
	struct token t = sample(), u;
	bool it_fits;

	assert_int_equal(write_to(&f, head, "bob@partner.example", &t, people, 2), 0);
	for (size_t i = strlen("X-Postern-Token:"); i < f.field.len; i++) {
		char was = f.field.data[i];

		if (ascii_space((unsigned char)was))
			continue;
		f.field.data[i] = was == 'Q' ? 'R' : 'Q';
		if (read_from(&f, KEY, buf_str(&f.field), head, "bob@partner.example", &u, &it_fits) != E_PERM || it_fits)
			fail_msg("byte %zu of\n%s", i, f.field.data);
		f.field.data[i] = was;
	}
	assert_int_equal(read_from(&f, KEY "x", buf_str(&f.field), head, "bob@partner.example", &u, &it_fits), E_PERM);
	assert_int_equal(read_from(&f, KEY, "", head, "bob@partner.example", &u, &it_fits), E_NOTFOUND);
	assert_int_equal(read_from(&f, KEY, arena_printf(&f.a, "%s%s", f.field.data, f.field.data), head, "bob@partner.example", &u, &it_fits),
			 E_PERM);
	release(&f);
}

/* Genuine by its MAC, but not one that we write. */
static void odd_texts(void **state)
{
	static const struct mac_kind kind = { "X-Postern-Token", "X-Postern-Token\n", 0 }, record = { "X-Postern-Token", "", 0 };
	static const char good[] = "v=1;id=" ID ";time=5;inside=decrypted;content=" CONTENT ";result=none";
	static const char *const bad[] = {
		"", "v=1", "v=2;id=" ID ";time=5;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=" ID "0;time=5;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=../" ID ";time=5;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=0123456789ABCDEF01234567;time=5;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=" ID ";time=-5;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=" ID ";time=9223372036854775808;inside=decrypted;content=" CONTENT ";result=none",
		"v=1;id=" ID ";time=5;inside=all;content=" CONTENT ";result=none", "v=1;id=" ID ";time=5;inside=decrypted;result=none",
		"v=1;id=" ID ";time=5;inside=decrypted;content=" CONTENT ";result=perfect",
		"v=1;id=" ID ";time=5;inside=decrypted;content=" CONTENT,
	};
	struct fixture f = { 0 };
	struct token t;
	bool it_fits;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_clear(&f.field);
		assert_int_equal(mac_write(&f.field, NULL, span_of(KEY), &kind, bad[i], "\n", NULL), 0);
		if (read_from(&f, KEY, buf_str(&f.field), head, "", &t, &it_fits) != E_PERM)
			fail_msg("accepted: %s", bad[i]);
	}
	buf_clear(&f.field);
	assert_int_equal(mac_write(&f.field, NULL, span_of(KEY), &kind, good, "\n", NULL), 0);
	assert_int_equal(read_from(&f, KEY, buf_str(&f.field), head, "", &t, &it_fits), 0);
	assert_false(it_fits);
	buf_clear(&f.field); /* with the MAC of a record */
	assert_int_equal(mac_write(&f.field, NULL, span_of(KEY), &record, good, "\n", NULL), 0);
	assert_int_equal(read_from(&f, KEY, buf_str(&f.field), head, "", &t, &it_fits), E_PERM);
	release(&f);
}

static void limits(void **state)
{
	const char *many[TOKEN_RECIPIENTS + 1];
	struct fixture f = { 0 };
	struct token t = sample(), u;
	bool it_fits;
	size_t used;

	for (size_t i = 0; i <= TOKEN_RECIPIENTS; i++)
		many[i] = arena_printf(&f.a, "r%zu@here.example", i);
	assert_int_equal(write_to(&f, head, "", &t, many, TOKEN_RECIPIENTS), 0);
	assert_int_equal(read_from(&f, KEY, buf_str(&f.field), head, "", &u, &it_fits), 0);
	for (size_t i = 0; i < TOKEN_RECIPIENTS; i++)
		assert_true(covers(&u, many[i]));
	assert_false(covers(&u, many[TOKEN_RECIPIENTS]));
	assert_int_equal(write_to(&f, head, "", &t, many, TOKEN_RECIPIENTS + 1), E_LIMIT);

	/* the longest text, and one byte more */
	t.result.layers = "";
	assert_int_equal(write_to(&f, head, "", &t, people, 1), 0);
	used = 0;
	for (const char *p = buf_str(&f.field) + strlen("X-Postern-Token:"), *end = strstr(p, "mac="); p < end; p++)
		used += !ascii_space((unsigned char)*p);
	used -= 1; /* the semicolon before the MAC */
	for (size_t more = 0; more < 2; more++) {
		size_t n = TOKEN_MAX - used - strlen(";layers=") + more;
		char *layers = arena_alloc(&f.a, n + 1);

		memset(layers, 'x', n);
		t.result.layers = layers;
		assert_int_equal(write_to(&f, head, "", &t, people, 1), more ? E_TEMP : 0);
		if (!more)
			assert_int_equal(read_from(&f, KEY, buf_str(&f.field), head, "", &u, &it_fits), 0);
	}
	release(&f);
}

static void too_long_is_not_read(void **state)
{
	static const struct mac_kind any = { "X-Test", "x", 0 }, ten = { "X-Test", "x", 10 }, less = { "X-Test", "x", 9 };
	struct fixture f = { 0 };
	const char *text;
	struct header h;

	assert_int_equal(mac_write(&f.field, NULL, span_of(KEY), &any, "0123456789", "\n", NULL), 0);
	assert_int_equal(header_parse(&f.a, span_of(buf_str(&f.field)), 1000, &h, NULL), 0);
	assert_int_equal(mac_read(&f.a, NULL, span_of(KEY), &ten, &h, &text, NULL), 0);
	assert_string_equal(text, "0123456789");
	assert_int_equal(mac_read(&f.a, NULL, span_of(KEY), &less, &h, &text, NULL), E_PERM);
	release(&f);
}

static void values(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT;

	mac_add_value(&b, "one", "a;b=c %41\x01");
	mac_add_value(&b, "none", "");
	mac_add_value(&b, "two", "\xc3\xa4");
	assert_string_equal(mac_value(&a, b.data + 1, "one"), "a;b=c %41\x01");
	assert_string_equal(mac_value(&a, b.data + 1, "two"), "\xc3\xa4");
	assert_string_equal(mac_value(&a, b.data + 1, "none"), "");
	assert_string_equal(mac_value(&a, b.data + 1, "ne"), "");
	assert_string_equal(mac_value(&a, "x=%4;y=%;z=%zz;w=%41", "x"), "%4");
	assert_string_equal(mac_value(&a, "x=%4;y=%;z=%zz;w=%41", "y"), "%");
	assert_string_equal(mac_value(&a, "x=%4;y=%;z=%zz;w=%41", "z"), "%zz");
	assert_string_equal(mac_value(&a, "x=%4;y=%;z=%zz;w=%41", "w"), "A");
	buf_release(&b);
	arena_release(&a);
}

/* ---- content ---- */

static const char *digest(struct arena *a, const char *subject, const char *message)
{
	const struct mime_limits limits = { 10000, 100, 10 };
	char hex[CONTENT_HEX + 1];

	assert_int_equal(content_digest(a, span_of(subject), span_of(message), &limits, hex, NULL), 0);
	return arena_strdup(a, hex);
}

#define MIXED(b, cte, text) "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=" b "\n\n--" b "\nContent-Type: text/plain; " \
	"charset=utf-8\n" cte "\n" text "\n--" b "\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\nAAEC\n--" \
	b "--\n"

static void content_is_the_same(void **state)
{
	static const struct { const char *one, *other; } same[] = {
		{ "Content-Type: text/plain\n\nline\nline\n", "Received: x\nContent-Type:  text/plain;\n charset=us-ascii\n\nline\r\nline\r\n\r\n" },
		{ "\nline\n", "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain\n\nl=69ne\n" },
		{ "\nline\n", "Content-Transfer-Encoding: base64\n\nbGluZQ==\n" },
		{ MIXED("a", "", "t\xc3\xa4xt"), MIXED("other", "Content-Transfer-Encoding: quoted-printable\n", "t=C3=A4xt") },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (strcmp(digest(&a, "s", same[i].one), digest(&a, "s", same[i].other)) != 0)
			fail_msg("case %zu", i);
	assert_string_equal(digest(&a, "a b\xc3\xa4", "\nx"), digest(&a, " =?utf-8?Q?a_b=C3=A4?=", "\nx"));
	arena_release(&a);
}

#define BASE64(name, text) "Content-Type: application/zip" name "\nContent-Disposition: attachment; filename=a.zip\n" \
	"Content-Transfer-Encoding: base64\n\n" text

static void content_differs(void **state)
{
	static const char one[] = MIXED("a", "", "text");
	static const char *const others[] = {
		MIXED("a", "", "text "), MIXED("a", "", "text\nmore"), MIXED("a", "", ""), MIXED("a", "X: y\n", "texT"),
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\ntext\n--a--\n",
		"MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\ntext\n"
		"--a\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\nAAEC\n--a--\n",
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\nseen by some\n--a\nContent-Type: text/plain; charset=utf-8\n\ntext\n"
		"--a\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\nAAEC\n--a--\n",
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\ntext\n"
		"--a\nContent-Type: application/zip; name=a.exe\nContent-Transfer-Encoding: base64\n\nAAEC\n--a--\n",
	};
	static const char attached[] = "Content-Type: message/rfc822\n\nFrom: a@b\nSubject: x\n\nbody\n";
	static const char from[] = "Content-Type: message/rfc822\n\nFrom: a@c\nSubject: x\n\nbody\n";
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(digest(&a, "s", one), digest(&a, "s", others[i])) == 0)
			fail_msg("case %zu", i);
	/* what a program sees that goes on behind the padding, does not skip foreign characters, or prefers the other name */
	assert_string_not_equal(digest(&a, "s", BASE64("", "AAEC\n")), digest(&a, "s", BASE64("", "AAEC\nAA==\nAAEC\n")));
	assert_string_not_equal(digest(&a, "s", BASE64("", "AA==\n")), digest(&a, "s", BASE64("", "AA==\nAAEC\n")));
	assert_string_not_equal(digest(&a, "s", BASE64("", "AAEC\n")), digest(&a, "s", BASE64("", "AA-EC\n")));
	assert_string_not_equal(digest(&a, "s", BASE64("; name=a.exe", "AAEC\n")), digest(&a, "s", BASE64("; name=a.zip", "AAEC\n")));
	assert_string_equal(digest(&a, "s", BASE64("; name=a.zip", "AAEC\n")), digest(&a, "s", BASE64("", "AA\r\nEC\n")));
	assert_string_not_equal(digest(&a, "s", one), digest(&a, "[SPAM] s", one));
	assert_string_not_equal(digest(&a, "s", attached), digest(&a, "s", from));
	assert_string_equal(digest(&a, "s", attached), digest(&a, "s", "X-Scan: y\nContent-Type: message/rfc822\n\nFrom:  a@b\nSubject: x\n\nbody\n"));
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(is_bound_to_its_message), cmocka_unit_test(any_change_is_noticed),
		cmocka_unit_test(odd_texts), cmocka_unit_test(limits), cmocka_unit_test(too_long_is_not_read), cmocka_unit_test(values),
		cmocka_unit_test(content_is_the_same), cmocka_unit_test(content_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
