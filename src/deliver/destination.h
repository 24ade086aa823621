/* destination.h - hands a parcel to maildir:, smtp:, lmtp: or command: (postern.conf(5), DESTINATIONS) */
#ifndef POSTERN_DELIVER_DESTINATION_H
#define POSTERN_DELIVER_DESTINATION_H

#include "deliver/parcel.h"

enum destination_kind { DESTINATION_NONE, DESTINATION_MAILDIR, DESTINATION_SMTP, DESTINATION_LMTP, DESTINATION_COMMAND };

struct destination {
	enum destination_kind kind;
	const char *text;            /* as configured */
	const char *path;            /* maildir, lmtp:unix: */
	const char *host, *port;     /* smtp, lmtp; IPv6 in brackets as written, without them here */
	const char **argv;           /* command: words split at blanks, no shell; NULL-terminated */
};

/* "maildir:DIR", "smtp:HOST:PORT", "lmtp:unix:PATH", "lmtp:HOST:PORT", "command:PROGRAM ARG ...", "none" or "".
 * E_CONFIG and the reason; relative paths, unknown schemes, missing ports, a ${...} that is not sender or recipients. */
int destination_parse(struct arena *a, const char *text, struct destination *out, struct error *err);

/* Delivers to the recipients that are RECIPIENT_PENDING and sets the state of each.  Returns 0 when every one has a state
 * (accepted, temporary or refused: a connection that fails makes them temporary), never leaves one pending.
 * accepted(arg, address) is called, before anything else happens, for each recipient the moment the peer has taken over the responsibility
 * (final 250, rename into new/, exit 0): the journal writes there; may be NULL. */
typedef int accepted_call(void *arg, const struct parcel_recipient *recipients, size_t n, struct error *err);
int destination_deliver(struct arena *a, const struct destination *d, const char *helo, struct parcel *p, deadline until,
			accepted_call *accepted, void *arg, struct error *err);

/* For -check: can it be used?  Opens nothing permanent, sends no mail (maildir: directory writable; smtp, lmtp: greeting and EHLO;
 * command: executable). */
int destination_probe(const struct destination *d, const char *helo, deadline until, struct error *err);

#endif
