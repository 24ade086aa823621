/* plaintext.c - is what was decrypted without a tag one well-formed MIME entity? (EFAIL, RFC 8551 section 6)
 *
 * CBC protects nothing: who alters a block gets a block of noise in one place and bits of his choice in the
 * next; who alters the initial vector gets bits of his choice in the first block alone.  So noise is looked for
 * everywhere, and the start of the header must be one that mail programs write:
 *  - a header is fields only, UTF-8 without control characters, with exactly one Content-Type of a known
 *    top-level type (or it is a message's header without any MIME field), and begins with a known field;
 *  - text, and whatever claims to be 7-bit, base64 or quoted-printable, is UTF-8 without control characters;
 *    only text in another declared charset may have other bytes, and only binary parts may have NUL;
 *  - a multipart has parts, and only one reading;
 *  - content without any header is legal if all of it is text and no line of the first paragraph is like a MIME field;
 *  - a CMS structure without MIME header is legal if it is whole.
 * Noise of 16 bytes passes once in a million times, but in text of another charset once in six times, and in binary parts always: a
 * windows-1252 text that calls itself iso-8859-1 is too common to be refused for its bytes.  A changed letter in a text without header
 * passes: only a signature or AES-GCM tells.
 */
#include "lib/address.h"
#include "smime/layer.h"

static bool has_controls(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && !strchr("\t\n\v\f\r\x1b", c)) || c == 0 || c == 0x7f)
			return true;
	}
	return false;
}

static bool is_text(struct span s)
{
	return !has_controls(s) && utf8_valid(s);
}

/* What may stand first: with one bit changed, "Content-Type" is some other field. */
static bool known_field(struct span name)
{
	static const char *const exact[] = { "mime-version", "from", "to", "cc", "bcc", "subject", "date", "message-id",
		"received", "return-path", "reply-to", "sender", "in-reply-to", "references", "user-agent", "comments",
		"keywords", "organization", "autocrypt", "openpgp", "delivered-to", "importance", "priority", "precedence",
		"sensitivity", "disposition-notification-to", "dkim-signature", "authentication-results", "auto-submitted",
		"accept-language", "errors-to", "return-receipt-to", "hp-outer", "encoding", "expires" };
	static const char *const families[] = { "content-", "x-", "list-", "resent-", "thread-", "arc-", "original-" };

	for (size_t i = 0; i < sizeof(exact) / sizeof(*exact); i++)
		if (span_caseeq(name, exact[i]))
			return true;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (span_casestarts(name, families[i]))
			return true;
	return false;
}

static bool known_type(const char *type)
{
	static const char *const tops[] = { "text/", "multipart/", "application/", "message/", "image/", "audio/",
		"video/", "font/", "model/", "chemical/", "x-" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		if (span_casestarts(span_of(type), tops[i]))
			return true;
	return false;
}

static bool has_mime_fields(const struct header *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (span_casestarts(h->fields[i].name, "content-") || span_caseeq(h->fields[i].name, "mime-version"))
			return true;
	return false;
}

static bool is_message(const struct header *h)
{
	return header_find(h, "From", NULL) && (header_find(h, "Date", NULL) || header_find(h, "Subject", NULL));
}

static const char *header_objection(struct arena *a, const struct header *h)
{
	const struct header_field *type = header_find(h, "Content-Type", NULL);
	const struct header_field *version = header_find(h, "MIME-Version", NULL);
	struct header_value value;

	if (h->garbage)
		return "a line in its header is no field";
	if (!is_text(h->bytes))
		return "noise in its header";
	if (!known_field(h->fields[0].name))
		return "its header begins with an unknown field";
	if (!type)
		return has_mime_fields(h) || !is_message(h) ? "its header has no Content-Type" : NULL;
	if (header_count(h, "Content-Type") > 1)
		return "its header has two Content-Type fields";
	header_value_parse(a, type->value, &value);
	if (value.malformed || !known_type(value.text))
		return "its Content-Type is malformed";
	if (version && !span_casestarts(span_trim(version->value), "1.0"))
		return "its MIME-Version is not 1.0";
	return NULL;
}

static bool other_charset(const struct entity *e)
{
	return *e->charset && !ascii_caseeq(e->charset, "utf-8") && !ascii_caseeq(e->charset, "us-ascii");
}

static const char *leaf_objection(const struct entity *e)
{
	bool text = entity_is(e, "text/");

	if (e->encoding == ENCODING_UNKNOWN)
		return "unknown transfer encoding";
	if (!text && e->encoding == ENCODING_BINARY)
		return NULL;
	if (!text && e->encoding == ENCODING_8BIT)
		return memchr(e->body.p, 0, e->body.n) ? "NUL in an 8-bit part" : NULL;
	if (text && other_charset(e) && (e->encoding == ENCODING_8BIT || e->encoding == ENCODING_BINARY))
		return has_controls(e->body) ? "noise in a text" : NULL;
	return is_text(e->body) ? NULL : "noise in a part";
}

static const char *entity_objection(const struct entity *e)
{
	if (e->header.n && !is_text(e->header.bytes))
		return "noise in the header of a part";
	if (!e->first)
		return entity_is(e, "multipart/") && !e->parent ? "a multipart without parts" : leaf_objection(e);
	return is_text(e->preamble) && is_text(e->epilogue) ? NULL : "noise around the parts";
}

static const char *tree_objection(const struct entity *root)
{
	if (root->ambiguous)
		return root->why_ambiguous;
	for (const struct entity *e = root; e; e = entity_walk(e, root)) {
		const char *objection = entity_objection(e);

		if (objection)
			return objection;
	}
	return NULL;
}

static const char *bare_objection(struct arena *a, struct span content)
{
	struct cms_shape shape;

	cms_check(a, content, &shape);
	return shape.status == LAYER_OPEN || shape.status == LAYER_UNSUPPORTED ? NULL : shape.why;
}

/* Does the first paragraph have what was a MIME header before its first block was altered? */
static bool ruined_header(struct span s)
{
	while (s.n) {
		ptrdiff_t lf = span_find(s, '\n');
		struct span line = span_sub(s, 0, lf < 0 ? s.n : (size_t)lf);

		if (!span_trim(line).n)
			return false;
		if (span_casestarts(line, "Content-") || span_casestarts(line, "MIME-Version"))
			return true;
		s = span_sub(s, lf < 0 ? s.n : (size_t)lf + 1, s.n);
	}
	return false;
}

static bool no_header(const struct header *h)
{
	return !h->n || (h->garbage && !has_mime_fields(h) && !is_message(h));
}

bool plaintext_hides_text(struct opening *o, struct span content)
{
	struct header h;

	return header_parse(o->arena, content, o->limits->mime.header, &h, NULL) == 0 && h.n && no_header(&h);
}

const char *plaintext_objection(struct opening *o, struct span content, int *rc)
{
	struct header h;
	struct entity *root;
	const char *objection;
	int result;

	if (cms_peek(content) != LAYER_UNKNOWN)
		return bare_objection(o->arena, content);
	result = header_parse(o->arena, content, o->limits->mime.header, &h, o->err);
	if (result == 0 && no_header(&h))
		return is_text(content) && !ruined_header(content) ? NULL : "neither a MIME entity nor text";
	objection = result == 0 ? header_objection(o->arena, &h) : NULL;
	if (result == 0 && !objection)
		result = entity_parse(o->arena, content, &o->limits->mime, &root, o->err);
	if (result < 0) {
		*rc = result;
		return NULL;
	}
	return objection ? objection : tree_objection(root);
}
