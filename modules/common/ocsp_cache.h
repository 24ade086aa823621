/* ocsp_cache.h - OCSP answers on disk: SPOOL/ocsp/AB/HASH
 *
 * postern-refresh(8) puts answers there ahead of time, check-path(8) what it asked for itself; both read them.  One file for each
 * certificate, named by a hash of what a CertID says (RFC 6960 section 4.1.1: issuer's name, issuer's key, serial number).  A file is
 * replaced by renaming, so that concurrent processes see the old answer or the new one.  What is in it is not believed: it is
 * an answer like one from the network, and is checked each time.
 *
 *   postern-ocsp 1 LF
 *   fetched SECONDS LF           since the epoch
 *   url TEXT LF                  who was asked; may be empty
 *   LF
 *   the OCSPResponse in DER, to the end of the file
 */
#ifndef POSTERN_COMMON_OCSP_CACHE_H
#define POSTERN_COMMON_OCSP_CACHE_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/mem.h"

#define OCSP_CACHE_ANSWER_MAX ((size_t)64 * 1024) /* bytes of one OCSPResponse */
#define OCSP_CACHE_URL_MAX ((size_t)2000)

struct ocsp_cached {
	int64_t fetched;
	struct span url, answer; /* in the bytes that were parsed */
};

/* The hash that names the answers about x.  No memory is taken, no algorithm is looked up. */
void ocsp_cache_key(const X509 *x, const X509 *issuer, char hex[DIGEST_HEX + 1]);
char *ocsp_cache_path(struct arena *a, const char *spool, const char *hex);

/* E_PERM: not such a file, or cut off. */
int ocsp_cache_parse(struct span bytes, struct ocsp_cached *out, struct error *err);
/* *out points into *bytes.  E_NOTFOUND, E_PERM, E_LIMIT, E_TEMP. */
int ocsp_cache_read(const char *path, struct buf *bytes, struct ocsp_cached *out, struct error *err);
/* Makes folders.  E_LIMIT: the answer is too big. */
int ocsp_cache_write(const char *path, int64_t fetched, const char *url, struct span answer, struct error *err);

#endif
