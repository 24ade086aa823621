/* error.h - one way to say what went wrong
 *
 * A library function returns 0 or one of the negative codes below and, when it
 * fails, leaves one line for people in *err: it names the file, line, part or
 * peer and the reason.  What becomes of the mail is decided by the caller,
 * from the code alone.
 */
#ifndef POSTERN_LIB_ERROR_H
#define POSTERN_LIB_ERROR_H

#define E_TEMP (-1)     /* may work later: I/O, memory, a module, a peer, a deadline */
#define E_PERM (-2)     /* will never work for this input: malformed, unsupported */
#define E_LIMIT (-3)    /* past a configured limit */
#define E_NOTFOUND (-4) /* looked properly, there is none */
#define E_CONFIG (-5)   /* the operator must mend something; the mail waits */
#define E_LOCKED (-6)   /* a key wants a passphrase that only a person can give: the mail is held until then */

struct error {
	int code;       /* 0 or one of the above */
	char text[500]; /* one line, printable UTF-8, no line break */
};

/* Sets *err (which may be NULL) and returns code.  Control characters in the
 * finished text become '?', over-long text is cut: it may go to logs and to
 * an SMTP reply as it stands. */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of what *err says; returns err's code (E_TEMP where err is NULL:
 * a function whose err may be NULL returns its own code instead). */
int error_prefix(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
