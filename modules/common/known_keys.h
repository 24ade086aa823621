/* known_keys.h - the keys that find-keys has named in a conversation, and what is done with them
 *
 * A module whose keys are OpenSSL's says how the private part of one is fetched, which happens when the key is first used; "sign",
 * "unwrap", "agree" and "unlock" are the same for all of them.
 */
#ifndef POSTERN_COMMON_KNOWN_KEYS_H
#define POSTERN_COMMON_KNOWN_KEYS_H

#include <openssl/evp.h>

#include "lib/server.h"

struct known_key {
	struct known_key *next;
	char id[24];             /* opaque to the core */
	const char *source;      /* for people */
	struct span certificate;
	struct span where;       /* the private part is, in the module's own terms */
	EVP_PKEY *key;           /* NULL: not fetched yet */
};

/* The state of such a module (server.state) begins with this; its start sets fetch. */
struct known_keys {
	/* Sets k->key; E_CONFIG, E_NOTFOUND, E_TEMP, with s->code where the error's own is not the word. */
	int (*fetch)(struct server *s, struct known_key *k, struct error *err);
	struct known_key *first;
	unsigned n;
	char *given;             /* the passphrase of "unlock", in secure memory; NULL: none */
	struct arena arena;      /* as long as the conversation */
};
void known_keys_release(struct known_keys *keys);

/* The key of this certificate at this place, known from now on; everything is copied. */
struct known_key *known_keys_add(struct known_keys *keys, struct span certificate, const char *source, struct span where);

/* Operations (server_operation.handle). */
int known_keys_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int known_keys_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int known_keys_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int known_keys_unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);

#endif
