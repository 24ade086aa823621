/* describe.h - what the header of an entity says about its body, for the parser */
#ifndef POSTERN_MIME_DESCRIBE_H
#define POSTERN_MIME_DESCRIBE_H

#include "mime/entity.h"

/* Marks e ambiguous; the first reason stays. */
void entity_doubt(struct entity *e, const char *why);

/* Fills type, encoding, charset and filename from e->header; e->parent must be set (RFC 2046 section 5.1.5: the
 * default in a digest). */
void entity_describe(struct arena *a, struct entity *e);

/* The boundary a multipart's parts are found by; n 0 if there is none. */
struct span entity_boundary(struct entity *e);

/* message/rfc822 or message/global that is not encoded: its body is a message that can be parsed in place. */
bool entity_holds_message(struct entity *e);

#endif
