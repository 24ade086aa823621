/* site.h - the areas of a site, and the certificates that somebody means */
#ifndef POSTERN_CERT_SITE_H
#define POSTERN_CERT_SITE_H

#include "cert/tool.h"
#include "common/area.h"

/* One certificate that was meant: in an area, or (area NULL) in a file that lies elsewhere. */
struct chosen {
	struct span der;
	const char *file, *area;
	const char *address;     /* by which it was named; "" by file or fingerprint */
	bool domain;             /* it serves the whole domain of that address */
};

struct chosen_list {
	struct chosen *items;
	size_t n, cap;
};

/* To be called before the others.  As root where the spool is somebody else's: a command that changes nothing becomes that
 * user, for whom the index is; another one has a process of that user that looks (servant.h). */
int site_open(struct tool *t, bool changes, struct error *err);
void site_close(struct tool *t); /* without one: nothing */

/* *out NULL: the area is empty.  Not where a servant looks.  The site's own. */
int site_open_area(struct tool *t, const char *name, struct area **out, struct error *err);

/* Why it may not be used to encrypt for this address ("": for its own); "": it may. */
int site_check(struct tool *t, struct span der, const char *address, const char **objection, struct error *err);

/* NULL-terminated names of areas: those of -area, else those given.  E_PERM: not one of allowed. */
int site_areas(struct tool *t, const char *const *allowed, const char *const *standard, const char *const **out,
	       struct error *err);

/* Adds what is in these areas for an address (its own certificates, and if domains those that serve its domain). */
int site_find_address(struct tool *t, const char *const *areas, const char *address, bool domains, struct chosen_list *out,
		      struct error *err);
/* Adds every place in these areas where this very certificate is. */
int site_find_exact(struct tool *t, const char *const *areas, struct span der, struct chosen_list *out, struct error *err);

/* Whether a site is to be asked for it: an address or a fingerprint that is no file's name. */
bool site_may_have(const char *word);

/* What the word means: an address, a fingerprint (64 hexadecimal digits: the name of a file in one of the areas), or a file.
 * Nothing may be added: there is none.  E_NOTFOUND: no such file. */
int site_choose(struct tool *t, const char *const *areas, const char *word, struct chosen_list *out, struct error *err);


#endif
