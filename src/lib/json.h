/* json.h - one JSON document (RFC 8259) on standard output, as it comes */
#ifndef POSTERN_LIB_JSON_H
#define POSTERN_LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/buf.h"

struct json {
	struct buf out;
	bool begun;   /* something stands in the innermost object or array */
};

/* name: NULL in an array and for the document itself.  Bytes that are no UTF-8 become U+FFFD. */
void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                  /* '}' or ']' */
void json_text(struct json *j, const char *name, const char *value);
void json_number(struct json *j, const char *name, int64_t value);
void json_time(struct json *j, const char *name, time_t when);  /* RFC 3339; 0: null */
/* Writes what there is, with a line end, and releases it. */
void json_end(struct json *j);

#endif
