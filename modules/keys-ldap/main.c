/* main.c - keys-ldap: certificates and keys in directories (keys-ldap(8)) */
#include <stdlib.h>

#include "common/process.h"
#include "keys-ldap/keys_ldap.h"

static struct ldap_options options;

static void stop(struct server *s)
{
	struct keys_ldap *k = s->state;

	known_keys_release(&k->keys);
	for (size_t i = 0; i < k->n; i++) {
		directory_free(k->directories[i]);
		absent_close(k->absent[i].known);
	}
	free(k->directories);
	free(k->absent);
	free(k);
}

static int start(struct server *s, struct error *err)
{
	struct keys_ldap *k = s->state = mem_alloc(sizeof(*k));
	size_t n;
	int rc = options_directories(s->config, &options, &k->options, &n, err);

	k->keys.fetch = keys_open_known;
	if (rc < 0)
		return rc;
	k->parallel = options.mode == MODE_PARALLEL && n > 1;
	k->directories = mem_array(n, sizeof(*k->directories));
	k->absent = mem_array(n, sizeof(*k->absent));
	for (; k->n < n; k->n++)
		k->directories[k->n] = directory_new(&k->options[k->n]);
	return 0;
}

static const struct server_operation operations[] = {
	{ "find-certificates", find_certificates },
	{ "find-keys", find_keys },
	{ "sign", known_keys_sign },
	{ "unwrap", known_keys_unwrap },
	{ "agree", known_keys_agree },
	{ "unlock", known_keys_unlock },
	{ "list-keys", list_keys },
};

int main(int argc, char **argv)
{
	const struct server_role role = {
		.program = "keys-ldap",
		.role = "keys",
		.operations = operations,
		.noperations = sizeof(operations) / sizeof(*operations),
		.start = start,
		.stop = stop,
		.options = ldap_options,
		.noptions = ldap_noptions,
		.options_base = &options,
		.help = "Finds certificates of partners in LDAP directories, and signs and decrypts with own keys that stand there in\n"
			"userPKCS12; see keys-ldap(8).",
	};

	process_guard_keys();
	process_start_openssl();
	setenv("LDAPNOINIT", "1", 1); /* no file of the system may change what is asked, and what is believed */
	setenv("SASL_PATH", "/dev/null", 1); /* EXTERNAL needs no plug-in, and loading all of them costs more than a look-up */
	return server_main(&role, argc, argv);
}
