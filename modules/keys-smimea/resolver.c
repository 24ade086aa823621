/* resolver.c - questions to the DNS by libunbound, all at once, within the time there is */
#include "keys-smimea/resolver.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/smimea.h"
#include "lib/fs.h"
#include "lib/mem.h"

#define CLASS_IN 1
#define RECURSIVE "recursive"
#define ANCHOR_MAX ((size_t)1 << 20) /* bytes */

struct resolver {
	struct ub_ctx *ctx;
};

static int unusable(struct error *err, const char *what, const char *value, int code)
{
	return error_set(err, E_CONFIG, "%s = %s: %s", what, value, ub_strerror(code));
}

/* libunbound asks nobody on this machine unless it is told to: here such a resolver is the best there is. */
static bool is_own_machine(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strncmp(address, "::1@", 4) == 0;
}

static int set_resolvers(struct resolver *r, const struct config_list *list, struct error *err)
{
	int rc = 0;

	if (list->n == 1 && strcmp(list->items[0], RECURSIVE) == 0)
		return 0;
	if (!list->n) {
		ub_ctx_set_option(r->ctx, "do-not-query-localhost:", "no");
		rc = ub_ctx_resolvconf(r->ctx, NULL);
		return rc ? unusable(err, "keys_smimea_resolvers", "(from /etc/resolv.conf)", rc) : 0;
	}
	for (size_t i = 0; i < list->n && rc == 0; i++) {
		if (is_own_machine(list->items[i]))
			ub_ctx_set_option(r->ctx, "do-not-query-localhost:", "no");
		rc = ub_ctx_set_fwd(r->ctx, list->items[i]);
		if (rc)
			return error_set(err, E_CONFIG, "keys_smimea_resolvers: %s is neither ADDRESS nor ADDRESS@PORT", list->items[i]);
	}
	return 0;
}

/* Whether there is more than comments.  To libunbound a file without keys is a DNS in which nothing is signed: nothing of it would be
 * used, and nobody would hear of it. */
static bool has_records(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		text += strspn(text, " \t\r");
		if (!strchr(";\n", *text)) /* the end as well */
			return true;
	}
	return false;
}

static int set_anchor(struct resolver *r, const char *file, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = fs_read(file, ANCHOR_MAX, &text, err);

	if (rc < 0)
		error_set(err, E_CONFIG, "keys_smimea_trust_anchor = %s: cannot be read (%s); the root's key comes with the package dns-root-data",
			  file, err->text);
	else if (!has_records(buf_str(&text)))
		rc = error_set(err, E_CONFIG, "keys_smimea_trust_anchor = %s: it holds no key; the root's comes with the package dns-root-data", file);
	else if ((rc = ub_ctx_add_ta_file(r->ctx, file)))
		rc = unusable(err, "keys_smimea_trust_anchor", file, rc);
	buf_release(&text);
	return rc < 0 ? err->code : 0;
}

int resolver_open(const struct smimea_options *options, struct resolver **out, struct error *err)
{
	struct resolver *r = mem_alloc(sizeof(*r));
	int rc;

	*out = NULL;
	r->ctx = ub_ctx_create();
	if (!r->ctx) {
		free(r);
		return error_set(err, E_TEMP, "the resolver cannot be started");
	}
	ub_ctx_async(r->ctx, 1);
	rc = set_resolvers(r, &options->resolvers, err);
	if (rc == 0)
		rc = set_anchor(r, options->trust_anchor, err);
	if (rc < 0)
		resolver_close(r);
	else
		*out = r;
	return rc;
}

void resolver_close(struct resolver *r)
{
	if (!r)
		return;
	ub_ctx_delete(r->ctx);
	free(r);
}

/* ---- answers ---- */

static enum lookup_outcome outcome_of(const struct ub_result *result)
{
	if (result->bogus)
		return LOOKUP_BOGUS;
	if (result->rcode != 0 && !result->nxdomain)
		return LOOKUP_FAILED;
	if (!result->secure)
		return LOOKUP_UNSIGNED;
	return result->havedata ? LOOKUP_SECURE : LOOKUP_NOTHING;
}

/* What a name server says instead of an answer (RFC 1035 section 4.1.1). */
static void describe_error(struct lookup *l, int rcode)
{
	static const char *const words[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

	if (rcode < 0 || (size_t)rcode >= sizeof(words) / sizeof(*words))
		snprintf(l->why, sizeof(l->why), "the name server answers with error %d", rcode);
	else
		snprintf(l->why, sizeof(l->why), "the name server answers %s%s", words[rcode],
			 rcode == 2 ? " (one that validates does so where signatures are wrong)" : "");
}

static void on_answer(void *ctx, int failed, struct ub_result *result)
{
	struct lookup *l = ctx;

	if (failed) {
		l->outcome = LOOKUP_FAILED;
		snprintf(l->why, sizeof(l->why), "%s", ub_strerror(failed));
		return;
	}
	l->outcome = outcome_of(result);
	if (l->outcome == LOOKUP_BOGUS)
		snprintf(l->why, sizeof(l->why), "%.180s", result->why_bogus ? result->why_bogus : "its signatures are wrong");
	else if (l->outcome == LOOKUP_FAILED)
		describe_error(l, result->rcode);
	l->result = result;
}

static size_t count_open(const struct lookup *list, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += list[i].outcome == LOOKUP_OPEN;
	return open;
}

static int wait_for_answers(struct resolver *r, const struct lookup *list, size_t n, deadline until)
{
	int rc = 0;

	while (rc == 0 && count_open(list, n) && !deadline_over(until)) {
		struct pollfd p = { .fd = ub_fd(r->ctx), .events = POLLIN };

		poll(&p, 1, deadline_left(until));
		rc = ub_process(r->ctx);
	}
	return rc;
}

int resolver_ask(struct resolver *r, struct lookup *list, size_t n, deadline until, struct error *err)
{
	int *ids = mem_array(n + 1, sizeof(*ids)), rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = ub_resolve_async(r->ctx, list[i].name, SMIMEA_TYPE, CLASS_IN, &list[i], on_answer, &ids[i]);
	if (rc == 0)
		rc = wait_for_answers(r, list, n, until);
	for (size_t i = 0; i < n; i++) {
		if (list[i].outcome != LOOKUP_OPEN)
			continue;
		ub_cancel(r->ctx, ids[i]);
		list[i].outcome = LOOKUP_FAILED;
		snprintf(list[i].why, sizeof(list[i].why), "no answer in time; do the name servers of keys_smimea_resolvers answer, by UDP and TCP?");
	}
	free(ids);
	if (rc == UB_INITFAIL) /* with the first question */
		return error_set(err, E_CONFIG, "libunbound cannot begin: is keys_smimea_trust_anchor in order? See what it says in the log");
	return rc ? error_set(err, E_TEMP, "the resolver: %s", ub_strerror(rc)) : 0;
}

void lookup_release(struct lookup *l)
{
	if (l->result)
		ub_resolve_free(l->result);
	l->result = NULL;
}
