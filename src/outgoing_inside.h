/* outgoing_inside.h - what the parts of planning outgoing mail share: decide, find what is needed, seal */
#ifndef POSTERN_OUTGOING_INSIDE_H
#define POSTERN_OUTGOING_INSIDE_H

#include "module/ask.h"
#include "seal_for.h"
#include "subject.h"

/* A signing address and what became of looking for its key. */
struct signing {
	struct signing *next;
	const char *address;
	struct signer signer;
	const char *source;
	const char *why;         /* "" when there is a key */
	bool locked;             /* there is one, and it wants a passphrase: why says which */
};

/* A profile that has been looked up. */
struct known_profile {
	struct known_profile *next;
	struct profile profile;
};

/* The message as an entity to seal, with or without the sender's own signature. */
struct form {
	struct span entity;      /* p NULL: not made yet */
	bool as_is;              /* it has no canonical form: what is in it must not be changed */
};

/* An entity that was signed: groups that differ only in recipients share it. */
struct signed_entity {
	struct signed_entity *next;
	const struct signing *by;
	const struct profile *profile;
	bool strip;
	struct span entity;
};

/* What is done for one recipient. */
struct treatment {
	const char *address;
	struct decision decision; /* with the wishes of the subject in it */
	const char *destination;
	const struct profile *profile; /* NULL until something is to be sealed */
	struct target *target;    /* NULL: encryption was not looked at */
	struct signing *signing;  /* NULL: not signed */
	const char *unsigned_why; /* it was wished, if possible; NULL: it was not */
	bool encrypt;
	bool hidden;              /* in neither To nor Cc */
	bool settled;             /* refused, waiting, or part of an output already */
};

struct outgoing {
	struct work *w;
	const char *from;         /* the one From address; "" */
	const char *acting;       /* whose mail this is: envelope sender, else From */
	const char *no_signing;   /* why nothing may be signed; "" */
	bool is_signed, is_encrypted; /* or claims to be */
	bool is_sealed;               /* is encrypted, as far as its first bytes tell */
	struct wishes wishes;
	const char *subject;      /* NULL: stays */
	struct treatment *items;
	size_t n;
	struct signing *signings;
	struct known_profile *profiles;
	struct form forms[2];     /* [1]: stripped */
	struct signed_entity *made;
	const char **held;        /* who waits for a passphrase */
	size_t nheld;
	const char *locked;       /* which one */
};

/* The recipient cannot be served. */
void outgoing_refuse(struct outgoing *o, struct treatment *t, const char *status, const char *text);
/* The recipient cannot be served for now. */
void outgoing_wait(struct outgoing *o, struct treatment *t, const char *why);
/* The recipient's mail waits until somebody gives the passphrase of a key. */
void outgoing_hold(struct outgoing *o, struct treatment *t, const char *why);

/* For all who want encryption: valid certificates that fit their profiles. */
int outgoing_find_certificates(struct outgoing *o, struct error *err);
/* Whose key signs for this recipient, if any. */
int outgoing_find_signing(struct outgoing *o, struct treatment *t, struct error *err);

/* The message as an entity, made when first asked for. */
int outgoing_form(struct outgoing *o, bool strip, const struct form **out, struct error *err);

/* Groups the recipients who are not settled by what is done for them, and plans one output for each group. */
int outgoing_groups(struct outgoing *o, struct error *err);

#endif
