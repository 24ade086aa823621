/* token.h - what a message takes along to the scanner, so that we know it again (field X-Postern-Token)
 *
 * It has a MAC and speaks for one message (Message-ID, From, envelope sender) and for the recipients it names by keyed hashes, and it holds
 * what opening the message showed: so a message that the scanner has changed is still known, and its result can be written
 * again.  Nobody but the scanner ever sees one: it is removed from whatever goes on.
 */
#ifndef POSTERN_TOKEN_H
#define POSTERN_TOKEN_H

#include "content.h"
#include "result.h"

#define TOKEN_ID 24          /* hexadecimal digits of a message's name: of its token and of its hold */
#define TOKEN_RECIPIENTS 50  /* that one token speaks for; further ones get a copy of their own */
#define TOKEN_MAX 12288       /* bytes without blanks and MAC */

struct token {
	const char *id;          /* TOKEN_ID lower-case hexadecimal digits */
	const char *host, *node; /* whose: our hostname, the machine's name */
	uint64_t time;           /* seconds since 1970 */
	int inside;              /* DELIVER_...: what its recipients get; for DELIVER_ORIGINAL the node holds the message */
	const char *content;     /* content_digest() of the copy */
	struct result result;
	const char *const *tags; /* of the recipients; use token_covers() */
	size_t ntags;
};

/* What a token is bound to, and checked against. */
struct token_message {
	const struct header *header;
	const char *sender;
};

/* Appends the field for these recipients (at most TOKEN_RECIPIENTS); tags are made, not taken from t. */
int token_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const struct token *t, const struct token_message *m,
		const char *const *recipients, size_t n, const char *eol, struct error *err);

/* The message's token.  0: genuine, *fits tells whether it was made for this message, and err why not; E_NOTFOUND: none;
 * E_PERM: not ours. */
int token_read(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const struct token_message *m, struct token *out, bool *fits,
	       struct error *err);

/* Whether it speaks for the recipient; letter case does not count.  E_TEMP */
int token_covers(OSSL_LIB_CTX *ctx, struct span key, const struct token *t, const char *recipient, bool *covers, struct error *err);

/* "decrypted", "original", "reencrypted" */
const char *token_inside(const struct token *t);

bool token_is(const struct header_field *f);

/* The machine's name. */
const char *token_node(struct arena *a);

#endif
