/* use.c - "sign", "unwrap" and "agree" with a key that find-keys has named; it is opened when it is first needed */
#include "common/key_use.h"
#include "common/passphrase.h"
#include "common/private_key.h"
#include "common/secret_file.h"
#include "common/unlock.h"
#include "keys-ldap/keys_ldap.h"

static int open_key(struct server *s, struct known_key *k, struct error *err)
{
	const char *given = ((const struct keys_ldap *)s->state)->given;
	char *passphrase;
	int rc = passphrase_read(s->config->passphrase_file, &passphrase, err);

	if (rc == 0)
		rc = private_key_find(k->pkcs12, k->source, k->certificate, passphrase, &k->key, &s->code, err);
	if (rc == E_CONFIG && given)
		rc = private_key_find(k->pkcs12, k->source, k->certificate, given, &k->key, &s->code, err);
	secret_free(passphrase);
	return rc;
}

int unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct keys_ldap *state = s->state;

	(void)w;
	return unlock_take(request, &state->given, err);
}

static int find(struct server *s, const char *id, EVP_PKEY **key, struct error *err)
{
	struct keys_ldap *state = s->state;
	struct known_key *k = state->keys;
	int rc = 0;

	while (k && strcmp(k->id, id) != 0)
		k = k->next;
	if (!k)
		return key_use_unknown(s, id, err);
	if (!k->key)
		rc = open_key(s, k, err);
	*key = k->key;
	return rc;
}

int use_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_sign(s, request, w, find, err);
}

int use_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_unwrap(s, request, w, find, err);
}

int use_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_agree(s, request, w, find, err);
}
