/* marks.h - by what a certificate or revocation list is found
 *
 * A mark is a kind and a few bytes: an address in its one form (address_form), or a 64-bit hash of something longer.  Hashes only
 * narrow the search; who asks compares the real thing.
 */
#ifndef POSTERN_COMMON_MARKS_H
#define POSTERN_COMMON_MARKS_H

#include <openssl/x509.h>

#include "common/certificate.h"
#include "common/crl.h"
#include "lib/buf.h"

enum mark_kind {
	MARK_ADDRESS = 'a', /* "user@example.org" or "@example.org" */
	MARK_EXACT = 'x',   /* hash of the whole DER */
	MARK_KEY_ID = 'k',
	MARK_SERIAL = 's',  /* issuer and serial number */
	MARK_SUBJECT = 'n',
	MARK_CRL = 'r',     /* issuer of a revocation list */
};

/* Longer addresses exist in no mailbox (ADDRESS_MAX) and get no mark. */
#define MARK_MAX 400

/* A mark as bytes: kind, value. */
struct mark {
	size_t n;
	char bytes[MARK_MAX];
};

uint64_t mark_hash(const void *p, size_t n); /* FNV-1a */
uint64_t mark_hash_more(uint64_t h, const void *p, size_t n); /* of bytes that follow those of h */

void mark_address(struct mark *m, const char *address);           /* n = 0: too long */
void mark_domain(struct mark *m, const char *address_or_domain);  /* "@domain" of it */
void mark_exact(struct mark *m, struct span der);
void mark_key_id(struct mark *m, struct span id);
void mark_serial(struct mark *m, const X509_NAME *issuer, const ASN1_INTEGER *serial);
void mark_name(struct mark *m, enum mark_kind kind, const X509_NAME *name); /* MARK_SUBJECT, MARK_CRL */

/* Appends all marks of a certificate, each as one length byte pair (big endian) and its bytes.  domain: "@partner.example"
 * or NULL, the folder it lies in. */
void marks_of_certificate(struct certificate *c, struct span der, const char *domain, struct buf *out);
void marks_of_crl(const struct crl *crl, struct span der, struct buf *out);
/* Those of the first that are addresses. */
void marks_of_addresses(struct certificate *c, struct buf *out);
/* Takes the next mark off the front of list; false at its end. */
bool marks_next(struct span *list, struct span *mark);

#endif
