/* issuers.h - how strictly revocation is taken, issuer by issuer (check-path(8), REVOCATION) */
#ifndef POSTERN_CHECK_PATH_ISSUERS_H
#define POSTERN_CHECK_PATH_ISSUERS_H

#include <stdint.h>
#include <time.h>

#include "lib/error.h"
#include "lib/mem.h"

struct issuer_policy {
	int mode;          /* enum check_crl */
	int64_t grace;     /* CHECK_CRL_SOFT: seconds past nextUpdate for which an answer is still taken */
	time_t until;      /* CHECK_CRL_SOFT: before this moment a missing answer is passed over; 0: never */
	const char *where; /* "FILE:LINE", or the option's name */
};

struct issuers; /* the table, read */

/* path "": an empty table.  E_CONFIG with FILE:LINE. */
int issuers_read(const char *path, struct issuers **out, struct error *err);
/* The same from text; name: what errors and `where' call it. */
int issuers_parse(const char *text, size_t n, const char *name, struct issuers **out, struct error *err);
void issuers_free(struct issuers *t); /* NULL is fine */

/* The first line whose pattern fits the issuer's name (RFC 4514); if none does, *otherwise. */
struct issuer_policy issuers_find(const struct issuers *t, const char *issuer, const struct issuer_policy *otherwise);

#endif
