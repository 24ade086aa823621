/* reason.c - the words a verdict is explained with */
#include "check-path/reason.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/buf.h"

#define TEXT_MAX ((size_t)1000)

static const struct {
	const char *word;
	enum check_verdict verdict;
} rows[REASON_COUNT] = {
	[REASON_NONE] = { "", CHECK_VALID },
	[REASON_UNTRUSTED] = { "untrusted", CHECK_INVALID },
	[REASON_MALFORMED] = { "malformed", CHECK_INVALID },
	[REASON_EXPIRED] = { "expired", CHECK_INVALID },
	[REASON_NOT_YET_VALID] = { "not-yet-valid", CHECK_INVALID },
	[REASON_WRONG_PURPOSE] = { "wrong-purpose", CHECK_INVALID },
	[REASON_WRONG_KEY_USAGE] = { "wrong-key-usage", CHECK_INVALID },
	[REASON_ADDRESS_MISMATCH] = { "address-mismatch", CHECK_INVALID },
	[REASON_WEAK_KEY] = { "weak-key", CHECK_INVALID },
	[REASON_WEAK_HASH] = { "weak-hash", CHECK_INVALID },
	[REASON_WEAKENED_HASH] = { "weak-hash", CHECK_UNKNOWN },
	[REASON_CRITICAL_EXTENSION] = { "unknown-critical-extension", CHECK_INVALID },
	[REASON_NOT_A_CA] = { "not-a-ca", CHECK_INVALID },
	[REASON_PATH_LENGTH] = { "path-length", CHECK_INVALID },
	[REASON_NAME_CONSTRAINTS] = { "name-constraints", CHECK_INVALID },
	[REASON_POLICY] = { "policy", CHECK_INVALID },
	[REASON_BAD_SIGNATURE] = { "bad-signature", CHECK_INVALID },
	[REASON_REVOKED] = { "revoked", CHECK_INVALID },
	[REASON_LIFETIME] = { "validity-too-long", CHECK_INVALID },
	[REASON_NO_PATH] = { "no-path", CHECK_UNKNOWN },
	[REASON_UNSUPPORTED] = { "unsupported-algorithm", CHECK_UNKNOWN },
	[REASON_CRL_MISSING] = { "crl-missing", CHECK_UNKNOWN },
	[REASON_CRL_EXPIRED] = { "crl-expired", CHECK_UNKNOWN },
	[REASON_CRL_INVALID] = { "crl-invalid", CHECK_UNKNOWN },
	[REASON_STATUS_UNKNOWN] = { "status-unknown", CHECK_UNKNOWN },
};

const char *reason_word(enum reason r)
{
	return rows[r].word;
}

enum check_verdict reason_verdict(enum reason r)
{
	return rows[r].verdict;
}

const char *check_verdict_word(enum check_verdict v)
{
	static const char *const words[] = { "valid", "invalid", "unknown" };

	return words[v];
}

bool judge(struct judgement *j, struct arena *a, enum reason r, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	j->reason = r;
	j->text = arena_strdup(a, text);
	return false;
}
