/* stapled.h - what a signed message brings along about revocation (stapled.c) */
#ifndef POSTERN_SMIME_STAPLED_H
#define POSTERN_SMIME_STAPLED_H

#include "lib/buf.h"
#include "lib/mem.h"

#define STAPLED_MAX 16                       /* answers and lists of one signature */
#define STAPLED_SIZE_MAX ((size_t)65536)     /* bytes of each; the lengths of what is put around an answer have two octets */

enum stapled_kind { STAPLED_OCSP, STAPLED_CRL };

struct stapled_item {
	enum stapled_kind kind;
	struct span der;  /* OCSPResponse or CertificateList, as it stands in the message: nobody has looked into it */
};

struct stapled {
	struct stapled_item *items;
	size_t n;
};

struct cms_shape;

/* All that the SignedData has, copied into the arena; what is too long or too much is left out. */
void stapled_collect(struct arena *a, const struct cms_shape *shape, struct stapled *out);

#endif
