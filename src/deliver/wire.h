/* wire.h - a connection to an SMTP or LMTP server: commands out, replies in, nothing past the deadline */
#ifndef POSTERN_DELIVER_WIRE_H
#define POSTERN_DELIVER_WIRE_H

#include "deliver/kind.h"

struct wire {
	int fd;              /* -1: not connected */
	deadline until;
	const char *trouble; /* after a failure: its RFC 3463 status, "4.4.1" ...; a literal */
	struct buf out;      /* not yet sent */
	char in[4096];       /* received, [at, n) not yet used */
	size_t at, n;
};

struct reply {
	int code;                 /* 200..599 */
	char status[STATUS_MAX];  /* RFC 3463; made from the code where the peer gave none: 2.0.0, 4.0.0, 5.0.0 */
	char text[TEXT_MAX + 1];  /* code and text, lines joined: one printable line */
};

#define REPLY_LINE_MAX ((size_t)1000) /* of a longer line the rest is read and dropped; RFC 5321 says 512 */
#define REPLY_LINES_MAX 200           /* of one reply; more is an error */

/* Host and port or the socket path of d.  On failure E_TEMP and the reason, w->trouble. */
int wire_open(struct wire *w, const struct destination *d, deadline until, struct error *err);
void wire_close(struct wire *w);

int wire_putf(struct wire *w, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int wire_flush(struct wire *w, struct error *err);

/* Sends what is gathered and waits for one whole reply.  each (may be NULL) sees the text of every line, without the
 * code.  E_TEMP: connection lost, deadline over, or what came is not a reply (RFC 5321 section 4.2). */
typedef void reply_line_call(void *arg, size_t line, struct span text);
int wire_reply(struct wire *w, struct reply *out, reply_line_call *each, void *arg, struct error *err);
/* One line without its line break: "250-text", "250 text", "250".  False if it is no reply line. */
bool reply_line_parse(struct span line, int *code, bool *last, struct span *text);

/* The message as DATA content: every line break becomes CRLF, dots are stuffed, "." CRLF ends it (RFC 5321 section 4.5.2).
 * A lone CR or LF is a line break like any other, so that no peer can see an end that we did not write. */
int wire_put_message(struct wire *w, const struct segment *segments, size_t n, struct error *err);

#endif
