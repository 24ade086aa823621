/* passphrase.c - the one passphrase for all private files (passphrase_file) */
#include "common/passphrase.h"

#include "common/area_inside.h"
#include "lib/fs.h"
#include "lib/log.h"

#define PASSPHRASE_FILE_MAX 4096

int passphrase_read(const char *path, char **out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = fs_read_secret(path, PASSPHRASE_FILE_MAX, &text, err);

	*out = NULL;
	if (rc == 0) {
		const char *s = buf_str(&text);
		size_t n = strcspn(s, "\r\n");

		*out = mem_alloc(n + 1);
		memcpy(*out, s, n);
	}
	buf_wipe(&text);
	return rc == E_NOTFOUND ? 0 : rc;
}

void passphrase_free(char *passphrase)
{
	if (passphrase)
		mem_wipe(passphrase, strlen(passphrase));
	free(passphrase);
}

void area_forget_passphrase(struct area *a)
{
	passphrase_free(a->passphrase);
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
