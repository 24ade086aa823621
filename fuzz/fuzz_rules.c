/* fuzz_rules.c - any bytes as a rules file, and what it decides
 *
 * Input: a rules file; its last line may hold "SENDER RECIPIENT" behind a byte 0x01.
 */
#include <stdlib.h>
#include <string.h>

#include "rules-file/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(struct rules *r, const char *sender, const char *recipient)
{
	struct arena arena = ARENA_INIT;
	struct candidates c;
	struct decision d;

	if (rules_for_sender(r, &arena, sender, &c, NULL) == 0 && rules_decide(&c, recipient, &d, NULL) == 0)
		if (d.napplied > r->n || d.words.encrypt == ENCRYPT_UNSET || d.words.sign == SIGN_UNSET)
			abort();
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark = memchr(data, 1, size);
	size_t n = mark ? (size_t)(mark - data) : size;
	char *addresses = strndup(mark ? (const char *)mark + 1 : "", mark ? size - n - 1 : 0);
	char *recipient = strchr(addresses, ' ');
	struct error err = { 0 };
	struct rules *r;
	int rc;

	if (recipient)
		*recipient++ = '\0';
	rc = rules_parse("rules", span_from(data, n), &r, &err);
	if ((rc < 0) != (r->nerrors > 0) || !utf8_valid(span_of(err.text)))
		abort();
	if (rc == 0) {
		decide(r, addresses, recipient ? recipient : "b@x.example");
		decide(r, "", "user_1@behoerde.de");
	}
	rules_lint(r);
	rules_free(r);
	free(addresses);
	return 0;
}
