/* converse.c - whom to ask: all modules of a role in their order, or a certain one; and the end of a conversation */
#include "module/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t still_open(struct xml_document **answers, size_t n, size_t *open)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!answers[i])
			open[k++] = i;
	return k;
}

static void drop_answers(struct xml_document **answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xml_free(answers[i]);
		answers[i] = NULL;
	}
}

int modules_ask_many(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *const *args,
		     size_t n, struct xml_document **answers, const char **names, struct error *err)
{
	size_t *open = mem_array(n + 1, sizeof(*open));
	size_t nopen, asked = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		answers[i] = NULL;
		if (names)
			names[i] = NULL;
	}
	nopen = still_open(answers, n, open);
	for (size_t i = 0; i < m->n && nopen && rc == 0; i++) {
		if (m->items[i].role != role)
			continue;
		rc = module_ask(m, &m->items[i], operation, write, args, open, nopen, answers, names, err);
		asked += rc == 0;
		if (rc == MODULE_UNKNOWN_OPERATION)
			rc = 0;
		nopen = still_open(answers, n, open);
	}
	if (rc == 0 && n && !asked)
		rc = error_set(err, E_TEMP, "no %s module that runs knows %s", module_role_name(role), operation);
	if (rc < 0)
		drop_answers(answers, n);
	free(open);
	return rc;
}

int modules_ask(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *arg,
		struct xml_document **answer, const char **module_name, struct error *err)
{
	int rc = modules_ask_many(m, role, operation, write, &arg, 1, answer, module_name, err);

	if (rc == 0 && !*answer)
		return error_set(err, E_NOTFOUND, "%s: no %s module found any", operation, module_role_name(role));
	return rc;
}

/* One program may serve two roles: then the process that may do the operation is meant. */
static struct module *find_module(struct modules *m, const char *name, const char *operation)
{
	struct module *found = NULL;

	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->items[i].name, name) != 0)
			continue;
		if (word_listed(m->narrow[m->items[i].role], operation))
			return &m->items[i];
		found = &m->items[i];
	}
	return found;
}

int modules_ask_one(struct modules *m, const char *module_name, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err)
{
	struct module *p = find_module(m, module_name, operation);
	int rc;

	*answer = NULL;
	if (!p)
		return error_set(err, E_TEMP, "module %s: %s: it is not running", module_name, operation);
	rc = module_ask_this(m, p, operation, write, arg, answer, err);
	return rc == MODULE_UNKNOWN_OPERATION ? error_set(err, E_TEMP, "module %s: %s: it does not know this operation",
							   module_name, operation) : rc;
}

int modules_quiet(struct modules *m, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->n && rc == 0; i++) {
		struct exchange x = { .m = m, .p = &m->items[i], .operation = "after the last answer" };

		if (x.p->broken)
			rc = error_set(err, E_TEMP, "%s", x.p->why.text);
		else if (x.p->greeted)
			rc = exchange_read(&x, err);
		if (rc == 0 && x.p->greeted && !frame_idle(&x.p->in))
			rc = exchange_broke(&x, err, "it said more than it was asked");
	}
	return rc;
}

int modules_broken(struct modules *m, const char *module_name, const char *operation, struct error *err, const char *fmt, ...)
{
	struct module *p = find_module(m, module_name, operation);
	char reason[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (!p)
		return error_set(err, E_TEMP, "module %s: %s: %s", module_name, operation, reason);
	return module_break(p, operation, reason, err);
}
