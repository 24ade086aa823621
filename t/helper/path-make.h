/* path-make.h - certificates and revocation lists made from a line of text each, in memory, for path-cases */
#ifndef T_HELPER_PATH_MAKE_H
#define T_HELPER_PATH_MAKE_H

#include <openssl/conf.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "lib/mem.h"

/* One certificate; a name in lower case is an end entity's. */
struct node {
	struct node *next;
	const char *name;
	X509 *x;               /* as it was before its DER was spoilt; owned */
	EVP_PKEY *key;         /* of the maker */
	struct span der;
	bool anchor, absent, target;
};

struct list_made {
	struct list_made *next;
	struct span der;
};

struct maker {
	struct arena arena;    /* of one case */
	struct buf sections;   /* of one case, for extensions */
	CONF *conf;            /* made of them when the first extension is */
	struct node *nodes, **end;
	struct list_made *lists, **lists_end;
	struct named_key { struct named_key *next; const char *name; EVP_PKEY *key; } *keys; /* of all cases */
	unsigned serial;
};

void maker_begin(struct maker *m); /* forgets the case before */
void maker_end(struct maker *m);

/* "NAME < ISSUER | item | item"; stops the program with the line where it is not understood. */
void make_certificate(struct maker *m, char *line);
/* "crl ISSUER | item | item", behind the certificates it names. */
void make_list(struct maker *m, char *line);
/* "[name] key = value | key = value" */
void make_section(struct maker *m, char *line);

__attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *fmt, ...);

#endif
