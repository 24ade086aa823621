/* harvest.h - keeps the certificates that come with good signatures, for mail in the other direction */
#ifndef POSTERN_HARVEST_H
#define POSTERN_HARVEST_H

#include "findings.h"

/* As `harvest' says: the certificates of a message whose signature is good and is From's, and what the signer says to be
 * able to read.  Nothing from any other message.  Never stops a message: what goes wrong is a note in the plan. */
void harvest(struct work *w, const struct findings *f);

#endif
