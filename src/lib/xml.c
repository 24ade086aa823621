/* xml.c - the XML of the module protocol: small documents, safely read and written */
#include "lib/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "lib/address.h"
#include "lib/base64.h"
#include "lib/mem.h"

#ifdef POSTERN_SHARED_LIBXML2 /* a program that has all of libxml2.so */
#undef POSTERN_LIBXML2_PARSER_ONLY
#endif

/* A document that holds a secret fits into a writer's first memory: growing would leave a copy behind. */
#define WRITER_START ((size_t)4096)

/* struct xml is libxml2's node and struct xml_document its document, never dereferenced under our
 * names: callers cannot reach around the few functions below. */
static const xmlNode *node_of(const struct xml *e)
{
	return (const xmlNode *)(const void *)e;
}

static const struct xml *element(const xmlNode *n)
{
	return (const struct xml *)(const void *)n;
}

#ifdef POSTERN_LIBXML2_PARSER_ONLY
void *xml_parser_only(void); /* does nothing, but has its file linked */
#endif

/* Answers hold content keys and shared secrets; libxml2 frees its copies as they are.  So its memory is overwritten
 * before it goes back. */
static void wiping_free(void *p)
{
	if (p)
		mem_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *wiping_realloc(void *old, size_t n)
{
	size_t had = old ? malloc_usable_size(old) : 0;
	void *p;

	if (old && n <= had)
		return old;
	p = malloc(n);
	if (!p)
		return NULL;
	if (old)
		memcpy(p, old, had);
	wiping_free(old);
	return p;
}

static void ignore_error(void *ctx, const char *fmt, ...)
{
	(void)ctx;
	(void)fmt;
}

static void prepare_library(void)
{
	static bool done;

	if (done)
		return;
	done = true;
#ifdef POSTERN_LIBXML2_PARSER_ONLY
	xml_parser_only();
#endif
	xmlMemSetup(wiping_free, malloc, wiping_realloc, strdup);
	xmlSetGenericErrorFunc(NULL, ignore_error);
}

static bool has_namespace(const xmlNode *n)
{
	if (n->ns || n->nsDef)
		return true;
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (a->ns)
			return true;
	return false;
}

/* Anything but elements and text has no business in a protocol document; iterative, so that depth
 * costs no stack. */
static int check_tree(const xmlNode *root, struct error *err)
{
	int depth = 1;

	for (const xmlNode *n = root; n;) {
		if (n->type != XML_ELEMENT_NODE && n->type != XML_TEXT_NODE && n->type != XML_CDATA_SECTION_NODE &&
		    n->type != XML_COMMENT_NODE)
			return error_set(err, E_PERM, "XML line %ld: neither element nor text", xmlGetLineNo(n));
		if (n->type == XML_ELEMENT_NODE && depth > XML_DEPTH_MAX)
			return error_set(err, E_PERM, "XML line %ld: nested deeper than %d", xmlGetLineNo(n),
					 XML_DEPTH_MAX);
		if (n->type == XML_ELEMENT_NODE && has_namespace(n))
			return error_set(err, E_PERM, "XML line %ld: namespaces are not used here", xmlGetLineNo(n));
		if (n->type == XML_ELEMENT_NODE && n->children) {
			depth++;
			n = n->children;
			continue;
		}
		while (n != root && !n->next) {
			n = n->parent;
			depth--;
		}
		n = n == root ? NULL : n->next;
	}
	return 0;
}

static int parse_problem(xmlParserCtxt *ctxt, struct error *err)
{
	const xmlError *e = xmlCtxtGetLastError(ctxt);
	char text[200];

	snprintf(text, sizeof(text), "%s", e && e->message ? e->message : "not well-formed");
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, E_PERM, "XML line %d: %s", e ? e->line : 0, text);
}

int xml_parse(struct span bytes, struct xml_document **out, struct error *err)
{
	xmlParserCtxt *ctxt;
	xmlDoc *doc;
	int rc = 0;

	*out = NULL;
	if (!bytes.n || bytes.n > 0x7fffffff)
		return error_set(err, E_PERM, "XML document of %zu bytes", bytes.n);
	if (!utf8_valid(bytes))
		return error_set(err, E_PERM, "XML document is not UTF-8");
	if (memchr(bytes.p, '\0', bytes.n)) /* libxml2 takes it for the end and ignores what follows */
		return error_set(err, E_PERM, "XML document has a NUL byte");
	if (memmem(bytes.p, bytes.n, "<!DOCTYPE", 9))
		return error_set(err, E_PERM, "XML document has a DOCTYPE");
	prepare_library();
	ctxt = xmlNewParserCtxt();
	if (!ctxt)
		return error_set(err, E_TEMP, "out of memory");
	doc = xmlCtxtReadMemory(ctxt, bytes.p, (int)bytes.n, NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (!doc)
		rc = parse_problem(ctxt, err);
	else
		rc = check_tree(xmlDocGetRootElement(doc), err);
	if (rc == 0 && (doc->intSubset || doc->children != xmlDocGetRootElement(doc) || doc->children->next))
		rc = error_set(err, E_PERM, "XML document has more than one element and text");
	if (rc < 0)
		xmlFreeDoc(doc);
	else
		*out = (struct xml_document *)(void *)doc;
	xmlFreeParserCtxt(ctxt);
	return rc;
}

void xml_free(struct xml_document *doc)
{
	if (doc)
		xmlFreeDoc((xmlDoc *)(void *)doc);
}

const struct xml *xml_root(const struct xml_document *doc)
{
	return element(xmlDocGetRootElement((const xmlDoc *)(const void *)doc));
}

const char *xml_name(const struct xml *e)
{
	return (const char *)node_of(e)->name;
}

bool xml_is(const struct xml *e, const char *name)
{
	return strcmp(xml_name(e), name) == 0;
}

const char *xml_attr(const struct xml *e, const char *name)
{
	for (const xmlAttr *a = node_of(e)->properties; a; a = a->next) {
		if (a->ns || strcmp((const char *)a->name, name) != 0)
			continue;
		if (!a->children)
			return "";
		/* without a DTD and with the five built-in entities only, a value is one text node */
		return a->children->next ? NULL : (const char *)a->children->content;
	}
	return NULL;
}

const char *xml_attr_or(const struct xml *e, const char *name, const char *dflt)
{
	const char *v = xml_attr(e, name);

	return v ? v : dflt;
}

const char *xml_attr_name(const struct xml *e, size_t i)
{
	const xmlAttr *a = node_of(e)->properties;

	while (a && i--)
		a = a->next;
	return a ? (const char *)a->name : NULL;
}

static const struct xml *from(const xmlNode *n, const char *name)
{
	for (; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && (!name || strcmp((const char *)n->name, name) == 0))
			return element(n);
	return NULL;
}

const struct xml *xml_first(const struct xml *parent, const char *name)
{
	return from(node_of(parent)->children, name);
}

const struct xml *xml_next(const struct xml *e, const char *name)
{
	return from(node_of(e)->next, name);
}

static void add_text(const xmlNode *n, struct buf *out)
{
	for (; n; n = n->next) {
		if (n->type == XML_ELEMENT_NODE)
			add_text(n->children, out); /* check_tree bounds the depth */
		else if (n->type != XML_COMMENT_NODE && n->content)
			buf_addstr(out, (const char *)n->content);
	}
}

void xml_text(const struct xml *e, struct buf *out)
{
	add_text(node_of(e)->children, out);
}

int xml_binary(const struct xml *e, struct buf *out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	xml_text(e, &text);
	rc = base64_decode(out, span_from(text.data, text.len), true);
	buf_wipe(&text);
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
