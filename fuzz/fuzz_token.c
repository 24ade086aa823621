/* fuzz_token.c - fields with a MAC and what a genuine one says: the header of a message from the scanner, then a token's text */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mac.h"
#include "token.h"

static const char key[] = "0123456789abcdef";

static void read_token(struct arena *a, struct span header)
{
	struct token t;
	struct header h;
	bool fits, covers;
	int rc;

	if (header_parse(a, header, 65536, &h, NULL) < 0)
		return;
	rc = token_read(a, NULL, span_of(key), &(struct token_message){ &h, "a@b" }, &t, &fits, NULL);
	if (fits && rc != 0)
		abort();
	if (rc == 0 && (strlen(t.id) != TOKEN_ID || strspn(t.id, "0123456789abcdef") != TOKEN_ID || t.ntags > TOKEN_RECIPIENTS ||
			token_covers(NULL, span_of(key), &t, "a@b", &covers, NULL) < 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct mac_kind kind = { "X-Postern-Token", "X-Postern-Token\n", 0 };
	struct arena a = ARENA_INIT;
	struct buf field = BUF_INIT;
	char digest[CONTENT_HEX + 1];
	const struct mime_limits limits = { 65536, 100, 20 };
	const char *text = arena_strndup(&a, (const char *)data, n);

	read_token(&a, span_from(data, n));
	if (mac_write(&field, NULL, span_of(key), &kind, text, "\n", NULL) < 0)
		abort();
	buf_addstr(&field, "From: a@b\n\n");
	read_token(&a, span_from(field.data, field.len));
	content_digest(&a, span_from(data, n > 100 ? 100 : n), span_from(data, n), &limits, digest, NULL);
	buf_release(&field);
	arena_release(&a);
	return 0;
}
