/* revocation.h - whether a certificate was revoked: the sources that can be asked, and what they answer
 *
 * A source (CRLs: crls.c, OCSP: ocsp.c) says what it knows; revocation.c makes a verdict of it by the policy for the
 * issuer (issuers.c).  A source never decides what becomes of the certificate.
 */
#ifndef POSTERN_CHECK_PATH_REVOCATION_H
#define POSTERN_CHECK_PATH_REVOCATION_H

#include "check-path/check.h"
#include "check-path/issuers.h"

struct checking;

enum revocation_status {
	REVOCATION_GOOD,      /* an authentic answer */
	REVOCATION_REVOKED,
	REVOCATION_UNKNOWN,   /* authentic, but it does not know this certificate */
	REVOCATION_NO_ANSWER, /* nothing there, or nothing that can be used */
};

/* Texts live in the arena of the check. */
struct revocation_answer {
	const char *source;      /* a file or URL; "": none */
	const char *text;        /* NO_ANSWER, UNKNOWN: why, one line; "": there is nothing to be said, nobody was asked */
	const char *number;      /* of a CRL in hexadecimal, of an OCSP answer the responder's name; "": none */
	time_t produced, next;   /* thisUpdate, nextUpdate; 0: none */
	time_t revoked_at;       /* REVOKED */
	int reason;              /* CRLReason (RFC 5280 section 5.3.1); -1: none said */
	bool stale;              /* GOOD: but the answer is not (any more, or yet) valid at the time of the check */
	bool broken;             /* NO_ANSWER: something is there that cannot be used; nobody knows what it would say */
};
#define REVOCATION_ANSWER_INIT { .source = "", .text = "", .number = "", .reason = -1 }

/* crls.c: the certificate number `at' of the path, whose issuer follows it, after RFC 5280 section 6.3.  Adds to the
 * evidence what was looked at.  k->error is set if nothing can be said now. */
enum revocation_status crls_consult(struct checking *k, STACK_OF(X509) *path, int at, const struct issuer_policy *policy,
				    struct revocation_answer *out);

/* ocsp.c.  Costs nothing where OCSP is not configured.  known: somebody has said that all is well, so only what is here already is looked
 * at, for a revocation. */
enum revocation_status ocsp_consult(struct checking *k, X509 *x, X509 *issuer, bool known, struct revocation_answer *out);

/* Puts what a source said in front of k->evidence, unless it stands there already. */
void revocation_add_evidence(struct checking *k, const char *kind, const struct revocation_answer *answer, X509 *about);

/* Judges every certificate of a good path but the anchor.  false: k->judgement says why not, or k->error is set.  *remark:
 * what the operator should know although the verdict is valid; "" if nothing. */
bool revocation_check(struct checking *k, STACK_OF(X509) *path, const char **remark);

#endif
