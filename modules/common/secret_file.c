/* secret_file.c - a password, PIN or passphrase out of a file */
#include "common/secret_file.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/mem.h"

#define SECRET_FILE_MAX 4096

int secret_read(const char *path, char **out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = fs_read_secret(path, SECRET_FILE_MAX, &text, err);

	*out = NULL;
	if (rc == 0) {
		const char *s = buf_str(&text);
		size_t n = strcspn(s, "\r\n");

		*out = mem_alloc(n + 1);
		memcpy(*out, s, n);
	}
	buf_wipe(&text);
	return rc;
}

void secret_free(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	free(secret);
}
