/* header.h - header sections over the mapped message (RFC 5322, 2045, 2047, 2231)
 *
 * Nothing is copied: fields are spans of the message.  Decoded values live in
 * the caller's arena.
 */
#ifndef POSTERN_MIME_HEADER_H
#define POSTERN_MIME_HEADER_H

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

struct header_field {
	struct span name;   /* without the colon and blanks before it */
	struct span value;  /* behind the colon, folded as it stands, without the final line break */
	struct span whole;  /* the field's lines with their line breaks: what is copied through */
};

struct header {
	struct header_field *fields; /* in order */
	size_t n;
	struct span bytes;           /* the section without the empty line that ends it */
	size_t body;                 /* offset in the input where the body starts (behind the empty line) */
	bool garbage;                /* had a line that is no field: such a line ends the header, the rest is body */
	const char *eol;             /* "\r\n" or "\n": the first line's break; "\n" if there is none */
};

/* Parses the header section at the start of input: LF and CRLF, mixed or not; NUL and 8-bit bytes pass.
 * An mbox "From " line at the start must have been cut off before (mbox_from_line).  E_LIMIT when the
 * section has more than limit bytes. */
int header_parse(struct arena *a, struct span input, size_t limit, struct header *out, struct error *err);

/* Length of a leading mbox "From " or ">From " line with its break, else 0; *sender (may be NULL)
 * gets the address in it, "" for <> or MAILER-DAEMON, in the arena. */
size_t mbox_from_line(struct arena *a, struct span input, const char **sender);

/* The first field of that name (ASCII case-insensitive) behind `after` (NULL: from the start), or NULL. */
const struct header_field *header_find(const struct header *h, const char *name, const struct header_field *after);
size_t header_count(const struct header *h, const char *name);

/* ---- values; all results are in the arena and NUL-terminated; NUL bytes inside become U+FFFD ---- */

char *header_unfold(struct arena *a, struct span value);       /* line breaks removed, a lone CR is a blank, ends trimmed */
/* RFC 2047 words decoded to UTF-8 as the most tolerant reader would: UTF-8, US-ASCII, ISO-8859-*, windows-125* and
 * what else mail uses (iconv(3)).  Words of unknown charsets stay as they are unless all they hold is ASCII;
 * malformed words stay.  Invalid bytes and control characters other than HTAB become U+FFFD, line breaks blanks.
 * Always valid UTF-8 and XML text. */
char *header_decode(struct arena *a, struct span value);

/* The addr-specs of an address list (RFC 5322 3.4, groups, comments, quoted strings, obsolete routes).
 * *addresses: n pointers into the arena, exactly as written apart from comments and folding.
 * E_PERM when the list is malformed: nothing may be concluded from it then. */
int header_addresses(struct arena *a, struct span value, const char ***addresses, size_t *n, struct error *err);


/* The mailbox of the one From field: whom a signature can be compared with.  "" unless there is exactly one field, and one mailbox in it
 * as above. */
const char *header_from(struct arena *a, const struct header *h);

/* A value with parameters: "type/subtype; name=value; ...", "attachment; filename=...".  Parameters with RFC 2231
 * continuations and charsets joined and decoded to UTF-8; comments removed; the first of duplicates wins and
 * duplicate is set. */
struct parameter {
	const char *name, *value;
	struct span raw;            /* the bytes before a charset was applied: what a boundary is compared with */
};
struct header_value {
	const char *text;           /* lower case, without parameters: "multipart/signed" */
	struct parameter *parameters; /* names in lower case */
	size_t n;
	bool duplicate;             /* a parameter twice: an ambiguity that another parser may read differently */
	bool malformed;
	bool unusual;               /* has comments, blanks around the slash or before a "=", or quoted strings with escapes or folds: not every program
	                               reads these */
};
void header_value_parse(struct arena *a, struct span value, struct header_value *out);
const char *header_parameter(const struct header_value *v, const char *name); /* NULL if absent */

/* ---- writing ---- */

/* Appends "Name: value" + eol, folded before 78 columns at blanks (every continuation begins with a space), never
 * past 998 bytes; UTF-8 becomes RFC 2047 words.  CR, LF and NUL in value become '?'. */
void header_write(struct buf *out, const char *name, const char *value, const char *eol);
/* Appends lines of fields without what some programs take for the end of the header, a line of blanks, or of a line, a CR without LF or a
 * NUL (RFC 5322 section 4.2 obliges to read these and forbids to write them): the first are left out, the others become blanks. */
void header_tidy(struct span lines, struct buf *out);
/* As header_write() for structured values that must stay ASCII as they are (parameters, base64): only folding. */
void header_write_raw(struct buf *out, const char *name, const char *value, const char *eol);

#endif
