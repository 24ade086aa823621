/* layer.h - what the parts of opening share; nothing of it is for other areas */
#ifndef POSTERN_SMIME_LAYER_H
#define POSTERN_SMIME_LAYER_H

#include <openssl/cms.h>

#include "smime/cms_check.h"
#include "smime/open.h"

/* One call of smime_open. */
struct opening {
	struct arena *arena;
	OSSL_LIB_CTX *ctx;
	const struct open_calls *calls;
	const struct open_limits *limits;
	int scratch;
	struct opened *out;
	struct error *err;
};

/* The bytes a detached signature is over; header is the length of whole's header section with its empty line. */
struct signed_part {
	struct span whole;
	size_t header;
};

/* ---- layer.c */

/* Sets the layer's outcome; why is copied into the arena. */
void layer_set(struct opening *o, struct layer *l, enum layer_status status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct layer *layer_add(struct opening *o, enum layer_kind kind);

/* One CMS structure: decrypts or verifies, fills *l; *content is what was inside and is valid only if the status
 * is LAYER_OPEN and the kind is not certs-only.  decoded (may be NULL) is where bytes are; it is released as soon as
 * they are parsed.  detached: NULL unless it is the signature of a multipart/signed.  0, E_TEMP, E_LIMIT. */
int layer_open_cms(struct opening *o, struct span bytes, struct buf *decoded, const struct signed_part *detached,
		   struct layer *l, struct span *content);

/* Does the entity say it is a layer?  decode: its body with the transfer encoding removed, in *decoded (which
 * *bytes points into unless nothing had to be decoded). */
bool layer_claimed(const struct entity *e);
bool layer_clear_signed(const struct entity *e);
/* NULL if nobody can take the second part of a multipart/signed for content (it is not signed), else the reason. */
const char *layer_signature_objection(struct arena *a, const struct entity *e);
int layer_bytes(const struct entity *e, struct buf *decoded, struct span *bytes, struct error *err);

/* ---- decrypt.c */
int layer_decrypt(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape, struct layer *l,
		  struct span *content);

/* ---- verify.c: every signer by itself.  embedded: the content inside, if detached is NULL. */
void layer_verify(struct opening *o, CMS_ContentInfo *cms, const struct signed_part *detached, struct layer *l);

/* ---- signing_certificate.c: is it the certificate that the signer has named (RFC 5035)?  True if he named none, or with a digest that we do
 * not have.  The attribute is worth what its signature is. */
bool signing_certificate_fits(OSSL_LIB_CTX *ctx, CMS_SignerInfo *info, const X509 *certificate);

/* ---- plaintext.c: is this, decrypted without a tag, one well-formed MIME entity?  NULL or the reason. */
const char *plaintext_objection(struct opening *o, struct span content, int *rc);
/* Is this text without any header whose first line would be taken for one ("Note: ...")? */
bool plaintext_hides_text(struct opening *o, struct span content);

/* ---- scratch.c: decrypted bytes live in the scratch file, mapped */
struct scratch_piece {
	off_t at;
	size_t n;
};
int scratch_begin(struct opening *o, struct scratch_piece *piece);
int scratch_add(struct opening *o, struct scratch_piece *piece, const void *p, size_t n); /* E_LIMIT, E_TEMP */
int scratch_finish(struct opening *o, struct scratch_piece *piece, struct span *out);
void scratch_drop(struct opening *o, struct scratch_piece *piece); /* what was written goes */

/* ---- identifier.c: CMS identifiers as spans of the arena */
void identifier_make(struct arena *a, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     const ASN1_OCTET_STRING *key_id, struct certificate_id *out);
const char *algorithm_name(struct arena *a, const ASN1_OBJECT *oid); /* OpenSSL's long name, lower case, or dotted */

#endif
