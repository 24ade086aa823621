/* passphrase.c - the one passphrase for all private files (passphrase_file) */
#include "common/passphrase.h"

#include "common/area_inside.h"
#include "common/secret_file.h"
#include "lib/log.h"

int passphrase_read(const char *path, char **out, struct error *err)
{
	int rc = secret_read(path, out, err);

	return rc == E_NOTFOUND ? 0 : rc;
}

void area_forget_passphrase(struct area *a)
{
	secret_free(a->passphrase);
	a->passphrase = NULL;
	a->passphrase_read = false;
}

const char *area_passphrase(struct area *a)
{
	struct error err = { 0 };

	if (!a->passphrase_read && passphrase_read(a->config->passphrase_file, &a->passphrase, &err) < 0)
		log_error("passphrase_file: %s", err.text);
	a->passphrase_read = true;
	return a->passphrase;
}
