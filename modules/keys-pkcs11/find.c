/* find.c - "find-keys" and "find-certificates": which of our certificates serve, and which token has the key
 *
 * Certificates stand on the tokens or, where a token has no room for them, in the areas.  They can be read without a PIN; a
 * token is logged in to only when one of them is wanted, because only then its private key is.
 */
#include <openssl/err.h>
#include <time.h>

#include "common/certificate.h"
#include "common/identifier.h"
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/address.h"
#include "lib/log.h"

#define CANDIDATES_MAX 128

struct found_key {
	const struct own_key *key;
	const char *source;
	size_t which;
};

struct search {
	struct server *s;
	struct pkcs11 *p;
	struct error *err;
	const char *address;            /* one of the two is asked for */
	const struct identifier *id;
	struct keys_candidate list[CANDIDATES_MAX];
	size_t n;
	bool any;                       /* there were certificates that serve */
	struct found_key keys[KEYS_MAX];
	size_t nkeys;
	const char *archived[KEYS_MAX]; /* files of certificates that serve, but are kept to decrypt only */
	size_t narchived;
	struct error failed;            /* of a key that could not be looked for */
	const char *failed_code;
};

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
static int from_area(struct search *q, enum pkcs11_area which)
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

static void note_failure(struct search *q, const struct error *err)
{
	if (!q->failed.code) {
		q->failed = *err;
		q->failed_code = q->s->code;
	}
	q->s->code = NULL;
}

/* A token whose certificates cannot be read is noted, and the others are asked. */
static int from_token(struct search *q, struct token *t)
{
	struct error err = { 0 };
	struct keys_candidate c;
	int rc = 0;

	if (token_certificates(q->p, t, &err) < 0)
		note_failure(q, &err);
	for (const struct token_certificate *k = t->certificates; k && rc == 0 && q->n < CANDIDATES_MAX; k = k->next)
		if (is_wanted(q, k->der, &c))
			rc = add(q, &c, token_source(q->s, t, k));
	return rc;
}

static int from_tokens(struct search *q)
{
	int rc = 0;

	for (struct token *t = q->p->tokens; t && rc == 0 && pkcs11_options.token_certificates; t = t->next)
		rc = from_token(q, t);
	return rc;
}

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

/* ---- find-keys ---- */

static int candidates(struct search *q)
{
	int rc;

	q->n = 0;
	rc = from_tokens(q);
	if (rc == 0)
		rc = from_area(q, IN_PRIVATE);
	if (rc == 0)
		rc = from_area(q, IN_PUBLIC);
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
		note_failure(q, &err);
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

static bool is_copy(const struct keys_candidate *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(list[i].der, list[n].der))
			return true;
	return false;
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
		if (!is_copy(q->list, i))
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

/* ---- find-certificates ---- */

static size_t write_certificates(struct search *q, struct xml_writer *w)
{
	size_t most = keys_answer_room(q->s, w), written = 0;

	for (size_t i = 0; i < q->n && written < most; i++) {
		const struct keys_candidate *c = &q->list[i];
		const struct keys_found f = { c->der, q->address, "private", c->own,
					      q->id ? "id" : c->domain ? "domain" : "address", NULL };

		if (!is_copy(q->list, i))
			written += keys_answer_certificate(q->s, w, &f);
	}
	return written;
}

static int search_tokens(struct search *q, struct xml_writer *w, size_t *written)
{
	int rc;

	if (!pkcs11_options.token_certificates)
		return 0;
	tokens_look_again(q->p);
	q->n = 0;
	rc = from_tokens(q);
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
		rc = search_tokens(q, w, written);
	return rc;
}

static int search_identifier(struct search *q, const struct xml *by, struct xml_writer *w, size_t *written)
{
	struct identifier *id;
	int rc = identifier_read(&q->s->arena, by, &id, q->err);

	q->id = id;
	if (rc == 0)
		rc = search_tokens(q, w, written);
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
