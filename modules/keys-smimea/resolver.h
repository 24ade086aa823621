/* resolver.h - the DNS, validated by ourselves (libunbound, RFC 4033-4035)
 *
 * Whoever stands between us and a name server could put a certificate of his own there, so what is not signed is not
 * used, whatever a resolver says of it.
 */
#ifndef POSTERN_KEYS_SMIMEA_RESOLVER_H
#define POSTERN_KEYS_SMIMEA_RESOLVER_H

#include <unbound.h>

#include "lib/config.h"
#include "lib/deadline.h"
#include "lib/error.h"

struct smimea_options {
	struct config_list resolvers; /* addresses, "ADDRESS@PORT"; "recursive"; empty: /etc/resolv.conf */
	const char *trust_anchor;     /* file */
	uint64_t timeout;             /* milliseconds, for all questions of a request */
	int when_away;                /* AWAY_... */
};
enum { AWAY_DEFER, AWAY_SKIP };

struct resolver;

/* E_CONFIG: an option is of no use, the trust anchor cannot be read.  No question is sent yet. */
int resolver_open(const struct smimea_options *options, struct resolver **out, struct error *err);
void resolver_close(struct resolver *r); /* NULL is fine */

enum lookup_outcome {
	LOOKUP_OPEN,     /* not answered yet */
	LOOKUP_SECURE,   /* records, and their signatures are good */
	LOOKUP_NOTHING,  /* proved that there are none */
	LOOKUP_UNSIGNED, /* the domain is not signed: nothing it says counts */
	LOOKUP_BOGUS,    /* signatures are missing or wrong: an attack, or a mistake of the domain's owner */
	LOOKUP_FAILED,   /* no answer, or an error */
};

struct lookup {
	const char *name;            /* to be asked for */
	enum lookup_outcome outcome;
	struct ub_result *result;    /* with LOOKUP_SECURE; ub_resolve_free() */
	char why[200];               /* of the others, for the log */
};

/* Asks for all names at once; what is not answered in time has LOOKUP_FAILED. */
int resolver_ask(struct resolver *r, struct lookup *list, size_t n, deadline until, struct error *err);
void lookup_release(struct lookup *l);

#endif
