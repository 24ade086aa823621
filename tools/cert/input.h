/* input.h - certificates and revocation lists from files that somebody names */
#ifndef POSTERN_CERT_INPUT_H
#define POSTERN_CERT_INPUT_H

#include "check-path/check.h"

/* Objects in the order of the files; bytes and names live in the arena. */
struct input {
	struct check_object *certificates, *crls;
	size_t ncertificates, ncrls;
};

/* Adds what is in the file ("-": standard input), whatever its form (common/certfile.h).  What is broken in it is said as a
 * warning and passed over.  E_NOTFOUND: cannot be read; E_PERM: not even DER or PEM. */
int input_read(struct arena *a, const char *path, struct input *out, struct error *err);

/* The same for a certificate that is to be judged, which may be broken: what stands at the place of the first certificate
 * becomes *first as it is, the others are added to *out. */
int input_read_first(struct arena *a, const char *path, struct span *first, struct input *out, struct error *err);
/* The same from what was read; path is what warnings call it. */
int input_take_first(struct arena *a, const char *path, struct span bytes, struct span *first, struct input *out, struct error *err);

#endif
