/* ask_keys.c - certificates and keys: the questions "find-certificates", "find-keys" and "store-certificate" */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/base64.h"
#include "module/ask.h"
#include "module/parts.h"

#define ADDRESSES_AT_ONCE ((size_t)50)    /* several certificates each, still far below a frame */
#define RECIPIENTS_AT_ONCE ((size_t)500)  /* identifiers of a few hundred bytes */

static void write_id(struct xml_writer *w, const char *element, const struct certificate_id *id)
{
	xml_open(w, element);
	request_put_base64(w, "issuer", id->issuer);
	request_put_hex(w, "serial", id->serial);
	request_put_hex(w, "key-id", id->key_id);
	xml_close(w);
}

/* Nobody can be asked for less: then frame_limit is too small, which the operator can mend. */
static int for_operator(int rc, struct error *err)
{
	if (rc == E_LIMIT && err)
		err->code = E_CONFIG;
	return rc == E_LIMIT ? E_CONFIG : rc;
}

/* ---- certificates ---- */

struct search {
	const char *const *addresses; /* asked for now; NULL: by id */
	size_t n;
	bool *served;                 /* by address: a module has answered for it */
	const char **later;           /* by address: why it cannot be known now; NULL: then nobody's can */
	const struct certificate_id *id;
	struct buf found;             /* of struct found_certificate */
};

static size_t count(const struct search *s)
{
	return s->found.len / sizeof(struct found_certificate);
}

static int write_search(struct xml_writer *w, void *arg)
{
	const struct search *s = arg;

	if (s->id)
		write_id(w, "by", s->id);
	for (size_t i = 0; i < s->n; i++) {
		if (s->served[i])
			continue;
		xml_open(w, "address");
		xml_put_text(w, s->addresses[i]);
		xml_close(w);
	}
	return 0;
}

static int read_capabilities(const struct answer *n, const struct xml *e, struct span *out)
{
	struct buf der = BUF_INIT;
	int rc = base64_decode(&der, span_of(xml_attr_or(e, "capabilities", "")), true);

	*out = span_from(NULL, 0);
	if (rc == 0 && der.len)
		*out = span_from(arena_memdup(n->a, der.data, der.len), der.len);
	buf_release(&der);
	return rc < 0 ? answer_wrong(n, "<certificate capabilities=...> is not base64") : 0;
}

/* Which of the asked addresses; s->n if none. */
static size_t asked_for(const struct search *s, const char *address)
{
	size_t i = 0;

	while (i < s->n && (s->served[i] || !address_equal(s->addresses[i], address)))
		i++;
	return i;
}

static int read_found(const struct answer *n, const struct xml *e, struct search *s, bool *served_now)
{
	static const char *const attributes[] = { "for", "area", "source", "match", "capabilities", NULL };
	static const char *const children[] = { NULL };
	static const char *const areas[] = { "public", "trusted", "untrusted", "private", "ca", "seen", NULL };
	static const char *const by_address[] = { "address", "domain", NULL };
	static const char *const by_id[] = { "id", NULL };
	struct found_certificate f = { .address = "" };
	size_t i = s->id ? 0 : asked_for(s, xml_attr_or(e, "for", ""));
	int area, match;

	if (answer_closed(n, e, attributes, children) < 0 || answer_word(n, e, "area", areas, &area) < 0 ||
	    answer_word(n, e, "match", s->id ? by_id : by_address, &match) < 0)
		return E_TEMP;
	if (!s->id && i == s->n)
		return answer_wrong(n, "a certificate for \"%s\", which was not asked for", xml_attr_or(e, "for", ""));
	if (read_capabilities(n, e, &f.capabilities) < 0 || answer_certificate(n, e, &f.certificate) < 0)
		return E_TEMP;
	f.area = areas[area];
	f.source = answer_copy(n, e, "source");
	f.domain = !s->id && match == 1;
	if (!s->id) {
		f.address = arena_strdup(n->a, s->addresses[i]);
		served_now[i] = true;
	}
	buf_add(&s->found, &f, sizeof(f));
	return 0;
}

static void drop_found(struct search *s, size_t from)
{
	struct found_certificate *list = (struct found_certificate *)(void *)s->found.data;

	for (size_t i = from; i < count(s); i++)
		X509_free(list[i].certificate);
	s->found.len = from * sizeof(*list);
}

/* Satisfied when nothing is left to ask the next module for.  Of an answer that is wrong anywhere nothing is kept. */
static int read_search(const struct answer *n, const struct xml *result, void *arg)
{
	struct search *s = arg;
	bool *now = arena_array(n->a, s->n + 1, sizeof(*now));
	size_t before = count(s);
	bool all = true;

	if (!xml_first(result, "certificate")) /* not the word for "none", after which mail may go in clear */
		return answer_wrong(n, "neither a <certificate> nor a refusal");
	for (const struct xml *e = xml_first(result, "certificate"); e; e = xml_next(e, "certificate"))
		if (read_found(n, e, s, now) < 0) {
			drop_found(s, before);
			return E_TEMP;
		}
	for (size_t i = 0; i < s->n; i++) {
		s->served[i] = s->served[i] || now[i];
		all = all && s->served[i];
	}
	return (s->id ? count(s) > 0 : all) ? 0 : E_NOTFOUND;
}

static int end_search(struct search *s, struct arena *a, int rc, struct found_certificate **found, size_t *n)
{
	if (rc < 0) {
		drop_found(s, 0);
	} else if (count(s)) {
		*n = count(s);
		*found = arena_memdup(a, s->found.data, s->found.len);
	}
	buf_release(&s->found);
	return rc;
}

static bool all_served(const struct search *s)
{
	size_t i = 0;

	while (i < s->n && s->served[i])
		i++;
	return i == s->n;
}

/* Where the answer, or the question, is larger than a frame, or one of these cannot be answered for now, both halves are asked for.
 * at: the first of the n among all. */
static int search_some(struct modules *m, struct arena *a, const struct search *all, size_t at, size_t n, struct buf *found, struct error *err)
{
	struct search s = { .addresses = all->addresses + at, .served = all->served + at, .n = n, .found = *found };
	int rc = 0;

	if (!all_served(&s))
		rc = answer_first(m, a, ROLE_KEYS, "find-certificates", write_search, read_search, &s, err);
	*found = s.found;
	if (n > 1 && (rc == E_LIMIT || (rc == E_TEMP && all->later))) {
		rc = search_some(m, a, all, at, n / 2, found, err);
		return rc < 0 ? rc : search_some(m, a, all, at + n / 2, n - n / 2, found, err);
	}
	if (rc == E_TEMP && all->later) {
		all->later[at] = arena_strdup(a, err->text);
		return 0;
	}
	return rc == E_NOTFOUND ? 0 : for_operator(rc, err);
}

int ask_certificates(struct modules *m, struct arena *a, const char *const *addresses, size_t naddresses, const char **later,
		     struct found_certificate **found, size_t *n, struct error *err)
{
	struct search s = { .addresses = addresses, .served = arena_array(a, naddresses + 1, sizeof(*s.served)), .later = later };
	int rc = 0;

	*found = NULL;
	*n = 0;
	for (size_t i = 0; i < naddresses && rc == 0; i += ADDRESSES_AT_ONCE) {
		size_t some = naddresses - i < ADDRESSES_AT_ONCE ? naddresses - i : ADDRESSES_AT_ONCE;

		rc = search_some(m, a, &s, i, some, &s.found, err);
	}
	return end_search(&s, a, rc, found, n);
}

int ask_certificate_by_id(struct modules *m, struct arena *a, const struct certificate_id *id,
			  struct found_certificate **found, size_t *n, struct error *err)
{
	struct search s = { .id = id };
	int rc = answer_first(m, a, ROLE_KEYS, "find-certificates", write_search, read_search, &s, err);

	*found = NULL;
	*n = 0;
	return end_search(&s, a, rc == E_NOTFOUND ? 0 : for_operator(rc, err), found, n);
}

/* ---- keys ---- */

struct key_search {
	const char *after;              /* modules behind this one are asked; NULL: all */
	const char *address;            /* to sign for; NULL: to decrypt */
	const struct certificate_id *ids;
	size_t first, n;                /* of ids, asked for now */
	struct found_key *keys;
	size_t nkeys;
	struct passed_key *passed;
	size_t npassed;
	struct error locked;            /* some of ids may have a key that wants a passphrase; code 0: none has */
};

static int write_key_search(struct xml_writer *w, void *arg)
{
	const struct key_search *s = arg;

	xml_put(w, "for", s->address ? "sign" : "decrypt");
	xml_put(w, "address", s->address);
	for (size_t i = 0; i < s->n; i++)
		write_id(w, "recipient", &s->ids[s->first + i]);
	return 0;
}

static int read_chain(const struct answer *n, const struct xml *key, struct found_key *k)
{
	for (const struct xml *e = xml_first(key, "chain"); e; e = xml_next(e, "chain")) {
		X509 *certificate;

		if (!k->chain)
			k->chain = sk_X509_new_null();
		if (answer_certificate(n, e, &certificate) < 0)
			return E_TEMP;
		if (!k->chain || !sk_X509_push(k->chain, certificate)) {
			X509_free(certificate);
			return error_set(n->err, E_TEMP, "out of memory");
		}
	}
	return 0;
}

static int read_key(const struct answer *n, const struct xml *e, const struct key_search *s, struct found_key *k)
{
	static const char *const attributes[] = { "id", "which", "source", NULL };
	static const char *const children[] = { "certificate", "chain", NULL };
	const struct xml *certificate;
	uint64_t which = 0;

	if (answer_closed(n, e, attributes, children) < 0)
		return E_TEMP;
	k->id = answer_copy(n, e, "id");
	if (!*k->id)
		return answer_wrong(n, "<key> lacks id");
	if (!s->address && (!span_number(span_of(xml_attr_or(e, "which", "")), UINT32_MAX, &which) || which >= s->n))
		return answer_wrong(n, "<key which=\"%s\">, %zu recipients were asked for", xml_attr_or(e, "which", ""), s->n);
	k->which = s->first + (size_t)which;
	k->module = arena_strdup(n->a, n->module);
	k->key_id = arena_printf(n->a, "%s %s", n->module, k->id);
	k->source = answer_copy(n, e, "source");
	if (answer_only(n, e, "certificate", &certificate) < 0 || answer_certificate(n, certificate, &k->certificate) < 0)
		return E_TEMP;
	return read_chain(n, e, k);
}

static void free_keys(struct found_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		X509_free(keys[i].certificate);
		sk_X509_pop_free(keys[i].chain, X509_free);
	}
}

/* Only words for people: what is missing or strange in it does no harm. */
static void read_passed(const struct answer *n, const struct xml *result, struct key_search *s)
{
	s->passed = arena_array(n->a, answer_count(result, "passed-over") + 1, sizeof(*s->passed));
	if (n->before && *n->before)
		s->passed[s->npassed++] = (struct passed_key){ n->before, "", "" };
	for (const struct xml *e = xml_first(result, "passed-over"); e; e = xml_next(e, "passed-over")) {
		struct buf text = BUF_INIT;

		xml_text(e, &text);
		s->passed[s->npassed++] = (struct passed_key){ answer_copy(n, e, "source"), answer_copy(n, e, "reason"),
							       arena_strdup(n->a, buf_str(&text)) };
		buf_release(&text);
	}
}

static int read_key_search(const struct answer *n, const struct xml *result, void *arg)
{
	struct key_search *s = arg;
	size_t count = answer_count(result, "key");
	struct found_key *keys = arena_array(n->a, count + 1, sizeof(*keys));
	size_t i = 0;
	int rc = count ? 0 : answer_wrong(n, "neither a <key> nor a refusal");

	for (const struct xml *e = xml_first(result, "key"); e && rc == 0; e = xml_next(e, "key"))
		rc = read_key(n, e, s, &keys[i++]);
	if (rc < 0) {
		free_keys(keys, i);
		return rc;
	}
	s->keys = keys;
	s->nkeys = count;
	read_passed(n, result, s);
	return 0;
}

int ask_signing_keys_explained(struct modules *m, struct arena *a, const char *address, struct found_key **keys, size_t *n,
			       struct passed_key **passed, size_t *npassed, struct error *err)
{
	struct key_search s = { .address = address };
	int rc = answer_first(m, a, ROLE_KEYS, "find-keys", write_key_search, read_key_search, &s, err);

	*keys = s.keys;
	*n = s.nkeys;
	*passed = s.passed;
	*npassed = s.npassed;
	return for_operator(rc, err);
}

int ask_signing_keys(struct modules *m, struct arena *a, const char *address, struct found_key **keys, size_t *n,
		     struct error *err)
{
	struct passed_key *passed;
	size_t npassed;

	return ask_signing_keys_explained(m, a, address, keys, n, &passed, &npassed, err);
}

/* As search_some(), but what is found first is enough.  What is locked is remembered: it may be somebody else's, and the next ids have
 * a key that is not. */
static int search_keys(struct modules *m, struct arena *a, struct key_search *s, size_t first, size_t n, struct error *err)
{
	int rc;

	s->first = first;
	s->n = n;
	rc = answer_next(m, a, ROLE_KEYS, s->after, "find-keys", write_key_search, read_key_search, s, err);
	if (rc == E_LOCKED) {
		s->locked = *err;
		return E_NOTFOUND;
	}
	if (rc == E_LIMIT && n > 1) {
		rc = search_keys(m, a, s, first, n / 2, err);
		if (rc == E_NOTFOUND)
			rc = search_keys(m, a, s, first + n / 2, n - n / 2, err);
	}
	return for_operator(rc, err);
}

int ask_further_keys(struct modules *m, struct arena *a, const char *after, const struct certificate_id *ids, size_t nids,
		     struct found_key **keys, size_t *n, struct error *err)
{
	struct key_search s = { .after = after, .ids = ids };
	int rc = error_set(err, E_NOTFOUND, "find-keys: no recipient was given");

	for (size_t i = 0; i < nids && rc == E_NOTFOUND; i += RECIPIENTS_AT_ONCE)
		rc = search_keys(m, a, &s, i, nids - i < RECIPIENTS_AT_ONCE ? nids - i : RECIPIENTS_AT_ONCE, err);
	*keys = s.keys;
	*n = s.nkeys;
	return rc == E_NOTFOUND && s.locked.code ? error_set(err, E_LOCKED, "%s", s.locked.text) : rc;
}

int ask_decrypting_keys(struct modules *m, struct arena *a, const struct certificate_id *ids, size_t nids,
			struct found_key **keys, size_t *n, struct error *err)
{
	return ask_further_keys(m, a, NULL, ids, nids, keys, n, err);
}

/* ---- storing ---- */

struct store {
	const struct store_request *q;
	struct stored *out;
};

static int write_store(struct xml_writer *w, void *arg)
{
	const struct store_request *q = ((const struct store *)arg)->q;
	unsigned char *der = NULL;
	int n = i2d_X509(q->certificate, &der);

	if (n <= 0)
		return E_PERM;
	xml_put(w, "area", q->area);
	xml_put(w, "address", q->address);
	if (q->signed_at)
		request_put_time(w, "signed", q->signed_at);
	request_put_base64(w, "capabilities", q->capabilities);
	xml_put_binary(w, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

static int read_store(const struct answer *n, const struct xml *result, void *arg)
{
	static const char *const states[] = { "known", "new", "conflict", NULL };
	struct stored *out = ((struct store *)arg)->out;
	const struct xml *e;
	int state;

	if (!xml_first(result, "stored"))
		return 0; /* allowed: it has been dealt with */
	if (answer_only(n, result, "stored", &e) < 0 || answer_word(n, e, "state", states, &state) < 0)
		return E_TEMP;
	*out = (struct stored){ .state = (enum stored_state)state, .area = answer_copy(n, e, "area"), .with = answer_copy(n, e, "with") };
	return 0;
}

int ask_store_certificate(struct modules *m, struct arena *a, const struct store_request *q, struct stored *out, struct error *err)
{
	struct store s = { .q = q, .out = out };

	*out = (struct stored){ .area = "", .with = "" };
	return answer_first(m, a, ROLE_KEYS, "store-certificate", write_store, read_store, &s, err);
}
