/* checking.h - one check on its way; shared by the files of this module only */
#ifndef POSTERN_CHECK_PATH_CHECKING_H
#define POSTERN_CHECK_PATH_CHECKING_H

#include "check-path/areas.h"
#include "check-path/check.h"
#include "check-path/names.h"

struct checker {
	const struct check_policy *policy;
	struct areas *areas;
};

/* One check.  Certificates in the stacks are references of our own. */
struct checking {
	struct checker *checker;
	const struct check_request *request;
	struct arena *arena;
	X509 *leaf;
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
/* Kind and size of its key. */
bool policy_key(struct checking *k, X509 *x);
/* The hash its issuer signed it with. */
bool policy_hash(struct checking *k, X509 *x);
/* Whether every word of check_path_hashes names a hash; E_CONFIG. */
int policy_check_hashes(const struct config_list *hashes, struct error *err);
/* RFC 8550 section 4.4.2 and 4.4.4: key usage for the purpose, emailProtection. */
bool policy_purpose(struct checking *k, X509 *x);
/* May issue certificates, and those of mail users (RFC 5280 4.2.1.3, 4.2.1.9; RFC 8550 4.4.1, 4.4.4). */
bool policy_ca(struct checking *k, X509 *x);
/* ---- match.c ---- */

/* RFC 8550 section 3: the request's address, if it has one, is one of the certificate's. */
bool policy_address(struct checking *k, X509 *x);

/* ---- path.c ---- */

/* Finds and validates a path; fills judgement, path and evidence. */
void path_check(struct checking *k);

/* ---- revocation.c ---- */

struct revocation;

/* Collects the CRLs for a path (the certificate first) and the certificates that may have signed them. */
struct revocation *revocation_new(struct checking *k, STACK_OF(X509) *path);
void revocation_free(struct revocation *r);
/* Sets CRLs and flags; adds possible signers of CRLs to untrusted. */
void revocation_apply(struct revocation *r, X509_STORE_CTX *ctx, STACK_OF(X509) *untrusted);
/* OpenSSL's complaint about revocation: whether our policy passes over it; else *j is set. */
bool revocation_tolerates(struct revocation *r, X509_STORE_CTX *ctx, int code, struct judgement *j);
/* Whether it is one that revocation_tolerates() is to be asked about. */
bool revocation_is_about(int code);
/* Prepends what was consulted, and what was not, to k->evidence.  Returns a remark for the text, or "". */
const char *revocation_report(struct revocation *r);

#endif
