/* greet.c - the handshake: whether a module is one of ours, and what it can do */
#include "module/exchange.h"

#include <string.h>
#include <unistd.h>

#include "lib/log.h"

/* "1.0", "1.17": the same major version is another way of saying the same. */
static bool speaks_our_version(const char *version)
{
	struct span v = span_of(version);
	ptrdiff_t dot = span_find(v, '.');
	uint64_t major, minor;

	return dot > 0 && span_number(span_sub(v, 0, (size_t)dot), 1000, &major) &&
	       span_number(span_sub(v, (size_t)dot + 1, v.n), 1000, &minor) && major == 1;
}

static int check_hello(struct exchange *x, const struct xml *hello, struct error *err)
{
	const char *role = module_role_name(x->p->role);

	if (!xml_is(hello, "hello"))
		return exchange_broke(x, err, "its first word is <%s>, not <hello>", xml_name(hello));
	if (!speaks_our_version(xml_attr_or(hello, "protocol", "")))
		return exchange_broke(x, err, "it speaks protocol version \"%s\", postern 1.1", xml_attr_or(hello, "protocol", ""));
	if (strcmp(xml_attr_or(hello, "role", ""), role) != 0)
		return exchange_broke(x, err, "its role is \"%s\", wanted \"%s\"", xml_attr_or(hello, "role", ""), role);
	if (!xml_attr(hello, "operations"))
		return exchange_broke(x, err, "its <hello> names no operations");
	return 0;
}

static int greet(struct modules *m, struct module *p, struct error *err)
{
	struct exchange x = { .m = m, .p = p, .operation = "hello", .logs = getpid() == m->owner };
	struct xml_document *doc = NULL;
	int rc = exchange_next(&x, &doc, err);

	if (rc == 0)
		rc = check_hello(&x, xml_root(doc), err);
	if (rc == 0) {
		p->operations = arena_strdup(&m->arena, xml_attr(xml_root(doc), "operations"));
		p->greeted = true;
		log_debug("module %s: %s %s, protocol %s", p->name, xml_attr_or(xml_root(doc), "name", "?"),
			  xml_attr_or(xml_root(doc), "version", "?"), xml_attr(xml_root(doc), "protocol"));
	}
	xml_free(doc);
	return rc;
}

int module_make_ready(struct modules *m, struct module *p, const char *operation, struct error *err)
{
	int rc = 0;

	if (!word_listed(m->narrow[p->role], operation))
		return error_set(err, E_TEMP, "module %s: %s: not an operation of this conversation (%s)", p->name, operation,
				 *m->narrow[p->role] ? m->narrow[p->role] : "none");
	if (p->broken)
		return error_set(err, E_TEMP, "%s", p->why.text);
	if (!p->greeted)
		rc = greet(m, p, err);
	if (rc == 0 && !word_listed(p->operations, operation))
		rc = error_set(err, MODULE_UNKNOWN_OPERATION, "module %s: %s: it does not know this operation", p->name,
			       operation);
	return rc;
}

int modules_greet(struct modules *m, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->n && rc == 0; i++) {
		struct module *p = &m->items[i];

		if (p->broken)
			rc = error_set(err, E_TEMP, "%s", p->why.text);
		else if (!p->greeted)
			rc = greet(m, p, err);
	}
	return rc;
}
