/* seal.h - one layer around an entity: sign, encrypt (RFC 8551, 5652, 5083) */
#ifndef POSTERN_SMIME_SEAL_H
#define POSTERN_SMIME_SEAL_H

#include "lib/profile.h"
#include "smime/delegate.h"

struct signer {
	X509 *certificate;
	EVP_PKEY *key;             /* delegated */
	STACK_OF(X509) *chain;     /* goes into the signature; may be NULL */
};

/* entity: canonical (CRLF, 7-bit; canonical_entity).  Appends a new entity with CRLF line breaks: multipart/signed
 * (protocol="application/pkcs7-signature", micalg, smime.p7s) or, with profile->opaque, application/pkcs7-mime;
 * smime-type=signed-data.  SMIMECapabilities, signing time and the chain are in the signature.
 * E_PERM: the certificate is not for signing; else the code and the reason of the key's holder; E_TEMP. */
int seal_sign(OSSL_LIB_CTX *ctx, struct span entity, const struct signer *signer, const struct profile *profile,
	      struct buf *out, struct error *err);

struct sealed_for {
	X509 *certificate;
	struct span capabilities;  /* DER SMIMECapabilities of the partner's last signature; empty if unknown */
};

/* Appends application/pkcs7-mime; smime-type=enveloped-data or authEnveloped-data (GCM), smime.p7m, base64, CRLF.
 * All recipients share the content key: never put a Bcc recipient with others.  used (may be NULL) gets the
 * name of the cipher that was taken. */
int seal_encrypt(OSSL_LIB_CTX *ctx, struct span entity, const struct sealed_for *recipients, size_t n,
		 const struct profile *profile, struct buf *out, const char **used, struct error *err);

/* Whether seal_encrypt would take this certificate, and E_PERM with the reason if not: key type, key usage
 * (RFC 8550 4.4.2), the profile's floors.  For deciding recipient by recipient before they are put together. */
int seal_check_recipient(X509 *certificate, const struct profile *profile, struct error *err);

#endif
