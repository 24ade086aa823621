/* private_key.c - one private key out of a file of the area "private" */
#include "common/private_key.h"

#include "common/passphrase.h"
#include "common/secret_file.h"
#include "keys-file/keys_file.h"
#include "lib/fs.h"

#define KEY_FILE_MAX ((size_t)16 << 20)

int private_key_read(struct server *s, const char *file, struct span certificate, EVP_PKEY **out, struct error *err)
{
	struct buf bytes = BUF_INIT;
	char *passphrase = NULL;
	int rc = passphrase_read(s->config->passphrase_file, &passphrase, err);

	*out = NULL;
	if (rc == 0)
		rc = fs_read_secret(file, KEY_FILE_MAX, &bytes, err);
	if (rc == 0)
		rc = private_key_find(span_from(buf_str(&bytes), bytes.len), file, certificate, passphrase, out, &s->code, err);
	secret_free(passphrase);
	buf_wipe(&bytes);
	return rc;
}
