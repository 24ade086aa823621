/* rules.h - a rules file in memory: its lines, what is wrong with them, and what they decide (postern-rules(5)) */
#ifndef RULES_FILE_RULES_H
#define RULES_FILE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "rules-file/match.h"

#define RULES_FILE_MAX ((size_t)8 * 1024 * 1024) /* bytes */
#define RULES_LINES_MAX 50000
#define RULES_LINE_MAX 4096  /* bytes, without the line break */
#define REJECT_MAX 300       /* bytes: it must fit an SMTP reply line */
#define NAME_MAX_RULES 64    /* bytes of a PROFILE or VIA name */
#define WARNINGS_MAX 20000   /* kept; alternatives can have millions */

/* In the order of their strength. */
enum sign_word { SIGN_UNSET, SIGN_NS, SIGN_SIP, SIGN_FS };
enum encrypt_word { ENCRYPT_UNSET, ENCRYPT_NE, ENCRYPT_EIP, ENCRYPT_FE, ENCRYPT_NE_OUTRIGHT };

/* What one line says.  Strings: NULL where it says nothing. */
struct words {
	uint8_t sign, encrypt; /* enum sign_word, enum encrypt_word */
	bool strip, block_signed, block_encrypted;
	const char *sign_as, *profile, *via, *reject;
};

struct rule {
	unsigned line, from_column, to_column;
	struct pattern *from, *to; /* neighbouring lines with the same text share one */
	const char *text;          /* its words, as written */
	struct words words;
};

struct problem {
	struct problem *next;
	bool warning;
	unsigned line, column; /* from 1, columns in characters; line 0: the file as a whole */
	const char *text;
};

struct rules {
	const char *name;      /* the file, as messages name it */
	struct arena arena;
	struct rule *items;
	size_t n;
	struct problem *problems; /* in the order of lines once rules_lint() is done */
	struct problem *last_problem;
	size_t nerrors, nwarnings;
	struct matcher matcher;
};

/* Reads a whole file.  *out is always set, and rules_free()d by the caller.  0; E_CONFIG and the first error
 * ("FILE:LINE:COLUMN: reason") if anything is wrong with it, (*out)->problems has all; E_TEMP if it cannot be read. */
int rules_load(const char *path, struct rules **out, struct error *err);
int rules_parse(const char *name, struct span bytes, struct rules **out, struct error *err); /* copies what it keeps */
void rules_free(struct rules *r); /* NULL is fine */

/* Adds a problem, unless it is one warning too many; at line 0 it is one of the whole file. */
void rules_problem(struct rules *r, bool warning, unsigned line, unsigned column, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The words behind (do): fills *rule.  0, or E_PERM and one problem noted.  line: the whole line; from: its first
 * byte behind (do).  What it keeps is in r's arena. */
int words_read(struct rules *r, struct span line, size_t from, struct rule *rule);

/* The column of byte at, from 1, counted in characters. */
unsigned column_of(struct span line, size_t at);

/* What a message shows of a piece of the file: quoted, at most 60 characters.  In r's arena. */
const char *quoted(struct rules *r, struct span piece);

/* Adds warnings about lines that do other than they seem, and puts all problems in order. */
void rules_lint(struct rules *r);

/* ---- deciding (decide.c) ---- */

struct decision {
	struct words words;          /* sign and encrypt are set: NS, NE where no line says otherwise */
	const struct rule **applied; /* in the order of lines; until the next rules_decide() on these candidates */
	size_t napplied;
};

/* The lines that match one sender: what all recipients of a message share. */
struct candidates {
	struct rules *rules;
	struct arena *arena;
	const struct rule **items;
	size_t n;
	const struct rule **applied; /* room for n */
};

/* In *a, which lives as long as *out.  The address is looked at in every spelling of its domain (A-labels, U-labels): whoever writes
 * a rule writes one of them.  E_CONFIG and "FILE:LINE:COLUMN: ..." if a pattern fails on the address; E_PERM if it is no address. */
int rules_for_sender(struct rules *r, struct arena *a, const char *sender, struct candidates *out, struct error *err);
int rules_decide(const struct candidates *c, const char *recipient, struct decision *out, struct error *err);

const char *sign_name(uint8_t word);    /* "FS" */
const char *encrypt_name(uint8_t word); /* "FE"; NE! as well as NE is "NE" */

/* ---- the module's own command line (command.c) ---- */

int rules_command(const char *option, int argc, char **argv);

#endif
