/* main.c - keys-smimea: partners' certificates from the DNS (RFC 8162), as a module of role keys */
#include <string.h>
#include <time.h>

#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "common/smimea.h"
#include "keys-smimea/resolver.h"
#include "lib/address.h"
#include "lib/log.h"
#include "lib/openssl.h"

#define NAMES_MAX 200 /* of one request */

static struct smimea_options options;
static const char *const away_words[] = { "defer", "skip", NULL };

static const struct config_option option_table[] = {
	{ "keys_smimea_resolvers", CONFIG_LIST, NULL, offsetof(struct smimea_options, resolvers), NULL, 0, 0,
	  "name servers to ask, ADDRESS or ADDRESS@PORT; recursive: none in between; empty: those of /etc/resolv.conf" },
	{ "keys_smimea_trust_anchor", CONFIG_PATH, "/usr/share/dns/root.key", offsetof(struct smimea_options, trust_anchor), NULL, 0, 0,
	  "file with the keys that DNSSEC begins with" },
	{ "keys_smimea_timeout", CONFIG_TIME, "10s", offsetof(struct smimea_options, timeout), NULL, 10, 300000,
	  "for all questions of a request" },
	{ "keys_smimea_when_away", CONFIG_WORD, "defer", offsetof(struct smimea_options, when_away), away_words, 0, 0,
	  "where the DNS fails or its signatures are wrong: defer the message, or skip this source" },
};

/* ---- one address ---- */

struct wanted {
	const char *address;
	const char *source;   /* "smimea:NAME" */
	struct lookup lookup; /* of the address as it is written */
};

enum kind { USED, NOT_FOR_THIS, UNKNOWN, BROKEN, FOREIGN, KINDS };

/* The certificate to encrypt to, if the record holds one: hashes find nothing, and the certificate of a CA is nobody's. */
static enum kind read_record(const struct wanted *w, struct span bytes, struct keys_candidate *out)
{
	struct smimea record;

	if (!smimea_read(bytes, &record))
		return UNKNOWN;
	if (record.matching != SMIMEA_EXACT || record.selector != SMIMEA_CERTIFICATE ||
	    (record.usage != SMIMEA_DANE_EE && record.usage != SMIMEA_PKIX_EE))
		return NOT_FOR_THIS;
	if (record.data.n > KEYS_CERTIFICATE_MAX || !keys_candidate_read(record.data, NULL, out))
		return BROKEN;
	return keys_candidate_read(record.data, w->address, out) ? USED : FOREIGN;
}

/* One line, however many the domain's owner has put there. */
static void log_passed_over(const struct wanted *w, const size_t *counts)
{
	if (counts[UNKNOWN] + counts[BROKEN] + counts[FOREIGN])
		log_warning("%s (%s): records passed over: %zu that RFC 8162 does not know, %zu that are no certificate or too big, "
			    "%zu with a certificate that does not name the address", w->address, w->lookup.name, counts[UNKNOWN],
			    counts[BROKEN], counts[FOREIGN]);
}

/* The certificates among the records, the best first, in the request's arena; returns how many.  There are no more than a message of
 * the DNS holds: 64 KB. */
static size_t candidates_of(struct server *s, const struct wanted *w, struct keys_candidate **list)
{
	const struct ub_result *result = w->lookup.result;
	size_t all = 0, counts[KINDS] = { 0 };

	while (result->data[all])
		all++;
	*list = arena_array(&s->arena, all + 1, sizeof(**list));
	for (size_t i = 0; i < all; i++)
		counts[read_record(w, span_from(result->data[i], (size_t)result->len[i]), &(*list)[counts[USED]])]++;
	log_passed_over(w, counts);
	return keys_order(*list, counts[USED], KEYS_TO_ENCRYPT, time(NULL));
}

static void write_found(struct server *s, struct xml_writer *w, const struct wanted *wanted)
{
	struct keys_candidate *list;
	size_t n = candidates_of(s, wanted, &list), most = keys_answer_room(s, w);

	for (size_t i = 0; i < n && i < most; i++) {
		struct keys_found found = { .der = list[i].der, .address = wanted->address, .area = "public", .source = wanted->source,
					    .match = list[i].domain ? "domain" : "address" };

		keys_answer_certificate(s, w, &found);
	}
}

/* What is not an answer: 0 if the next source may be asked, else E_TEMP. */
static int judge(const struct wanted *w, struct error *err)
{
	const struct lookup *l = &w->lookup;
	const char *what = l->outcome == LOOKUP_BOGUS ? "its signatures are not good" : "the DNS cannot be asked";

	if (l->outcome == LOOKUP_UNSIGNED)
		log_debug("%s (%s): not signed, not used", w->address, l->name);
	if (l->outcome != LOOKUP_BOGUS && l->outcome != LOOKUP_FAILED)
		return 0;
	if (options.when_away == AWAY_DEFER)
		return error_set(err, E_TEMP, "%s (%s): %s: %s", w->address, l->name, what, l->why);
	log_warning("%s (%s): %s: %s; passed over", w->address, l->name, what, l->why);
	return 0;
}

/* ---- a request ---- */

/* A name for the address, unless its domain is none in the DNS. */
static void add_wanted(struct server *s, const char *address, struct wanted *list, size_t *n)
{
	struct buf name = BUF_INIT;
	struct error why = { 0 };

	if (smimea_name(address, &name, &why) == 0) {
		list[*n] = (struct wanted){ .address = address };
		list[*n].lookup.name = arena_strdup(&s->arena, buf_str(&name));
		list[(*n)++].source = arena_printf(&s->arena, "smimea:%s", buf_str(&name));
	} else {
		log_debug("%s", why.text);
	}
	buf_release(&name);
}

/* Many people write their address with capitals; a domain's owner hardly ever does: where there is nothing for one, the
 * small letters are asked for, too. */
static void add_in_small_letters(struct server *s, const struct wanted *first, struct wanted *list, size_t *n)
{
	char *small = arena_strdup(&s->arena, first->address);
	bool differs = false;

	for (char *p = small; *p && *p != '@'; p++) {
		differs = differs || ascii_lower((unsigned char)*p) != (unsigned char)*p;
		*p = (char)ascii_lower((unsigned char)*p);
	}
	if (!differs || first->lookup.outcome != LOOKUP_NOTHING)
		return;
	add_wanted(s, small, list, n);
	list[*n - 1].address = first->address;
}

static int ask(struct server *s, struct wanted *list, size_t n, deadline until, struct error *err)
{
	struct lookup *lookups = arena_array(&s->arena, n + 1, sizeof(*lookups));
	struct resolver **r = s->state;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		lookups[i] = list[i].lookup;
	if (!*r)
		rc = resolver_open(&options, r, err);
	if (rc == 0 && n)
		rc = resolver_ask(*r, lookups, n, until, err);
	for (size_t i = 0; i < n; i++)
		list[i].lookup = lookups[i];
	return rc;
}

static int answer(struct server *s, struct xml_writer *w, struct wanted *list, size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = judge(&list[i], err);
		if (rc == 0 && list[i].lookup.outcome == LOOKUP_SECURE)
			write_found(s, w, &list[i]);
	}
	for (size_t i = 0; i < n; i++)
		lookup_release(&list[i].lookup);
	return rc;
}

static int find_by_address(struct server *s, const char *const *addresses, size_t naddresses, struct xml_writer *w, struct error *err)
{
	deadline until = deadline_earlier(deadline_in((int64_t)options.timeout), server_answer_until(s));
	struct wanted *list = arena_array(&s->arena, 2 * naddresses + 1, sizeof(*list));
	size_t n = 0, first;
	int rc;

	for (size_t i = 0; i < naddresses; i++)
		add_wanted(s, addresses[i], list, &n);
	first = n;
	rc = ask(s, list, n, until, err);
	for (size_t i = 0; rc == 0 && i < first; i++)
		add_in_small_letters(s, &list[i], list, &n);
	if (rc == 0 && n > first)
		rc = ask(s, list + first, n - first, until, err);
	if (rc == 0)
		return answer(s, w, list, n, err);
	for (size_t i = 0; i < n; i++)
		lookup_release(&list[i].lookup);
	return rc;
}

static int find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const char **addresses = arena_array(&s->arena, NAMES_MAX, sizeof(*addresses));
	const struct xml *e = xml_first(request, "address");
	size_t n = 0, before = w->out.len;
	int rc;

	if (!e && xml_first(request, "by"))
		return error_set(err, E_NOTFOUND, "the DNS knows certificates by address only");
	if (!e)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	for (; e; e = xml_next(e, "address")) {
		struct buf text = BUF_INIT;

		if (n == NAMES_MAX)
			return error_set(err, E_LIMIT, "more than %d addresses", NAMES_MAX);
		xml_text(e, &text);
		addresses[n++] = arena_strdup(&s->arena, buf_str(&text));
		buf_release(&text);
		if (!*addresses[n - 1] || strlen(addresses[n - 1]) > ADDRESS_MAX)
			return error_set(err, E_PERM, "<address> is empty or too long");
	}
	rc = find_by_address(s, addresses, n, w, err);
	return rc == 0 && w->out.len == before ? error_set(err, E_NOTFOUND, "no certificate in the DNS") : rc;
}

/* ---- the module ---- */

static int start(struct server *s, struct error *err)
{
	(void)err;
	openssl_load(NULL);
	openssl_start();
	s->state = mem_alloc(sizeof(struct resolver *));
	return 0;
}

static void stop(struct server *s)
{
	struct resolver **r = s->state;

	resolver_close(*r);
	free(r);
}

static const struct server_operation operations[] = {
	{ "find-certificates", find_certificates },
};

int main(int argc, char **argv)
{
	static const struct server_role role = {
		.program = "keys-smimea",
		.role = "keys",
		.operations = operations,
		.noperations = sizeof(operations) / sizeof(*operations),
		.start = start,
		.stop = stop,
		.options = option_table,
		.noptions = sizeof(option_table) / sizeof(*option_table),
		.options_base = &options,
		.help = "Finds partners' certificates in the DNS (SMIMEA records, RFC 8162), where the domain is signed with\n"
			"DNSSEC; see keys-smimea(8).",
	};

	return server_main(&role, argc, argv);
}
