/* areas.h - what this module asks of the operator's folders ca, trusted, untrusted and crl
 *
 * A layer over the shared look-up (common/area.h), in OpenSSL's types.  What the folders hold at the moment of the
 * question is the truth.  Errors: E_CONFIG, a folder cannot be read; E_TEMP, I/O.
 */
#ifndef POSTERN_CHECK_PATH_AREAS_H
#define POSTERN_CHECK_PATH_AREAS_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

struct areas;

enum areas_name { AREAS_TRUSTED, AREAS_UNTRUSTED, AREAS_CA, AREAS_CRL };

struct areas_crl {
	X509_CRL *crl;     /* the caller's reference */
	const char *file;  /* in the arena of the question */
};

int areas_open(const struct config *config, struct areas **out, struct error *err);
void areas_close(struct areas *a); /* NULL is fine */

const char *areas_directory(const struct areas *a); /* parent of the areas */

/* Takes a certificate off the front of der, and prepares OpenSSL to check its signature; NULL: there is none. */
X509 *areas_certificate(struct span *der);

/* Pushes the certificates of area ca with this subject onto out, which owns the references. */
int areas_find_issuers(struct areas *a, struct arena *arena, const X509_NAME *subject, STACK_OF(X509) *out,
		       struct error *err);

/* Whether an area holds this very certificate: *file is its file, NULL if not. */
int areas_find_exact(struct areas *a, struct arena *arena, enum areas_name name, X509 *x, const char **file,
		     struct error *err);

/* The CRLs, complete and delta, of this issuer; the array lives in the arena. */
int areas_find_crls(struct areas *a, struct arena *arena, const X509_NAME *issuer, struct areas_crl **out, size_t *n,
		    struct error *err);

#endif
