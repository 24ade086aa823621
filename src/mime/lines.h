/* lines.h - what the lines of a body would suffer on the way (RFC 2045 section 2.7, RFC 8551 section 3.1.3) */
#ifndef POSTERN_MIME_LINES_H
#define POSTERN_MIME_LINES_H

#include "lib/buf.h"

#define LINES_LONGEST 998

struct lines {
	size_t high;         /* bytes over 0x7f */
	bool nul;
	bool lone_cr;
	bool overlong;       /* a line of more than LINES_LONGEST bytes */
	bool trailing_blank; /* at the end of a line */
	bool from;           /* "From " at the start of a line */
};

void lines_inspect(struct span s, struct lines *out);

/* "" if all is 7-bit data, else what is not. */
const char *lines_not_7bit(const struct lines *l);

/* Whether some transport would change the bytes. */
bool lines_fragile(const struct lines *l);

#endif
