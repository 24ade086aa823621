/* lists.h - revocation lists as a check uses them: opened, their extensions read, found by the name of their issuer */
#ifndef POSTERN_CHECK_PATH_LISTS_H
#define POSTERN_CHECK_PATH_LISTS_H

#include <openssl/x509v3.h>

#include "check-path/areas.h"
#include "common/crl.h"

/* Reasons as bits, from keyCompromise (1) to aACompromise (8) of RFC 5280's ReasonFlags. */
#define REASONS_ALL 0x1feu

struct list {
	struct list *next;
	const struct areas_crl *from;
	const struct crl *crl;          /* from->list */
	const char *source;             /* from->file */
	X509_NAME *issuer;              /* owned, as what follows; NULL where the extension is absent */
	ISSUING_DIST_POINT *point;
	struct span point_der;          /* the same as it stands there: two lists have the same scope if it is equal */
	AUTHORITY_KEYID *key;
	ASN1_INTEGER *number, *base;    /* base: a delta CRL */
	unsigned reasons;
	const char *problem;            /* why it cannot be used at all; NULL: it can */
};

struct checking;

/* All lists of this issuer, complete and delta, from area crl and those given; read once for each check.  NULL: none, or
 * k->error is set. */
struct list *lists_of(struct checking *k, const X509_NAME *issuer);

/* As crl_find(); k->error is set if it fails. */
int list_find(struct checking *k, const struct list *l, const X509_NAME *issuer, const ASN1_INTEGER *serial,
	      struct crl_entry *out);

/* Valid at the time of the check (RFC 5280 section 6.3.3 (a)); late: so many seconds past nextUpdate are fine. */
bool list_is_current(const struct checking *k, const struct list *l, int64_t late);

/* "1F" in the arena; "" where there is none. */
const char *list_number(struct checking *k, const struct list *l);

/* What lists_of() read, freed. */
struct lists_read;
void lists_forget(struct lists_read *read);

/* ---- scope.c ---- */

/* RFC 5280 section 6.3.3 (b): the list may speak about certificate x through this distribution point (NULL: the one that is
 * assumed where no other names the list). */
bool scope_covers(const struct list *l, X509 *x, const DIST_POINT *point);
/* (d): the reasons it speaks of. */
unsigned scope_reasons(const struct list *l, const DIST_POINT *point);

/* ---- signer.c ---- */

/* RFC 5280 section 6.3.3 (f) and (g): signed by the issuer of path[at], or by somebody else with a valid path to the same
 * anchor.  false: *problem says what is wrong ("has a bad signature"). */
bool signer_is_good(struct checking *k, const struct list *l, STACK_OF(X509) *path, int at, const char **problem);

#endif
