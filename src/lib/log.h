/* log.h - where a line about the mail goes
 *
 * One line per event: "QUEUEID: text".  Text from outside is made printable
 * here, so nobody can forge a second line.  A module logs to stderr; postern
 * reads that pipe and logs the lines under the module's name.
 */
#ifndef POSTERN_LIB_LOG_H
#define POSTERN_LIB_LOG_H

#include "lib/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* where: "syslog", "stderr", "module" (stderr with nothing but "LEVEL: text": postern adds time and names,
 * postern-modules(7)), or the path of a file that is appended to (made with mode 0640).  E_CONFIG if the file cannot be opened; then stderr is used. */
int log_open(const char *where, const char *program, struct error *err);
int log_descriptor(void); /* of the log file or stderr; -1: syslog (which has a descriptor of its own) */
/* In a process forked off that has closed descriptors: a connection of its own to syslog, now, so that it need not open
 * one later.  Files and stderr stay as they are. */
void log_reopen(void);
/* From now on, in this process and until log_open(), lines go to sink instead: for -check.  NULL: back to where they went. */
void log_divert(void (*sink)(void *arg, enum log_level level, const char *text), void *arg);
void log_set_level(enum log_level level);
void log_set_queue_id(const char *id); /* copied; NULL: none */
int log_level_parse(const char *word, enum log_level *level); /* error warning info debug; else E_CONFIG */

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
