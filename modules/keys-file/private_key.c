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

static int not_opened(struct server *s, const char *file, struct span certificate, const char *central, struct error *err)
{
	const struct keys_file *state = s->state;

	s->code = "passphrase-needed";
	return error_set(err, E_CONFIG, "%s: the private key of %s is encrypted, and %s", file, keys_whose(s, certificate),
			 state->given ? "the passphrase that was given does not open it"
			 : central ? "the central passphrase does not open it: it has one of its own" : "there is no central passphrase");
}

int private_key_read(struct server *s, const char *file, struct span certificate, EVP_PKEY **out, struct error *err)
{
	const struct keys_file *state = s->state;
	struct buf bytes = BUF_INIT;
	char *central = NULL;
	struct span all;
	int rc = fs_read_secret(file, KEY_FILE_MAX, &bytes, err);

	*out = NULL;
	all = span_from(buf_str(&bytes), bytes.len);
	if (rc == 0 && may_be_encrypted(all))
		rc = passphrase_read(s->config->passphrase_file, &central, err);
	if (rc == 0)
		rc = private_key_find(all, file, certificate, central, out, &s->code, err);
	if (needs_passphrase(s, rc) && state->given)
		rc = private_key_find(all, file, certificate, state->given, out, &s->code, err);
	if (needs_passphrase(s, rc))
		rc = not_opened(s, file, certificate, central, err);
	secret_free(central);
	buf_wipe(&bytes);
	return rc;
}
