/* keys_ldap.h - what the parts of the module keys-ldap share */
#ifndef POSTERN_KEYS_LDAP_H
#define POSTERN_KEYS_LDAP_H

#include "common/known_keys.h"
#include "keys-ldap/absent.h"
#include "keys-ldap/directory.h"
#include "lib/server.h"

struct keys_ldap {
	struct known_keys keys;      /* where: the PKCS#12 */
	struct directory_options *options; /* of each directory */
	struct directory **directories;
	size_t n;
	bool parallel;
	struct absent_from {         /* of each directory; opened when it is first needed */
		struct absent *known;
		bool opened;
	} *absent;
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

/* A directory that failed: 0, it may be skipped, which is logged; else its error. */
int ask_failed(const struct task *t, const struct directory_options *o, struct error *err);

/* ---- operations ---- */
int find_certificates(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int find_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int list_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);

/* use.c: known_keys.fetch */
int keys_open_known(struct server *s, struct known_key *k, struct error *err);

#endif
