/* key_request.h - "sign", "unwrap" and "agree" taken apart, whatever the key is (postern-modules(7))
 *
 * For modules whose keys are EVP_PKEYs there is more in key_use.h.
 */
#ifndef POSTERN_COMMON_KEY_REQUEST_H
#define POSTERN_COMMON_KEY_REQUEST_H

#include <openssl/evp.h>

#include "lib/server.h"

enum key_mechanism { KEY_RSA_PKCS1, KEY_RSA_PSS, KEY_RSA_OAEP, KEY_ECDSA, KEY_ECDH };

struct key_request {
	enum key_mechanism mechanism;
	const char *name;      /* of the mechanism, as in the request */
	const char *key;       /* the id that find-keys gave; "" if the request has none */
	const EVP_MD *digest;  /* to sign: of the input, which has its length; OAEP: of the label; else NULL */
	const EVP_MD *mgf;     /* PSS, OAEP */
	size_t salt_length;    /* PSS, bytes */
	struct buf label;      /* OAEP, decoded; may be empty */
	struct buf input;      /* digest, encrypted key, or the peer's SubjectPublicKeyInfo; 1 byte to 64 KB */
};

/* 0, or E_PERM for what is no such request.  out must be released in either case; the strings live as long as the request. */
int key_request_sign(struct server *s, const struct xml *request, struct key_request *out, struct error *err);
int key_request_unwrap(struct server *s, const struct xml *request, struct key_request *out, struct error *err);
int key_request_agree(struct server *s, const struct xml *request, struct key_request *out, struct error *err);
void key_request_release(struct key_request *r);

/* The answers: <signature> of signing, <secret> of the other two. */
void key_answer_signature(struct xml_writer *w, struct span signature);
void key_answer_secret(struct xml_writer *w, struct span secret);

#endif
