/* fuzz_ldap_value.c - keys-ldap: a value of an attribute, as a directory may have it, and an address in a filter
 *
 * The input is an address, a zero byte and the value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys-ldap/filter.h"
#include "keys-ldap/values.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct buf *b, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == c;
	return n;
}

/* Nothing of the value may end the filter's item: it is one, or two where a domain has two forms. */
static void check_filter(const char *address)
{
	struct buf out = BUF_INIT;
	size_t items;

	filter_address("(mail=%s)", address, &out);
	items = strncmp(buf_str(&out), "(|(mail=", 8) == 0 ? 3 : 1;
	if (count(&out, '(') != items || count(&out, ')') != items || count(&out, '*') || out.data[out.len - 1] != ')')
		abort();
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const uint8_t *end = memchr(data, 0, size);
	struct found *found;
	struct value value = { "cn=x", "userSMIMECertificate", { NULL, 0 } };
	struct query q = { .values = &value, .n = 1 };
	char *address;
	size_t n;

	log_set_level(LOG_LEVEL_ERROR);
	if (!end)
		return 0;
	address = arena_strndup(&arena, (const char *)data, (size_t)(end - data));
	value.bytes = span_from(end + 1, size - (size_t)(end - data) - 1);
	check_filter(address);
	n = values_for_address(&arena, &q, "ldap://x", address, &found);
	for (size_t i = 0; i < n; i++)
		value_capabilities(&arena, value.bytes, found[i].candidate.der);
	arena_release(&arena);
	return 0;
}
