/* use.c - "sign", "unwrap" and "agree" with a key that find-keys has named; it is read from its file when it is first needed */
#include "common/key_use.h"
#include "keys-file/keys_file.h"

static int find(struct server *s, const char *id, EVP_PKEY **key, struct error *err)
{
	struct keys_file *state = s->state;
	struct known_key *k = state->keys;
	int rc = 0;

	while (k && strcmp(k->id, id) != 0)
		k = k->next;
	if (!k)
		return key_use_unknown(s, id, err);
	if (!k->key)
		rc = private_key_read(s, k->file, k->der, &k->key, err);
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
