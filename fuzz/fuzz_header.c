/* fuzz_header.c - header sections from outside: fields, words, addresses, parameters, and writing what was read */
#include <assert.h>

#include "lib/address.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(const struct buf *b)
{
	size_t start = 0;

	for (size_t i = 0; i < b->len; i++) {
		assert((unsigned char)b->data[i] < 0x80 && b->data[i] != '\0' && b->data[i] != '\r');
		if (b->data[i] != '\n')
			continue;
		assert(i - start <= 998 && i > start);
		assert(start == 0 || b->data[start] == ' ');
		start = i + 1;
	}
	assert(start == b->len);
}

static void tabs_to_spaces(char *s)
{
	for (; *s; s++)
		if (*s == '\t')
			*s = ' ';
}

/* What is written can be read, and says the same. */
static void check_written(struct arena *a, char *value)
{
	struct buf b = BUF_INIT;
	struct header h;
	struct span trimmed = span_trim(span_of(value));
	char *back;

	header_write(&b, "Subject", value, "\n");
	check_lines(&b);
	assert(header_parse(a, span_from(b.data, b.len), SIZE_MAX, &h, NULL) == 0 && h.n == 1 && h.body == b.len);
	back = header_decode(a, h.fields[0].value);
	tabs_to_spaces(back);
	tabs_to_spaces(value);
	assert(span_eq(span_of(back), trimmed));
	buf_clear(&b);
	header_write_raw(&b, "Subject", value, "\n");
	check_lines(&b);
	buf_release(&b);
}

static void check_field(struct arena *a, const struct header_field *f)
{
	char *decoded = header_decode(a, f->value);
	struct header_value v;
	const char **addresses;
	size_t n;

	header_unfold(a, f->value);
	assert(utf8_valid(span_of(decoded)));
	if (header_addresses(a, f->value, &addresses, &n, NULL) == 0)
		for (size_t i = 0; i < n; i++)
			assert(utf8_valid(span_of(addresses[i])) && strchr(addresses[i], '@'));
	header_value_parse(a, f->value, &v);
	assert(utf8_valid(span_of(v.text)));
	for (size_t i = 0; i < v.n; i++)
		assert(utf8_valid(span_of(v.parameters[i].value)) && header_parameter(&v, v.parameters[i].name));
	check_written(a, decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_from(data, size);
	struct arena a = ARENA_INIT;
	const char *sender;
	struct header h;

	mbox_from_line(&a, in, &sender);
	if (header_parse(&a, in, 65536, &h, NULL) == 0) {
		assert(h.body <= size && h.bytes.n <= h.body);
		for (size_t i = 0; i < h.n; i++)
			check_field(&a, &h.fields[i]);
	}
	arena_release(&a);
	return 0;
}
