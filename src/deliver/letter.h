/* letter.h - what mail of our own is made of; of no use outside this folder */
#ifndef POSTERN_DELIVER_LETTER_H
#define POSTERN_DELIVER_LETTER_H

#include "lib/buf.h"
#include "lib/config.h"

/* The configured hostname, else the system's; never empty. */
const char *letter_host(const struct config *c);

/* From: postmaster@host, To:, Subject:, Date:, Message-ID:, Auto-Submitted: submitted ("auto-replied"), MIME-Version:.
 * What is not ASCII is encoded (RFC 2047); a recipient that is not stands as a group's name, since a 7-bit header cannot have it
 * as an address (RFC 6857). LF line breaks. */
void letter_start(struct buf *b, const struct config *c, const char *to, const char *subject, const char *submitted);

/* Content-Type (type, with charset=utf-8 if need be), Content-Transfer-Encoding, the empty line and the text with LF line
 * breaks: as it is where it is plain 7-bit with short lines, else quoted-printable (RFC 2045 section 6.7). */
void letter_body(struct buf *b, const char *type, struct span text);

/* Adds text in lines of at most 72 columns where blanks allow it, each behind indent; controls become blanks. */
void letter_wrap(struct buf *b, const char *indent, const char *text);

/* 32 random hexadecimal digits: for boundaries and Message-IDs. */
void letter_unique(char out[33]);

/* "2026-01-31T12:00:00Z" */
void letter_time(char out[24]);

#endif
