/* keys_file.h - what the parts of the module keys-file share */
#ifndef POSTERN_KEYS_FILE_H
#define POSTERN_KEYS_FILE_H

#include "common/area.h"
#include "common/identifier.h"
#include "common/keys_chain.h"
#include "common/known_keys.h"
#include "lib/server.h"

enum keys_area { IN_PUBLIC, IN_TRUSTED, IN_PRIVATE, IN_CA, IN_SEEN, KEYS_AREAS };

struct keys_file {
	struct known_keys keys;         /* where: the file's name */
	struct area *areas[KEYS_AREAS]; /* NULL: not opened yet */
};

/* areas.c: opens the area when it is first needed. */
int keys_area(struct server *s, enum keys_area which, struct area **out, struct error *err);
/* The same, with *out NULL where the folder is empty: opening its index would cost more than looking. */
int keys_area_if_any(struct server *s, enum keys_area which, struct area **out, struct error *err);
/* The certificates with this identifier in one area. */
int keys_find_identifier(struct server *s, enum keys_area which, const struct identifier *id, struct area_list *out,
			 struct error *err);
/* Whether the file stands in private/decrypt-only: its keys decrypt, and do nothing else. */
bool is_archived(const struct area *a, const char *file);

/* private_key.c: the key of this certificate in this file, known from now on. */
struct known_key *keys_remember(struct server *s, const char *file, struct span der);
/* known_keys.fetch, out of the key's file.  E_CONFIG: it is not ours alone, or another passphrase is needed (s->code says which);
 * E_NOTFOUND: no such key in it. */
int private_key_read(struct server *s, struct known_key *k, struct error *err);

/* chain.c: intermediate certificates from the areas "private" and "ca". */
int find_chain(struct server *s, struct span leaf, struct keys_chain *chain, struct error *err);

/* capabilities.c: SMIMECapabilities in base64.  _of: what the address said last, in the arena; NULL: nothing.
 * when: RFC 3339 in UTC; "" or a future time count as now. */
const char *capabilities_of(struct server *s, const char *address);
int capabilities_remember(struct server *s, const char *address, const char *when, const char *base64, struct error *err);

/* operations */
int find_certificates(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int find_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int list_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int store_certificate(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);

#endif
