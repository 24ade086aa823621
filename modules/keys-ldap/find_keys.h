/* find_keys.h - what looking for own keys and listing them share */
#ifndef POSTERN_KEYS_LDAP_FIND_KEYS_H
#define POSTERN_KEYS_LDAP_FIND_KEYS_H

#include "common/certfile.h"
#include "keys-ldap/keys_ldap.h"

/* A PKCS#12 that was opened; what it holds lives until keys_end. */
struct opened {
	const struct value *value;
	const char *source;           /* of its directory */
	struct certfile file;
};

struct search {
	struct server *s;
	struct keys_ldap *state;
	struct xml_writer *w;
	struct error *err;
	deadline until;
	char *passphrase;
	struct opened *opened;
	size_t nopened, cap, found;
	const char *locked;           /* an entry whose PKCS#12 no passphrase of ours opens */
	bool cut;
};

/* keys_end is to be called in either case. */
int keys_begin(struct search *q, struct server *s, struct xml_writer *w, struct error *err);
void keys_end(struct search *q);

/* Searches in one directory; the values, or none where it is skipped.  Of each query the filter is given; attributes
 * that are NULL become those of keys and certificates. */
int keys_ask(struct search *q, size_t which, struct query *queries, size_t n);
bool keys_is_pkcs12(const struct value *v);

/* Nobody knows what is in it, and it may be what is looked for. */
void keys_note_locked(struct search *q, const struct opened *o);
/* Adds a key to the answer: one of the certificates with keys in it, the recipient of that number (0 to sign). */
void keys_write(struct search *q, const struct opened *o, const struct certfile_object *item, size_t which);
/* Why there is none; what: "signs for this address" and the like. */
int keys_nothing_found(struct search *q, const char *what);

/* find_to_decrypt.c: "find-keys" with <recipient>s */
int keys_to_decrypt(struct search *q, const struct xml *request);

/* What is in a userPKCS12, once; file.locked where no passphrase fits, and file.n = 0 where nothing can be read, which is logged. */
struct opened *keys_open(struct search *q, const struct value *v, const char *source);

#endif
