/* parts.h - what the files of this folder share, and nobody else */
#ifndef POSTERN_MODULE_PARTS_H
#define POSTERN_MODULE_PARTS_H

#include <openssl/x509.h>

#include "module/module.h"

/* Beside the codes of lib/error.h: the module says that it does not know the operation.  Leaves this folder as E_TEMP. */
#define MODULE_UNKNOWN_OPERATION (-100)

/* Starts the program at path as the process of p, as modules_start() does (module.h): sets its pid and its pipes, and
 * sends nothing.  E_CONFIG, E_TEMP; where p->pid is set a process is to be reaped all the same. */
int module_run(struct module *p, const char *path, char *const *environment, struct error *err);
/* What a module finds in its environment, NULL-terminated, in the arena. */
char *const *module_environment(struct arena *arena);

/* Reads what is left of a module's log, ends a line without an end, closes the pipe. */
void module_log_end(struct module *p);

/* The main of the module at this path, where exec would load the program that runs already; NULL: it has to be executed. */
module_main *module_inside(const char *path);
/* In the forked child, which has its descriptors: becomes the module, and ends with it. */
_Noreturn void module_run_inside(module_main *run, const char *path, char *const *environment);

/* One question to one module: 0 and *answer, E_NOTFOUND, MODULE_UNKNOWN_OPERATION, E_PERM, E_TEMP. */
int module_ask_this(struct modules *m, struct module *p, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err);

/* ---- reading an answer (answer.c) ---- */

/* Whose answer to what is being read, and where its values are to live. */
struct answer {
	struct modules *m;
	struct arena *a;
	const char *module, *operation;
	struct error *err;
	const char *before; /* what modules that were asked before, and had nothing, have said of it; "": none was */
};

/* The module is broken: it said something we must not guess at.  E_TEMP. */
int answer_wrong(const struct answer *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An element that decides trust or encryption may have these attributes and children (NULL-terminated lists) and no others. */
int answer_closed(const struct answer *n, const struct xml *e, const char *const *attributes, const char *const *children);
/* *index of the attribute's value in words (NULL-terminated); an unknown or missing one is wrong. */
int answer_word(const struct answer *n, const struct xml *e, const char *attribute, const char *const *words, int *index);
int answer_yes_no(const struct answer *n, const struct xml *e, const char *attribute, bool *value); /* absent: no */
/* The element's base64 text as one DER certificate, nothing behind it; caller frees. */
int answer_certificate(const struct answer *n, const struct xml *e, X509 **out);
/* The only child of that name; none or two are wrong. */
int answer_only(const struct answer *n, const struct xml *parent, const char *name, const struct xml **child);
size_t answer_count(const struct xml *parent, const char *name);
/* The attribute, copied; "" where absent. */
const char *answer_copy(const struct answer *n, const struct xml *e, const char *attribute);

/* Reads the answer; 0: satisfied, E_NOTFOUND: it holds nothing, the next module is to be asked; else as answer_wrong. */
typedef int answer_reader(const struct answer *n, const struct xml *result, void *arg);
/* Asks every module of the role in order until one satisfies.  E_NOTFOUND: none did; E_TEMP where none knows the operation. */
int answer_first(struct modules *m, struct arena *a, enum module_role role, const char *operation, module_writer *write,
		 answer_reader *read, void *arg, struct error *err);

/* The same of those behind the module of that name; E_NOTFOUND where there are none.  NULL: of all. */
int answer_next(struct modules *m, struct arena *a, enum module_role role, const char *after, const char *operation,
		module_writer *write, answer_reader *read, void *arg, struct error *err);

/* ---- writing a request ---- */

void request_put_base64(struct xml_writer *w, const char *attribute, struct span value); /* empty value: none written */
void request_put_hex(struct xml_writer *w, const char *attribute, struct span value);    /* likewise */
void request_put_time(struct xml_writer *w, const char *attribute, time_t when); /* RFC 3339, UTC */
/* <name>base64 of the certificate</name>; E_PERM if it has no encoding. */
int request_certificate(struct xml_writer *w, const char *name, X509 *certificate);
/* text with control characters and bytes that are no UTF-8 replaced: what a mail claims may be anything. */
const char *request_text(struct arena *a, const char *text);

#endif
