/* key_use.h - the operations "sign", "unwrap" and "agree" over OpenSSL's keys
 *
 * A module says how it finds the key of an id; what is done with it (RFC 8017, RFC 5753, SEC 1) is the same for all.
 */
#ifndef POSTERN_COMMON_KEY_USE_H
#define POSTERN_COMMON_KEY_USE_H

#include <openssl/evp.h>

#include "lib/server.h"

/* The key that find-keys has named id; it stays the module's (known_keys.h). */
typedef int (*key_use_find)(struct server *s, const char *id, EVP_PKEY **key, struct error *err);

/* Each answers one request (server_operation.handle, with the module's find). */
int key_use_sign(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err);
int key_use_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err);
int key_use_agree(struct server *s, const struct xml *request, struct xml_writer *w, key_use_find find, struct error *err);

#endif
