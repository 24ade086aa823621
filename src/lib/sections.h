/* sections.h - files of named sets of settings: "[name]", then "setting = value", one a line; '#' begins a comment line
 *
 * A set that is built in may be changed, a new one begins as `fresh`; "like = NAME" comes first in a section and takes over
 * another set, built in or from above.  Names are compared without regard to case.
 */
#ifndef POSTERN_LIB_SECTIONS_H
#define POSTERN_LIB_SECTIONS_H

#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

/* A kind of set: a struct whose first member is `const char *name`. */
struct sections {
	const char *kind;                /* what errors call it: "profile" */
	const void *built_in;            /* nbuilt_in structs of size bytes */
	size_t nbuilt_in, size;
	const void *fresh;               /* one such struct; its name does not matter */
	const void *settings;            /* nsettings (32 at most) structs of setting_size bytes; each begins with its name, too */
	size_t nsettings, setting_size;
	/* Sets one.  NULL, or what is wrong with *value, which may be narrowed to the part that is. */
	const char *(*set)(struct arena *a, void *set, const void *setting, struct span *value);
};

/* Finds the set called name in the text of a file, or among those that are built in, and copies it to *out.  E_CONFIG with
 * FILE:LINE for anything in the text that is not understood, E_NOTFOUND (without a text) if there is no such set.  Strings live
 * in the arena, or as long as the built-in ones. */
int sections_find(const struct sections *kind, struct arena *a, const char *file, struct span text, const char *name, void *out,
		  struct error *err);

#endif
