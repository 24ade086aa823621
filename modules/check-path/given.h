/* given.h - anchors, issuers and CRLs that are in no folder but came with the caller: see checker_give() */
#ifndef POSTERN_CHECK_PATH_GIVEN_H
#define POSTERN_CHECK_PATH_GIVEN_H

#include "check-path/areas.h"
#include "common/marks.h"

/* Found by the name that it bears; parsed when it is asked for. */
struct given_object {
	struct span der;
	const char *name; /* for people */
	struct mark mark;
	bool asked;       /* of a revocation list: it was digested into form, or is none */
	struct buf form;
	struct crl list;
};

/* All zero: nothing.  The bytes and names are the caller's and stay where they are. */
struct given {
	STACK_OF(X509) *anchors; /* NULL: none were given */
	struct given_object *issuers, *crls;
	size_t nissuers, ncrls;
};

/* Into one that is all zero.  What cannot be read is passed over, with a line in the log. */
void given_take(struct given *g, const struct check_given *from);
void given_release(struct given *g);

bool given_is_anchor(const struct given *g, const X509 *x);
/* Pushes the anchors with this subject onto out, which owns the references. */
void given_anchors(const struct given *g, const X509_NAME *subject, STACK_OF(X509) *out);
/* The next issuer from *i on, which begins with 0, that seems to have this subject; *der is the caller's.  false: no more. */
bool given_issuer(const struct given *g, const X509_NAME *subject, size_t *i, struct span *der);
/* Puts the lists of this issuer behind the *n that out holds already; there is room for g->ncrls.  They live as long as g. */
void given_crls(struct given *g, const X509_NAME *issuer, struct areas_crl *out, size_t *n);

#endif
