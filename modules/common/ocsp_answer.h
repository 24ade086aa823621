/* ocsp_answer.h - what an OCSP responder says about a certificate, and whether it may be believed (RFC 6960)
 *
 * OCSP_basic_verify() builds a path for the responder's certificate against a store; what RFC 6960 section 4.2.2.2 asks is
 * narrower: the issuer itself, or a certificate that this issuer, and no other, has issued for id-kp-OCSPSigning.  So the
 * authorisation is decided here, and OpenSSL checks the signatures.
 */
#ifndef POSTERN_COMMON_OCSP_ANSWER_H
#define POSTERN_COMMON_OCSP_ANSWER_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

/* Times are seconds since the epoch. */
struct ocsp_rules {
	int64_t now;             /* the clock: nothing may be of the future */
	int64_t time;            /* the moment the answer is to be good for, at most now */
	int64_t skew;            /* by which clocks may differ */
	int64_t age;             /* an answer without nextUpdate counts for so long */
	bool nocheck;            /* a delegated responder's certificate must have ocsp-nocheck */
	struct span nonce;       /* that was sent; n = 0: none */
	bool nonce_required;     /* the answer must have it; else it may be missing, but never another one */
	bool (*signer_is_good)(void *ctx, X509 *signer); /* more rules for a delegated responder's certificate; may be NULL */
	bool (*hash_is_good)(void *ctx, int digest);     /* of the answer's signature (NID); NULL: all but SHA-1 and MD5 */
	void *ctx;
};

struct ocsp_answer {
	enum ocsp_status status;
	int64_t produced, next;  /* thisUpdate; nextUpdate, or what age makes of it */
	int64_t revoked_at;
	int reason;              /* CRLReason, -1: none said */
	int64_t late;            /* seconds that the answer is over at rules->time; 0: it is current */
	bool delegated;
	char responder[300];     /* who signed it, in one line */
};

/* Reads what the OCSPResponse says about x, which issuer has issued.  E_PERM: not to be believed, or about others; E_TEMP: the
 * responder asks for patience (tryLater, internalError).  Answers that are over are 0 with late set. */
int ocsp_answer_read(struct span der, X509 *x, X509 *issuer, const struct ocsp_rules *rules, struct ocsp_answer *out,
		     struct error *err);

/* Appends an OCSPRequest for x.  digest: NID_sha1 or NID_sha256; with_nonce: 32 random bytes are sent and appended to *nonce. */
int ocsp_request(X509 *x, X509 *issuer, int digest, bool with_nonce, struct buf *out, struct buf *nonce, struct error *err);

/* Whether the response says anything about x at all, believable or not: for files without a name. */
bool ocsp_is_about(struct span der, X509 *x, X509 *issuer);

#endif
