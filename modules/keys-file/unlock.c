/* unlock.c - "unlock": the passphrase of a key that has one of its own, for this conversation */
#include "common/unlock.h"
#include "keys-file/keys_file.h"

int unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct keys_file *state = s->state;

	(void)w;
	return unlock_take(request, &state->given, err);
}

void keys_forget_passphrase(struct keys_file *state)
{
	unlock_forget(&state->given);
}
