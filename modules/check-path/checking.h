/* checking.h - one check on its way; shared by the files of this module only */
#ifndef POSTERN_CHECK_PATH_CHECKING_H
#define POSTERN_CHECK_PATH_CHECKING_H

#include "check-path/areas.h"
#include "check-path/check.h"
#include "check-path/floor.h"
#include "check-path/issuers.h"
#include "check-path/names.h"
#include "check-path/revocation.h"

enum check_source { CHECK_SOURCE_CRL, CHECK_SOURCE_OCSP, CHECK_SOURCES };

struct ocsp_memory;

struct checker {
	const struct config *config;       /* NULL: none, and no areas */
	const struct check_policy *policy;
	struct areas *areas;
	struct issuers *issuers;           /* NULL: no table */
	struct floor floor;
	struct arena arena;                /* what is read once */
	struct check_policies policies;    /* where a request says nothing of them */
	int sources[CHECK_SOURCES];        /* who is asked about revocation, in this order */
	size_t nsources;
	struct ocsp_memory *ocsp;          /* ocsp.h; NULL: nobody was asked yet */
};

#define SIGNATURES_MAX 256 /* looked at for one check: who made them, not whether they are good */
#define SIGNATURES_OURS_MAX 16384 /* and as many more as issuers were found that no stranger brought, up to this */

/* What a check and the checks of CRL signers inside it share. */
struct check_common {
	struct lists_read *read;           /* lists.c */
	struct signer *signers;            /* signer.c */
	struct areas_crl *stapled;         /* lists.c: lists that came with the question */
	unsigned signatures, ours; /* looked at; more that may be */
};

/* One check.  Certificates in the stacks are references of our own. */
struct checking {
	struct checker *checker;
	const struct check_request *request;
	struct arena *arena;
	X509 *leaf;
	struct check_common *common;
	unsigned depth;                    /* 0: the certificate asked for; else the signer of a CRL */
	X509 *anchor;                      /* of a signer: the only one that counts */
	STACK_OF(X509) *candidates;
	STACK_OF(X509) *path;              /* what the answer's path becomes */
	struct judgement judgement;
	struct check_evidence *evidence;   /* of the path */
	struct error error;                /* code set: no verdict can be given now */
};

/* ---- policy.c: rules that need one certificate only ---- */

/* RFC 5280 section 4.1 and 4.2: version, serial number, extensions, names, inner and outer algorithm. */
bool policy_structure(struct checking *k, X509 *x);
/* The request's time within the validity. */
bool policy_time(struct checking *k, X509 *x);
/* RFC 8550 section 4.4.2 and 4.4.4: key usage for the purpose, emailProtection. */
bool policy_purpose(struct checking *k, X509 *x);
/* May issue certificates, and those of mail users (RFC 5280 4.2.1.3, 4.2.1.9; RFC 8550 4.4.1, 4.4.4). */
bool policy_ca(struct checking *k, X509 *x);
/* The same of an anchor that has issued something: a certificate of version 1 says nothing about it, and may. */
bool policy_anchor(struct checking *k, X509 *x);
/* For texts: "the certificate CN=..." or "the issuing certificate CN=...". */
const char *policy_who(struct checking *k, X509 *x);
/* Judges it so, and returns false. */
bool policy_malformed(struct checking *k, X509 *x, const char *what);

/* ---- strength.c: rules of the floor ---- */

enum size_class { SIZE_FIXED, SIZE_RSA, SIZE_EC };

struct key_kind {
	int type;
	const char *name, *word; /* for people; in a floor's list of keys */
	enum size_class size;
	uint32_t sign, encrypt;  /* key usage bits of which one is needed; 0: cannot be used for it */
};

const struct key_kind *key_kind_of(const EVP_PKEY *key); /* NULL: not supported */

/* Kind, size, curve and exponent of its key. */
bool policy_key(struct checking *k, X509 *x);
/* The hash its issuer signed it with. */
bool policy_hash(struct checking *k, X509 *x);
/* The digest that the message's signature is over, if the request names one. */
bool policy_digest(struct checking *k);
/* The same for what is no certificate: NULL, or "is signed with ...".  NID_undef, where the algorithm has none of its own, is good. */
const char *strength_hash_problem(const struct checking *k, int hash);
/* How long it is valid, unless it is a CA's. */
bool policy_lifetime(struct checking *k, X509 *x);

/* ---- match.c ---- */

/* RFC 8550 section 3: the request's address, if it has one, is one of the certificate's. */
bool policy_address(struct checking *k, X509 *x);

/* ---- constraints.c ---- */

/* Name constraints of the path's CAs on SmtpUTF8Mailbox names, and on names with which OpenSSL's comparison cannot be trusted. */
bool constraints_hold(struct checking *k, STACK_OF(X509) *path);
/* OpenSSL complains of name constraints and path[at]: true if that was about such a name only. */
bool constraints_excuse(STACK_OF(X509) *path, int at);
/* Whose constraints it complained of; NULL: unknown. */
X509 *constraints_culprit(STACK_OF(X509) *path, int at);

/* ---- policies.c ---- */

/* Certificate policies of the path, by the request's or the operator's inputs (RFC 5280 section 6.1.1 (c) to (g)). */
bool policies_hold(struct checking *k, STACK_OF(X509) *path);

/* ---- validation.c ---- */

#define PATH_MAX_CERTIFICATES 24 /* the certificate, 22 CAs, the anchor */

/* Whether OpenSSL finds the path, from the leaf to its anchor, to be good; false: judged, or k->error is set (no memory). */
bool validation_agrees(struct checking *k, STACK_OF(X509) *path);

/* ---- path.c ---- */

/* Finds and validates a path; fills judgement, path and evidence.  true: there is one. */
bool path_check(struct checking *k);
/* Whether the signer of a CRL has a valid path to this anchor. */
bool path_of_signer(struct checking *k, X509 *signer, X509 *anchor);

/* ---- signer.c ---- */

void signers_forget(struct signer *list);

#endif
