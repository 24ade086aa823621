/* main.c - keys-file: certificates and keys in files (keys-file(8)) */
#include "common/mains.h"
#include "common/process.h"
#include "keys-file/keys_file.h"

static const char *const area_names[KEYS_AREAS] = {
	[IN_PUBLIC] = "public", [IN_TRUSTED] = "trusted", [IN_PRIVATE] = "private", [IN_CA] = "ca", [IN_SEEN] = "seen",
};

int keys_area(struct server *s, enum keys_area which, struct area **out, struct error *err)
{
	struct keys_file *k = s->state;
	int rc = 0;

	if (!k->areas[which])
		rc = area_open(s->config, area_names[which], &k->areas[which], err);
	*out = k->areas[which];
	return rc;
}

int keys_area_if_any(struct server *s, enum keys_area which, struct area **out, struct error *err)
{
	struct keys_file *k = s->state;
	int rc = k->areas[which] ? 1 : area_occupied(&s->arena, s->config, area_names[which], err);

	*out = NULL;
	return rc > 0 ? keys_area(s, which, out, err) : rc;
}

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
