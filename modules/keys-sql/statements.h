/* statements.h - every question this module ever asks a database; values go beside them, never into them */
#ifndef POSTERN_KEYS_SQL_STATEMENTS_H
#define POSTERN_KEYS_SQL_STATEMENTS_H

#include <stdbool.h>

/* The files in etc/sql bring a database up to this version. */
#define SCHEMA_VERSION 2

/* So many identifiers are looked for at once. */
#define IDENTIFIERS_AT_ONCE 20

enum statement {
	ASK_VERSION,         /* -> version */
	FIND_ADDRESS,        /* address, @domain -> address area der sha256 source capabilities */
	FIND_IDENTIFIERS,    /* IDENTIFIERS_AT_ONCE x issuer_serial or key_id -> area der sha256 source */
	FIND_SIGNERS,        /* address, @domain -> address der sha256 source public_key purpose ("": it has no key) */
	FIND_RECIPIENTS,     /* as FIND_IDENTIFIERS -> der sha256 source public_key */
	FIND_ISSUERS,        /* subject -> der sha256 source */
	GET_KEY,             /* public_key -> sealed protection */
	FIND_PLACES,         /* sha256 -> area */
	FIND_IN_USE,         /* address -> der sha256 source */
	GET_CAPABILITIES,    /* address -> said */
	ADD_CERTIFICATE,     /* sha256 der issuer_serial key_id subject public_key not_before not_after added */
	ADD_ADDRESS,         /* address sha256 */
	ADD_PLACE,           /* sha256 area source added */
	ADD_CONFLICT,        /* address sha256 other noticed */
	ADD_CAPABILITIES,    /* address said der */
	ADD_KEY,             /* public_key sealed protection purpose source added */
	LIST_ALL,            /* area or % -> area sha256 not_before not_after source address protection purpose conflict */
	LIST_KEYS,           /* -> public_key sealed protection */
	FIND_OWNERS,         /* public_key -> der sha256 */
	LIST_OWN,            /* sha256 -> der sha256 source purpose, of 100 behind it */
	COUNT_AREAS,         /* -> area count */
	LIST_ROWS,           /* -> sha256 der issuer_serial key_id subject public_key address, a row for each address */
	STATEMENTS
};

struct statement_text {
	const char *name; /* in the server's log */
	const char *text; /* the same for all databases */
	unsigned values;
	bool long_list;   /* more rows than should be in memory at a time */
};

extern const struct statement_text statements[STATEMENTS];

#endif
