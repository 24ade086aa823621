/* describe.c - what the header of an entity says about its body (RFC 2045, RFC 2183) */
#include "mime/describe.h"

static const struct { const char *name; enum encoding encoding; } encodings[] = {
	{ "7bit", ENCODING_7BIT }, { "8bit", ENCODING_8BIT }, { "binary", ENCODING_BINARY }, { "quoted-printable", ENCODING_QP },
	{ "base64", ENCODING_BASE64 }, { "", ENCODING_7BIT }, { "7-bit", ENCODING_7BIT }, { "8-bit", ENCODING_8BIT },
};

const char *encoding_name(enum encoding e)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		if (encodings[i].encoding == e)
			return encodings[i].name;
	return "unknown";
}

void entity_doubt(struct entity *e, const char *why)
{
	if (!e->ambiguous)
		e->why_ambiguous = why;
	e->ambiguous = true;
}

/* The first field of that name; a second one may be the one another program reads. */
static bool single_value(struct arena *a, struct entity *e, const char *name, const char *doubt, struct header_value *v)
{
	const struct header_field *f = header_find(&e->header, name, NULL);

	if (!f)
		return false;
	if (header_find(&e->header, name, f))
		entity_doubt(e, doubt);
	header_value_parse(a, f->value, v);
	return true;
}

/* Two tokens (RFC 2045 section 5.1) and a slash. */
static bool is_type(const char *text)
{
	const char *slash = strchr(text, '/');

	if (!slash || slash == text || !slash[1])
		return false;
	for (const char *c = text; *c; c++)
		if (c != slash && (*c <= ' ' || *c > '~' || strchr("()<>@,;:\\\"/[]?=", *c)))
			return false;
	return true;
}

static void describe_type(struct arena *a, struct entity *e)
{
	bool digest = e->parent && entity_is(e->parent, "multipart/digest");
	struct header_value *v = &e->type;
	bool given = single_value(a, e, "Content-Type", "Content-Type twice", v);

	if (!given || !is_type(v->text)) {
		*v = (struct header_value){ .text = digest ? "message/rfc822" : "text/plain", .malformed = given };
		if (given)
			entity_doubt(e, "Content-Type without a type");
	}
}

static void describe_encoding(struct arena *a, struct entity *e)
{
	struct header_value v = { .text = "" };

	single_value(a, e, "Content-Transfer-Encoding", "Content-Transfer-Encoding twice", &v);
	e->encoding = ENCODING_UNKNOWN;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]) && e->encoding == ENCODING_UNKNOWN; i++)
		if (strcmp(v.text, encodings[i].name) == 0)
			e->encoding = encodings[i].encoding;
	if (e->encoding == ENCODING_UNKNOWN || (v.malformed && v.text[0]))
		entity_doubt(e, "Content-Transfer-Encoding unknown or malformed");
}

static void describe_filename(struct arena *a, struct entity *e)
{
	struct header_value v = { .text = "" };
	const char *name = NULL;

	if (single_value(a, e, "Content-Disposition", "Content-Disposition twice", &v))
		name = header_parameter(&v, "filename");
	if (!name)
		name = header_parameter(&e->type, "name");
	/* encoded words have no place in a parameter, but are what many programs write */
	e->filename = name ? header_decode(a, span_of(name)) : "";
}

static void describe_charset(struct arena *a, struct entity *e)
{
	const char *charset = header_parameter(&e->type, "charset");
	char *s = arena_strdup(a, charset ? charset : "");

	e->charset = s;
	for (; *s; s++)
		*s = (char)ascii_lower((unsigned char)*s);
}

/* Lines that some programs take for the end of the header, or for a field. */
static void doubt_header(struct entity *e)
{
	struct span all = e->header.bytes;

	if (e->header.garbage)
		entity_doubt(e, "a line in the header that is no field");
	for (size_t i = 0, line = 0; i < all.n; i++) {
		char c = all.p[i];

		if (c == '\0')
			entity_doubt(e, "NUL in the header");
		if (c == '\r' && (i + 1 == all.n || all.p[i + 1] != '\n'))
			entity_doubt(e, "CR without LF in the header");
		if (c != '\n')
			continue;
		if (span_trim(span_sub(all, line, i)).n == 0)
			entity_doubt(e, "a line of blanks in the header");
		line = i + 1;
	}
	for (size_t i = 0; i < e->header.n; i++) {
		const struct header_field *f = &e->header.fields[i];

		if (f->name.p[f->name.n] != ':' && span_casestarts(f->name, "Content-"))
			entity_doubt(e, "blanks before the colon of a Content field");
	}
}

void entity_describe(struct arena *a, struct entity *e)
{
	e->why_ambiguous = "";
	describe_type(a, e);
	describe_encoding(a, e);
	describe_charset(a, e);
	describe_filename(a, e);
	doubt_header(e);
}

static bool is_encoded(const struct entity *e)
{
	return e->encoding == ENCODING_QP || e->encoding == ENCODING_BASE64;
}

static bool mentions(struct span s, const char *word)
{
	for (; s.n; s = span_sub(s, 1, s.n))
		if (span_casestarts(s, word))
			return true;
	return false;
}

/* Outside of quotes some programs end a word at any other character. */
static bool is_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !strchr("!#$&+-.^_`{|}~", s.p[i]))
			return false;
	return true;
}

/* What a program that looks for the word "boundary", or knows less of quotes or RFC 2231, takes for another boundary or for none.
 * It matters where one part is spoken for and the rest is anybody's. */
static void doubt_signed_boundary(struct entity *e, struct span boundary)
{
	const struct header_field *f = header_find(&e->header, "Content-Type", NULL);

	for (size_t i = 0; i < e->type.n; i++) {
		const struct parameter *p = &e->type.parameters[i];

		if (strcmp(p->name, "boundary") != 0 && (mentions(span_of(p->name), "boundary") || mentions(p->raw, "boundary")))
			entity_doubt(e, "a boundary in another parameter");
	}
	if (f && mentions(f->value, "boundary*"))
		entity_doubt(e, "boundary in the form of RFC 2231");
	if (f && !is_word(boundary) && !mentions(f->value, "boundary=\""))
		entity_doubt(e, "boundary with special characters, and without quotes");
	for (size_t i = 0; i < boundary.n; i++)
		if (boundary.p[i] < ' ' || boundary.p[i] > '~' || strchr("\"\\;", boundary.p[i]))
			entity_doubt(e, "boundary with a character that has no place in one");
}

struct span entity_boundary(struct entity *e)
{
	struct span b = span_from(NULL, 0);

	if (!entity_is(e, "multipart/"))
		return b;
	for (size_t i = 0; i < e->type.n && !b.n; i++)
		if (strcmp(e->type.parameters[i].name, "boundary") == 0)
			b = e->type.parameters[i].raw;
	if (b.n && ascii_space((unsigned char)b.p[b.n - 1]))
		entity_doubt(e, "boundary that ends with a blank");
	if (!span_trim(b).n)
		b.n = 0;
	if (!b.n)
		entity_doubt(e, "multipart without a boundary");
	if (b.n > 70)
		entity_doubt(e, "boundary longer than 70 bytes");
	if (e->type.malformed || e->type.duplicate)
		entity_doubt(e, "Content-Type of a multipart malformed or with a parameter twice");
	if (e->type.unusual)
		entity_doubt(e, "Content-Type of a multipart with comments, escapes or blanks inside");
	if (entity_is(e, "multipart/signed"))
		doubt_signed_boundary(e, b);
	if (is_encoded(e))
		entity_doubt(e, "a multipart with a transfer encoding");
	return b;
}

bool entity_holds_message(struct entity *e)
{
	if (!entity_is(e, "message/rfc822") && !entity_is(e, "message/global"))
		return false;
	if (is_encoded(e))
		entity_doubt(e, "a message with a transfer encoding");
	return !is_encoded(e);
}
