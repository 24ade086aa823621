/* main.c - keys-file: certificates and keys in files (keys-file(8)) */
#include "common/mains.h"
#include "common/process.h"
#include "keys-file/keys_file.h"

static int start(struct server *s, struct error *err)
{
	struct keys_file *k = s->state = mem_alloc(sizeof(*k));

	(void)err;
	k->keys.fetch = private_key_read;
	return 0;
}

static void stop(struct server *s)
{
	struct keys_file *k = s->state;

	known_keys_release(&k->keys);
	for (int i = 0; i < KEYS_AREAS; i++)
		area_close(k->areas[i]);
	free(k);
}

static const struct server_operation operations[] = {
	{ "find-certificates", find_certificates },
	{ "find-keys", find_keys },
	{ "sign", known_keys_sign },
	{ "unwrap", known_keys_unwrap },
	{ "agree", known_keys_agree },
	{ "store-certificate", store_certificate },
	{ "unlock", known_keys_unlock },
	{ "list-keys", list_keys },
};

static const struct server_role role = {
	.program = "keys-file",
	.role = "keys",
	.operations = operations,
	.noperations = sizeof(operations) / sizeof(*operations),
	.start = start,
	.stop = stop,
	.help = "Finds certificates and keys in the folders below `areas', into which an operator copies files,\n"
		"and signs and decrypts with the keys in the folder `private'.",
};

int keys_file_main(int argc, char **argv)
{
	process_guard_keys();
	process_start_openssl();
	return server_main(&role, argc, argv);
}
