/* ecdsa.h - an ECDSA signature as PKCS#11 has it, in the form that everybody else has */
#ifndef POSTERN_KEYS_PKCS11_ECDSA_H
#define POSTERN_KEYS_PKCS11_ECDSA_H

#include "lib/buf.h"

#define EC_FIELD_MAX 66 /* bytes of a coordinate: P-521 */

/* r and s behind each other, each as long as the order, to a DER ECDSA-Sig-Value (RFC 3279 section 2.2.3), appended to *out.
 * false, and nothing appended: not two numbers of 1 to 66 bytes (P-521), or one is zero. */
bool ecdsa_signature_der(struct span raw, struct buf *out);

#endif
