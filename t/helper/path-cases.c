/* path-cases.c - asks the checker of check-path for the verdict about each case of files like those in t/paths
 *
 * usage: path-cases FILE...
 *
 * Hundreds of certificates and lists, made in memory, judged in this process; one line of TAP for each verdict.
 * How cases are written: t/paths/README.
 */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-path/check.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/moment.h"
#include "lib/openssl.h"
#include "path-parts.h"

#define LINES_MAX 200
#define WORDS_MAX 16
#define CHECKED_AT "2025-06-01T00:00:00Z"

struct cases {
	struct maker m;
	const char *file;
	char *name, *verdict;
	char *lines[LINES_MAX];
	size_t nlines;
	unsigned count, failed;
};

/* ---- a question ---- */

struct question {
	struct check_request request;
	struct check_policies policies;
	const char *accepted[WORDS_MAX];
	struct buf settings;
	const struct node *target;
};

static bool set_purpose(struct question *q, const char *value)
{
	for (q->request.purpose = CHECK_SIGN; q->request.purpose <= CHECK_ANY; q->request.purpose++)
		if (strcmp(check_purpose_word(q->request.purpose), value) == 0)
			return true;
	return false;
}

/* purpose=, at=, address=, policy=, explicit, inhibit-mapping, inhibit-any, target=, or an option of postern.conf */
static bool take_word(struct cases *c, struct question *q, char *word)
{
	char *value = strchr(word, '=');

	if (strcmp(word, "explicit") == 0)
		return q->policies.explicit_policy = true;
	if (strcmp(word, "inhibit-mapping") == 0)
		return q->policies.inhibit_mapping = true;
	if (strcmp(word, "inhibit-any") == 0)
		return q->policies.inhibit_any = true;
	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(word, "purpose") == 0)
		return set_purpose(q, value);
	if (strcmp(word, "at") == 0)
		return moment_read(value, &q->request.time, NULL) == 0;
	if (strcmp(word, "address") == 0)
		return (q->request.address = value) != NULL;
	if (strcmp(word, "policy") == 0)
		return (q->accepted[q->policies.naccepted++] = value) != NULL;
	if (strcmp(word, "target") == 0) {
		for (q->target = c->m.nodes; q->target && strcmp(q->target->name, value) != 0; q->target = q->target->next)
			;
		return q->target != NULL;
	}
	buf_addf(&q->settings, "%s = %s\n", word, value);
	return strncmp(word, "check_path_", 11) == 0;
}

static void read_question(struct cases *c, char *words, struct question *q)
{
	*q = (struct question){ .request = { .purpose = CHECK_SIGN, .address = "" } };
	moment_read(CHECKED_AT, &q->request.time, NULL);
	for (const struct node *n = c->m.nodes; n; n = n->next)
		if (n->target || !q->target || !q->target->target)
			q->target = n;
	for (char *word = words, *next; word && *word; word = next) {
		next = strchr(word, ' ');
		if (next)
			*next++ = '\0';
		if (*word && !take_word(c, q, word))
			give_up("%s, %s: \"%s\" is not understood", c->file, c->name, word);
	}
	q->policies.accepted = q->accepted;
	if (q->policies.naccepted || q->policies.explicit_policy || q->policies.inhibit_mapping || q->policies.inhibit_any)
		q->request.policies = &q->policies;
	q->request.certificate = q->target->der;
}

/* ---- the verdict ---- */

static void give(struct cases *c, const struct question *q, struct check_given *out)
{
	struct check_object *all = arena_array(&c->m.arena, 3 * LINES_MAX, sizeof(*all));
	struct check_object *anchors = all, *issuers = all + LINES_MAX, *crls = all + 2 * LINES_MAX;

	*out = (struct check_given){ .anchors = anchors, .issuers = issuers, .crls = crls, .alone = true };
	for (const struct node *n = c->m.nodes; n; n = n->next)
		if (n->anchor)
			anchors[out->nanchors++] = (struct check_object){ n->der, n->name };
		else if (n != q->target && !n->absent)
			issuers[out->nissuers++] = (struct check_object){ n->der, n->name };
	for (const struct list_made *l = c->m.lists; l; l = l->next)
		crls[out->ncrls++] = (struct check_object){ l->der, "a list" };
}

static void ask(struct cases *c, struct question *q, struct arena *a, struct check_answer *out)
{
	struct check_policy policy = { 0 };
	struct checker *checker = NULL;
	struct config *config = NULL;
	struct check_given given;
	struct error err = { 0 };

	if (c->m.lists && !strstr(buf_str(&q->settings), "check_path_crl"))
		buf_addstr(&q->settings, "check_path_crl = require\n");
	give(c, q, &given);
	if (config_parse(span_from(buf_str(&q->settings), q->settings.len), c->name, "/nonexistent", check_options, check_noptions,
			 &policy, &config, &err) < 0 ||
	    checker_open(config, &policy, &checker, &err) < 0)
		give_up("%s, %s: %s", c->file, c->name, err.text);
	checker_give(checker, &given);
	if (check_certificate(checker, &q->request, a, out, &err) < 0)
		give_up("%s, %s: %s", c->file, c->name, err.text);
	checker_close(checker);
	config_free(config);
	buf_release(&q->settings);
	ERR_clear_error();
}

/* "valid", or a reason, behind which (part of the text) may stand. */
static bool is_wanted(const char *is, const char *text, const char *wanted)
{
	size_t n = strcspn(wanted, " ");
	char part[200] = "";

	if (sscanf(wanted + n, " (%199[^)])", part) < 0)
		part[0] = '\0';
	return strlen(is) == n && strncmp(is, wanted, n) == 0 && strstr(text, part);
}

/* words => verdict */
static void judge_one(struct cases *c, char *words, const char *wanted)
{
	struct arena a = ARENA_INIT;
	struct check_answer answer;
	struct question q;
	const char *is, *asked = arena_strdup(&c->m.arena, words);
	bool good;

	read_question(c, words, &q);
	ask(c, &q, &a, &answer);
	is = answer.verdict == CHECK_VALID ? "valid" : answer.reason;
	good = is_wanted(is, answer.text, wanted);
	printf("%sok %u - %s%s%s\n", good ? "" : "not ", ++c->count, c->name, *asked ? ": " : "", asked);
	if (!good)
		printf("# %s: %s instead of %s: %s\n", c->file, is, wanted, answer.text);
	c->failed += !good;
	arena_release(&a);
}

/* ---- cases ---- */

/* "... => verdict": cuts it there. */
static char *verdict_of(struct cases *c, char *line)
{
	char *arrow = strstr(line, "=>");

	if (!arrow)
		return NULL;
	*arrow = '\0';
	trim(line);
	return *(arrow = trim(arrow + 2)) ? arrow : (give_up("%s: %s: no verdict", c->file, line), NULL);
}

static void end_case(struct cases *c)
{
	char none[1] = "";

	if (!c->name)
		return;
	maker_begin(&c->m);
	for (size_t i = 0; i < c->nlines; i++) {
		char *line = c->lines[i];

		if (*line == '[')
			make_section(&c->m, line);
		else if (strncmp(line, "crl ", 4) == 0)
			make_list(&c->m, line);
		else if (*line != '?')
			make_certificate(&c->m, line);
	}
	if (c->verdict)
		judge_one(c, none, c->verdict);
	for (size_t i = 0; i < c->nlines; i++)
		if (c->lines[i][0] == '?') {
			char *verdict = verdict_of(c, c->lines[i]);

			judge_one(c, trim(c->lines[i] + 1), verdict ? verdict : "(none)");
		}
}

static void take_line(struct cases *c, char *line)
{
	line = trim(line);
	if (!*line || *line == '#')
		return;
	if (*line == '=') {
		end_case(c);
		c->verdict = verdict_of(c, line);
		c->name = trim(line + 1);
		c->nlines = 0;
		return;
	}
	if (c->nlines == LINES_MAX || !c->name)
		give_up("%s: too many lines, or none that begins with =: %s", c->file, line);
	c->lines[c->nlines++] = line;
}

static void run(struct cases *c, const char *file)
{
	struct buf text = BUF_INIT;
	struct error err = { 0 };

	c->file = file;
	c->name = NULL;
	if (fs_read(file, (size_t)1 << 20, &text, &err) < 0)
		give_up("%s", err.text);
	buf_addch(&text, '\0');
	for (char *line = text.data, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		take_line(c, line);
	}
	end_case(c);
	buf_release(&text);
}

int main(int argc, char **argv)
{
	struct cases c = { 0 };

	log_open("/dev/null", "path-cases", NULL);
	openssl_load(NULL); /* as the programs do */
	openssl_start();
	for (int i = 1; i < argc; i++)
		run(&c, argv[i]);
	maker_end(&c.m);
	printf("1..%u\n", c.count);
	return c.failed ? 1 : 0;
}
