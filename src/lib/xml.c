/* xml.c - the XML of the module protocol: what a document says, and how one is written (xml_parse.c reads it) */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/base64.h"
#include "lib/xml_inside.h"

/* A document that holds a secret fits into a writer's first memory: growing would leave a copy behind. */
#define WRITER_START ((size_t)4096)

const struct xml *xml_root(const struct xml_document *doc)
{
	return doc->root;
}

const char *xml_name(const struct xml *e)
{
	return e->name;
}

bool xml_is(const struct xml *e, const char *name)
{
	return strcmp(e->name, name) == 0;
}

const char *xml_attr(const struct xml *e, const char *name)
{
	for (const struct xml_attribute *a = e->attributes; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->value;
	return NULL;
}

const char *xml_attr_or(const struct xml *e, const char *name, const char *dflt)
{
	const char *v = xml_attr(e, name);

	return v ? v : dflt;
}

const char *xml_attr_name(const struct xml *e, size_t i)
{
	const struct xml_attribute *a = e->attributes;

	while (a && i--)
		a = a->next;
	return a ? a->name : NULL;
}

static const struct xml *from(const struct xml *e, const char *name)
{
	while (e && (!e->name || (name && strcmp(e->name, name) != 0)))
		e = e->next;
	return e;
}

const struct xml *xml_first(const struct xml *parent, const char *name)
{
	return from(parent->children, name);
}

const struct xml *xml_next(const struct xml *e, const char *name)
{
	return from(e->next, name);
}

void xml_text(const struct xml *e, struct buf *out)
{
	for (const struct xml *c = e->children; c; c = c->next) {
		if (c->name)
			xml_text(c, out); /* XML_DEPTH_MAX bounds this */
		else
			buf_add(out, c->text.p, c->text.n);
	}
}

int xml_binary(const struct xml *e, struct buf *out, struct error *err)
{
	const struct xml *only = e->children;
	struct buf text = BUF_INIT;
	int rc;

	if (only && !only->name && !only->next) {
		rc = base64_decode(out, only->text, true);
	} else {
		xml_text(e, &text);
		rc = base64_decode(out, span_from(text.data, text.len), true);
		buf_wipe(&text);
	}
	return rc < 0 ? error_set(err, E_PERM, "<%s>: not base64", xml_name(e)) : 0;
}

/* ---- writing ---- */

void xml_writer_init(struct xml_writer *w)
{
	*w = (struct xml_writer){ .depth = 0 };
	buf_reserve(&w->out, WRITER_START);
}

void xml_writer_release(struct xml_writer *w)
{
	buf_wipe(&w->out);
}

static void end_tag(struct xml_writer *w)
{
	if (w->tag_open)
		buf_addch(&w->out, '>');
	w->tag_open = false;
}

void xml_open(struct xml_writer *w, const char *name)
{
	end_tag(w);
	if (!w->depth && w->out.len && !w->problem.code)
		error_set(&w->problem, E_PERM, "<%s>: a second document element", name);
	if (w->depth == XML_DEPTH_MAX) {
		if (!w->problem.code)
			error_set(&w->problem, E_PERM, "<%s>: nested deeper than %d", name, XML_DEPTH_MAX);
		return;
	}
	w->open[w->depth++] = name;
	buf_addch(&w->out, '<');
	buf_addstr(&w->out, name);
	w->tag_open = true;
}

/* Bytes at the front of text that stand for themselves. */
static size_t plain(const char *text)
{
	size_t n = 0;

	for (unsigned char c; (c = (unsigned char)text[n]) >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"' && c != 0xef; n++)
		;
	return n;
}

static void add_escaped(struct xml_writer *w, const char *where, const char *text)
{
	if (!utf8_valid(span_of(text)) && !w->problem.code)
		error_set(&w->problem, E_PERM, "%s: value is not UTF-8", where);
	for (; *text; text++) {
		size_t n = plain(text);
		unsigned char c = (unsigned char)text[n];

		buf_add(&w->out, text, n);
		text += n;
		if (!c)
			break;

		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && !w->problem.code)
			error_set(&w->problem, E_PERM, "%s: control character 0x%02x in a value", where, c);
		/* noncharacters U+FFFE and U+FFFF are no XML characters */
		if (c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe && !w->problem.code)
			error_set(&w->problem, E_PERM, "%s: noncharacter in a value", where);
		switch (c) {
		case '&': buf_addstr(&w->out, "&amp;"); break;
		case '<': buf_addstr(&w->out, "&lt;"); break;
		case '>': buf_addstr(&w->out, "&gt;"); break;
		case '"': buf_addstr(&w->out, "&quot;"); break;
		case '\t': buf_addstr(&w->out, "&#9;"); break;
		case '\n': buf_addstr(&w->out, "&#10;"); break;
		case '\r': buf_addstr(&w->out, "&#13;"); break;
		default: buf_addch(&w->out, *text);
		}
	}
}

char *xml_printable(char *text)
{
	bool utf8 = utf8_valid(span_of(text));

	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f || (*p >= 0x80 && !utf8))
			*p = '?';
		if (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe) /* U+FFFE, U+FFFF are no XML characters */
			p[0] = p[1] = p[2] = '?';
	}
	return text;
}

void xml_put(struct xml_writer *w, const char *name, const char *value)
{
	if (!value)
		return;
	if (!w->tag_open) {
		if (!w->problem.code)
			error_set(&w->problem, E_PERM, "attribute %s outside a start tag", name);
		return;
	}
	buf_addch(&w->out, ' ');
	buf_addstr(&w->out, name);
	buf_addstr(&w->out, "=\"");
	add_escaped(w, name, value);
	buf_addch(&w->out, '"');
}

void xml_putf(struct xml_writer *w, const char *name, const char *fmt, ...)
{
	char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&value, fmt, ap) < 0)
		value = NULL;
	va_end(ap);
	if (value)
		xml_put(w, name, value);
	else if (!w->problem.code)
		error_set(&w->problem, E_TEMP, "attribute %s: out of memory", name);
	free(value);
}

void xml_put_text(struct xml_writer *w, const char *text)
{
	end_tag(w);
	add_escaped(w, w->depth ? w->open[w->depth - 1] : "text", text);
}

void xml_put_binary(struct xml_writer *w, const void *p, size_t n)
{
	end_tag(w);
	base64_encode(&w->out, p, n, 0, "");
}

void xml_close(struct xml_writer *w)
{
	const char *name = w->depth ? w->open[--w->depth] : NULL;

	if (!name) {
		if (!w->problem.code)
			error_set(&w->problem, E_PERM, "closing more elements than were opened");
		return;
	}
	if (w->tag_open) {
		buf_addstr(&w->out, "/>");
	} else {
		buf_addstr(&w->out, "</");
		buf_addstr(&w->out, name);
		buf_addch(&w->out, '>');
	}
	w->tag_open = false;
}

int xml_finish(struct xml_writer *w, struct span *document, struct error *err)
{
	*document = span_from(w->out.data, w->out.len);
	if (w->problem.code)
		return error_set(err, w->problem.code, "%s", w->problem.text);
	if (w->depth)
		return error_set(err, E_PERM, "<%s> was not closed", w->open[w->depth - 1]);
	return 0;
}
