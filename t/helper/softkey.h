/* softkey.h - a key's holder inside the test program: key_calls over ordinary private keys */
#ifndef POSTERN_T_HELPER_SOFTKEY_H
#define POSTERN_T_HELPER_SOFTKEY_H

#include "smime/delegate.h"

struct softkey {
	struct softkey *next;
	const char *id;
	EVP_PKEY *key;
};

struct softkeys {
	struct softkey *first;
	int fail;                 /* 0, or the code every call fails with */
	const char *fail_text;
	unsigned calls;           /* how many were made */
	struct key_request last;  /* names and numbers of the last one; label and input are not kept */
	char digest[32], mgf_digest[32];
};

struct key_calls softkey_calls(struct softkeys *keys);

/* A new key of type "RSA" or "RSA-PSS" with bits, or "EC" on curve; the test ends where that fails. */
EVP_PKEY *softkey_generate(const char *type, unsigned bits, const char *curve);

/* A self-signed certificate as a caller has one: parsed from DER in the default library context.
 * key_usage: as in openssl.cnf, NULL for none. */
X509 *softkey_certify(EVP_PKEY *key, const char *name, long serial, const char *key_usage);

#endif
