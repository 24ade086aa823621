/* match.h - From and To patterns of a rules file
 *
 * A pattern is PCRE2, case-insensitive, UTF-8, searched anywhere in an address.  Most patterns people write are
 * literal text with a few dots and anchors; those are recognised here and searched without PCRE2, which makes
 * a file of thousands of lines cheap to load.  The answers are the same as PCRE2's.
 */
#ifndef RULES_FILE_MATCH_H
#define RULES_FILE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "lib/error.h"
#include "lib/mem.h"

#define PATTERN_MAX 1000       /* bytes of one pattern */
#define PATTERN_NESTING_MAX 50 /* parentheses in parentheses */
#define MATCH_STEPS_MAX 100000 /* what PCRE2 calls the match limit: some milliseconds */
#define MATCH_DEPTH_MAX 10000
#define MATCH_HEAP_MAX 4096    /* KiB */

enum pattern_kind {
	PATTERN_ANY,   /* "." alone: every address, also the empty sender */
	PATTERN_PLAIN, /* characters, dots, one kind of [set], ^ and $ */
	PATTERN_PCRE,  /* anything else */
};

struct pattern {
	const char *text;       /* as written */
	size_t n;
	enum pattern_kind kind;
	bool start, end;        /* PLAIN: anchored with ^, with $ */
	bool wild;              /* PLAIN: atoms has a dot or a set */
	size_t natoms;
	const char *atoms;      /* PLAIN: lower-case characters, or one of the codes in match.c */
	const char *set;        /* PLAIN: members of its set, lower-case */
	size_t nset;
	void *code;             /* PCRE2's; compiled at once for PCRE, when first needed for PLAIN */
};

/* PCRE2's contexts, made when the first pattern needs them.  {0} is a fresh one. */
struct matcher {
	void *compile, *match, *data;
};

void matcher_release(struct matcher *m);

/* Reads one pattern; the struct and its text live in *a, its code until pattern_release().  E_PERM, the
 * reason and the byte *offset in text where it stands if it is no PCRE2 pattern or too long.  text: UTF-8. */
int pattern_read(struct matcher *m, struct arena *a, struct span text, struct pattern **out, size_t *offset,
		 struct error *err);
void pattern_release(struct pattern *p); /* its PCRE2 code only */

/* An address to search in. */
struct subject {
	const char *text;   /* the caller's */
	size_t n;
	bool ascii;         /* printable ASCII only: plain patterns need no PCRE2 */
	char lower[ADDRESS_MAX];
};

/* "" is the empty sender.  E_PERM for more than ADDRESS_MAX bytes or what is not UTF-8. */
int subject_init(struct subject *s, const char *text, struct error *err);

/* Whether the pattern is found.  E_CONFIG if PCRE2 gives up (a pattern that backtracks without end). */
int pattern_match(struct matcher *m, struct pattern *p, const struct subject *s, bool *found, struct error *err);

#endif
