/* xml_parse.c - reads the XML of the module protocol: small documents, strictly
 *
 * This is XML 1.0 (fifth edition) as far as a document without a document type goes: elements, attributes, text, references to
 * characters and to the five built-in entities, CDATA sections, comments, an XML declaration.  The rest of the language is
 * refused, and so are namespaces.  Nothing here reads a file, follows a name or makes more of a document than its bytes,
 * in which values are put right in place: no replacement is longer than what it replaces.  There is one record for each element,
 * attribute and run of text.  A general parser does all this too, and most of what it costs a short document is its own
 * setting up and taking down.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/xml_inside.h"

#define TEXT_OF(n) #n
#define IN_WORDS(n) TEXT_OF(n)
#define DEPTH_TEXT IN_WORDS(XML_DEPTH_MAX)

struct parser {
	struct span input;                 /* as it came: for the line of an error */
	struct xml_document *doc;
	char *p;                           /* of the document's copy, which ends with a NUL; there is no other */
	struct xml *open[XML_DEPTH_MAX];   /* elements without their end yet */
	struct xml **add[XML_DEPTH_MAX];   /* where the next child of each belongs */
	int depth;
	struct error *err;
};

static int wrong(struct parser *s, const char *what)
{
	size_t line = 1;

	for (size_t i = 0; i < (size_t)(s->p - s->doc->bytes); i++)
		line += s->input.p[i] == '\n';
	return error_set(s->err, E_PERM, "XML line %zu: %s", line, what);
}

static bool at_end(const struct parser *s)
{
	return s->p == s->doc->bytes + s->doc->n;
}

/* ---- characters ---- */

static bool starts(const struct parser *s, const char *word)
{
	return strncmp(s->p, word, strlen(word)) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* true if there was any */
static bool skip_space(struct parser *s)
{
	const char *before = s->p;

	while (is_space(*s->p))
		s->p++;
	return s->p > before;
}

/* The character at p, which is UTF-8, and its length. */
static uint32_t character(const char *p, size_t *n)
{
	const unsigned char *u = (const unsigned char *)p;

	*n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	switch (*n) {
	case 1: return u[0];
	case 2: return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
	case 3: return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
	default: return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
	}
}

/* Whether a character may stand in a name (production 4a, without the colon), or begin one (4). */
static bool in_name(uint32_t c, bool first)
{
	static const struct { uint32_t from, to; } begins[] = {
		{ 0xc0, 0xd6 },     { 0xd8, 0xf6 },     { 0xf8, 0x2ff },    { 0x370, 0x37d },   { 0x37f, 0x1fff },   { 0x200c, 0x200d },
		{ 0x2070, 0x218f }, { 0x2c00, 0x2fef }, { 0x3001, 0xd7ff }, { 0xf900, 0xfdcf }, { 0xfdf0, 0xfffd }, { 0x10000, 0xeffff },
	};

	if (c < 0x80)
		return ascii_alpha((char)c) || c == '_' || (!first && (ascii_digit((char)c) || c == '-' || c == '.'));
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (c >= begins[i].from && c <= begins[i].to)
			return true;
	return !first && (c == 0xb7 || (c >= 0x300 && c <= 0x36f) || (c >= 0x203f && c <= 0x2040));
}

/* What XML does not allow though it is UTF-8 (production 2); the NUL at the end is none either. */
static bool is_forbidden(const char *p)
{
	unsigned char c = (unsigned char)*p;

	if (c < 0x20)
		return !is_space(*p);
	return c == 0xef && (unsigned char)p[1] == 0xbf && (unsigned char)p[2] >= 0xbe;
}

static int forbidden(struct parser *s)
{
	return wrong(s, at_end(s) ? "the document ends too early" : "a character that is none of XML");
}

static char *put_character(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* &#10; or &#xa; : p is behind the #.  0 if it is none, or none of XML's characters. */
static uint32_t number(const char *p, size_t *n)
{
	unsigned base = *p == 'x' ? 16 : 10;
	uint32_t c = 0;
	size_t i = base == 16, first = i;

	for (;; i++) {
		char d = ascii_lower((unsigned char)p[i]);

		if (ascii_digit(d))
			c = c * base + (uint32_t)(d - '0');
		else if (base == 16 && d >= 'a' && d <= 'f')
			c = c * base + (uint32_t)(d - 'a') + 10;
		else
			break;
		if (c > 0x10ffff)
			return 0;
	}
	*n = i + 1;
	if (p[i] != ';' || i == first || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
		return 0;
	return (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ? 0 : c;
}

/* Takes a reference (productions 66 and 68), puts what it stands for to *to. */
static int take_reference(struct parser *s, char **to)
{
	static const struct { const char *reference; char c; } entities[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' },
	};
	size_t n;
	uint32_t c;

	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
		if (starts(s, entities[i].reference)) {
			*(*to)++ = entities[i].c;
			s->p += strlen(entities[i].reference);
			return 0;
		}
	if (s->p[1] != '#')
		return wrong(s, "an entity that XML has not built in");
	c = number(s->p + 2, &n);
	if (!c)
		return wrong(s, "a reference to no character");
	*to = put_character(*to, c);
	s->p += 2 + n;
	return 0;
}

/* ---- the tree ---- */

static struct xml *add_node(struct parser *s)
{
	struct xml *e = arena_alloc(&s->doc->arena, sizeof(*e));

	if (s->depth) {
		*s->add[s->depth - 1] = e;
		s->add[s->depth - 1] = &e->next;
	} else {
		s->doc->root = e;
	}
	return e;
}

static void add_text(struct parser *s, const char *from, const char *to)
{
	if (to > from)
		add_node(s)->text = span_from(from, (size_t)(to - from));
}

/* Takes a name, and makes it a string by moving it over the byte before it, which is of no more use. */
static int take_name(struct parser *s, const char **name)
{
	char *from = s->p;
	size_t n;

	while (in_name(character(s->p, &n), s->p == from))
		s->p += n;
	if (*s->p == ':')
		return wrong(s, "namespaces are not used here");
	if (s->p == from)
		return wrong(s, at_end(s) ? "the document ends too early" : "a name is missing");
	memmove(from - 1, from, (size_t)(s->p - from));
	s->p[-1] = '\0';
	*name = from - 1;
	return 0;
}

/* ---- attributes ---- */

/* Bytes at the front that stand for themselves. */
static size_t plain(const char *p, char quote)
{
	size_t n = 0;

	for (unsigned char c; (c = (unsigned char)p[n]) >= 0x20 && c != (unsigned char)quote && c != '&' && c != '<' && c != ']' && c != 0xef;)
		n++;
	return n;
}

static char *move_plain(struct parser *s, char *to, char quote)
{
	size_t n = plain(s->p, quote);

	if (to != s->p)
		memmove(to, s->p, n);
	s->p += n;
	return to + n;
}

/* A line's end is one, however it was sent (2.11). */
static char *take_line_end(struct parser *s, char *to, char c)
{
	s->p += s->p[0] == '\r' && s->p[1] == '\n' ? 2 : 1;
	*to = c; /* behind what was read, or just there */
	return to + 1;
}

/* Production 10; white space that is no reference becomes a blank (3.3.3). */
static int take_value(struct parser *s, const char **value)
{
	char quote = *s->p, *to = s->p + 1;

	if (quote != '"' && quote != '\'')
		return wrong(s, "a value that is not in quotes");
	*value = to;
	s->p++;
	for (;;) {
		to = move_plain(s, to, quote);
		if (*s->p == quote)
			break;
		if (*s->p == '<')
			return wrong(s, "< in a value");
		if (is_forbidden(s->p))
			return forbidden(s);
		if (*s->p == '&') {
			if (take_reference(s, &to) < 0)
				return E_PERM;
		} else if (is_space(*s->p)) {
			to = take_line_end(s, to, ' ');
		} else {
			*to++ = *s->p++;
		}
	}
	s->p++;
	*to = '\0';
	return 0;
}

static int take_attribute(struct parser *s, struct xml *e)
{
	struct xml_attribute *a = arena_alloc(&s->doc->arena, sizeof(*a)), **at = &e->attributes;
	size_t n = 0;

	if (take_name(s, &a->name) < 0)
		return E_PERM;
	for (; *at; at = &(*at)->next, n++)
		if (strcmp((*at)->name, a->name) == 0)
			return wrong(s, "an attribute twice");
	*at = a;
	if (n == XML_ATTRIBUTES_MAX)
		return wrong(s, "too many attributes");
	if (strcmp(a->name, "xmlns") == 0)
		return wrong(s, "namespaces are not used here");
	skip_space(s);
	if (*s->p != '=')
		return wrong(s, "an attribute without a value");
	s->p++;
	skip_space(s);
	return take_value(s, &a->value);
}

/* ---- elements ---- */

/* Productions 40 and 44; at the < */
static int take_start(struct parser *s)
{
	struct xml *e;

	if (s->depth == XML_DEPTH_MAX)
		return wrong(s, "nested deeper than " DEPTH_TEXT);
	e = add_node(s);
	s->p++;
	if (take_name(s, &e->name) < 0)
		return E_PERM;
	for (;;) {
		bool space = skip_space(s);

		if (*s->p == '>') {
			s->p++;
			s->open[s->depth] = e;
			s->add[s->depth++] = &e->children;
			return 0;
		}
		if (starts(s, "/>")) {
			s->p += 2;
			return 0;
		}
		if (!space)
			return wrong(s, "not the end of a tag");
		if (take_attribute(s, e) < 0)
			return E_PERM;
	}
}

/* Production 42; at the </ */
static int take_end(struct parser *s)
{
	const char *name = s->open[s->depth - 1]->name;

	s->p += 2;
	if (!starts(s, name))
		return wrong(s, "the end of another element");
	s->p += strlen(name);
	skip_space(s);
	if (*s->p != '>')
		return wrong(s, "not the end of a tag");
	s->p++;
	s->depth--;
	return 0;
}

/* Production 14 with the references between. */
static int take_text(struct parser *s)
{
	char *from = s->p, *to = from;

	for (;;) {
		to = move_plain(s, to, '<');
		if (*s->p == '<')
			break;
		if (is_forbidden(s->p))
			return forbidden(s);
		if (starts(s, "]]>"))
			return wrong(s, "]]> in text");
		if (*s->p == '&') {
			if (take_reference(s, &to) < 0)
				return E_PERM;
		} else if (*s->p == '\r') {
			to = take_line_end(s, to, '\n');
		} else {
			*to++ = *s->p++;
		}
	}
	add_text(s, from, to);
	return 0;
}

/* Up to and with the end; text: it counts (production 18), else it is a comment (15). */
static int take_until(struct parser *s, const char *begin, const char *stop, bool text)
{
	char *from = s->p += strlen(begin), *to = from;

	while (!starts(s, stop)) {
		if (is_forbidden(s->p))
			return forbidden(s);
		if (*s->p == '\r') {
			to = take_line_end(s, to, '\n');
		} else {
			*to++ = *s->p++;
		}
	}
	s->p += strlen(stop);
	if (text)
		add_text(s, from, to);
	return 0;
}

static int take_comment(struct parser *s)
{
	if (take_until(s, "<!--", "--", false) < 0)
		return E_PERM;
	if (*s->p != '>')
		return wrong(s, "-- in a comment");
	s->p++;
	return 0;
}

static int no_type(struct parser *s)
{
	return starts(s, "<!DOCTYPE") ? error_set(s->err, E_PERM, "XML document has a DOCTYPE")
				      : wrong(s, starts(s, "<?") ? "processing instructions are not used here" : "neither element nor text");
}

static int take_content(struct parser *s)
{
	if (*s->p != '<')
		return take_text(s);
	switch (s->p[1]) {
	case '/': return take_end(s);
	case '!': break;
	case '?': return no_type(s);
	default: return take_start(s);
	}
	if (starts(s, "<!--"))
		return take_comment(s);
	return starts(s, "<![CDATA[") ? take_until(s, "<![CDATA[", "]]>", true) : no_type(s);
}

/* ---- the document ---- */

/* One of the declaration's; its value begins with one of first and goes on with characters. */
static bool take_said(struct parser *s, const char *name, const char *first, const char *characters)
{
	char *before = s->p, quote;
	size_t n;

	if (!skip_space(s) || !starts(s, name)) {
		s->p = before;
		return false;
	}
	s->p += strlen(name);
	skip_space(s);
	if (*s->p != '=')
		return false;
	s->p++;
	skip_space(s);
	quote = *s->p;
	if (quote != '"' && quote != '\'')
		return false;
	n = strspn(s->p + 1, characters);
	if (!n || s->p[n + 1] != quote || !strchr(first, s->p[1]))
		return false;
	s->p += n + 2;
	return true;
}

/* Production 23.  Whatever encoding it names: all of it is UTF-8, or it would have been refused. */
static int take_declaration(struct parser *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (!starts(s, "<?xml") || !is_space(s->p[5]))
		return 0;
	s->p += 5;
	if (!take_said(s, "version", "1", ".0123456789"))
		return wrong(s, "an XML declaration without a version");
	take_said(s, "encoding", letters, all);
	take_said(s, "standalone", "yn", "yesno");
	skip_space(s);
	if (!starts(s, "?>"))
		return wrong(s, "not an XML declaration");
	s->p += 2;
	return 0;
}

static int take_document(struct parser *s)
{
	int rc;

	if (starts(s, "\xef\xbb\xbf"))
		s->p += 3;
	rc = take_declaration(s);
	skip_space(s);
	if (rc == 0 && *s->p != '<')
		rc = wrong(s, "not an element");
	else if (rc == 0)
		rc = s->p[1] == '!' || s->p[1] == '?' ? no_type(s) : take_start(s);
	while (rc == 0 && s->depth)
		rc = take_content(s);
	skip_space(s);
	if (rc == 0 && !at_end(s))
		rc = wrong(s, "something stands behind the element");
	return rc;
}

int xml_parse(struct span bytes, struct xml_document **out, struct error *err)
{
	struct parser s = { .input = bytes, .err = err };
	struct arena a = ARENA_INIT;
	int rc;

	*out = NULL;
	if (!bytes.n || bytes.n > INT32_MAX)
		return error_set(err, E_PERM, "XML document of %zu bytes", bytes.n);
	if (!utf8_valid(bytes))
		return error_set(err, E_PERM, "XML document is not UTF-8");
	if (memchr(bytes.p, '\0', bytes.n))
		return error_set(err, E_PERM, "XML document has a NUL byte");
	s.doc = arena_alloc(&a, sizeof(*s.doc));
	s.doc->arena = a;
	s.doc->n = bytes.n;
	s.doc->bytes = s.p = mem_resize(NULL, bytes.n + 1);
	memcpy(s.p, bytes.p, bytes.n);
	s.p[bytes.n] = '\0';
	rc = take_document(&s);
	if (rc < 0)
		xml_free(s.doc);
	else
		*out = s.doc;
	return rc;
}

void xml_free(struct xml_document *doc)
{
	struct arena a;

	if (!doc)
		return;
	mem_wipe(doc->bytes, doc->n);
	free(doc->bytes);
	a = doc->arena;
	arena_release(&a);
}
