/* forms.h - whether a name and a name constraint are written so that they can be compared (RFC 5280 section 4.2.1.10) */
#ifndef POSTERN_CHECK_PATH_FORMS_H
#define POSTERN_CHECK_PATH_FORMS_H

#include <openssl/x509v3.h>

/* The first mail address, host or URI among x's alternative names (names) and the addresses in its subject that has a
 * constraint of its kind in nc, but cannot be compared with it, because the one or the other is not well formed; x's, or
 * names'.  NULL: there is none. */
const ASN1_STRING *forms_misfit(X509 *x, const GENERAL_NAMES *names, const NAME_CONSTRAINTS *nc);

#endif
