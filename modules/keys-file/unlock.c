/* unlock.c - "unlock": the passphrase of a key that has one of its own, for this conversation */
#include <openssl/crypto.h>
#include <string.h>

#include "common/private_key.h"
#include "keys-file/keys_file.h"

#define PASSPHRASE_MAX 1024

int unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *e = xml_first(request, "passphrase");
	struct keys_file *state = s->state;
	struct buf text = BUF_INIT;
	int rc = e ? xml_binary(e, &text, err) : error_set(err, E_PERM, "<unlock> lacks <passphrase>");

	(void)w;
	if (rc == 0 && (!text.len || text.len > PASSPHRASE_MAX || memchr(text.data, '\0', text.len)))
		rc = error_set(err, E_PERM, "<passphrase> is empty, holds a NUL byte or is longer than %d bytes", PASSPHRASE_MAX);
	if (rc == 0) {
		keys_forget_passphrase(state);
		keys_start_secure_memory();
		state->given = OPENSSL_secure_zalloc(text.len + 1);
		if (state->given)
			memcpy(state->given, text.data, text.len);
		else
			rc = error_set(err, E_TEMP, "no memory for a passphrase");
	}
	buf_wipe(&text);
	return rc;
}

void keys_forget_passphrase(struct keys_file *state)
{
	if (state->given)
		OPENSSL_secure_clear_free(state->given, strlen(state->given));
	state->given = NULL;
}
