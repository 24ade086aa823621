/* find_keys.c - "find-keys": which of our keys sign for an address, which open a message
 *
 * Only the index and the certificates are looked at; no private key is read here.
 */
#include <string.h>
#include <time.h>

#include "common/keys_order.h"
#include "keys-file/find_keys.h"
#include "lib/address.h"

/* ---- the answer ---- */

static int write_key(struct search *q, const struct area_entry *e, size_t which)
{
	struct keys_chain chain;
	int rc = find_chain(q->s, e->der, &chain, q->err);

	if (rc < 0)
		return rc;
	keys_answer_key(q->s, q->w, &(struct keys_own){ keys_remember(q->s, e->file, e->der)->id, e->file, which, e->der, &chain });
	q->found++;
	return 0;
}

static void pass_over(struct search *q, const struct area_entry *e, enum keys_passed reason)
{
	const char *why = keys_answer_passed(q->s, q->w, e->file, reason);

	q->passed = q->passed ? q->passed : why;
}

static int offer(struct search *q, const struct area_entry *e, size_t which)
{
	if (e->leaf && !e->has_keys && q->nkeyless < KEYLESS_MAX)
		q->keyless[q->nkeyless++] = e;
	if (!e->leaf || !e->has_keys || q->found >= KEYS_MAX)
		return 0;
	if (e->exposed) {
		q->exposed = e->file;
		return 0;
	}
	return write_key(q, e, which);
}

/* Nothing found is one thing; something that only the operator can mend is another, and the mail waits for it. */
static int nothing_found(struct search *q, const char *what)
{
	struct area *a;
	int rc = keys_area(q->s, IN_PRIVATE, &a, q->err);

	if (rc == 0 && q->exposed) {
		q->s->code = "configuration";
		return error_set(q->err, E_CONFIG, "%s: others may read this private key; it must belong to us with mode 0600",
				 q->exposed);
	}
	if (rc == 0)
		rc = locked_refuse(q, false);
	return rc < 0 ? rc : error_set(q->err, E_NOTFOUND, "no key in %s %s%s%s", area_directory(a), what,
						 q->passed ? "; " : "", q->passed ? q->passed : "");
}

/* ---- to sign ---- */

/* Of keys that stand there to sign; the rest of the list has reasons that weigh more. */
static bool wrong_usage(const struct area *a, const struct area_entry *e)
{
	return e->leaf && e->has_keys && !e->may_sign && !is_archived(a, e->file);
}

static size_t candidates(struct search *q, const struct area *a, const struct area_list *list, struct keys_candidate **out)
{
	*out = arena_array(&q->s->arena, list->n, sizeof(**out));
	for (size_t i = 0; i < list->n; i++) {
		const struct area_entry *e = &list->items[i];

		(*out)[i] = (struct keys_candidate){ .der = e->der, .own = e, .not_before = e->not_before, .not_after = e->not_after,
						     .domain = e->domain, .may_sign = e->may_sign };
		if (wrong_usage(a, e))
			pass_over(q, e, PASSED_USAGE);
	}
	return keys_order(*out, list->n, KEYS_TO_SIGN, time(NULL));
}

struct signer {
	const char *address;
	int64_t now;
};

static bool signs(const void *wanted, struct span der, size_t *which)
{
	const struct signer *w = wanted;
	struct keys_candidate c;

	*which = 0;
	return keys_candidate_read(der, w->address, &c) && c.may_sign && !c.is_ca && c.not_before <= w->now && w->now <= c.not_after;
}

static int offer_to_sign(struct search *q, const struct area *a, const struct area_entry *e)
{
	if (!e->leaf)
		return 0;
	if (is_archived(a, e->file)) {
		pass_over(q, e, PASSED_DECRYPT_ONLY);
		return 0;
	}
	if (!e->has_keys)
		pass_over(q, e, PASSED_NO_KEY);
	else if (e->exposed)
		pass_over(q, e, PASSED_EXPOSED);
	return offer(q, e, 0);
}

static int find_to_sign(struct search *q, const struct xml *request)
{
	const char *address = xml_attr_or(request, "address", "");
	struct signer wanted = { address, time(NULL) };
	struct keys_candidate *list;
	struct area_list found;
	size_t n = 0, good = 0, before_locked;
	struct area *a;
	int rc;

	if (!*address || strlen(address) > ADDRESS_MAX)
		return error_set(q->err, E_PERM, "<find-keys for=\"sign\"> wants an address");
	q->address = address;
	rc = keys_area(q->s, IN_PRIVATE, &a, q->err);
	if (rc == 0)
		rc = area_find_address(a, &q->s->arena, address, &found, q->err);
	if (rc == 0)
		n = candidates(q, a, &found, &list);
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t before = q->found;

		rc = offer_to_sign(q, a, list[i].own);
		good += q->found > before && list[i].not_before <= wanted.now && wanted.now <= list[i].not_after;
	}
	if (rc == 0 && !good) {
		before_locked = q->found;
		rc = locked_search(q, signs, &wanted);
		if (rc == 0 && q->found && q->found == before_locked) /* one that is not valid: is there one that is, but locked? */
			rc = locked_refuse(q, true);
	}
	return rc < 0 ? rc : q->found ? 0 : nothing_found(q, "signs for this address");
}

/* ---- to decrypt ---- */

struct recipients {
	struct identifier **items;
	size_t n;
};

static bool is_recipient(const void *wanted, struct span der, size_t *which)
{
	const struct recipients *r = wanted;

	for (*which = 0; *which < r->n; ++*which)
		if (identifier_matches(r->items[*which], der))
			return true;
	return false;
}

static int find_recipient(struct search *q, const struct identifier *id, size_t which)
{
	struct area_list list = { NULL, 0 };
	int rc = keys_find_identifier(q->s, IN_PRIVATE, id, &list, q->err);

	for (size_t i = 0; i < list.n && rc == 0; i++)
		rc = offer(q, &list.items[i], which);
	return rc;
}

static int read_recipients(struct search *q, const struct xml *request, struct recipients *out)
{
	const struct xml *recipient = xml_first(request, "recipient");
	size_t n = 0;
	int rc = 0;

	*out = (struct recipients){ NULL, 0 };
	if (!recipient)
		return error_set(q->err, E_PERM, "<find-keys for=\"decrypt\"> wants <recipient>");
	for (const struct xml *e = recipient; e; e = xml_next(e, "recipient"))
		n++;
	if (n > KEYS_RECIPIENTS_MAX)
		return error_set(q->err, E_LIMIT, "more than %d recipients", KEYS_RECIPIENTS_MAX);
	out->items = arena_array(&q->s->arena, n, sizeof(*out->items));
	for (; recipient && rc == 0; recipient = xml_next(recipient, "recipient")) {
		rc = identifier_read(&q->s->arena, recipient, &out->items[out->n], q->err);
		out->n += rc == 0;
	}
	return rc;
}

static int find_to_decrypt(struct search *q, const struct xml *request)
{
	struct recipients wanted;
	int rc = read_recipients(q, request, &wanted);

	for (size_t i = 0; i < wanted.n && rc == 0; i++)
		rc = find_recipient(q, wanted.items[i], i);
	if (rc == 0 && !q->found)
		rc = locked_search(q, is_recipient, &wanted);
	for (size_t i = 0; i < wanted.n; i++)
		identifier_release(wanted.items[i]);
	return rc < 0 ? rc : q->found ? 0 : nothing_found(q, "is one of the message's recipients");
}

int find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct search q = { .s = s, .w = w, .err = err };
	const char *purpose = xml_attr_or(request, "for", "");

	if (strcmp(purpose, "sign") == 0)
		return find_to_sign(&q, request);
	if (strcmp(purpose, "decrypt") == 0)
		return find_to_decrypt(&q, request);
	return error_set(err, E_PERM, "<find-keys for=\"%s\">: sign or decrypt", purpose);
}
