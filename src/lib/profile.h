/* profile.h - named sets of algorithms; data, not code (etc/profiles, postern-profiles(5)) */
#ifndef POSTERN_LIB_PROFILE_H
#define POSTERN_LIB_PROFILE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

struct profile {
	const char *name;
	const char *digest;           /* "sha256" */
	bool pss;                     /* RSA signatures: PSS instead of PKCS#1 v1.5 */
	bool oaep;                    /* RSA key transport */
	const char *oaep_digest;      /* also of MGF1 */
	const char *cipher;           /* OpenSSL name: "aes-256-cbc", "aes-128-gcm" */
	const char *key_wrap;         /* ECDH: "id-aes256-wrap" */
	const char *kdf_digest;       /* ECDH X9.63 KDF */
	bool adaptive;                /* take what the partner's capabilities allow, else the above */
	bool opaque;                  /* sign opaque instead of multipart/signed */
	int rsa_bits_least;           /* floors for recipients' keys; 0 none */
	int ec_bits_least;
};

/* Finds name in file (may not exist) or among the built-in ones: compatible, rfc8551, bdew, bdew-gcm,
 * bsi-tr-02102.  E_NOTFOUND if there is none of that name, E_CONFIG with FILE:LINE for a bad file. */
int profile_find(struct arena *a, const char *file, const char *name, struct profile *out, struct error *err);

/* The file's text, in the arena; empty where there is no file. */
int profile_file(struct arena *a, const char *file, struct span *text, struct error *err);

/* The same as profile_find with the file's text; file only names it in errors.  The built-in ones apply too. */
int profile_parse(struct arena *a, const char *file, struct span text, const char *name, struct profile *out,
		  struct error *err);

#endif
