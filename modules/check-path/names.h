/* names.h - names, serial numbers and times of certificates as people and logs read them */
#ifndef POSTERN_CHECK_PATH_NAMES_H
#define POSTERN_CHECK_PATH_NAMES_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#include "lib/mem.h"

/* RFC 4514, UTF-8, no control characters, cut with "..." where it is over-long. */
const char *name_text(struct arena *a, const X509_NAME *name);
const char *subject_text(struct arena *a, const X509 *x);
const char *serial_text(struct arena *a, const ASN1_INTEGER *serial); /* upper-case hex, as openssl x509 prints it */

const char *asn1_time_text(struct arena *a, const ASN1_TIME *t);      /* 2026-11-22 10:00:00 UTC */
/* To the second and in UTC, as RFC 5280 section 4.1.2.5 wants it: YYMMDDHHMMSSZ, or with four digits of the year. */
bool asn1_time_is_plain(const ASN1_TIME *t);
bool asn1_time_read(const ASN1_TIME *t, time_t *out);                 /* false: not so, or no such moment */

#endif
