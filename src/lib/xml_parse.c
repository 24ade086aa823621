/* xml_parse.c - reads the XML of the module protocol: libxml2's parser, and a tree of our own
 *
 * libxml2 says what stands in a document, one thing after the other (its SAX2 interface); what the protocol has of XML is
 * kept, the rest is refused.  Its own trees, a parser made for each document and taken down again cost five times as much, and
 * leave what may be a secret in more places.  So there is one parser for all documents of a process, and names, values and
 * text stand in one block, which is overwritten in the end.
 */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "lib/address.h"
#include "lib/xml_inside.h"

#ifdef POSTERN_SHARED_LIBXML2 /* a program that has all of libxml2.so */
#undef POSTERN_LIBXML2_PARSER_ONLY
#endif

#define TEXT_OF(n) #n
#define IN_WORDS(n) TEXT_OF(n)
#define NAMES_KEPT 1000 /* by the parser, which never forgets one */
#define BUFFER 512      /* to begin with; it grows with the document */

struct reading {
	xmlParserCtxt *parser;
	struct xml_document *doc;
	size_t used;                     /* of doc->bytes */
	struct xml **add[XML_DEPTH_MAX + 1]; /* where the next child of each open element belongs; [0]: the root */
	int depth;
	struct error problem;            /* the first; code 0: none */
};

#ifdef POSTERN_LIBXML2_PARSER_ONLY
void *xml_parser_only(void); /* does nothing, but has its file linked */
#endif

/* ---- libxml2's memory ---- */

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

/* ---- what the document has ---- */

/* The rest is read, but nothing is made of it any more: to stop the parser would take away what the caller points to. */
static void wrong(struct reading *r, const char *what)
{
	if (!r->problem.code)
		error_set(&r->problem, E_PERM, "XML line %d: %s", r->parser->input ? r->parser->input->line : 0, what);
}

/* In the document they were at least as long, with what stands around them. */
static char *keep(struct reading *r, const xmlChar *p, size_t n)
{
	char *to = r->doc->bytes + r->used;

	if (n > r->doc->n - r->used) {
		wrong(r, "more text than there was");
		return NULL;
	}
	memcpy(to, p, n);
	r->used += n;
	return to;
}

static const char *keep_string(struct reading *r, const xmlChar *p, size_t n)
{
	char *s = keep(r, p, n);

	return s && keep(r, (const xmlChar *)"", 1) ? s : "";
}

static struct xml *add_node(struct reading *r)
{
	struct xml *e = arena_alloc(&r->doc->arena, sizeof(*e));

	*r->add[r->depth] = e;
	r->add[r->depth] = &e->next;
	return e;
}

/* As SAX2 has them: name, prefix, namespace, value, the value's end. */
#define PARTS 5

static void take_attributes(struct reading *r, struct xml *e, const xmlChar **attributes, int n)
{
	struct xml_attribute **at = &e->attributes;

	for (; n && !r->problem.code; n--, attributes += PARTS) {
		struct xml_attribute *a = *at = arena_alloc(&r->doc->arena, sizeof(*a));

		if (attributes[1] || strchr((const char *)attributes[0], ':'))
			wrong(r, "namespaces are not used here");
		a->name = keep_string(r, attributes[0], strlen((const char *)attributes[0]));
		a->value = keep_string(r, attributes[3], (size_t)(attributes[4] - attributes[3]));
		at = &a->next;
	}
}

static void on_start(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int nnamespaces,
		     const xmlChar **namespaces, int nattributes, int ndefaulted, const xmlChar **attributes)
{
	struct reading *r = ((xmlParserCtxt *)parser)->_private;
	struct xml *e;

	(void)namespaces, (void)ndefaulted;
	if (prefix || uri || nnamespaces || strchr((const char *)name, ':'))
		wrong(r, "namespaces are not used here");
	if (r->depth == XML_DEPTH_MAX)
		wrong(r, "nested deeper than " IN_WORDS(XML_DEPTH_MAX));
	if (nattributes > XML_ATTRIBUTES_MAX)
		wrong(r, "too many attributes");
	if (r->problem.code)
		return;
	e = add_node(r);
	e->name = keep_string(r, name, strlen((const char *)name));
	take_attributes(r, e, attributes, nattributes);
	r->add[++r->depth] = &e->children;
}

static void on_end(void *parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *r = ((xmlParserCtxt *)parser)->_private;

	(void)name, (void)prefix, (void)uri;
	if (!r->problem.code)
		r->depth--;
}

/* A run of text may come in pieces. */
static void on_text(void *parser, const xmlChar *text, int n)
{
	struct reading *r = ((xmlParserCtxt *)parser)->_private;
	const char *kept = r->problem.code || n <= 0 ? NULL : keep(r, text, (size_t)n);

	if (kept)
		add_node(r)->text = span_from(kept, (size_t)n);
}

static void on_comment(void *parser, const xmlChar *text)
{
	struct reading *r = ((xmlParserCtxt *)parser)->_private;

	(void)text;
	if (!r->depth)
		wrong(r, r->doc->root ? "something stands behind the element" : "something stands before the element");
}

static void on_instruction(void *parser, const xmlChar *target, const xmlChar *data)
{
	struct reading *r = ((xmlParserCtxt *)parser)->_private;

	(void)target, (void)data;
	wrong(r, r->depth || !r->doc->root ? "processing instructions are not used here" : "something stands behind the element");
}

static void on_type(void *parser, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	wrong(((xmlParserCtxt *)parser)->_private, "document types are not used here");
}

/* ---- the parser ---- */

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
	xmlDefaultBufferSize = BUFFER; /* of 4096 it makes blocks of 8192, whose pages each process would map and wipe */
#endif
	xmlMemSetup(wiping_free, malloc, wiping_realloc, strdup);
	xmlSetGenericErrorFunc(NULL, ignore_error);
}

/* Process-wide; NULL: none was made yet, or memory is short. */
static xmlParserCtxt *the_parser;

static void forget_parser(void)
{
	xmlFreeParserCtxt(the_parser);
	the_parser = NULL;
}

static xmlParserCtxt *get_parser(void)
{
	if (the_parser && xmlDictSize(the_parser->dict) > NAMES_KEPT)
		forget_parser();
	if (the_parser)
		return the_parser;
	prepare_library();
	the_parser = xmlNewParserCtxt();
	if (the_parser)
		*the_parser->sax = (xmlSAXHandler){ .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end,
						    .characters = on_text, .ignorableWhitespace = on_text, .cdataBlock = on_text,
						    .comment = on_comment, .processingInstruction = on_instruction,
						    .internalSubset = on_type };
	return the_parser;
}

static int problem_of(struct reading *r, struct error *err)
{
	const xmlError *e = xmlCtxtGetLastError(r->parser);
	char text[200];

	if (r->problem.code)
		return error_set(err, r->problem.code, "%s", r->problem.text);
	snprintf(text, sizeof(text), "%s", e && e->message ? e->message : "not well-formed");
	text[strcspn(text, "\n")] = '\0';
	return error_set(err, E_PERM, "XML line %d: %s", e ? e->line : 0, text);
}

/* NOENT: without it "&amp;" stays what a tree would make "&" of later; there are no entities but the five.  IGNORE_ENC: it is
 * UTF-8, whatever it says; to name that here would have all of it converted, from UTF-8 to UTF-8. */
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC)

/* Reads text, which ends with a NUL, where it stands: a parser that is given bytes to copy moves them in pieces of 4 KB, and asks for
 * more at each name. */
static void run_parser(xmlParserCtxt *parser, const char *text, size_t n)
{
#if LIBXML_VERSION < 21400
	xmlParserInput *input = xmlNewStringInputStream(parser, (const xmlChar *)text);

	(void)n;
	xmlCtxtUseOptions(parser, OPTIONS);
	if (input && inputPush(parser, input) >= 0)
		xmlParseDocument(parser);
#else
	xmlCtxtReadMemory(parser, text, (int)n, NULL, NULL, OPTIONS);
#endif
}

static int read_document(struct reading *r, struct span bytes, struct error *err)
{
	char *text = mem_resize(NULL, bytes.n + 1);
	int rc = 0;

	memcpy(text, bytes.p, bytes.n);
	text[bytes.n] = '\0';
	r->parser->_private = r;
	r->add[0] = &r->doc->root;
	run_parser(r->parser, text, bytes.n);
	if (!r->parser->wellFormed || r->problem.code || !r->doc->root)
		rc = problem_of(r, err);
	if (rc == 0)
		xmlCtxtReset(r->parser); /* what it has copied goes back now */
	else
		forget_parser(); /* it may have ended in the middle of something */
	mem_wipe(text, bytes.n);
	free(text);
	return rc;
}

int xml_parse(struct span bytes, struct xml_document **out, struct error *err)
{
	struct reading r = { .parser = get_parser() };
	struct arena a = ARENA_INIT;
	int rc;

	*out = NULL;
	if (!bytes.n || bytes.n > INT32_MAX)
		return error_set(err, E_PERM, "XML document of %zu bytes", bytes.n);
	if (!utf8_valid(bytes))
		return error_set(err, E_PERM, "XML document is not UTF-8");
	if (memchr(bytes.p, '\0', bytes.n)) /* libxml2 takes it for the end and ignores what follows */
		return error_set(err, E_PERM, "XML document has a NUL byte");
	if (memmem(bytes.p, bytes.n, "<!DOCTYPE", 9))
		return error_set(err, E_PERM, "XML document has a DOCTYPE");
	if (!r.parser)
		return error_set(err, E_TEMP, "out of memory");
	r.doc = arena_alloc(&a, sizeof(*r.doc));
	r.doc->arena = a;
	r.doc->n = bytes.n;
	r.doc->bytes = mem_resize(NULL, bytes.n);
	rc = read_document(&r, bytes, err);
	if (rc < 0)
		xml_free(r.doc);
	else
		*out = r.doc;
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
