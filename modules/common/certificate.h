/* certificate.h - a certificate read as far as finding it needs
 *
 * d2i_X509 decodes the public key of every certificate, which costs ten times the rest.  Here the structure of RFC 5280
 * section 4.1 is walked; a name or an extension is parsed by OpenSSL when it is asked for, and the key is left alone.
 */
#ifndef POSTERN_COMMON_CERTIFICATE_H
#define POSTERN_COMMON_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "lib/buf.h"

/* Bytes of the first DER element (definite length) at the front of s; 0 if cut off or no such thing. */
size_t der_element(struct span s);
/* Its header and content; false if s does not begin with a whole header of definite length. */
bool der_header(struct span s, size_t *header, size_t *content);

/* Takes the next element off the front of *rest: all of it, and what is inside (either may be NULL).  false, and nothing
 * taken: there is none with this tag. */
bool der_take(struct span *rest, unsigned char tag, struct span *whole, struct span *content);

/* Whether s is one element and all lengths in it, at every level that tags show, are written as DER wants them (X.690
 * sections 10.1 and 8.1.3): definite and as short as can be.  Not looked into: strings, and what they hold. */
bool der_is_strict(struct span s);

/* The pieces of a certificate as they stand in its DER. */
struct certificate_parts {
	struct span serial;          /* a DER INTEGER */
	struct span issuer, subject; /* each a DER Name */
	struct span validity;        /* content: two times */
	struct span public_key;      /* content of SubjectPublicKeyInfo */
	struct span extensions;      /* DER Extensions; empty if none */
};
/* false: no certificate, or something behind it. */
bool certificate_parts(struct span der, struct certificate_parts *out);

struct certificate {
	struct certificate_parts parts;  /* in the bytes given to certificate_parse */
	int64_t not_before, not_after;   /* seconds since the epoch */
	X509_NAME *issuer, *subject;     /* NULL: not asked for yet; ask by the functions below */
	ASN1_INTEGER *serial;
};

/* Whether OpenSSL reads all of der as one certificate, whatever it thinks of the key (certificate_readable.c). */
bool certificate_is_readable(struct span der);

/* der must outlive it.  NULL: no certificate, or one that OpenSSL would not read.  Free with certificate_free. */
struct certificate *certificate_parse(struct span der);
void certificate_free(struct certificate *c); /* NULL is fine */

/* Parsed with the first call; they belong to c. */
const X509_NAME *certificate_issuer(struct certificate *c);
const X509_NAME *certificate_subject(struct certificate *c);
const ASN1_INTEGER *certificate_serial(struct certificate *c);

/* The value of an extension, as X509V3_get_d2i gives it; NULL: absent, there twice, or broken. */
void *certificate_extension(const struct certificate *c, int nid);

/* Whether its key may sign mail or be encrypted to (RFC 8550 4.4.2; keyEncipherment, keyAgreement): keyUsage says
 * so, or there is none. */
bool certificate_may_sign(const struct certificate *c);
bool certificate_may_encrypt(const struct certificate *c);
bool certificate_is_ca(const struct certificate *c); /* basicConstraints */

/* The key identifier: the extension, else SHA-1 of the public key (RFC 5280 4.2.1.2 (1)).  Appended to out. */
void certificate_key_id(const struct certificate *c, struct buf *out);

#endif
