/* xml.h - the XML of the module protocol: small documents, safely read and written
 *
 * Reading knows nothing of what is dangerous: no DTD, no entities beyond the
 * five built in, no network, capped depth and size, UTF-8 only.  Writing
 * checks every value: what is not XML text cannot be put into a document.
 */
#ifndef POSTERN_LIB_XML_H
#define POSTERN_LIB_XML_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/error.h"

/* ---- reading ---- */

#define XML_DEPTH_MAX 16
#define XML_ATTRIBUTES_MAX 256 /* of one element */

struct xml_document;
struct xml; /* an element; lives as long as its document */

/* Parses one document.  E_PERM and the reason, with the line, for anything that is not well
 * formed, has a DOCTYPE or a processing instruction, is not UTF-8 or is nested too deep. */
int xml_parse(struct span bytes, struct xml_document **out, struct error *err);
void xml_free(struct xml_document *doc); /* NULL is fine */
const struct xml *xml_root(const struct xml_document *doc);

const char *xml_name(const struct xml *e);
bool xml_is(const struct xml *e, const char *name);
const char *xml_attr(const struct xml *e, const char *name);                 /* NULL if absent */
const char *xml_attr_or(const struct xml *e, const char *name, const char *dflt);
const char *xml_attr_name(const struct xml *e, size_t i);                    /* of the i-th attribute; NULL past the last */
const struct xml *xml_first(const struct xml *parent, const char *name);     /* first child; NULL name: any */
const struct xml *xml_next(const struct xml *e, const char *name);           /* next sibling */
/* Appends the element's text content (all of it, children's too). */
void xml_text(const struct xml *e, struct buf *out);
/* Appends the decoded base64 of the element's text; E_PERM if it is not strict base64 (white space is fine). */
int xml_binary(const struct xml *e, struct buf *out, struct error *err);

/* ---- writing ---- */

struct xml_writer {
	struct buf out;
	bool tag_open;      /* inside a start tag: attributes may follow */
	int depth;
	const char *open[XML_DEPTH_MAX]; /* names of open elements: string literals */
	struct error problem; /* first value that was no XML text; code 0: none */
};

void xml_writer_init(struct xml_writer *w);
void xml_writer_release(struct xml_writer *w);
void xml_open(struct xml_writer *w, const char *name);  /* name: a literal, kept */
/* Makes text that nobody has vouched for (names of files, of directories) fit for the writer: what is no character of XML becomes '?'.
 * In place; returns text. */
char *xml_printable(char *text);
void xml_put(struct xml_writer *w, const char *name, const char *value);     /* attribute; NULL value: none written */
void xml_putf(struct xml_writer *w, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void xml_put_text(struct xml_writer *w, const char *text);
void xml_put_binary(struct xml_writer *w, const void *p, size_t n);          /* base64 text */
void xml_close(struct xml_writer *w);
/* The finished document, valid until the writer is released or used again.  E_PERM if a value was not XML
 * text (control character, not UTF-8). */
int xml_finish(struct xml_writer *w, struct span *document, struct error *err);

#endif
