/* values.c - certificates out of what directories have in their attributes
 *
 * userCertificate is a certificate in DER (RFC 4523), userSMIMECertificate a SignedData with the owner's and his CAs' (RFC 2798).
 * Found are PEM, bare base64, texts and other things as well; what can be read is read, whatever the attribute.
 */
#include "keys-ldap/values.h"

#include <time.h>

#include "common/certfile.h"
#include "common/keys_answer.h"
#include "lib/log.h"

#define LOGGED_MAX 10 /* lines about one answer */

struct sorting {
	struct arena *arena;
	const struct query *query;
	const char *source;
	const char *address;            /* one of these two */
	const struct identifier *id;
	struct found *found;
	size_t n, cap, complaints;
};

const char *value_source(struct arena *arena, const char *source, const struct value *v)
{
	size_t n = strlen(source);

	return arena_printf(arena, "%s%s%s", source, n && source[n - 1] == '/' ? "" : "/", v->dn);
}

static void complain(struct sorting *s, const struct value *v, const char *what)
{
	if (s->complaints++ < LOGGED_MAX)
		log_warning("%s: %s: %s", value_source(s->arena, s->source, v), v->attribute, what);
}

static bool is_wanted(const struct sorting *s, struct span der, struct keys_candidate *out)
{
	if (der.n > KEYS_CERTIFICATE_MAX || !keys_candidate_read(der, s->address, out))
		return false;
	return !s->id || identifier_matches(s->id, der);
}

static void keep(struct sorting *s, const struct value *v, const struct keys_candidate *c)
{
	struct found *f;

	if (s->n == s->cap) {
		struct found *more = arena_array(s->arena, s->cap = s->cap ? 2 * s->cap : 8, sizeof(*more));

		if (s->n)
			memcpy(more, s->found, s->n * sizeof(*more));
		s->found = more;
	}
	f = &s->found[s->n++];
	f->candidate = *c;
	f->candidate.der = span_from(arena_memdup(s->arena, c->der.p, c->der.n), c->der.n);
	f->value = v;
}

static void read_value(struct sorting *s, const struct value *v)
{
	struct error why = { 0 };
	struct keys_candidate c;
	struct certfile file;
	size_t before = s->n;

	if (v->bytes.n == 0 || v->bytes.n > VALUE_MAX) {
		complain(s, v, v->bytes.n ? "bigger than any certificate, passed over" : "empty, passed over");
		return;
	}
	if (is_wanted(s, v->bytes, &c)) { /* nearly always */
		keep(s, v, &c);
		return;
	}
	if (certfile_read(v->bytes, NULL, &file, &why) < 0 && file.n == 0)
		complain(s, v, arena_printf(s->arena, "no certificate, passed over: %s", why.text));
	for (size_t i = 0; i < file.n; i++)
		if (file.items[i].type == CERTFILE_CERTIFICATE && is_wanted(s, file.items[i].der, &c))
			keep(s, v, &c);
	if (file.n && s->n == before && s->address) /* an entry that has the one that is meant may well have others */
		complain(s, v, arena_printf(s->arena, "a certificate that does not name %s, passed over", s->address));
	certfile_release(&file);
}

/* keys_order moves candidates: what else belongs to them follows. */
static size_t put_in_order(struct sorting *s)
{
	struct keys_candidate *list = arena_array(s->arena, s->n + 1, sizeof(*list));
	struct found *ordered = arena_array(s->arena, s->n + 1, sizeof(*ordered));
	size_t n;

	for (size_t i = 0; i < s->n; i++) {
		list[i] = s->found[i].candidate;
		list[i].own = s->found[i].value;
	}
	n = keys_order(list, s->n, KEYS_TO_ENCRYPT, time(NULL));
	for (size_t i = 0; i < n; i++)
		ordered[i] = (struct found){ list[i], list[i].own };
	s->found = ordered;
	return n;
}

static size_t sort(struct sorting *s, struct found **out)
{
	for (size_t i = 0; i < s->query->n; i++)
		read_value(s, &s->query->values[i]);
	if (s->complaints > LOGGED_MAX)
		log_warning("%s: %zu more values passed over", s->source, s->complaints - LOGGED_MAX);
	if (s->address)
		s->n = put_in_order(s);
	*out = s->found;
	return s->n;
}

size_t values_for_address(struct arena *arena, const struct query *q, const char *source, const char *address, struct found **out)
{
	struct sorting s = { .arena = arena, .query = q, .source = source, .address = address };

	return sort(&s, out);
}

size_t values_for_identifier(struct arena *arena, const struct query *q, const char *source, const struct identifier *id,
			     struct found **out)
{
	struct sorting s = { .arena = arena, .query = q, .source = source, .id = id };

	return sort(&s, out);
}
