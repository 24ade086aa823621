/* keys_file.h - what the parts of the module keys-file share */
#ifndef POSTERN_KEYS_FILE_H
#define POSTERN_KEYS_FILE_H

#include <openssl/evp.h>

#include "common/area.h"
#include "common/identifier.h"
#include "lib/server.h"

/* A key that find-keys has named.  The private part is read when it is first used. */
struct known_key {
	struct known_key *next;
	char id[24];          /* opaque to the core */
	char *file;
	struct span der;      /* its certificate */
	EVP_PKEY *key;        /* NULL: not read yet */
};

enum keys_area { IN_PUBLIC, IN_TRUSTED, IN_PRIVATE, IN_CA, IN_SEEN, KEYS_AREAS };

struct keys_file {
	struct area *areas[KEYS_AREAS]; /* NULL: not opened yet */
	struct known_key *keys;
	unsigned nkeys;
	struct arena arena;             /* as long as the conversation */
	char *given;                    /* the passphrase of "unlock", in secure memory; NULL: none */
};

/* main.c: opens the area when it is first needed. */
int keys_area(struct server *s, enum keys_area which, struct area **out, struct error *err);
/* The same, with *out NULL where the folder is empty: opening its index would cost more than looking. */
int keys_area_if_any(struct server *s, enum keys_area which, struct area **out, struct error *err);

/* find_certificates.c: the certificates with this identifier in one area. */
int keys_find_identifier(struct server *s, enum keys_area which, const struct identifier *id, struct area_list *out,
			 struct error *err);

/* private_key.c: the private key of this certificate out of this file.  E_CONFIG: the file is not ours alone, or another
 * passphrase is needed (s->code says which); E_NOTFOUND: no such key in it. */
int private_key_read(struct server *s, const char *file, struct span certificate, EVP_PKEY **out, struct error *err);

/* find_keys.c: the key of this certificate in this file, known from now on. */
struct known_key *keys_remember(struct server *s, const char *file, struct span der);
/* Whether the file stands in private/decrypt-only: its keys decrypt, and do nothing else. */
bool is_archived(const struct area *a, const char *file);

/* chain.c: intermediate certificates from the areas "private" and "ca", upwards, up to KEYS_CHAIN_MAX; the root is the reader's own
 * business. */
int find_chain(struct server *s, struct span leaf, struct span *chain, size_t *n, struct error *err);

/* unlock.c */
void keys_forget_passphrase(struct keys_file *state);

/* capabilities.c: SMIMECapabilities in base64.  _of: what the address said last, in the arena; NULL: nothing.
 * when: RFC 3339 in UTC; "" or a future time count as now. */
const char *capabilities_of(struct server *s, const char *address);
int capabilities_remember(struct server *s, const char *address, const char *when, const char *base64, struct error *err);

/* operations */
int find_certificates(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int find_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_sign(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_unwrap(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_agree(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int unlock(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int list_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int store_certificate(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);

#endif
