/* search.c - which certificates of ours serve
 *
 * They stand on the tokens or, where a token has no room for them, in the areas, and can be read without a PIN.
 */
#include "keys-pkcs11/search.h"

#include "common/certificate.h"

/* ---- areas ---- */

int pkcs11_area(struct server *s, enum pkcs11_area which, struct area **out, struct error *err)
{
	static const char *const names[PKCS11_AREAS] = { [IN_PRIVATE] = "private", [IN_PUBLIC] = "public", [IN_CA] = "ca" };
	struct area **a = &((struct pkcs11 *)s->state)->areas[which];
	int rc = *a ? 1 : area_occupied(&s->arena, s->config, names[which], err);

	if (rc > 0)
		rc = *a ? 0 : area_open(s->config, names[which], a, err);
	*out = *a;
	return rc;
}

int pkcs11_archived(struct server *s, struct span der, const char **file, struct error *err)
{
	struct area_list list = { NULL, 0 };
	struct area *a;
	int rc = pkcs11_area(s, IN_PRIVATE, &a, err);

	*file = NULL;
	if (rc == 0 && a)
		rc = area_find_exact(a, &s->arena, der, &list, err);
	for (size_t i = 0; i < list.n && !*file; i++)
		if (keys_archived(area_directory(a), list.items[i].file))
			*file = list.items[i].file;
	return rc;
}

static void note_archived(struct search *q, const char *file)
{
	for (size_t i = 0; i < q->narchived; i++)
		if (strcmp(q->archived[i], file) == 0)
			return;
	if (q->narchived < KEYS_MAX)
		q->archived[q->narchived++] = file;
}

/* One that serves, but for an address if it is kept to decrypt only. */
static int add(struct search *q, const struct keys_candidate *c, const char *own)
{
	const char *archived = NULL;
	int rc = q->address ? pkcs11_archived(q->s, c->der, &archived, q->err) : 0;

	if (rc < 0)
		return rc;
	if (archived) {
		note_archived(q, archived);
		return 0;
	}
	q->list[q->n] = *c;
	q->list[q->n++].own = own;
	return 0;
}

/* What a file with keys in it holds is the business of keys-file. */
int search_area(struct search *q, enum pkcs11_area which)
{
	struct area_list list = { NULL, 0 };
	struct area *a;
	int rc = pkcs11_area(q->s, which, &a, q->err);

	if (rc < 0 || !a)
		return rc;
	if (q->address)
		rc = area_find_address(a, &q->s->arena, q->address, &list, q->err);
	else if (q->id->serial)
		rc = area_find_serial(a, &q->s->arena, q->id->issuer, q->id->serial, &list, q->err);
	else
		rc = area_find_key_id(a, &q->s->arena, span_from(buf_str(&q->id->key_id), q->id->key_id.len), &list, q->err);
	for (size_t i = 0; i < list.n && rc == 0 && q->n < CANDIDATES_MAX; i++) {
		const struct area_entry *e = &list.items[i];
		struct keys_candidate c;

		if (!e->leaf || e->has_keys || !keys_candidate_read(e->der, NULL, &c))
			continue;
		c.domain = e->domain;
		rc = add(q, &c, e->file);
	}
	return rc;
}

/* ---- tokens ---- */

/* Spares reading most of the certificates that are not meant: false if the serial number cannot be this one. */
static bool may_be(const struct identifier *id, struct span der)
{
	struct certificate_parts parts;
	int n = id->serial ? ASN1_STRING_length(id->serial) : 0;

	if (n == 0 || ASN1_STRING_type(id->serial) == V_ASN1_NEG_INTEGER)
		return true;
	return certificate_parts(der, &parts) &&
	       (unsigned char)parts.serial.p[parts.serial.n - 1] == ASN1_STRING_get0_data(id->serial)[n - 1];
}

static bool is_wanted(const struct search *q, struct span der, struct keys_candidate *out)
{
	if (q->id && (!may_be(q->id, der) || !identifier_matches(q->id, der)))
		return false;
	return keys_candidate_read(der, q->address, out);
}

void search_failed(struct search *q, const struct error *err)
{
	if (!q->failed.code) {
		q->failed = *err;
		q->failed_code = q->s->code;
	}
	q->s->code = NULL;
}

static int from_token(struct search *q, struct token *t)
{
	struct error err = { 0 };
	struct keys_candidate c;
	int rc = 0;

	if (token_certificates(q->p, t, &err) < 0)
		search_failed(q, &err);
	for (const struct token_certificate *k = t->certificates; k && rc == 0 && q->n < CANDIDATES_MAX; k = k->next)
		if (is_wanted(q, k->der, &c))
			rc = add(q, &c, token_source(q->s, t, k));
	return rc;
}

int search_tokens(struct search *q)
{
	int rc = 0;

	for (struct token *t = q->p->tokens; t && rc == 0 && pkcs11_options.token_certificates; t = t->next)
		rc = from_token(q, t);
	return rc;
}

bool search_is_copy(const struct search *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(q->list[i].der, q->list[n].der))
			return true;
	return false;
}
