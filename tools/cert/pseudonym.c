/* pseudonym.c - postern-cert pseudonym: what stands for somebody in the verify log */
#include "check-path/pseudonym.h"

#include <stdio.h>
#include <unistd.h>

#include "cert/describe.h"
#include "cert/site.h"
#include "lib/address.h"

#define KEYS_MAX 600 /* ten years of weeks */

struct search {
	const char *text;
	struct { char begins[16], word[PSEUDONYM_TEXT]; } found[KEYS_MAX];
	size_t n;
};

static void take(void *ctx, const struct pseudonym_key *key)
{
	struct search *s = ctx;

	if (s->n == KEYS_MAX)
		return;
	snprintf(s->found[s->n].begins, sizeof(s->found[0].begins), "%s", key->begins);
	pseudonym_text(key, s->text, s->found[s->n++].word);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

/* One line for each key there is, today's first. */
static int tell(struct tool *t, struct json *j, const char *field, const char *text, struct error *err)
{
	struct search *s = arena_alloc(&t->arena, sizeof(*s));
	struct pseudonym_key today = { 0 };
	int rc;

	s->text = text;
	rc = pseudonym_key(t->config->spool, t->config->log_privacy_days, time(NULL), &today, err); /* what the next line will have */
	pseudonym_wipe(&today);
	if (rc == 0)
		rc = pseudonym_each(t->config->spool, t->config->log_privacy_days, time(NULL), take, s, err);
	if (s->n)
		qsort(s->found, s->n, sizeof(s->found[0]), newest_first);
	for (size_t i = 0; i < s->n; i++) {
		if (!t->json) {
			printf("%s=%s\n", field, s->found[i].word);
			continue;
		}
		json_open(j, NULL, '{');
		json_text(j, "field", field);
		json_text(j, "from", s->found[i].begins);
		json_text(j, "pseudonym", s->found[i].word);
		json_close(j, '}');
	}
	return rc;
}

static int tell_certificate(struct tool *t, struct json *j, const char *file, struct error *err)
{
	struct chosen_list chosen = { 0 };
	struct description d;
	int rc = site_choose(t, NULL, file, &chosen, err); /* before this becomes a user who may not read it */

	if (rc == 0)
		rc = site_open(t, false, err);
	if (rc < 0)
		return rc;
	describe(&t->arena, chosen.items[0].der, &d);
	rc = tell(t, j, "subject", d.subject, err);
	return rc < 0 ? rc : tell(t, j, "serial", d.serial, err);
}

int run_pseudonym(struct tool *t)
{
	const char *word = t->arguments[0];
	struct json j = { 0 };
	struct error err = { 0 };
	bool is_file = access(word, F_OK) == 0;
	int rc = is_file ? 0 : address_check(word, &err);

	if (rc < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	if (!t->config->verify_log_pseudonyms) {
		error_set(&err, E_CONFIG, "%s: verify_log_pseudonyms is not set, addresses stand in the log as they are", t->config->file);
		return complain(&err);
	}
	if (t->json)
		json_open(&j, NULL, '[');
	rc = is_file ? tell_certificate(t, &j, word, &err) : site_open(t, false, &err);
	if (rc == 0 && !is_file)
		rc = tell(t, &j, "address", word, &err);
	if (t->json) {
		json_close(&j, ']');
		json_end(&j);
	}
	return rc < 0 ? complain(&err) : EXIT_GOOD;
}
