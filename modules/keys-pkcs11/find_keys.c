/* find_keys.c - "find-keys": which certificates of ours serve, and which token has the key
 *
 * A token is logged in to only when a certificate is wanted, because only then its private key is.
 */
#include <openssl/err.h>
#include <time.h>

#include "common/certificate.h"
#include "keys-pkcs11/search.h"
#include "lib/address.h"
#include "lib/log.h"

/* Something was not there to be looked at, so "there is none" would be the wrong answer. */
static int not_found(struct search *q, const char *what)
{
	if (q->failed.code) {
		q->s->code = q->failed_code;
		return error_set(q->err, q->failed.code, "%s", q->failed.text);
	}
	if (q->p->missing && (pkcs11_options.token_certificates || q->any))
		return error_set(q->err, E_TEMP, "%s", q->p->missing);
	return error_set(q->err, E_NOTFOUND, "%s", what);
}

/* ---- the chain that is sent along ---- */

static int issuers_in_area(struct search *q, enum pkcs11_area which, struct span name, struct keys_chain *c)
{
	const unsigned char *p = (const unsigned char *)name.p;
	struct area_list list = { NULL, 0 };
	struct area *a;
	X509_NAME *issuer;
	int rc = pkcs11_area(q->s, which, &a, q->err);

	if (rc < 0 || !a)
		return rc;
	issuer = d2i_X509_NAME(NULL, &p, (long)name.n);
	if (issuer)
		rc = area_find_subject(a, &q->s->arena, issuer, &list, q->err);
	X509_NAME_free(issuer);
	ERR_clear_error();
	for (size_t i = 0; i < list.n; i++)
		keys_chain_add(c, list.items[i].der, name);
	return rc;
}

/* Hundreds may be there: of nearly all a glance shows that they are not meant. */
static void issuers_on_tokens(const struct pkcs11 *p, struct span name, struct keys_chain *c)
{
	struct certificate_parts parts;

	for (const struct token *t = p->tokens; t; t = t->next)
		for (const struct token_certificate *k = t->certificates; k; k = k->next)
			if (certificate_parts(k->der, &parts) && span_eq(parts.subject, name))
				keys_chain_add(c, k->der, name);
}

static int find_chain(struct search *q, struct span leaf, struct keys_chain *c)
{
	struct span issuer;
	int rc = 0;

	keys_chain_begin(c, leaf);
	while (rc == 0 && keys_chain_next(c, &issuer)) {
		issuers_on_tokens(q->p, issuer, c);
		rc = issuers_in_area(q, IN_PRIVATE, issuer, c);
		if (rc == 0)
			rc = issuers_in_area(q, IN_CA, issuer, c);
	}
	return rc;
}

/* ---- the keys ---- */

static int candidates(struct search *q)
{
	int rc;

	q->n = 0;
	rc = search_tokens(q);
	if (rc == 0)
		rc = search_area(q, IN_PRIVATE);
	if (rc == 0)
		rc = search_area(q, IN_PUBLIC);
	q->any = q->any || q->n;
	return rc;
}

static void look_for_key(struct search *q, const struct keys_candidate *c, size_t which)
{
	struct own_key *k;
	struct error err = { 0 };

	if (q->nkeys == KEYS_MAX)
		return;
	if (own_key_look(q->s, c->der, &k, &err) < 0)
		search_failed(q, &err);
	else if (k)
		q->keys[q->nkeys++] = (struct found_key){ k, c->own, which };
}

static int search_to_sign(struct search *q, const struct xml *request)
{
	int rc;

	q->address = xml_attr_or(request, "address", "");
	if (!*q->address || strlen(q->address) > ADDRESS_MAX)
		return error_set(q->err, E_PERM, "<find-keys for=\"sign\"> wants an address");
	rc = candidates(q);
	if (rc < 0)
		return rc;
	q->n = keys_order(q->list, q->n, KEYS_TO_SIGN, time(NULL));
	for (size_t i = 0; i < q->n; i++)
		look_for_key(q, &q->list[i], 0);
	return q->nkeys ? 0 : not_found(q, "no token has a key that signs for this address");
}

static int search_recipient(struct search *q, const struct xml *recipient, size_t which)
{
	struct identifier *id;
	int rc = identifier_read(&q->s->arena, recipient, &id, q->err);

	if (rc < 0)
		return rc;
	q->id = id;
	rc = candidates(q);
	for (size_t i = 0; i < q->n && rc == 0; i++)
		if (!search_is_copy(q, i))
			look_for_key(q, &q->list[i], which);
	q->id = NULL;
	identifier_release(id);
	return rc;
}

static int search_to_decrypt(struct search *q, const struct xml *request)
{
	const struct xml *recipient = xml_first(request, "recipient");
	size_t which = 0;
	int rc = 0;

	if (!recipient)
		return error_set(q->err, E_PERM, "<find-keys for=\"decrypt\"> wants <recipient>");
	for (; recipient && rc == 0; recipient = xml_next(recipient, "recipient")) {
		if (which >= KEYS_RECIPIENTS_MAX)
			return error_set(q->err, E_LIMIT, "more than %d recipients", KEYS_RECIPIENTS_MAX);
		rc = search_recipient(q, recipient, which++);
	}
	return rc < 0 ? rc : q->nkeys ? 0 : not_found(q, "no token has a key of one of the message's recipients");
}

static int search(struct search *q, const struct xml *request)
{
	const char *purpose = xml_attr_or(request, "for", "");

	if (strcmp(purpose, "sign") == 0)
		return search_to_sign(q, request);
	if (strcmp(purpose, "decrypt") == 0)
		return search_to_decrypt(q, request);
	return error_set(q->err, E_PERM, "<find-keys for=\"%s\">: sign or decrypt", purpose);
}

int pkcs11_find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct search *q = arena_alloc(&s->arena, sizeof(*q)), fresh = { .s = s, .p = s->state, .err = err };
	struct keys_chain chain;
	int rc;

	*q = fresh;
	tokens_look_again(q->p);
	rc = search(q, request);
	if (rc == E_TEMP && !q->p->missing) { /* a token went away between two calls, perhaps */
		log_warning("%s; looking for the token once more", err->text);
		*q = fresh;
		s->code = NULL;
		tokens_close(q->p);
		tokens_open(q->p);
		rc = search(q, request);
	}
	for (size_t i = 0; i < q->narchived && rc == 0; i++)
		keys_answer_passed(s, w, q->archived[i], PASSED_DECRYPT_ONLY);
	for (size_t i = 0; i < q->nkeys && rc == 0; i++) {
		const struct found_key *f = &q->keys[i];

		rc = find_chain(q, f->key->der, &chain);
		if (rc == 0)
			keys_answer_key(s, w, &(struct keys_own){ f->key->id, f->source, f->which, f->key->der, &chain });
	}
	return rc;
}
