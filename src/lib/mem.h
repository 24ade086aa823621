/* mem.h - memory that is there or ends the process, and arenas
 *
 * Running out of memory is not something a mail gateway recovers from in the
 * middle of a message: the message waits in the carrier's queue (exit 75).
 * So these functions never return NULL: they end the process with one line on
 * stderr and 75.
 *
 * What lives as long as the message lives in one arena and is never freed one
 * by one.
 */
#ifndef POSTERN_LIB_MEM_H
#define POSTERN_LIB_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                 /* zeroed; free() it */
void *mem_resize(void *p, size_t n);       /* realloc(); new bytes are not zeroed */
void *mem_array(size_t count, size_t size);/* zeroed, overflow-checked; free() it */
char *mem_strdup(const char *s);
void mem_wipe(void *p, size_t n);          /* never optimised away */

struct arena {
	struct arena_chunk *chunks;
};

#define ARENA_INIT { NULL }

void *arena_alloc(struct arena *a, size_t n);   /* zeroed, aligned for anything */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n); /* NUL-terminated copy of n bytes */
char *arena_lower(struct arena *a, const char *s);             /* a copy, its ASCII letters in lower case */
void *arena_memdup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void arena_release(struct arena *a);            /* frees everything; *a is empty again */

#endif
