/* exchange.h - one module and what is said between it and us, for the files that speak with modules */
#ifndef POSTERN_MODULE_EXCHANGE_H
#define POSTERN_MODULE_EXCHANGE_H

#include "module/parts.h"

/* Questions to one module that are on their way together. */
struct exchange {
	struct modules *m;
	struct module *p;
	const char *operation;
	struct buf out;           /* the requests as frames */
	size_t written;
	bool logs;                /* this process reads the modules' log */
	unsigned first_id;
	deadline until;           /* of the next answer */
	bool by_message;          /* it is the message's deadline, not module_timeout */
};

/* The module is of no further use: said once, remembered, killed.  (Where this process may not kill, the one that
 * started it will.)  E_TEMP. */
int module_break(struct module *p, const char *operation, const char *reason, struct error *err);
int exchange_broke(struct exchange *x, struct error *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Whatever has come already, without waiting: 0, or E_TEMP where the module has ended. */
int exchange_read(struct exchange *x, struct error *err);
/* Waits for the module's next document, and meanwhile writes what is left of out.  xml_free it; E_TEMP and the module is broken. */
int exchange_next(struct exchange *x, struct xml_document **doc, struct error *err);

/* Ready to be asked for the operation?  E_TEMP, MODULE_UNKNOWN_OPERATION. */
int module_make_ready(struct modules *m, struct module *p, const char *operation, struct error *err);

/* Asks one module the questions in open, indices of args, answers and names (may be NULL).  0: each was answered, or has no answer
 * because nothing was found. */
int module_ask(struct modules *m, struct module *p, const char *operation, module_writer *write, void *const *args, const size_t *open,
	       size_t nopen, struct xml_document **answers, const char **names, struct error *err);

#endif
