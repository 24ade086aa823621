/* canonical.c - the form of an entity that is signed (RFC 8551 section 3.1)
 *
 * A signature must survive every transport, so nothing is signed that one could change: the entity is 7-bit,
 * with CRLF, without blanks at the ends of lines.  What carries a signature or encryption of its own, and an attached
 * message, cannot be changed without breaking it.  If such a part has 8-bit bytes it keeps them and is labelled so, as are the
 * multiparts around it: every server of today carries 8BITMIME, and a user cannot mend the message that he forwards.
 */
#include "mime/canonical.h"

#include "lib/base64.h"
#include "mime/canonical_header.h"
#include "mime/decode.h"
#include "mime/lines.h"

#define LINE 76

struct writer {
	const struct entity *root; /* what is signed: the message or a part of it */
	struct buf *out;
	struct error *err;
};

/* The header and the empty line. */
static void write_header(struct writer *w, const struct entity *e, const char *encoding)
{
	canonical_header(e, e == w->root, encoding, w->out);
	buf_addstr(w->out, "\r\n");
}

static bool is_untouchable(const struct entity *e)
{
	static const char *const types[] = { "multipart/signed", "multipart/encrypted", "application/pkcs7-mime",
		"application/x-pkcs7-mime", "message/" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (entity_is(e, types[i]))
			return true;
	if (span_casestarts(span_of(e->type.text), "application/pgp-") || e->encoding == ENCODING_UNKNOWN)
		return true;
	/* a multipart without parts, or one that claims to be encoded: not ours to interpret */
	return entity_is(e, "multipart/") && (!e->first || e->encoding == ENCODING_QP || e->encoding == ENCODING_BASE64);
}

/* From the first boundary line to the last; the body of what is no multipart. */
static struct span without_surroundings(const struct entity *e)
{
	struct span s = e->body;

	if (!e->first || !entity_is(e, "multipart/"))
		return s;
	if (e->epilogue.p)
		s.n = (size_t)(e->epilogue.p - s.p);
	s = span_sub(s, e->preamble.n, s.n);
	if (span_casestarts(s, "\r\n"))
		return span_sub(s, 2, s.n);
	return span_casestarts(s, "\n") ? span_sub(s, 1, s.n) : s;
}

static int not_7bit(struct writer *w, const struct entity *e, const char *why)
{
	return error_set(w->err, E_PERM, "part %s (%s) has %s and must not be changed", *e->path ? e->path : "0", e->type.text, why);
}

static struct span kept_body(struct writer *w, const struct entity *e)
{
	return e == w->root ? without_surroundings(e) : e->body;
}

/* 8-bit bytes are text there; anywhere else they may be binary, which changing line breaks would destroy. */
static bool is_made_of_lines(const struct entity *e)
{
	return (entity_is(e, "message/") || entity_is(e, "multipart/")) && e->encoding != ENCODING_UNKNOWN;
}

static int write_untouched(struct writer *w, const struct entity *e)
{
	struct span body = kept_body(w, e);
	struct lines l;
	bool high;

	lines_inspect(body, &l);
	high = l.high && is_made_of_lines(e);
	if (high)
		l.high = 0;
	if (*lines_not_7bit(&l))
		return not_7bit(w, e, lines_not_7bit(&l));
	write_header(w, e, high ? "8bit" : NULL);
	canonical_lines(body, w->out);
	return 0;
}

/* Whether some part inside keeps 8-bit bytes. */
static bool keeps_8bit(struct writer *w, const struct entity *e)
{
	struct lines l;

	if (is_untouchable(e)) {
		lines_inspect(kept_body(w, e), &l);
		return l.high > 0;
	}
	for (const struct entity *c = e->first; c; c = c->next)
		if (keeps_8bit(w, c))
			return true;
	return false;
}

/* The transfer encoding that a multipart must declare; NULL: what it has declared is right. */
static const char *multipart_label(struct writer *w, const struct entity *e)
{
	if (keeps_8bit(w, e))
		return "8bit";
	return e->encoding == ENCODING_8BIT || e->encoding == ENCODING_BINARY ? "7bit" : NULL;
}

static void write_base64(struct writer *w, const struct entity *e, struct span bytes)
{
	write_header(w, e, "base64");
	base64_encode(w->out, bytes.p, bytes.n, LINE, "\r\n");
}

/* The body with CRLF and without its encoding: line breaks first, so that an encoded LF stays one. */
static void decode_text(const struct entity *e, struct buf *out)
{
	struct buf lines = BUF_INIT;

	if (e->encoding != ENCODING_QP) {
		canonical_lines(e->body, out);
		return;
	}
	canonical_lines(e->body, &lines);
	qp_decode(out, span_from(buf_str(&lines), lines.len));
	buf_release(&lines);
}

/* Quoted-printable where it stays readable and shorter, as for most text. */
static void write_text(struct writer *w, const struct entity *e)
{
	struct buf text = BUF_INIT;
	struct span s;
	struct lines l;

	decode_text(e, &text);
	s = span_from(buf_str(&text), text.len);
	lines_inspect(s, &l);
	if (l.high > s.n / 6 || l.nul || entity_is(e, "text/calendar")) {
		write_base64(w, e, s);
	} else {
		write_header(w, e, "quoted-printable");
		qp_encode(w->out, s);
	}
	buf_release(&text);
}

static void write_encoded(struct writer *w, const struct entity *e, const struct lines *l)
{
	bool text = entity_is(e, "text/") && !(l->nul && e->encoding != ENCODING_QP);
	struct buf bytes = BUF_INIT;

	if ((text && e->encoding != ENCODING_BASE64) || e->encoding == ENCODING_QP) {
		write_text(w, e);
		return;
	}
	entity_decode(e, &bytes, NULL);
	write_base64(w, e, span_from(buf_str(&bytes), bytes.len));
	buf_release(&bytes);
}

static void write_leaf(struct writer *w, const struct entity *e)
{
	bool relabel = e->encoding == ENCODING_8BIT || e->encoding == ENCODING_BINARY;
	struct lines l;

	lines_inspect(e->body, &l);
	if (lines_fragile(&l) || (e->encoding == ENCODING_BINARY && !entity_is(e, "text/"))) {
		write_encoded(w, e, &l);
		return;
	}
	write_header(w, e, relabel ? "7bit" : NULL);
	canonical_lines(e->body, w->out);
}

/* Text around the parts of an inner multipart; it is not content, so what is not safe is left out. */
static bool is_clean(struct span s)
{
	struct lines l;

	lines_inspect(s, &l);
	return s.n && !lines_fragile(&l);
}

static struct span boundary_of(const struct entity *e)
{
	for (size_t i = 0; i < e->type.n; i++)
		if (strcmp(e->type.parameters[i].name, "boundary") == 0)
			return e->type.parameters[i].raw;
	return span_from(NULL, 0);
}

static int write_entity(struct writer *w, const struct entity *e);

/* Recursion is as deep as the tree, which entity_parse has limited. */
static int write_multipart(struct writer *w, const struct entity *e)
{
	struct buf *out = w->out;
	struct span boundary = boundary_of(e);
	struct lines l;

	lines_inspect(boundary, &l);
	if (lines_fragile(&l))
		return not_7bit(w, e, "a boundary that is not ASCII or ends with a blank");
	canonical_header(e, e == w->root, multipart_label(w, e), out);
	if (e != w->root && is_clean(e->preamble)) {
		buf_addstr(out, "\r\n");
		canonical_lines(e->preamble, out);
	}
	for (const struct entity *c = e->first; c; c = c->next) {
		buf_addstr(out, "\r\n--");
		buf_add(out, boundary.p, boundary.n);
		buf_addstr(out, "\r\n");
		if (write_entity(w, c) < 0)
			return E_PERM;
	}
	buf_addstr(out, "\r\n--");
	buf_add(out, boundary.p, boundary.n);
	buf_addstr(out, "--\r\n");
	if (e != w->root && is_clean(e->epilogue))
		canonical_lines(e->epilogue, out);
	return 0;
}

static int write_entity(struct writer *w, const struct entity *e)
{
	if (is_untouchable(e))
		return write_untouched(w, e);
	if (e->first)
		return write_multipart(w, e);
	write_leaf(w, e);
	return 0;
}

int canonical_entity(const struct entity *root, struct buf *out, struct error *err)
{
	struct writer w = { root, out, err };

	return write_entity(&w, root);
}

void canonical_as_is(const struct entity *root, struct buf *out)
{
	canonical_header(root, true, NULL, out);
	buf_addstr(out, "\r\n");
	canonical_lines(without_surroundings(root), out);
}
