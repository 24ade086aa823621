/* error.c - one way to say what went wrong */
#include "lib/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

/* A text that was cut must not end within a character: it may become XML. */
static void drop_last_character(char *s)
{
	size_t n = strlen(s);

	while (n && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && (unsigned char)s[n - 1] >= 0xc0)
		s[n - 1] = '\0';
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->text)] = ""; /* an argument may be err->text itself */
	va_list ap;
	int n;

	if (!err)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		drop_last_character(text);
	make_printable(text);
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	return code;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char before[sizeof(err->text)];
	char text[sizeof(err->text) * 2 + 2];
	va_list ap;

	if (!err)
		return E_TEMP;
	va_start(ap, fmt);
	vsnprintf(before, sizeof(before), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s: %s", before, err->text);
	return error_set(err, err->code, "%s", text);
}
