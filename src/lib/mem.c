/* mem.c - memory that is there or ends the process, and arenas */
#include "lib/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Chunks begin small and double: a page that is never touched costs nothing, but one that is costs thousands of instructions. */
#define CHUNK_FIRST ((size_t)2 * 1024)
#define CHUNK_LAST ((size_t)64 * 1024)
#define ALIGN (sizeof(max_align_t))

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	max_align_t data[];
};

static _Noreturn void say_and_defer(void)
{
	static const char line[] = "4.3.0 out of memory\n";

	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(75);
}

static void *checked(void *p)
{
	if (!p)
		say_and_defer();
	return p;
}

void *mem_alloc(size_t n)
{
	return checked(calloc(1, n ? n : 1));
}

void *mem_resize(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

void *mem_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return checked(strdup(s));
}

void mem_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

/* A chunk of its own, cleared. */
static void *big_piece(struct arena *a, size_t n)
{
	struct arena_chunk *c = checked(calloc(1, sizeof(*c) + n));

	c->used = c->size = n;
	if (a->chunks) { /* keep filling the one before */
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		a->chunks = c;
	}
	return c->data;
}

static struct arena_chunk *next_chunk(struct arena *a)
{
	size_t size = !a->chunks || a->chunks->size < CHUNK_FIRST ? CHUNK_FIRST : a->chunks->size * 2;
	struct arena_chunk *c;

	size = size > CHUNK_LAST ? CHUNK_LAST : size;
	c = checked(malloc(sizeof(*c) + size));
	*c = (struct arena_chunk){ a->chunks, 0, size };
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > SIZE_MAX / 2)
		checked(NULL);
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (!c || c->size - c->used < n) {
		if (n > CHUNK_FIRST / 2)
			return big_piece(a, n);
		c = next_chunk(a);
	}
	p = (char *)c->data + c->used;
	c->used += n;
	return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		checked(NULL);
	return arena_alloc(a, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
	return arena_strndup(a, p, n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
	va_start(ap, fmt);
	if (n >= 0)
		vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

void arena_release(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
}
