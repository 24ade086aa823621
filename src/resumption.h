/* resumption.h - what a message that goes on with a passphrase has, and others have not: from the command line down to the hand-over */
#ifndef POSTERN_RESUMPTION_H
#define POSTERN_RESUMPTION_H

#include "deliver/hold.h"
#include "lib/buf.h"

struct resumption {
	const struct held *held;
	struct buf passphrase; /* wiped as soon as the modules have it */
	bool wrong;            /* set at the end: it opened nothing of those who have asked for it */
};

#endif
