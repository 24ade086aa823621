/* openssl-bare.c - the bare calls of libcrypto, to compare keys-file with
 *
 * usage: openssl-bare KEY-FILE sign|unwrap|agree [FILE] <FRAMES     FILE: the wrapped key, or the other side's public key (DER);
 *                                                                 an operation for each "mechanism=" of a request
 */
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "bare.h"

struct call {
	EVP_PKEY *key;
	unsigned char in[4096], out[4096];
	size_t n;
};

typedef int operation(EVP_PKEY_CTX *ctx, struct call *c, size_t *n);

static int sign(EVP_PKEY_CTX *ctx, struct call *c, size_t *n)
{
	return EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_sign(ctx, c->out, n, c->in, 32) > 0;
}

static int unwrap(EVP_PKEY_CTX *ctx, struct call *c, size_t *n)
{
	return EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_decrypt(ctx, c->out, n, c->in, c->n) > 0;
}

static int agree(EVP_PKEY_CTX *ctx, struct call *c, size_t *n)
{
	const unsigned char *p = c->in;
	EVP_PKEY *peer = d2i_PUBKEY(NULL, &p, (long)c->n);
	int ok = peer && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, peer) > 0 && EVP_PKEY_derive(ctx, c->out, n) > 0;

	EVP_PKEY_free(peer);
	return ok;
}

static size_t run(struct call *c, operation *what)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(c->key, NULL);
	size_t n = sizeof(c->out);

	if (!ctx || !what(ctx, c, &n))
		exit(1);
	EVP_PKEY_CTX_free(ctx);
	return n;
}

int main(int argc, char **argv)
{
	static struct call c;
	FILE *key = argc > 2 ? fopen(argv[1], "r") : NULL, *in = argc > 3 ? fopen(argv[3], "r") : NULL;
	operation *what = argc < 3 || strcmp(argv[2], "sign") == 0 ? sign : strcmp(argv[2], "unwrap") == 0 ? unwrap : agree;
	char *request;

	c.key = key ? PEM_read_PrivateKey(key, NULL, NULL, NULL) : NULL;
	c.n = in ? fread(c.in, 1, sizeof(c.in), in) : 0;
	if (!c.key)
		return 64;
	while ((request = bare_next())) {
		size_t bytes = 0;

		while ((request = strstr(request, "mechanism="))) {
			bytes += run(&c, what);
			request++;
		}
		bare_answer(bytes, 0);
	}
	return 0;
}
