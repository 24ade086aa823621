/* xkms.h - what the parts of the module check-xkms share: one question to a relay, and what came back
 *
 * XKMS 2.0 (W3C Recommendation, 28 June 2005), the Validate service of X-KISS, over SOAP.
 */
#ifndef POSTERN_CHECK_XKMS_H
#define POSTERN_CHECK_XKMS_H

#include "check-path/check.h"
#include "lib/deadline.h"

#define XKMS_NS "http://www.w3.org/2002/03/xkms#"
#define DSIG_NS "http://www.w3.org/2000/09/xmldsig#"

enum { SOAP_1_1, SOAP_1_2 };
enum { AWAY_DEFER, AWAY_UNKNOWN, AWAY_NEXT };

struct xkms_options {
	struct config_list relays;    /* URLs, asked in this order */
	int soap;                     /* SOAP_... */
	const char *ca_file;          /* "": the system's */
	const char *certificate, *key;/* "": none: who we are to the relay */
	const char *signer;           /* PEM; "": answers need no signature */
	bool send_candidates;
	uint64_t timeout;             /* milliseconds, for one relay */
	int sign_when_away, encrypt_when_away; /* AWAY_... */
};

/* ---- request.c ---- */

/* Appends the SOAP document that asks about a certificate.  id: of the request, an XML name.  E_PERM: an address that is no text. */
int xkms_request(const struct xkms_options *options, const char *url, const char *id, const struct check_request *q, struct buf *out,
		 struct error *err);

/* ---- relay.c: the HTTP part ---- */

struct relays; /* connections, kept for the conversation */

int relays_open(const struct xkms_options *options, struct relays **out, struct error *err);
void relays_close(struct relays *r); /* NULL is fine */
/* Sends the document to a relay, appends what it answers.  E_TEMP: it cannot be reached, takes too long, says too much, or has
 * another status than 200. */
int relay_ask(struct relays *r, const char *url, struct span document, deadline until, struct buf *answer, struct error *err);

/* ---- response.c ---- */

struct xkms_result {
	enum check_verdict verdict;
	const char *reason;  /* a word; "" with CHECK_VALID */
	const char *text;    /* for people; in the arena */
};

/* Reads the relay's answer to the request with this id about this certificate (DER).  Anything that is not exactly such an answer
 * is E_TEMP: the relay makes no sense, the next one is asked. */
int xkms_response(const struct xkms_options *options, struct span document, const char *id, struct span certificate, struct arena *arena,
		  struct xkms_result *out, struct error *err);

/* ---- signature.c ---- */

/* Before the first answer; E_CONFIG: the signer's certificate cannot be read. */
int xkms_signatures_start(const struct xkms_options *options, struct error *err);
void xkms_signatures_stop(void);
/* Whether the element `result` of the document carries a signature of the configured signer over all of itself. */
int xkms_signature_check(void *document, void *result, struct error *err);

#endif
