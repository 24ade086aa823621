/* keys_sql.h - what the parts of the module keys-sql share */
#ifndef POSTERN_KEYS_SQL_H
#define POSTERN_KEYS_SQL_H

#include "common/identifier.h"
#include "common/known_keys.h"
#include "keys-sql/database.h"
#include "lib/server.h"

#define CAPABILITIES_MAX ((size_t)8 * 1024) /* bytes */

enum { READ_ONLY_REFUSE, READ_ONLY_PASS_OVER };

struct keys_sql_options {
	const char *database;      /* as written, "${spool}" and all */
	const char *password_file; /* "": none */
	const char *key_file;      /* "": own keys are sealed with passphrase_file */
	const char *migrations;    /* folder of etc/sql */
	uint64_t timeout;          /* milliseconds */
	uint64_t iterations;       /* PBKDF2, for a passphrase */
	int read_only;             /* READ_ONLY_... */
};
extern const struct config_option keys_sql_options[];
extern const size_t keys_sql_noptions;
extern struct keys_sql_options keys_sql; /* filled when the configuration is read */

struct keys_sql_state {
	struct known_keys keys; /* where: the column public_key */
	struct database *db;    /* NULL: not opened yet */
	struct error failed;    /* code 0, or why there is none: nothing is tried twice for one message */
	bool said_read_only;
	struct complaint *complaints; /* what was said already */
};

/* main.c: opens the database.  A message has no time for a long question, an operator has; who wants to create one may find none. */
enum caller { FOR_MESSAGE, FOR_OPERATOR, TO_CREATE };
int keys_sql_connect(const struct config *config, enum caller caller, deadline until, struct database **out, struct error *err);
/* The conversation's database, opened when it is first needed; what is asked of it now has keys_sql_timeout, within the
 * message's deadline. */
int keys_sql_database(struct server *s, struct database **out, struct error *err);

/* What an answer says where something was found: "sql:", the first digits of the SHA-256, and the row's own source. */
char *keys_sql_source(struct arena *arena, const char *sha256, const char *source);

/* Says what is wrong with a row: once in a conversation, and not of hundreds. */
void keys_sql_complain(struct server *s, const char *source, const char *what);

/* ---- record.c: a certificate as rows ---- */

#define RECORD_TIME 21 /* with NUL */

struct record {
	struct span der;
	char sha256[65];
	const char *issuer_serial, *key_id, *subject, *public_key;
	char not_before[RECORD_TIME], not_after[RECORD_TIME];
	const char **addresses; /* as record_address has them */
	size_t naddresses;
};

/* domain: "@partner.example", whom it serves besides; NULL: nobody.  E_PERM: not a certificate (nothing else may be in der, either). */
int record_read(struct arena *arena, struct span der, const char *domain, struct record *out, struct error *err);
/* What stands in the columns issuer_serial or key_id of the certificate that is meant. */
const char *record_of_identifier(struct arena *arena, const struct identifier *id);
/* What stands in the column subject of those whose subject is this name (DER); NULL: it is no name. */
const char *record_of_name(struct arena *arena, struct span name);
void record_time(int64_t when, char out[RECORD_TIME]);
/* The form of the columns that hold an address: lower case, the domain in A-labels. */
char *record_address(struct arena *arena, const char *address);
/* Adds what is not there yet: certificate, addresses, its place in the area. */
int record_add(struct database *db, const struct record *r, const char *area, const char *source, struct error *err);

/* ---- own_key.c: private keys, sealed ---- */

/* Which file's first line seals and opens: by the word in the column protection.  *secret NULL with 'none'; free with secret_free.
 * E_CONFIG: no such file, or not ours alone, or no secret worth the name. */
int own_key_secret(const struct config *config, const char *protection, char **secret, struct error *err);
/* The protection new keys get; NULL: neither keys_sql_key_file nor passphrase_file is there. */
const char *own_key_protection(const struct config *config);
/* PKCS#8 in PEM, PBES2 with AES-256 and PBKDF2; secret NULL: in clear. */
int own_key_seal(EVP_PKEY *key, const char *protection, const char *secret, struct buf *pem, struct error *err);
/* Sets k->key, out of a row of own_keys.  E_CONFIG with s->code: "passphrase-needed" (neither the central passphrase nor the one that was
 * given opens it), "no-key", "configuration". */
int own_key_open(struct server *s, struct known_key *k, struct span pem, const char *protection, struct error *err);

/* ---- operations ---- */

int find_certificates(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int find_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int list_keys(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
int store_certificate(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);

/* command.c: keys-sql -migrate, -import, -list, -check */
int keys_sql_command(const char *option, int argc, char **argv);

#endif
