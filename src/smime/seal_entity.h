/* seal_entity.h - what the two halves of sealing share: the MIME around a CMS structure (RFC 8551 3.2, 3.5.3) */
#ifndef POSTERN_SMIME_SEAL_ENTITY_H
#define POSTERN_SMIME_SEAL_ENTITY_H

#include <openssl/cms.h>

#include "smime/seal.h"

/* Appends application/pkcs7-mime with this smime-type, smime.p7m, the structure in DER as base64.  Both of these
 * free the structure in any case, and append nothing when they fail. */
int entity_write_cms(CMS_ContentInfo *cms, const char *smime_type, struct buf *out, struct error *err);

/* Appends multipart/signed with entity as it is and the structure as smime.p7s. */
int entity_write_signed(struct span entity, const char *micalg, CMS_ContentInfo *cms, struct buf *out, struct error *err);

/* "cannot do what: reason of OpenSSL" as code; empties OpenSSL's error queue. */
int seal_failed(struct error *err, int code, const char *what);

/* "certificate of SUBJECT: why", E_PERM. */
int seal_unfit(struct error *err, X509 *certificate, const char *why);

#endif
