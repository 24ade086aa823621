/* areas.h - what this module asks of the operator's folders ca, trusted, untrusted and crl
 *
 * A layer over the shared look-up (common/area.h), in OpenSSL's types.  What the folders hold at the moment of the
 * question is the truth.  Errors: E_CONFIG, a folder cannot be read; E_TEMP, I/O.
 */
#ifndef POSTERN_CHECK_PATH_AREAS_H
#define POSTERN_CHECK_PATH_AREAS_H

#include <openssl/x509.h>

#include "check-path/check.h"
#include "common/area.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

struct areas;

#define AREAS_HASH 32

enum areas_name { AREAS_TRUSTED, AREAS_UNTRUSTED, AREAS_CA, AREAS_CRL };

struct areas_crl {
	const struct crl *list;
	const struct area_crl *in_area; /* its entries are asked there; NULL: it was given, and list holds them */
	const char *file;               /* in the arena of the question */
};

/* Reads nothing yet; config stays the caller's, and lives as long. */
struct areas *areas_open(const struct config *config);
void areas_close(struct areas *a); /* NULL is fine */

/* Before each check: a folder that was empty may have been filled since. */
void areas_look_again(struct areas *a);

/* See checker_give(). */
void areas_give(struct areas *a, const struct check_given *given);

/* Where an operator would put something: "AREAS/ca", or words for it where no areas are asked. */
const char *areas_place(const struct areas *a, struct arena *arena, const char *area);

/* No areas are asked, only what was given. */
bool areas_alone(const struct areas *a);
/* What is said behind something that is missing: ": copy it to AREAS/crl", or words for it where no areas are asked. */
const char *areas_advice(const struct areas *a, struct arena *arena, const char *area);

/* Takes a certificate off the front of der, and prepares OpenSSL to check its signature; NULL: there is none. */
X509 *areas_certificate(struct span *der);

/* Pushes the certificates of area ca with this subject, and anchors given, onto out, which owns the references.  key_id:
 * where any in the area has this key identifier, only those; NULL: not known. */
int areas_find_issuers(struct areas *a, struct arena *arena, const X509_NAME *subject, const ASN1_OCTET_STRING *key_id,
		       STACK_OF(X509) *out, struct error *err);

/* OpenSSL calls self-signed what names itself as its issuer and whose key identifiers do not say otherwise.  Where there are none, as
 * there may be in a CA's new key signed with its old one, the signature decides. */
bool areas_self_signed(struct areas *a, X509 *x);
/* Whether x is a trust anchor: one of those given, or, where none were, a self-signed one of area ca (in_ca: it is there). */
bool areas_is_anchor(struct areas *a, X509 *x, bool in_ca);

/* Whether an area holds this very certificate: *file is its file, NULL if not. */
int areas_find_exact(struct areas *a, struct arena *arena, enum areas_name name, X509 *x, const char **file,
		     struct error *err);

/* The CRLs, complete and delta, of this issuer, those given included; the array lives in the arena. */
int areas_find_crls(struct areas *a, struct arena *arena, const X509_NAME *issuer, struct areas_crl **out, size_t *n,
		    struct error *err);
/* A certificate in one of them: as crl_find(). */
int areas_search_crl(struct areas *a, const struct areas_crl *in, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     struct crl_entry *out, struct error *err);

/* Whether the signer's key made the signature of x: as X509_verify(), but what stands in area ca is verified once and then known
 * from its index. */
bool areas_made_certificate(struct areas *a, X509 *signer, X509 *x);

/* That a signature on a CRL is this signer's, found out before: in this process, or by any if both stand in areas. */
bool areas_remembers_list(struct areas *a, const struct areas_crl *l, X509 *signer);
void areas_remember_list(struct areas *a, const struct areas_crl *l, X509 *signer);

#endif
