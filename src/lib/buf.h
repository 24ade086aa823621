/* buf.h - a growing byte buffer, and views of bytes that others own */
#ifndef POSTERN_LIB_BUF_H
#define POSTERN_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer owns data; data is NUL-terminated behind len for convenience, the
 * bytes themselves may contain NUL.  {0} is an empty buffer. */
struct buf {
	char *data;
	size_t len, cap;
};

#define BUF_INIT { NULL, 0, 0 }

void buf_add(struct buf *b, const void *p, size_t n);
void buf_addstr(struct buf *b, const char *s);
void buf_addch(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reserve(struct buf *b, size_t n);      /* room for n more bytes */
const char *buf_str(const struct buf *b);       /* never NULL */
void buf_clear(struct buf *b);                  /* len = 0, memory kept */
void buf_release(struct buf *b);                /* memory freed */
void buf_wipe(struct buf *b);                   /* overwritten, then released */

/* A span is a view: whoever made it says how long the bytes live. */
struct span {
	const char *p;
	size_t n;
};

struct span span_of(const char *s);             /* of a C string */
struct span span_from(const void *p, size_t n);
struct span span_sub(struct span s, size_t from, size_t to); /* clipped to s */
struct span span_trim(struct span s);           /* without SP HTAB CR LF at both ends */
bool span_eq(struct span a, struct span b);
bool span_eqstr(struct span a, const char *s);
bool span_caseeq(struct span a, const char *s); /* ASCII only, locale-free */
bool span_casestarts(struct span a, const char *prefix);
ptrdiff_t span_find(struct span a, char c);     /* index or -1 */

/* ASCII-only, whatever the locale says. */
static inline int ascii_lower(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static inline bool ascii_alpha(int c) { c = ascii_lower(c); return c >= 'a' && c <= 'z'; }
static inline bool ascii_digit(int c) { return c >= '0' && c <= '9'; }
static inline bool ascii_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool ascii_caseeq(const char *a, const char *b);

/* Whether word stands in a list with blanks between the words. */
bool word_listed(const char *list, const char *word);

/* Decimal number in 0..max, whole span, no sign, no blanks. */
bool span_number(struct span s, uint64_t max, uint64_t *out);

#endif
