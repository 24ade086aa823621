/* crl.h - a revocation list, read once, then asked
 *
 * A list of 50 MB has more than a million entries: OpenSSL makes an object of each, which takes seconds and a gigabyte, for
 * a question about one serial number.  Here a list is walked once and becomes a compact form: what stands at its front and
 * its end, the hash its signature is about, and the entries sorted by serial number.  The area "crl" keeps this form in its
 * index; lists from elsewhere have theirs in memory, and both are asked the same way.
 *
 * The compact form is a cache, of this machine and this version: never sent, never believed where its checksums are wrong.
 */
#ifndef POSTERN_COMMON_CRL_H
#define POSTERN_COMMON_CRL_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/error.h"

#define CRL_HASH_SIZE 32
#define CRL_TBS_HASH_MAX 64

enum {
	CRL_VERSION_1 = 1,       /* no extensions of any kind */
	CRL_CRITICAL_ENTRY = 2,  /* an entry has a critical extension that is not understood (RFC 5280 section 5.3) */
	CRL_TWO_ALGORITHMS = 4,  /* the algorithm inside is another than the one outside */
};

struct crl_head {
	char magic[8];
	unsigned char hash[CRL_HASH_SIZE]; /* SHA-256 of the whole list: its identity */
	unsigned char tbs_hash[CRL_TBS_HASH_MAX]; /* what the signature is about, with the signature's own hash */
	uint64_t entries, entries_at;  /* how many; where they begin in the form */
	uint64_t head_checksum;        /* of everything before entries_at, this field as 0 */
	int64_t this_update, next_update; /* seconds since the epoch; next_update 0: none */
	uint32_t width;                /* octets of each serial number */
	uint32_t tbs_hash_size;        /* 0: the algorithm has no hash of its own (Ed25519), tbs is kept */
	uint32_t flags;
	uint32_t issuer, algorithm, signature, extensions, issuers, tbs; /* lengths of what follows */
	uint32_t unused;
};

/* A form, opened; the spans point into it. */
struct crl {
	struct crl_head head;
	struct span form;
	struct span issuer;      /* DER Name */
	struct span algorithm;   /* DER AlgorithmIdentifier of the signature */
	struct span signature;   /* the bits */
	struct span extensions;  /* DER Extensions; empty: none */
	struct span issuers;     /* certificate issuers of an indirect list: DER Names, one after the other */
	struct span tbs;
};

struct crl_entry {
	time_t revoked_at;       /* 0: unreadable */
	int reason;              /* CRLReason; -1: none said */
};
enum { CRL_REASON_HOLD = 6, CRL_REASON_REMOVE = 8 };

/* One CertificateList in DER, and nothing behind it, becomes its compact form at the end of out.  Nothing is said of the
 * signature.  E_PERM: it is none; E_LIMIT: more than the form can hold. */
int crl_digest(struct span der, struct buf *out, struct error *err);

/* false: no form, of another version, or damaged.  `form' may end at head.entries_at: then crl_find() must be given
 * the whole one. */
bool crl_view(struct span form, struct crl *out);

/* The entries for a certificate of this issuer: 1 and the gravest of them, 0: not listed, E_TEMP: the form is damaged.
 * An entry counts if the list (RFC 5280 section 5.3.3: or the entry) names this very issuer. */
int crl_find(const struct crl *c, const X509_NAME *issuer, const ASN1_INTEGER *serial, struct crl_entry *out);

bool crl_issuer_is(const struct crl *c, const X509_NAME *name);

/* The hash of its signature (NID); NID_undef: the algorithm has none of its own, or is not known. */
int crl_signature_digest(const struct crl *c);

/* 1: the key made the signature; 0: it did not; negative: an algorithm that is not supported here. */
int crl_signature_is(const struct crl *c, EVP_PKEY *key);

#endif
