/* certfile.h - the certificates and revocation lists in one file, whatever its format
 *
 * PEM (CERTIFICATE, X509 CERTIFICATE, TRUSTED CERTIFICATE, X509 CRL, PKCS7, CMS, PKCS12; any number, any order,
 * text between them), DER (one or several certificates or lists behind each other), PKCS#7/CMS certs-only,
 * PKCS#12, and any of the DER forms as bare base64.  Private keys are counted here and never read.
 */
#ifndef POSTERN_COMMON_CERTFILE_H
#define POSTERN_COMMON_CERTFILE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "common/certificate.h"
#include "common/crl.h"
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

enum certfile_type { CERTFILE_CERTIFICATE, CERTFILE_CRL };

/* How an object is fetched from the file again. */
enum certfile_form {
	CERTFILE_RAW,    /* file[offset, offset + length) is its DER */
	CERTFILE_BASE64, /* ... is base64, and the DER is the first element of what it decodes to */
	CERTFILE_INNER,  /* inside a container: only by reading the whole file */
};

struct certfile_object {
	enum certfile_type type;
	enum certfile_form form;
	struct span der;        /* in the arena */
	size_t offset, length;
	struct certificate *certificate; /* one of these two, by type; freed by certfile_release */
	struct buf crl;         /* compact form, see crl.h */
};

struct certfile {
	struct certfile_object *items;
	size_t n, cap;
	size_t keys;            /* private keys seen (PEM blocks, shrouded bags) */
	bool locked;            /* a PKCS#12 none of the passphrases opens: what is in it is unknown */
	struct arena arena;
};

/* One file may hold this many objects. */
#define CERTFILE_OBJECTS_MAX 10000

/* Reads what is in bytes; *out is always valid and must be released.  passphrase: for PKCS#12, tried before the
 * empty one; NULL: none.  On failure the objects before and after the bad one are there all the same, and err
 * says which was bad: E_PERM (not a certificate file, broken, cut off), E_CONFIG with out->locked, E_LIMIT. */
int certfile_read(struct span bytes, const char *passphrase, struct certfile *out, struct error *err);
void certfile_release(struct certfile *f);

/* Appends the object's DER, given the bytes file[offset, offset + length); E_PERM if there is none. */
int certfile_decode(enum certfile_form form, struct span bytes, struct buf *der);

/* ---- for the reader of keys, too ---- */

struct pem_block {
	struct span label; /* "CERTIFICATE" */
	struct span whole; /* from the first dash to the last */
	struct span body;  /* between the lines, with headers if any */
};

/* The next block at or behind *at, which moves behind it.  0, E_NOTFOUND (no more), E_PERM (cut off). */
int pem_next(struct span text, size_t *at, struct pem_block *out, struct error *err);
/* Appends the decoded body. */
int pem_decode(const struct pem_block *b, struct buf *out);
/* The first block, decoded into room; bytes as they are where there is none. */
struct span pem_or_der(struct span bytes, struct buf *room);

#endif
