/* ask_unlock.c - a passphrase for keys that have one of their own: the operation "unlock" of postern-modules(7)
 *
 * Every keys module that knows the operation gets it, because nobody but the module can say whose key it fits.
 */
#include "lib/log.h"
#include "module/ask.h"
#include "module/parts.h"

static int write_unlock(struct xml_writer *w, void *arg)
{
	const struct span *passphrase = arg;

	buf_reserve(&w->out, 2 * passphrase->n + 256); /* growing behind it would leave a copy */
	xml_open(w, "passphrase");
	xml_put_binary(w, passphrase->p, passphrase->n);
	xml_close(w);
	return 0;
}

int ask_unlock(struct modules *m, struct span passphrase, struct error *err)
{
	bool taken = false;

	for (size_t i = 0; i < m->n; i++) {
		struct xml_document *answer;
		int rc;

		if (m->items[i].role != ROLE_KEYS)
			continue;
		rc = module_ask_this(m, &m->items[i], "unlock", write_unlock, &passphrase, &answer, err);
		xml_free(answer);
		if (rc < 0 && rc != MODULE_UNKNOWN_OPERATION && rc != E_NOTFOUND)
			return E_TEMP;
		taken = taken || rc == 0;
	}
	if (!taken)
		log_warning("no keys module takes a passphrase; what they know themselves must do");
	return 0;
}
