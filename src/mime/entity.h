/* entity.h - the tree of MIME entities of a message, without copies (RFC 2045, 2046) */
#ifndef POSTERN_MIME_ENTITY_H
#define POSTERN_MIME_ENTITY_H

#include "mime/header.h"

enum encoding { ENCODING_7BIT, ENCODING_8BIT, ENCODING_BINARY, ENCODING_QP, ENCODING_BASE64, ENCODING_UNKNOWN };

struct mime_limits {
	size_t header; /* bytes of one header section */
	size_t parts;
	size_t depth;
};

struct entity {
	struct entity *parent, *first, *next;
	const char *path;          /* "" for the root, "1", "1.2" ...; a message/rfc822's message is its child "1" */
	struct header header;
	struct header_value type;  /* text: "text/plain" where absent or malformed (RFC 2045 5.2),
	                              message/rfc822 as default inside multipart/digest */
	enum encoding encoding;
	const char *charset;       /* as declared, lower case; "" if none */
	const char *filename;      /* Content-Disposition filename, else Content-Type name; decoded; "" if none */
	struct span whole;         /* header and body; for a body part without the line break before the boundary */
	struct span body;          /* encoded, as it stands */
	size_t header_at, body_at, end_at; /* offsets in the message given to entity_parse */
	struct span preamble, epilogue;    /* of a multipart */
	bool ambiguous;            /* another parser may see other parts: duplicate Content-Type or boundary, bad encoding
	                              of a multipart, missing final boundary ... */
	const char *why_ambiguous; /* "" or the first reason, one line */
};

/* Parses message (without an mbox From line) into a tree in the arena that points into message.  Parts of
 * multipart/signed and message/rfc822 are parsed too.  E_LIMIT past a limit; malformed input never fails otherwise. */
int entity_parse(struct arena *a, struct span message, const struct mime_limits *limits, struct entity **out,
		 struct error *err);

bool entity_is(const struct entity *e, const char *type);        /* "text/plain" or "multipart/" (prefix with the slash) */
const struct entity *entity_walk(const struct entity *e, const struct entity *root); /* next in document order, or NULL */
const char *encoding_name(enum encoding e);

/* Appends the decoded body (transfer encoding removed, nothing else changed); lenient about foreign characters. */
int entity_decode(const struct entity *e, struct buf *out, struct error *err);

#endif
