/* marker.h - what became of the PIN in a file at a token, so that no process tries a wrong one twice */
#ifndef POSTERN_KEYS_PKCS11_MARKER_H
#define POSTERN_KEYS_PKCS11_MARKER_H

#include "common/stamp.h"
#include "keys-pkcs11/keys_pkcs11.h"

enum pin_state { PIN_UNKNOWN, PIN_GOOD, PIN_REFUSED, PIN_TRYING, PIN_STATES };

struct marker {
	const char *path;             /* SPOOL/pkcs11/TOKEN; in the arena of the request */
	const char *token, *pin_file; /* as names; the caller's */
	struct stamp stamp;           /* of pin_file; the caller sets it before what is about its PIN is asked */
	int lock;                     /* -1: none */
};

/* Waits until no other process is at the token's PIN.  E_CONFIG, E_TEMP: marker_close all the same. */
int marker_open(struct marker *m, struct server *s, const struct token *t, struct error *err);
void marker_close(struct marker *m);

/* What is written down of the PIN with this stamp. */
enum pin_state marker_state(const struct marker *m);
int marker_write(const struct marker *m, enum pin_state state, struct error *err);
void marker_forget(const struct marker *m);

/* Around an attempt with any PIN, until what the token said is written down.  marker_interrupted: a process died between the two (and
 * the machine did not), or could not write. */
int marker_begin(const struct marker *m, struct error *err);
void marker_end(const struct marker *m);
bool marker_interrupted(const struct marker *m);

#endif
