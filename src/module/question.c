/* question.c - questions to one module, and its answers */
#include "module/exchange.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- requests ---- */

static int add_request(struct exchange *x, module_writer *write, void *arg, struct error *err)
{
	struct xml_writer w;
	struct span document;
	int rc;

	xml_writer_init(&w);
	xml_open(&w, x->operation);
	xml_putf(&w, "id", "%u", x->p->next_id);
	rc = write(&w, arg);
	if (rc < 0) {
		error_set(err, rc, "module %s: %s: the request could not be written", x->p->name, x->operation);
		goto out;
	}
	xml_close(&w);
	rc = xml_finish(&w, &document, err);
	if (rc == 0 && document.n > x->m->config->frame_limit)
		rc = error_set(err, E_LIMIT, "the request has %zu bytes, frame_limit is %llu", document.n,
			       (unsigned long long)x->m->config->frame_limit);
	if (rc < 0) {
		error_prefix(err, "module %s: %s", x->p->name, x->operation);
		goto out;
	}
	frame_append(&x->out, document);
	x->p->next_id++;
out:
	xml_writer_release(&w);
	return rc;
}

/* ---- answers ---- */

/* A refusal as a code of ours.  kind decides what becomes of the mail, so nothing but its two words is understood. */
static int read_refusal(struct exchange *x, const struct xml *refused, struct error *err)
{
	const char *kind = xml_attr_or(refused, "kind", "");
	static const char code_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *code = xml_attr_or(refused, "code", "");
	bool permanent = strcmp(kind, "permanent") == 0;
	struct buf text = BUF_INIT;
	int rc;

	if (!permanent && strcmp(kind, "temporary") != 0)
		return exchange_broke(x, err, "refused with kind \"%s\"", kind);
	if (!*code)
		return exchange_broke(x, err, "refused without a code");
	if (strspn(code, code_characters) != strlen(code))
		return exchange_broke(x, err, "refused with a code that is no word");
	if (permanent && strcmp(code, "not-found") == 0)
		rc = E_NOTFOUND;
	else if (permanent && strcmp(code, "unknown-operation") == 0)
		rc = MODULE_UNKNOWN_OPERATION;
	else if (!permanent && strcmp(code, "passphrase-needed") == 0 && x->p->role == ROLE_KEYS)
		rc = E_LOCKED;
	else if (permanent && strcmp(code, "limit") == 0)
		rc = E_LIMIT;
	else
		rc = permanent && strcmp(code, "narrowed") != 0 ? E_PERM : E_TEMP;
	x->p->locked |= rc == E_LOCKED;
	xml_text(refused, &text);
	error_set(err, rc, "module %s: %s: %s (%s)", x->p->name, x->operation, text.len ? text.data : "refused", code);
	buf_release(&text);
	return rc;
}

/* 0 and *answer, or what the refusal means; *err. */
static int next_answer(struct exchange *x, unsigned id, struct xml_document **answer, struct error *err)
{
	struct xml_document *doc;
	char wanted[16];
	int rc = exchange_next(x, &doc, err);

	if (rc < 0)
		return rc;
	snprintf(wanted, sizeof(wanted), "%u", id);
	if (!xml_is(xml_root(doc), "result") && !xml_is(xml_root(doc), "refused"))
		rc = exchange_broke(x, err, "answered with <%s>", xml_name(xml_root(doc)));
	else if (strcmp(xml_attr_or(xml_root(doc), "id", ""), wanted) != 0)
		rc = exchange_broke(x, err, "answered request \"%s\", asked was %s", xml_attr_or(xml_root(doc), "id", ""), wanted);
	else if (xml_is(xml_root(doc), "refused"))
		rc = read_refusal(x, xml_root(doc), err);
	if (rc == 0)
		*answer = doc;
	else
		xml_free(doc);
	return rc;
}

/* Reads all answers, so that the next question finds the pipe empty; the first failure that is not "not found" counts.
 * Where several were asked, those answered already keep their answer. */
static int read_answers(struct exchange *x, const size_t *open, size_t nopen, struct xml_document **answers,
			const char **names, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < nopen && !x->p->broken; i++) {
		struct error why = { 0 };
		int one = next_answer(x, x->first_id + (unsigned)i, &answers[open[i]], &why);

		if (one == 0 && names)
			names[open[i]] = x->p->name;
		if (one < 0 && (x->p->broken || (one != E_NOTFOUND && rc == 0)))
			rc = error_set(err, one, "%s", why.text);
		else if (one == E_NOTFOUND && nopen == 1) /* what a module says of it is for people */
			error_set(err, one, "%s", why.text);
	}
	if (!x->p->broken && !frame_idle(&x->p->in))
		rc = exchange_broke(x, err, "it said more than it was asked");
	frame_drop(&x->p->in); /* it may have been a secret */
	return rc;
}

int module_ask(struct modules *m, struct module *p, const char *operation, module_writer *write, void *const *args, const size_t *open,
	       size_t nopen, struct xml_document **answers, const char **names, struct error *err)
{
	struct exchange x = { .m = m, .p = p, .operation = operation, .first_id = p->next_id, .logs = getpid() == m->owner };
	int rc = module_make_ready(m, p, operation, err);

	for (size_t i = 0; i < nopen && rc == 0; i++)
		rc = add_request(&x, write, args[open[i]], err);
	if (rc == 0)
		rc = read_answers(&x, open, nopen, answers, names, err);
	else
		p->next_id = x.first_id; /* nothing was sent */
	buf_wipe(&x.out);
	return rc;
}

int module_ask_this(struct modules *m, struct module *p, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err)
{
	const size_t open = 0;
	int rc;

	*answer = NULL;
	rc = module_ask(m, p, operation, write, &arg, &open, 1, answer, NULL, err);
	if (rc == 0 && !*answer)
		return E_NOTFOUND; /* said by read_answers */
	return rc;
}
