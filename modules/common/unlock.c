/* unlock.c - the passphrase that a person has given for the keys of one conversation */
#include "common/unlock.h"

#include <openssl/crypto.h>
#include <string.h>

#include "common/private_key.h"

#define PASSPHRASE_MAX 1024

int unlock_take(const struct xml *request, char **given, struct error *err)
{
	const struct xml *e = xml_first(request, "passphrase");
	struct buf text = BUF_INIT;
	int rc = e ? xml_binary(e, &text, err) : error_set(err, E_PERM, "<unlock> lacks <passphrase>");

	if (rc == 0 && (!text.len || text.len > PASSPHRASE_MAX || memchr(text.data, '\0', text.len)))
		rc = error_set(err, E_PERM, "<passphrase> is empty, holds a NUL byte or is longer than %d bytes", PASSPHRASE_MAX);
	if (rc == 0) {
		unlock_forget(given);
		keys_start_secure_memory();
		*given = OPENSSL_secure_zalloc(text.len + 1);
		if (*given)
			memcpy(*given, text.data, text.len);
		else
			rc = error_set(err, E_TEMP, "no memory for a passphrase");
	}
	buf_wipe(&text);
	return rc;
}

void unlock_forget(char **given)
{
	if (*given)
		OPENSSL_secure_clear_free(*given, strlen(*given));
	*given = NULL;
}
