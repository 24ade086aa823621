/* main.c - keys-pkcs11: keys in HSMs and smart cards (keys-pkcs11(8)) */
#include <openssl/crypto.h>

#include "common/process.h"
#include "common/unlock.h"
#include "keys-pkcs11/keys_pkcs11.h"

struct pkcs11_options pkcs11_options;

static const struct config_option options[] = {
	{ "keys_pkcs11_module", CONFIG_LIST, NULL, offsetof(struct pkcs11_options, modules), NULL, 0, 0,
	  "paths of the PKCS#11 libraries; none: those of p11-kit's configuration" },
	{ "keys_pkcs11_tokens", CONFIG_LIST, NULL, offsetof(struct pkcs11_options, tokens), NULL, 0, 0,
	  "pkcs11: URIs of the tokens that are ours; none: all" },
	{ "keys_pkcs11_pin_file", CONFIG_SECRET, NULL, offsetof(struct pkcs11_options, pin_file), NULL, 0, 0,
	  "file with the PIN of tokens whose URI has no pin-source" },
	{ "keys_pkcs11_token_certificates", CONFIG_BOOLEAN, "yes", offsetof(struct pkcs11_options, token_certificates), NULL, 0, 0,
	  "whether certificates are looked for on the tokens, too, or in the areas only" },
	{ "keys_pkcs11_environment", CONFIG_LIST, NULL, offsetof(struct pkcs11_options, environment), NULL, 0, 0,
	  "NAME=VALUE for the libraries" },
};

static int start(struct server *s, struct error *err)
{
	s->state = mem_alloc(sizeof(struct pkcs11));
	return providers_load(s, err);
}

static void stop(struct server *s)
{
	struct pkcs11 *p = s->state;

	tokens_close(p);
	providers_release(p);
	own_keys_release(p);
	for (int i = 0; i < PKCS11_AREAS; i++)
		area_close(p->areas[i]);
	unlock_forget(&p->given);
	arena_release(&p->arena);
	free(p);
}

/* The passphrase is a PIN here. */
static int unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct pkcs11 *p = s->state;

	(void)w;
	return unlock_take(request, &p->given, err);
}

static const struct server_operation operations[] = {
	{ "find-certificates", pkcs11_find_certificates },
	{ "find-keys", pkcs11_find_keys },
	{ "list-keys", pkcs11_list_keys },
	{ "sign", pkcs11_sign },
	{ "unwrap", pkcs11_unwrap },
	{ "agree", pkcs11_agree },
	{ "unlock", unlock },
};

static const struct server_role role = {
	.program = "keys-pkcs11",
	.role = "keys",
	.operations = operations,
	.noperations = sizeof(operations) / sizeof(*operations),
	.start = start,
	.stop = stop,
	.options = options,
	.noptions = sizeof(options) / sizeof(*options),
	.options_base = &pkcs11_options,
	.foreign = true,
	.help = "Signs and decrypts with keys in HSMs and smart cards, by their PKCS#11 libraries.",
};

int main(int argc, char **argv)
{
	process_guard_keys();
	/* All algorithms, unlike our other modules: libraries of tokens use the same libcrypto.  Its configuration is not read: it
	 * could lead to the tokens a second time. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	return server_main(&role, argc, argv);
}
