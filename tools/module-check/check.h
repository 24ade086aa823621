/* check.h - what the points of a check share
 *
 * A point is one sentence of postern-modules(7), a function that finds out whether the module keeps to it, and how
 * much that matters: MUST, what postern itself would call breakage or could be hurt by; SHOULD, what postern does not
 * need today because its own documents are simpler than XML allows.
 */
#ifndef POSTERN_MODULE_CHECK_H
#define POSTERN_MODULE_CHECK_H

#include <openssl/x509.h>

#include "lib/config.h"
#include "module-check/conversation.h"
#include "module/ask.h"

enum outcome { PASSED, FAILED, NOT_ASKED };
enum weight { MUST, SHOULD };

struct checker {
	const char *module;          /* absolute path */
	enum module_role role;
	const char *config;          /* absolute path of the tenant's file */
	struct config *settings;     /* the same, read, with this module as the only one of its role */
	int patience;                /* milliseconds for one answer */
	const char *address;         /* of which the module has a certificate; NULL: not told */
	const char *own_address;     /* for which it has a signing key */
	X509 *own;                   /* a certificate whose key it has */
	X509 *good, *bad;            /* what it should call valid, and what not */
	const char *operations;      /* what it said it knows; "" before its first hello */
	struct arena arena;
	char why[800];               /* of the point at work */
};

struct point {
	const char *chapter;         /* "frames" */
	const char *text;
	enum weight weight;
	enum outcome (*find_out)(struct checker *c);
	unsigned roles;              /* 1u << ROLE_... */
};

#define EVERY_ROLE (1u << ROLE_RULES | 1u << ROLE_KEYS | 1u << ROLE_CHECK)

struct chapter {
	const struct point *points;
	size_t n;
};
extern const struct chapter chapter_start, chapter_frames, chapter_requests, chapter_rules, chapter_keys, chapter_own,
	chapter_check;

enum outcome failed(struct checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum outcome not_asked(struct checker *c, const char *why);
/* Whether it does not know the operation (then the point is not asked, and why says so). */
bool lacks(struct checker *c, const char *operation);

/* ---- speaking (speak.c) ---- */

/* Starts the module and says hello with these operations (NULL: all of the role), then hears its hello. */
bool open_conversation(struct checker *c, struct conversation *v, const char *operations);
/* A hello as postern says it, in the checker's arena; protocol and role as given. */
const char *hello_text(struct checker *c, const char *protocol, const char *role, const char *operations);
const char *role_operations(enum module_role role);
/* A request of the role that every module of it can answer, with this id and these further attributes and elements. */
const char *plain_request(struct checker *c, const char *id, const char *attributes, const char *elements);
/* Hears one answer: PASSED if it is a <result> or a proper <refused> with this id. */
enum outcome hear_answer(struct checker *c, struct conversation *v, const char *id);
/* The same, and it must be a <refused> of that kind and code. */
enum outcome hear_refusal(struct checker *c, struct conversation *v, const char *id, const char *kind, const char *code);
/* Ends the input: the module says no more and ends with status 0. */
enum outcome hear_the_end(struct checker *c, struct conversation *v);
/* Ends the input after something it must not answer: it ends, in whatever way, and no <result> comes. */
enum outcome hear_no_result(struct checker *c, struct conversation *v);

/* ---- asking with postern's own code, which accepts nothing but what the page says ---- */

bool ask_begin(struct checker *c, struct modules *m, const char *operations);
/* Ends them; PASSED where rc is 0 or E_NOTFOUND, else what err says. */
enum outcome ask_end(struct checker *c, struct modules *m, int rc, const struct error *err);

#endif
