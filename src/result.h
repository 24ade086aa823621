/* result.h - what opening a message showed, told so that nobody else can tell it (RFC 8601, 7281)
 *
 * Two fields: Authentication-Results for everyone, and X-Postern-Result, one canonical record with a keyed MAC that
 * is bound to the message (From, Date, Message-ID, the body, and every other field that only we may write), for the next hop and for the copy that returns from the scanner.
 */
#ifndef POSTERN_RESULT_H
#define POSTERN_RESULT_H

#include <openssl/types.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "mime/header.h"

enum result_word { RESULT_NONE, RESULT_PASS, RESULT_FAIL, RESULT_NEUTRAL, RESULT_PERMERROR };

struct result {
	enum result_word word;
	const char *reason;      /* a word: "bad-signature", "expired", "no-key"; "" */
	const char *text;        /* for people; "" */
	bool encrypted;
	const char *layers;      /* "enveloped:aes-256-cbc:rsa-oaep,signed:sha256:rsa" */
	const char *signer;      /* the address that was compared with From; "" */
	const char *subject, *issuer, *serial; /* of the signer's certificate; "" */
	const char *verdict;     /* of the certificate; "" */
	const char *modified;    /* who changed the message after it was looked at: "scanner"; "" */
};

/* Bytes by which a message may be past the limits for its size and its header when it has been through our hands: both
 * fields, the token, and what a scanner and mail servers add.  Else a message at the limit would come back as one above. */
#define RESULT_ROOM ((size_t)32 * 1024)

const char *result_name(enum result_word w);

/* ";result=...;reason=..." and so on, as record and token have it; text is for people and not in it. */
void result_add_findings(struct buf *out, const struct result *r);
/* Back from a text that mac_read() has found genuine.  E_PERM: it has no result that we know. */
int result_findings(struct arena *a, const char *text, struct result *out, struct error *err);

/* Appends both fields.  header: of the message as it will leave (From, Date, Message-ID are taken from it);
 * body: its pieces in order.  key: the MAC key. */
int result_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const char *hostname, const char *queue_id, time_t now,
		 const struct result *r, const struct header *header, const struct span *body, size_t nbody, const char *eol,
		 struct error *err);

/* Checks a message's X-Postern-Result.  0: ours and unchanged, *record is the canonical text; E_PERM: forged, for another
 * message, or the body was changed; E_NOTFOUND: there is none. */
int result_verify(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const char *hostname, const struct header *header,
		  struct span body, const char **record, struct error *err);

/* Fields that only we may write: X-Postern-*, and Authentication-Results that bear our name.  The record is bound to all of
 * them but the token, which has a MAC of its own and stays behind when the message goes on. */
bool result_is_reserved(struct arena *a, const char *hostname, const struct header_field *f);

/* Reads the key file (at least 16 bytes, 0600); makes it (32 random bytes, base64) where it does not exist. */
int result_key(const char *path, struct buf *key, struct error *err);

#endif
