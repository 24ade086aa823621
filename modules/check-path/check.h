/* check.h - from a certificate to a verdict: the one entrance of this module
 *
 * check_certificate() knows nothing of the protocol, so that whatever wants a verdict (the protocol's
 * handler, tests, a command line) asks the same function.  What is checked in which order: check-path(8).
 */
#ifndef POSTERN_CHECK_PATH_CHECK_H
#define POSTERN_CHECK_PATH_CHECK_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#include "check-path/reason.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/deadline.h"

enum check_purpose { CHECK_SIGN, CHECK_ENCRYPT, CHECK_ANY }; /* any: rules about purpose are left aside */
enum check_crl { CHECK_CRL_IF_PRESENT, CHECK_CRL_REQUIRE, CHECK_CRL_IGNORE, CHECK_CRL_SOFT /* issuers.h only */ };

/* check_path_... of postern.conf; the table that fills it is check_options. */
struct check_policy {
	const char *floor, *floors; /* the name of a floor (floor.h), and a file of floors; "": "default", none */
	uint64_t rsa_bits, ec_bits; /* these replace what the floor says; 0: they do not */
	struct config_list hashes;  /* "sha256", "sha3-*"; empty: as the floor says */
	int crl;                   /* enum check_crl */
	struct config_list revocation; /* "crl", "ocsp": who is asked, in this order */
	int ocsp, ocsp_nonce;      /* enums of ocsp.h */
	bool ocsp_nocheck;
	uint64_t budget, ocsp_skew, ocsp_age; /* milliseconds */
	const char *issuers;       /* file of policies by issuer (issuers.h); "": none */
	struct config_list policies; /* initial set of certificate policies (OIDs); empty: any */
	bool require_policy, inhibit_mapping, inhibit_any_policy; /* RFC 5280 section 6.1.1 (e) to (g) */
};

extern const struct config_option check_options[];
extern const size_t check_noptions;

struct checker; /* the areas, open, and what was read from them before */

/* policy is kept and must outlive the checker.  E_CONFIG: an area is there but cannot be read. */
int checker_open(const struct config *config, const struct check_policy *policy, struct checker **out,
		 struct error *err);
void checker_close(struct checker *c); /* NULL is fine */

/* A certificate or list that the caller brought along. */
struct check_object {
	struct span der;
	const char *name;               /* of its file, for evidence */
};

/* Trust that does not come from the areas. */
struct check_given {
	const struct check_object *anchors; /* self-signed or not (RFC 5280 section 6.1.1 (d)); if there is one, nothing else is */
	size_t nanchors;
	const struct check_object *issuers; /* any number; may be issuers, and are no anchors */
	size_t nissuers;
	const struct check_object *crls;    /* beside those of area crl */
	size_t ncrls;
	bool alone;                         /* the areas are not looked at; checker_open's config may be NULL */
};

/* To be called before the first check; the bytes and names must outlive the checker.  An object that cannot be read
 * is passed over and named in the log. */
void checker_give(struct checker *c, const struct check_given *given);

/* Of OCSP responses and of revocation lists that came along, each: those past so many, or longer, are not looked at. */
#define CHECK_STAPLED_MAX 16
#define CHECK_STAPLED_SIZE_MAX ((size_t)65536)

/* Candidates past this many are not looked at (RFC 8550 section 2.3 leaves the limit to the receiver). */
#define CHECK_CANDIDATES_MAX 100

/* The other inputs of RFC 5280 section 6.1.1. */
struct check_policies {
	const char *const *accepted;    /* OIDs in dotted form; none: any policy */
	size_t naccepted;
	bool explicit_policy, inhibit_mapping, inhibit_any;
};
/* Whether text is an OID as `accepted' wants it. */
bool check_is_policy(const char *text);

/* What is left 0 is not there. */
struct check_request {
	struct span certificate;        /* DER */
	const struct span *candidates;  /* DER, untrusted: may be issuers */
	size_t ncandidates;
	enum check_purpose purpose;
	time_t time;                    /* the moment at which it must be valid */
	const char *address;            /* "": not compared */
	const char *digest;             /* that the message's signature is over; NULL: there is none */
	const struct check_policies *policies; /* NULL: those of struct check_policy */
	const struct span *ocsp, *crls; /* DER OCSP responses and revocation lists that came along, from strangers */
	size_t nocsp, ncrls;
	deadline until;                 /* for look-ups over the network; 0: there are none */
};

const char *check_purpose_word(enum check_purpose p); /* sign encrypt any */

struct check_evidence {
	struct check_evidence *next;
	const char *source;             /* a file of an area, or a sentence: "not checked: ..." */
	time_t time;                    /* thisUpdate of a CRL; 0: none */
	const char *kind;               /* "crl", "ocsp", "area", "relay", "remark" */
	const char *number;             /* of a CRL, in hexadecimal; "": none */
	const char *about;              /* serial number of the certificate it speaks of; "": none */
	time_t until;                   /* nextUpdate; 0: none */
};

/* Everything lives in the arena given to check_certificate(). */
struct check_answer {
	enum check_verdict verdict;
	const char *reason;             /* "" when valid */
	const char *text;               /* for people, one line */
	struct span *path;              /* DER, the certificate first, the anchor last; the path the verdict is about */
	size_t npath;                   /* 0: none was found */
	struct check_evidence *evidence;
	const char *subject, *issuer, *serial; /* for logs; "" where unreadable */
};

/* Every certificate gets a verdict: 0.  E_TEMP, E_CONFIG: the areas cannot be read now. */
int check_certificate(struct checker *c, const struct check_request *request, struct arena *arena,
		      struct check_answer *out, struct error *err);

#endif
