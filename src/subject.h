/* subject.h - tags and wishes in the Subject field */
#ifndef POSTERN_SUBJECT_H
#define POSTERN_SUBJECT_H

#include "lib/config.h"
#include "mime/header.h"

/* The decoded subject without any of our tags, wherever they stand and however they are disguised (encoded words,
 * folding, case, white space, invisible characters, nesting).  *had: whether one was there. */
const char *subject_without_tags(struct arena *a, const struct config *c, struct span value, bool *had);

struct wishes {
	bool sign, encrypt, plain;
};

/* Finds the configured patterns; *rest: the subject without what matched.  E_CONFIG names a bad pattern. */
int subject_wishes(struct arena *a, const struct config *c, const char *subject, struct wishes *out, const char **rest,
		   struct error *err);

#endif
