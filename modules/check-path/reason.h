/* reason.h - the words a verdict is explained with: on the wire and in the verify log for ever (check-path(8)) */
#ifndef POSTERN_CHECK_PATH_REASON_H
#define POSTERN_CHECK_PATH_REASON_H

#include <stdbool.h>

#include "lib/mem.h"

enum check_verdict { CHECK_VALID, CHECK_INVALID, CHECK_UNKNOWN };

enum reason {
	REASON_NONE, /* valid */
	/* invalid: the certificate, or one on its path, must not be used */
	REASON_UNTRUSTED,
	REASON_MALFORMED,
	REASON_EXPIRED,
	REASON_NOT_YET_VALID,
	REASON_WRONG_PURPOSE,
	REASON_WRONG_KEY_USAGE,
	REASON_ADDRESS_MISMATCH,
	REASON_WEAK_KEY,
	REASON_WEAK_HASH,
	REASON_WEAKENED_HASH, /* the same word: the floor tolerates it in a message */
	REASON_CRITICAL_EXTENSION,
	REASON_NOT_A_CA,
	REASON_PATH_LENGTH,
	REASON_NAME_CONSTRAINTS,
	REASON_POLICY,
	REASON_BAD_SIGNATURE,
	REASON_REVOKED,
	REASON_LIFETIME,
	/* unknown: nothing speaks against it, but something is missing that would speak for it */
	REASON_NO_PATH,
	REASON_UNSUPPORTED,
	REASON_CRL_MISSING,
	REASON_CRL_EXPIRED,
	REASON_CRL_INVALID,
	REASON_STATUS_UNKNOWN,
	REASON_COUNT
};

/* What one rule found; text is one line for people and says what to do. */
struct judgement {
	enum reason reason;
	const char *text;
};

const char *reason_word(enum reason r);            /* "expired"; "" for REASON_NONE */
enum check_verdict reason_verdict(enum reason r);
const char *check_verdict_word(enum check_verdict v);

/* Fills *j (text lives in the arena) and returns false, so that a rule can end with it. */
bool judge(struct judgement *j, struct arena *a, enum reason r, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
