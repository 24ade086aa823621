/* seal_for.h - certificates and keys for the people of a message, and the layers made with them */
#ifndef POSTERN_SEAL_FOR_H
#define POSTERN_SEAL_FOR_H

#include "compose.h"
#include "smime/seal.h"
#include "work.h"

#define CERTIFICATES_PER_RECIPIENT 4
/* Looked at, before it is chosen among them. */
#define CERTIFICATES_CONSIDERED 8

/* What a recipient can be encrypted to: checked certificates, or the reason why there are none. */
struct target {
	const char *address;
	struct sealed_for certificates[CERTIFICATES_CONSIDERED]; /* of distinct keys */
	const char *sources[CERTIFICATES_CONSIDERED];
	size_t n;
	const char *why;     /* when n is 0: "no certificate found", "certs/public/x.pem: expired ..." */
	bool later;          /* n is 0, and nobody knows for now whether that is so */
	const char *source;  /* of those chosen, for -explain */
};

/* Finds and checks certificates of the addresses; one target each, in order.  E_TEMP when nobody's can be looked for. */
int find_targets(struct work *w, const char *const *addresses, size_t n, struct target **out, struct error *err);
/* Drops the i-th certificate. */
void target_drop(struct target *t, size_t i);
/* Of several certificates those that several_certificates wants; to be called when all of them would do. */
void target_choose(struct work *w, struct target *t);
/* E_CONFIG or, for now, E_TEMP, and the reason: nothing can be encrypted to it. */
int target_check(const struct target *t, struct error *err);
void targets_release(struct target *targets, size_t n);

/* The key that signs for the address, its certificate checked; *source: where it was found, and for whom it is, for people.
 * E_NOTFOUND and the reason when there is no usable one. */
int find_signer(struct work *w, const char *address, struct signer *out, const char **source, struct error *err);
void signer_release(struct signer *s);

/* The message as one canonical MIME entity (arena).  strip: without the sender's own S/MIME signature.
 * *as_is: it has parts that are not 7-bit and must not be changed, so it stands as it came (with CRLF) and can only
 * travel inside of base64. */
int canonical_message(struct work *w, bool strip, struct span *out, bool *as_is, struct error *err);

/* Encrypts what has been opened again, with our own certificates of the recipients (deliver_inside = reencrypted). */
int seal_again(struct work *w, const char *const *to, size_t n, const struct replacement *opened, struct replacement *out,
	       struct error *err);

#endif
