/* xml_inside.h - what a document is made of: for the parser and for what gives access to it, and nobody else */
#ifndef POSTERN_LIB_XML_INSIDE_H
#define POSTERN_LIB_XML_INSIDE_H

#include "lib/mem.h"
#include "lib/xml.h"

struct xml_attribute {
	const char *name, *value;
	struct xml_attribute *next;
};

/* An element, or a run of text in one. */
struct xml {
	const char *name;   /* NULL: text */
	struct span text;   /* with its references replaced */
	struct xml_attribute *attributes;
	struct xml *children, *next;
};

/* Names, values and text stand in bytes, which are overwritten before they are given back: they may be secrets. */
struct xml_document {
	struct arena arena; /* elements, attributes */
	struct xml *root;
	char *bytes;
	size_t n;
};

#endif
