/* crl_inside.h - what the compact form of a revocation list looks like; shared by crl.c, crl_read.c and crl_signature.c
 *
 *   struct crl_head, issuer, algorithm, signature, extensions, issuers, tbs   (lengths in the head)
 *   entries: serial number (head.width octets of two's complement), date (4), number of the certificate issuer (4),
 *            reason (1, signed), sorted as bytes
 *   checksums: 8 octets for each CRL_BLOCK entries
 */
#ifndef POSTERN_COMMON_CRL_INSIDE_H
#define POSTERN_COMMON_CRL_INSIDE_H

#include "common/crl.h"

#define CRL_MAGIC "pstcrl1"
#define CRL_WIDTH_MAX 32
#define CRL_BLOCK 64

static inline size_t crl_record_size(const struct crl_head *h)
{
	return h->width + 9u;
}

/* serial, its sign extended to width octets. */
static inline void crl_widen(struct span serial, size_t width, char *out)
{
	memset(out, serial.n && serial.p[0] & 0x80 ? 0xff : 0, width - serial.n);
	memcpy(out + width - serial.n, serial.p, serial.n);
}

/* The hash that a signature of this AlgorithmIdentifier is about; NULL: none, or it is not supported. */
const EVP_MD *crl_signature_hash(struct span algorithm);

#endif
