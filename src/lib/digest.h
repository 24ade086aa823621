/* digest.h - SHA-256 for names and identities, without starting a library
 *
 * libcrypto's code by its old entry points: the new ones (EVP) set up a library
 * context first, which costs a process that hashes one line more than all its work.
 */
#ifndef POSTERN_LIB_DIGEST_H
#define POSTERN_LIB_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 64

struct digest {
	union {
		unsigned char bytes[128]; /* room for libcrypto's SHA256_CTX */
		long long align;
	} state;
};

void digest_init(struct digest *d);
void digest_add(struct digest *d, const void *p, size_t n);
void digest_hex(struct digest *d, char out[DIGEST_HEX + 1]); /* lower case; ends the digest */

#endif
