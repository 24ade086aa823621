/* answer.c - what the questions have in common: reading answers strictly, writing requests that are always XML */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/base64.h"
#include "lib/moment.h"
#include "lib/openssl.h"
#include "module/parts.h"

int answer_wrong(const struct answer *n, const char *fmt, ...)
{
	char reason[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return modules_broken(n->m, n->module, n->operation, n->err, "%s", reason);
}

static bool is_one_of(const char *word, const char *const *words, int *index)
{
	for (*index = 0; words[*index]; ++*index)
		if (strcmp(words[*index], word) == 0)
			return true;
	return false;
}

int answer_closed(const struct answer *n, const struct xml *e, const char *const *attributes, const char *const *children)
{
	const char *name;
	int i;

	for (size_t k = 0; (name = xml_attr_name(e, k)); k++)
		if (!is_one_of(name, attributes, &i))
			return answer_wrong(n, "<%s> has an unknown attribute %s", xml_name(e), name);
	for (const struct xml *c = xml_first(e, NULL); c; c = xml_next(c, NULL))
		if (!is_one_of(xml_name(c), children, &i))
			return answer_wrong(n, "<%s> has an unknown element <%s>", xml_name(e), xml_name(c));
	return 0;
}

int answer_word(const struct answer *n, const struct xml *e, const char *attribute, const char *const *words, int *index)
{
	const char *value = xml_attr(e, attribute);

	*index = 0;
	if (!value)
		return answer_wrong(n, "<%s> lacks %s", xml_name(e), attribute);
	if (!is_one_of(value, words, index))
		return answer_wrong(n, "<%s %s=\"%s\">: unknown word", xml_name(e), attribute, value);
	return 0;
}

int answer_yes_no(const struct answer *n, const struct xml *e, const char *attribute, bool *value)
{
	static const char *const words[] = { "no", "yes", NULL };
	int i = 0;
	int rc = xml_attr(e, attribute) ? answer_word(n, e, attribute, words, &i) : 0;

	*value = rc == 0 && i == 1;
	return rc;
}

int answer_certificate(const struct answer *n, const struct xml *e, X509 **out)
{
	struct buf der = BUF_INIT;
	struct span rest;
	int rc = 0;

	*out = NULL;
	if (xml_binary(e, &der, NULL) < 0 || !der.len) {
		rc = answer_wrong(n, "<%s> is not base64", xml_name(e));
		goto out;
	}
	rest = span_from(der.data, der.len);
	*out = openssl_certificate(NULL, &rest);
	if (!*out)
		rc = answer_wrong(n, "<%s> is no certificate", xml_name(e));
	else if (rest.n)
		rc = answer_wrong(n, "<%s>: something stands behind the certificate", xml_name(e));
	if (rc < 0) {
		X509_free(*out);
		*out = NULL;
	}
out:
	buf_release(&der);
	return rc;
}

size_t answer_count(const struct xml *parent, const char *name)
{
	size_t n = 0;

	for (const struct xml *e = xml_first(parent, name); e; e = xml_next(e, name))
		n++;
	return n;
}

int answer_only(const struct answer *n, const struct xml *parent, const char *name, const struct xml **child)
{
	*child = xml_first(parent, name);
	if (!*child)
		return answer_wrong(n, "the answer lacks <%s>", name);
	if (xml_next(*child, name))
		return answer_wrong(n, "the answer has two <%s>", name);
	return 0;
}

const char *answer_copy(const struct answer *n, const struct xml *e, const char *attribute)
{
	return arena_strdup(n->a, xml_attr_or(e, attribute, ""));
}

int answer_next(struct modules *m, struct arena *a, enum module_role role, const char *after, const char *operation,
		module_writer *write, answer_reader *read, void *arg, struct error *err)
{
	struct error locked = { 0 };
	bool known = after != NULL, behind = !after;
	const char *none = "";

	for (size_t i = 0; i < m->n; i++) {
		struct module *p = &m->items[i];
		struct answer n = { .m = m, .a = a, .module = p->name, .operation = operation, .err = err,
				    .before = none };
		struct xml_document *doc;
		int rc;

		if (p->role != role || !behind) {
			behind = behind || (p->role == role && strcmp(p->name, after) == 0);
			continue;
		}
		rc = module_ask_this(m, p, operation, write, arg, &doc, err);
		known = known || rc != MODULE_UNKNOWN_OPERATION;
		if (rc == 0)
			rc = read(&n, xml_root(doc), arg);
		xml_free(doc);
		if (rc == E_LOCKED && !locked.code) /* the next one may have another key */
			error_set(&locked, rc, "%s", err->text);
		else if (rc == E_NOTFOUND)
			none = arena_printf(a, "%s%s%s", none, *none ? "; " : "", err->text);
		else if (rc != MODULE_UNKNOWN_OPERATION && rc != E_LOCKED)
			return rc;
	}
	if (locked.code)
		return error_set(err, E_LOCKED, "%s", locked.text);
	return known ? error_set(err, E_NOTFOUND, "%s: no %s module found any%s%s", operation, module_role_name(role),
				   *none ? "; " : "", none)
		     : error_set(err, E_TEMP, "no %s module that runs knows %s", module_role_name(role), operation);
}

int answer_first(struct modules *m, struct arena *a, enum module_role role, const char *operation, module_writer *write,
		 answer_reader *read, void *arg, struct error *err)
{
	return answer_next(m, a, role, NULL, operation, write, read, arg, err);
}

/* ---- requests ---- */

void request_put_base64(struct xml_writer *w, const char *attribute, struct span value)
{
	struct buf text = BUF_INIT;

	if (!value.n)
		return;
	base64_encode(&text, value.p, value.n, 0, "");
	xml_put(w, attribute, buf_str(&text));
	buf_release(&text);
}

void request_put_hex(struct xml_writer *w, const char *attribute, struct span value)
{
	struct buf text = BUF_INIT;

	if (!value.n)
		return;
	for (size_t i = 0; i < value.n; i++)
		buf_addf(&text, "%02x", (unsigned char)value.p[i]);
	xml_put(w, attribute, buf_str(&text));
	buf_release(&text);
}

void request_put_time(struct xml_writer *w, const char *attribute, time_t when)
{
	char text[MOMENT_TEXT];

	moment_text(when, text);
	xml_put(w, attribute, text);
}

int request_certificate(struct xml_writer *w, const char *name, X509 *certificate)
{
	unsigned char *der = NULL;
	int n = i2d_X509(certificate, &der);

	if (n <= 0)
		return E_PERM;
	xml_open(w, name);
	xml_put_binary(w, der, (size_t)n);
	xml_close(w);
	OPENSSL_free(der);
	return 0;
}

const char *request_text(struct arena *a, const char *text)
{
	return xml_printable(arena_strdup(a, text ? text : ""));
}
