/* findings.h - what opening a message showed, judged: layers, signers, their certificates, From */
#ifndef POSTERN_FINDINGS_H
#define POSTERN_FINDINGS_H

#include "result.h"
#include "smime/open.h"
#include "work.h"

struct findings {
	struct opened opened;
	struct result result;
	const struct found_signer *signer; /* whom result speaks of; NULL: nobody */
	bool closed;             /* some layer could not be opened: the message stays as it came */
	const char *closed_text; /* why; "" */
	bool locked;             /* closed, and a passphrase would open it */
	bool invalid_signature;
	bool nested;             /* a closed layer beside other parts was left alone */
};

/* Opens all layers and judges them.  E_TEMP when that must wait; E_LIMIT past a limit. */
int findings_make(struct work *w, struct findings *f, struct error *err);
void findings_release(struct findings *f);

#endif
