/* keys_ldap.h - what the parts of the module keys-ldap share */
#ifndef POSTERN_KEYS_LDAP_H
#define POSTERN_KEYS_LDAP_H

#include <openssl/evp.h>

#include "keys-ldap/absent.h"
#include "keys-ldap/directory.h"
#include "lib/server.h"

/* A key that find-keys has named.  It is opened when it is first used. */
struct known_key {
	struct known_key *next;
	char id[24];
	const char *source;
	struct span pkcs12, certificate;
	EVP_PKEY *key;               /* NULL: not opened yet */
};

struct keys_ldap {
	struct directory_options *options; /* of each directory */
	struct directory **directories;
	size_t n;
	bool parallel;
	struct absent *absent;       /* opened when it is first needed */
	bool absent_opened;
	char *given;                 /* the passphrase of "unlock", in secure memory; NULL: none */
	struct known_key *keys;
	unsigned nkeys;
	struct arena arena;          /* as long as the conversation */
};

/* ---- ask.c ---- */

/* What one directory is asked in one go. */
struct task {
	struct directory *directory;
	struct query *queries;
	size_t n;                    /* 0: it is not asked */
	deadline until;
	struct error err;            /* code 0: it has answered */
};

/* Asks, all at once where parallel, else one after the other; then logs what came up. */
void ask_directories(struct task *tasks, size_t n, bool parallel);

/* By when an answer must be there, so that we give it and are not ended. */
deadline ask_until(const struct server *s);

/* A directory that failed: 0, it may be skipped, which is logged; else its error. */
int ask_failed(const struct task *t, const struct directory_options *o, struct error *err);

/* ---- operations ---- */
int find_certificates(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int find_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int list_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int unlock(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_sign(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_unwrap(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int use_agree(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);

#endif
