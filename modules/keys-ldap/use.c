/* use.c - the private key of what find-keys has named, out of its PKCS#12 */
#include "common/passphrase.h"
#include "common/private_key.h"
#include "common/secret_file.h"
#include "keys-ldap/keys_ldap.h"

int keys_open_known(struct server *s, struct known_key *k, struct error *err)
{
	const char *given = ((const struct keys_ldap *)s->state)->keys.given;
	char *passphrase;
	int rc = passphrase_read(s->config->passphrase_file, &passphrase, err);

	if (rc == 0)
		rc = private_key_find(k->where, k->source, k->certificate, passphrase, &k->key, &s->code, err);
	if (rc == E_CONFIG && given)
		rc = private_key_find(k->where, k->source, k->certificate, given, &k->key, &s->code, err);
	secret_free(passphrase);
	return rc;
}
