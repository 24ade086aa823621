/* stranger.h - a certificate that nobody can know: made for this run, signed by itself */
#ifndef POSTERN_MODULE_CHECK_STRANGER_H
#define POSTERN_MODULE_CHECK_STRANGER_H

#include <openssl/x509.h>

#include "lib/mem.h"
#include "smime/open.h"

/* Free with X509_free().  NULL: OpenSSL cannot. */
X509 *stranger(void);
/* How a message names a certificate; in the arena. */
struct certificate_id identifier_of(struct arena *arena, X509 *x);

#endif
