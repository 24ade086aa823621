/* delegate_key.h - what the files of the delegating provider share; for delegate*.c alone */
#ifndef POSTERN_SMIME_DELEGATE_KEY_H
#define POSTERN_SMIME_DELEGATE_KEY_H

#include <openssl/core.h>
#include <openssl/evp.h>
#include <stdbool.h>

#include "smime/delegate.h"

/* Name of the parameter that gives a key its private part: the key's name at its holder. */
#define DELEGATE_PARAM_KEY_ID "postern-key-id"

#define FUNCTION(f) ((void (*)(void))(f)) /* as OSSL_DISPATCH wants them */

#define DIGEST_NAME_MAX 64

/* The provider context; made by OpenSSL's call of our initialiser, completed by delegate_new(). */
struct provider {
	OSSL_LIB_CTX *ctx;
	struct key_calls calls;
	struct error error;       /* of the last private operation */
};

/* Key data behind an EVP_PKEY.  The public half is an ordinary key of the default provider in the
 * same library context, which answers everything that needs no private key. */
struct delegated {
	_Atomic int references;
	struct provider *provider;
	const char *type;         /* "RSA", "RSA-PSS", "EC" */
	EVP_PKEY *public;         /* NULL until imported; may hold EC parameters only */
	bool has_point;           /* EC: not the parameters only; RSA: always with public */
	char *id;                 /* NULL: public half only */
};

struct delegated *delegated_hold(struct delegated *key);
void delegated_release(struct delegated *key); /* NULL is fine */

/* Whether key can do private operations; else sets the provider's error. */
bool delegated_is_private(const struct delegated *key);

/* One private operation: forgets the last error, calls, and keeps what went wrong.  Returns 1 or 0, as
 * OpenSSL counts.  *out is wiped and empty on failure. */
typedef int key_call(void *ctx, const char *key_id, const struct key_request *, struct buf *out, struct error *);
int delegated_call(const struct delegated *key, key_call *call, const struct key_request *request, struct buf *out);

/* Notes an error of our own for delegate_error(); returns 0. */
int provider_failed(struct provider *p, int code, const char *text);

/* "sha256" for a digest that the library context knows under any name, in name.  Returns 1 or 0. */
int provider_digest(struct provider *p, const char *any, char name[DIGEST_NAME_MAX], size_t *size);

extern const OSSL_DISPATCH delegate_rsa_functions[];
extern const OSSL_DISPATCH delegate_rsa_pss_functions[];
extern const OSSL_DISPATCH delegate_ec_functions[];
extern const OSSL_DISPATCH delegate_rsa_sign_functions[];
extern const OSSL_DISPATCH delegate_ecdsa_functions[];
extern const OSSL_DISPATCH delegate_unwrap_functions[];
extern const OSSL_DISPATCH delegate_agree_functions[];

#endif
