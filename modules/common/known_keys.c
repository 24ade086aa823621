/* known_keys.c - the keys that find-keys has named in a conversation, and what is done with them */
#include "common/known_keys.h"

#include <stdio.h>
#include <string.h>

#include "common/key_use.h"
#include "common/marks.h"
#include "common/unlock.h"

static struct span copy(struct arena *arena, struct span s)
{
	return span_from(arena_memdup(arena, s.p, s.n), s.n);
}

struct known_key *known_keys_add(struct known_keys *keys, struct span certificate, const char *source, struct span where)
{
	struct known_key *k;

	for (k = keys->first; k; k = k->next)
		if (span_eq(k->certificate, certificate) && span_eq(k->where, where))
			return k;
	k = arena_alloc(&keys->arena, sizeof(*k));
	snprintf(k->id, sizeof(k->id), "k%u-%08x", ++keys->n, (unsigned)(mark_hash(certificate.p, certificate.n) & 0xffffffffu));
	k->source = arena_strdup(&keys->arena, source);
	k->certificate = copy(&keys->arena, certificate);
	k->where = copy(&keys->arena, where);
	k->next = keys->first;
	keys->first = k;
	return k;
}

void known_keys_release(struct known_keys *keys)
{
	for (struct known_key *k = keys->first; k; k = k->next)
		EVP_PKEY_free(k->key);
	unlock_forget(&keys->given);
	arena_release(&keys->arena);
}

static int find(struct server *s, const char *id, EVP_PKEY **key, struct error *err)
{
	const struct known_keys *keys = s->state;
	struct known_key *k = keys->first;
	int rc = 0;

	*key = NULL;
	while (k && strcmp(k->id, id) != 0)
		k = k->next;
	if (!k) {
		s->code = "no-key";
		return error_set(err, E_PERM, "no key \"%s\"; find-keys names them", id);
	}
	if (!k->key)
		rc = keys->fetch(s, k, err);
	*key = k->key;
	return rc;
}

int known_keys_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_sign(s, request, w, find, err);
}

int known_keys_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_unwrap(s, request, w, find, err);
}

int known_keys_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	return key_use_agree(s, request, w, find, err);
}

int known_keys_unlock(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct known_keys *keys = s->state;

	(void)w;
	return unlock_take(request, &keys->given, err);
}
