/* ask_unlock.c - a passphrase for keys that have one of their own: the operation "unlock" of postern-modules(7)
 *
 * Who has asked for it gets it, and nobody else: one module's passphrase is no business of the others.
 */
#include <string.h>

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

const char *ask_who_is_locked(const struct modules *m, struct arena *a)
{
	const char *names = "";

	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].locked)
			names = arena_printf(a, "%s%s%s", names, *names ? " " : "", m->items[i].name);
	return names;
}

static bool is_meant(const struct module *p, const char *const *names, size_t n)
{
	bool among = !n;

	for (size_t i = 0; i < n; i++)
		among = among || strcmp(names[i], p->name) == 0;
	return among && p->role == ROLE_KEYS;
}

int ask_unlock(struct modules *m, const char *const *names, size_t n, struct span passphrase, struct error *err)
{
	bool taken = false;

	for (size_t i = 0; i < m->n; i++) {
		struct xml_document *answer;
		int rc;

		if (!is_meant(&m->items[i], names, n))
			continue;
		rc = module_ask_this(m, &m->items[i], "unlock", write_unlock, &passphrase, &answer, err);
		xml_free(answer);
		if (rc < 0 && rc != MODULE_UNKNOWN_OPERATION && rc != E_NOTFOUND)
			return E_TEMP;
		taken = taken || rc == 0;
	}
	if (!taken)
		log_warning("no keys module that has asked for a passphrase takes one; what they know themselves must do");
	return 0;
}
