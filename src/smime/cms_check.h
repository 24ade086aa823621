/* cms_check.h - what a CMS structure claims to be, before OpenSSL is asked (RFC 5652, 5083, 5084)
 *
 * OpenSSL 3.0 takes an AEAD cipher in EnvelopedData, another cipher in AuthEnvelopedData, short tags and
 * bytes behind the structure; each of them has been used to read mail or to forge it.
 */
#ifndef POSTERN_SMIME_CMS_CHECK_H
#define POSTERN_SMIME_CMS_CHECK_H

#include "smime/open.h"

#define RECIPIENTS_MAX 10000

struct cms_shape {
	enum layer_kind kind;
	enum layer_status status;  /* LAYER_OPEN: nothing speaks against it */
	const char *why;           /* "" or the reason */
	struct span der;           /* the structure without line breaks behind it */
	/* enveloped kinds */
	const char *cipher;        /* "aes-256-cbc", a dotted OID if unknown; "" else */
	bool aead;
	bool legacy;               /* needs OpenSSL's legacy provider */
	size_t recipients;
	/* signed kinds */
	bool content;              /* the signed bytes are inside */
	size_t signers;
	struct span crls, signer_infos; /* their elements */
};

/* Never fails: what is wrong stands in *out. */
void cms_check(struct arena *a, struct span bytes, struct cms_shape *out);

/* The kind from the first bytes alone (smime_looks): LAYER_UNKNOWN if they are not a CMS structure.
 * bytes may be cut off anywhere. */
enum layer_kind cms_peek(struct span bytes);

#endif
