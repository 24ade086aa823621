/* area.h - certificates in a folder, found in microseconds
 *
 * An area is a folder into which an operator copies files: any name, PEM, DER, PKCS#7 or PKCS#12, several
 * certificates per file, one level of sub-folders; `@partner.example' as the name of a sub-folder of any area
 * makes its certificates serve that domain.  What the folder holds at the moment of the question is the truth;
 * the index beside the spool (see index.h) only remembers where things stand, and may be deleted at any time.
 *
 * Hidden files are passed over.  A file that cannot be read or is no certificate file is named in the log once
 * per change and looked at again when it changes; the other files are not affected.
 */
#ifndef POSTERN_COMMON_AREA_H
#define POSTERN_COMMON_AREA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#include "common/crl.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

struct area;

/* What was found: a certificate, or in the area "crl" a revocation list.  Everything lives in the arena given
 * to the question. */
struct area_entry {
	struct span der;
	const char *file;        /* whole path */
	size_t position;         /* 0-based place among the objects of the file */
	time_t not_before, not_after; /* of a CRL: thisUpdate, nextUpdate (0: none) */
	bool domain;             /* found because it serves the whole domain */
	bool leaf;               /* not the issuer of another certificate in the same file, and no CA if any there is none */
	bool may_sign;           /* keyUsage has digitalSignature or nonRepudiation, or there is none (RFC 8550 4.4.2) */
	bool has_keys;           /* the file holds private keys (area "private") */
	bool exposed;            /* ... and is not ours alone: they must not be used */
};

struct area_list {
	struct area_entry *items; /* newest not_before first */
	size_t n;
};

/* At most this many entries are returned for one question. */
#define AREA_FOUND_MAX 64

/* name: public trusted untrusted private ca crl seen.  A folder that does not exist is an empty area; its later
 * appearance is noticed.  E_CONFIG: it is there but cannot be read. */
int area_open(const struct config *config, const char *name, struct area **out, struct error *err);
void area_close(struct area *a); /* NULL is fine */

/* Without opening it: 1, the folder holds something; 0, it is empty or not there; E_CONFIG: who knows?  An unreadable folder
 * must never look like an empty one. */
int area_occupied(struct arena *arena, const struct config *config, const char *name, struct error *err);
/* Whether some process has opened it before: it was occupied then.  That costs less to find out where the folder is a large one. */
bool area_has_index(struct arena *arena, const struct config *config, const char *name);

const char *area_name(const struct area *a);
const char *area_directory(const struct area *a); /* AREAS/NAME */

/* Every question first makes sure that the index is fresh.  Nothing found is 0 with n = 0.
 * E_CONFIG: the folder cannot be read; E_TEMP: I/O. */

/* Certificates for a mail address, ASCII case-insensitive: subjectAltName rfc822Name and SmtpUTF8Mailbox
 * (RFC 9598), legacy emailAddress in the subject.  Certificates of the address itself come first, then those
 * that serve "@domain" (entry.domain). */
int area_find_address(struct area *a, struct arena *arena, const char *address, struct area_list *out, struct error *err);

/* RFC 5652 10.2.4.  Names are compared as RFC 5280 section 7.1 says (X509_NAME_cmp). */
int area_find_serial(struct area *a, struct arena *arena, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     struct area_list *out, struct error *err);

/* By subjectKeyIdentifier extension; where a certificate has none, by the SHA-1 of its public key (RFC 5280 4.2.1.2 (1)). */
int area_find_key_id(struct area *a, struct arena *arena, struct span key_id, struct area_list *out, struct error *err);

/* Certificates whose subject is this name: the possible issuers of one whose issuer it is. */
int area_find_subject(struct area *a, struct arena *arena, const X509_NAME *subject, struct area_list *out, struct error *err);

/* This very certificate, byte for byte: n is 0, or more where several files hold it. */
int area_find_exact(struct area *a, struct arena *arena, struct span der, struct area_list *out, struct error *err);

/* A certificate's possible issuers: as area_find_subject(), but where some of them have this key identifier (empty: none
 * is known), only those: a name may have any number of keys. */
int area_find_issuers(struct area *a, struct arena *arena, const X509_NAME *subject, struct span key_id,
		      struct area_list *out, struct error *err);

/* What was found in area "crl": a revocation list as the index keeps it, without its entries. */
struct area_crl {
	struct crl list;         /* opened; its spans live in the arena */
	uint64_t id;
	const char *file;        /* whole path */
};
struct area_crls {
	struct area_crl *items;  /* newest thisUpdate first */
	size_t n;
};
#define AREA_CRLS_MAX 1024

/* Area "crl": the revocation lists (complete and delta) whose issuer is this name. */
int area_find_crls(struct area *a, struct arena *arena, const X509_NAME *issuer, struct area_crls *out, struct error *err);

/* Looks for a certificate in a list that was found before: as crl_find().  E_TEMP, too, if the list was replaced since. */
int area_search_crl(struct area *a, const struct area_crl *in, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		    struct crl_entry *out, struct error *err);

/* A signature of something in this area that is known to be good: SHA-256 of the certificate or list, and of the certificate of who
 * made it. */
struct area_signature {
	unsigned char object[32], signer[32];
};

/* Whether a process has found out before; learning it is a matter of luck and time: places are few (signatures.c). */
bool area_knows_signature(struct area *a, const struct area_signature *s);
int area_learn_signature(struct area *a, const struct area_signature *s, struct error *err);

/* Brings the index up to date now, so that nobody who asks has to wait for it. */
int area_warm(struct area *a, struct error *err);

/* What the index remembers of one certificate or list; valid during the call. */
struct area_record {
	const char *file;        /* whole path */
	size_t position;
	time_t not_before, not_after;
	struct span marks;       /* what it is found by: marks_next() of common/marks.h */
	bool certificate;        /* false: a revocation list */
};

/* Calls fn for everything in the area, in no order, without reading files: as fast for a million as memory allows.  fn answers
 * other than 0 to end it, which is returned, and must not ask this area. */
int area_each(struct area *a, int (*fn)(void *ctx, const struct area_record *r), void *ctx, struct error *err);

/* Files that the index knows; 0 where it cannot be told. */
size_t area_files(struct area *a);

/* From now on questions are answered from the index as it is, whatever happens to the folder: for who changes it himself.  The
 * index is made fresh once more before. */
int area_freeze(struct area *a, struct error *err);
/* The end of that; the index is made fresh at once. */
int area_thaw(struct area *a, struct error *err);

/* Files whose contents are unknown because no passphrase opens them (PKCS#12 in "private"), up to AREA_LOCKED_MAX. */
#define AREA_LOCKED_MAX ((size_t)256)
int area_find_locked(struct area *a, struct arena *arena, const char *const **files, size_t *n, struct error *err);

/* A piece of all entries, in an order that stays while the folder does: up to most behind the first `from' (fewer: files that change just
 * now are left out).  None: that was all. */
int area_find_some(struct area *a, struct arena *arena, size_t from, size_t most, struct area_list *out, struct error *err);

/* Calls fn for every certificate, in no order, with what is in its file.  Those that change meanwhile may be passed over. */
int area_each_certificate(struct area *a, int (*fn)(void *ctx, const struct area_entry *e), void *ctx, struct error *err);

#endif
