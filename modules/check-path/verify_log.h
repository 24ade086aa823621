/* verify_log.h - one line for every certificate that was checked (check-path(8), VERIFY LOG) */
#ifndef POSTERN_CHECK_PATH_VERIFY_LOG_H
#define POSTERN_CHECK_PATH_VERIFY_LOG_H

#include "check-path/check.h"

/* Appends the line, line feed included, to *out.  Everything from outside is escaped: it is one line of
 * UTF-8 without control characters whatever stands in the certificate. */
void verify_log_format(struct buf *out, time_t now, const char *queue_id, const struct check_request *request,
		       const struct check_answer *answer);

/* Appends one line to the file with one write.  A file that cannot be written is a warning in the log (the
 * first time): the verdict does not depend on it.  path "": no verify log is kept. */
void verify_log_write(const char *path, const char *queue_id, const struct check_request *request,
		      const struct check_answer *answer);

/* The same where the configuration says, with pseudonyms if it wants them (pseudonym.h): for the address, the certificate's subject and
 * serial number (and its issuer if that is itself), and for every address in what else is said.  Where there is no key
 * to make them with, "~" stands for all of them, and a warning is logged: nothing is ever written in clear instead. */
void verify_log_add(const struct config *config, const char *queue_id, const struct check_request *request,
		    const struct check_answer *answer);

#endif
