/* delegate_sign.h - a signature that is being made by the delegating provider; for delegate_sign*.c alone */
#ifndef POSTERN_SMIME_DELEGATE_SIGN_H
#define POSTERN_SMIME_DELEGATE_SIGN_H

#include "smime/delegate_key.h"

struct signing {
	struct provider *provider;
	struct delegated *key;
	bool is_rsa;
	int padding;                      /* RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING */
	int salt;                         /* bytes, or RSA_PSS_SALTLEN_... */
	char digest[DIGEST_NAME_MAX];     /* "" until set */
	size_t digest_size;
	char mgf[DIGEST_NAME_MAX];        /* "": as digest */
	/* what the key itself asks for (RFC 4055 3.1) */
	bool restricted;
	char only_digest[DIGEST_NAME_MAX], only_mgf[DIGEST_NAME_MAX];
	int least_salt;
	EVP_MD_CTX *hash;                 /* while digest-signing */
};

/* Another key, held; everything else as it is for a new one, or as that key demands.  All return 1 or 0, as OpenSSL counts; the
 * provider's error says why. */
int signing_reset(struct signing *s, struct delegated *key);
int signing_set_digest(struct signing *s, const char *name);

/* OSSL_FUNC_SIGNATURE_{SET,GET}_CTX_PARAMS and what they take; ctx is a struct signing. */
int signing_set_params(void *ctx, const OSSL_PARAM params[]);
int signing_get_params(void *ctx, OSSL_PARAM params[]);
const OSSL_PARAM *signing_settable(void *ctx, void *provctx);
const OSSL_PARAM *signing_gettable(void *ctx, void *provctx);

/* The salt of PSS in bytes; -1 where the key is too small for it or asks for more. */
int signing_salt_length(const struct signing *s);

#endif
