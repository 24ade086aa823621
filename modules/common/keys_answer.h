/* keys_answer.h - the elements of answers in role keys, and how many of them (postern-modules(7)) */
#ifndef POSTERN_COMMON_KEYS_ANSWER_H
#define POSTERN_COMMON_KEYS_ANSWER_H

#include "common/keys_chain.h"
#include "lib/server.h"

#define KEYS_PER_ADDRESS_MAX 8                   /* renewed ones, and separate ones for each device */
#define KEYS_CERTIFICATE_MAX ((size_t)64 * 1024) /* bytes */
#define KEYS_MAX 16                              /* <key>s of an answer */
#define KEYS_RECIPIENTS_MAX 10000                /* of one find-keys */

struct keys_found {
	struct span der;
	const char *address;      /* that was asked for; NULL: by identifier */
	const char *area;         /* "public" ... */
	const char *source;       /* for people; need not be printable */
	const char *match;        /* "address", "domain", "id" */
	const char *capabilities; /* base64; NULL: not known */
};

/* Writes a <certificate>; false: it is bigger than KEYS_CERTIFICATE_MAX, which is logged, and nothing is written. */
bool keys_answer_certificate(struct server *s, struct xml_writer *w, const struct keys_found *f);

/* How many certificates the next address may have: KEYS_PER_ADDRESS_MAX, but only one when the frame is half full, so that it holds
 * the answer for a long list of addresses. */
size_t keys_answer_room(const struct server *s, const struct xml_writer *w);

struct keys_own {
	const char *id;     /* the module's own name of it */
	const char *source; /* for people; need not be printable */
	size_t which;       /* number of the recipient identifier; 0 to sign */
	struct span certificate;
	const struct keys_chain *chain;
};

/* Writes a <key>. */
void keys_answer_key(struct server *s, struct xml_writer *w, const struct keys_own *k);

/* Why a key that was to sign does not: the words of <passed-over> (postern-modules(7)), each with a text for people. */
enum keys_passed { PASSED_DECRYPT_ONLY, PASSED_NO_KEY, PASSED_EXPOSED, PASSED_USAGE, PASSED_LOCKED };

/* Writes a <passed-over>, for -explain.  Returns "SOURCE: TEXT", in the request's arena, for a refusal where nothing else signs. */
const char *keys_answer_passed(struct server *s, struct xml_writer *w, const char *source, enum keys_passed why);

/* What stands in an attribute must be XML text; names of files and entries need not be.  In the request's arena. */
const char *keys_printable(struct server *s, const char *name);

#endif
