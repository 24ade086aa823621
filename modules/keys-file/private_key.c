/* private_key.c - one private key out of a file of the area "private"
 *
 * Most keys have no passphrase, so none is looked for before one is needed: it may be a program's to tell.
 */
#include "common/private_key.h"

#include <string.h>

#include "common/passphrase.h"
#include "common/secret_file.h"
#include "common/whose.h"
#include "keys-file/keys_file.h"
#include "lib/fs.h"

#define KEY_FILE_MAX ((size_t)16 << 20)

static bool holds(struct span bytes, const char *text)
{
	return memmem(bytes.p, bytes.n, text, strlen(text));
}

/* PKCS#12 always: the empty one is tried there with the central one. */
static bool may_be_encrypted(struct span bytes)
{
	return !holds(bytes, "-----BEGIN ") || holds(bytes, "ENCRYPTED") || holds(bytes, "-----BEGIN PKCS12");
}

static bool needs_passphrase(const struct server *s, int rc)
{
	return rc == E_CONFIG && s->code && strcmp(s->code, "passphrase-needed") == 0;
}

static int not_opened(struct server *s, const struct known_key *k, const char *central, struct error *err)
{
	const struct keys_file *state = s->state;

	s->code = "passphrase-needed";
	return error_set(err, E_CONFIG, "%s: the private key of %s is encrypted, and %s", k->source, keys_whose(s, k->certificate),
			 state->keys.given ? "the passphrase that was given does not open it"
			 : central ? "the central passphrase does not open it: it has one of its own" : "there is no central passphrase");
}

struct known_key *keys_remember(struct server *s, const char *file, struct span der)
{
	struct keys_file *state = s->state;

	return known_keys_add(&state->keys, der, file, span_of(file));
}

int private_key_read(struct server *s, struct known_key *k, struct error *err)
{
	const char *given = ((const struct keys_file *)s->state)->keys.given;
	struct buf bytes = BUF_INIT;
	char *central = NULL;
	struct span all;
	int rc = fs_read_secret(k->source, KEY_FILE_MAX, &bytes, err);

	all = span_from(buf_str(&bytes), bytes.len);
	if (rc == 0 && may_be_encrypted(all))
		rc = passphrase_read(s->config->passphrase_file, &central, err);
	if (rc == 0)
		rc = private_key_find(all, k->source, k->certificate, central, &k->key, &s->code, err);
	if (needs_passphrase(s, rc) && given)
		rc = private_key_find(all, k->source, k->certificate, given, &k->key, &s->code, err);
	if (needs_passphrase(s, rc))
		rc = not_opened(s, k, central, err);
	secret_free(central);
	buf_wipe(&bytes);
	return rc;
}
