/* report.h - mail of our own: delivery status notifications to senders (RFC 3464, 6522), notices to the administrator */
#ifndef POSTERN_DELIVER_REPORT_H
#define POSTERN_DELIVER_REPORT_H

#include "deliver/destination.h"
#include "lib/config.h"

struct failed_recipient {
	const char *address;
	const char *status;  /* "5.7.1" */
	const char *text;    /* the reason and what to do, one line */
};

/* Said in place of words that may quote what we have opened. */
#define BEHIND_US "it was not accepted behind the mail gateway, by the virus scanner or the recipient's mail server; ask the " \
	"recipient or his postmaster"

enum report_kind { REPORT_FAILED, REPORT_DELAYED };

/* Writes a multipart/report (LF line breaks, 7-bit) to fd: text for people, message/delivery-status, text/rfc822-headers
 * copied from the segment (at most 64 KB).  From: postmaster's name at hostname, To: sender, Auto-Submitted: auto-replied. */
int report_write(int fd, enum report_kind kind, const struct config *c, const char *queue_id, const char *sender,
		 const struct failed_recipient *failed, size_t n, const struct segment *headers, struct error *err);
/* Of what has failed. */
int report_dsn(int fd, const struct config *c, const char *queue_id, const char *sender, const struct failed_recipient *failed,
	       size_t n, const struct segment *headers, struct error *err);

struct notice {
	const char *subject;  /* "Message could not be decrypted" */
	const char *text;     /* paragraphs for people: what, why, what to do; LF */
	const char *queue_id, *sender, *message_id;
	const char *const *recipients;
	size_t n;
};

/* Sends it to config->admin through the destination, at most notice_limit in notice_window for the whole site (state in
 * SPOOL/notices, safe under concurrent processes); what is more is collected and sent as one digest when the window is over, by the
 * next process that calls notice_send or notice_flush.  Never for a null sender or for mail that is itself a notice
 * (the caller passes suppress = true); the event is then only logged.
 * A notice that cannot be sent waits for the digest, and that is no failure.  E_TEMP: SPOOL/notices cannot be written; the event is in the
 * log, and the mail that caused it must not wait for this. */
int notice_send(struct arena *a, const struct config *c, const struct destination *to, const struct notice *n, bool suppress,
		deadline until, struct error *err);
/* Sends a digest that is due; cheap when there is none (one stat). */
int notice_flush(struct arena *a, const struct config *c, const struct destination *to, deadline until, struct error *err);

#endif
