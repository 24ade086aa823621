/* bare.h - for the programs that make a library's bare calls: questions and answers as a module has them, and nothing more
 *
 * What bench/asker sends a module it sends them; frames are as long, so waking and copying cost the same.  Nothing is parsed: a program
 * looks for what it needs.
 */
#ifndef POSTERN_BENCH_BARE_H
#define POSTERN_BENCH_BARE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define BARE_ANSWER_MAX ((size_t)128 * 1024)

/* The next request, a string until the next call; NULL: no more. */
static char *bare_next(void)
{
	static char *input;
	static size_t size = 4096;
	size_t had = 0, whole = 0;
	char *document = NULL;

	if (!input)
		input = malloc(size);
	do {
		ssize_t n;

		if (had + 1 == size)
			input = realloc(input, size *= 2);
		n = input ? read(STDIN_FILENO, input + had, size - had - 1) : -1;
		if (n <= 0)
			return NULL;
		had += (size_t)n;
		input[had] = '\0';
		document = strchr(input, '\n');
		if (document)
			whole = (size_t)(document + 1 - input) + strtoul(input, NULL, 10);
	} while (!document || had < whole);
	return document + 1;
}

/* A frame as long as a module's with so many bytes in so many elements. */
static void bare_answer(size_t bytes, size_t elements)
{
	static char zeros[BARE_ANSWER_MAX];
	size_t n = bytes / 3 * 4 + 150 * elements + 25;
	char length[32];
	struct iovec parts[2] = { { .iov_base = length }, { .iov_base = zeros } };

	parts[1].iov_len = n < sizeof(zeros) ? n : sizeof(zeros);
	parts[0].iov_len = (size_t)snprintf(length, sizeof(length), "%zu\n", parts[1].iov_len);
	if (writev(STDOUT_FILENO, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len))
		exit(1);
}

/* What stands in the next element with this start tag, cut off behind it; *at moves on.  NULL: there is none. */
static inline char *bare_item(char **at, const char *tag)
{
	char *from = strstr(*at, tag), *end = from ? strchr(from + strlen(tag), '<') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return from + strlen(tag);
}

#endif
