/* find_certificates.c - "find-certificates": those of our own people on tokens */
#include <time.h>

#include "keys-pkcs11/search.h"
#include "lib/address.h"

static size_t write_certificates(struct search *q, struct xml_writer *w)
{
	size_t most = keys_answer_room(q->s, w), written = 0;

	for (size_t i = 0; i < q->n && written < most; i++) {
		const struct keys_candidate *c = &q->list[i];
		const struct keys_found f = { c->der, q->address, "private", c->own,
					      q->id ? "id" : c->domain ? "domain" : "address", NULL };

		if (!search_is_copy(q, i))
			written += keys_answer_certificate(q->s, w, &f);
	}
	return written;
}

static int answer_from_tokens(struct search *q, struct xml_writer *w, size_t *written)
{
	int rc;

	if (!pkcs11_options.token_certificates)
		return 0;
	tokens_look_again(q->p);
	q->n = 0;
	rc = search_tokens(q);
	if (rc < 0)
		return rc;
	if (!q->n && q->failed.code)
		return error_set(q->err, q->failed.code, "%s", q->failed.text);
	if (!q->n && q->p->missing)
		return error_set(q->err, E_TEMP, "%s", q->p->missing);
	if (q->address)
		q->n = keys_order(q->list, q->n, KEYS_TO_ENCRYPT, time(NULL));
	*written += write_certificates(q, w);
	return 0;
}

/* Only our own people's are on tokens: for other addresses none is asked. */
static int search_address(struct search *q, const struct xml *element, struct xml_writer *w, size_t *written)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	xml_text(element, &text);
	q->address = arena_strdup(&q->s->arena, buf_str(&text));
	buf_release(&text);
	if (!*q->address || strlen(q->address) > ADDRESS_MAX)
		rc = error_set(q->err, E_PERM, "<address> is empty or too long");
	else if (config_is_local(q->s->config, q->address))
		rc = answer_from_tokens(q, w, written);
	return rc;
}

static int search_identifier(struct search *q, const struct xml *by, struct xml_writer *w, size_t *written)
{
	struct identifier *id;
	int rc = identifier_read(&q->s->arena, by, &id, q->err);

	q->id = id;
	if (rc == 0)
		rc = answer_from_tokens(q, w, written);
	identifier_release(id);
	return rc;
}

int pkcs11_find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *by = xml_first(request, "by"), *address = xml_first(request, "address");
	struct search *q = arena_alloc(&s->arena, sizeof(*q));
	size_t written = 0;
	int rc = 0;

	*q = (struct search){ .s = s, .p = s->state, .err = err };
	if (!by == !address)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	if (by)
		rc = search_identifier(q, by, w, &written);
	for (; address && rc == 0; address = xml_next(address, "address"))
		rc = search_address(q, address, w, &written);
	return rc < 0 || written ? rc : error_set(err, E_NOTFOUND, "no token has such a certificate");
}
