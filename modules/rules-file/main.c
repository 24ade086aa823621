/* main.c - rules-file: the rules module that reads one file of lines (postern-rules(5))
 *
 * The file is read once per conversation, while postern still reads the message.  A file with an error answers no
 * question; check-rules alone says all that is wrong with it.
 */
#include <string.h>

#include "common/mains.h"
#include "lib/profile.h"
#include "lib/server.h"
#include "rules-file/rules.h"

/* Problems in one answer: they must fit a frame, also by their bytes (see is_full). */
#define PROBLEMS_MAX 500

struct state {
	struct rules *rules;
	struct error unusable; /* code 0: the rules are good */
};

static int start(struct server *s, struct error *err)
{
	struct state *state = mem_alloc(sizeof(*state));

	s->state = state;
	rules_load(s->config->rules_file, &state->rules, &state->unusable);
	return 0;
}

static void stop(struct server *s)
{
	struct state *state = s->state;

	rules_free(state->rules);
	free(state);
	s->state = NULL;
}

static const char *yes(bool is)
{
	return is ? "yes" : NULL;
}

/* The lines that applied, in order.  They are for people: where a frame has no room for them all, one
 * stands for the rest; the decision is the same. */
static void write_reasons(const struct server *s, struct xml_writer *w, const struct rules *r, const struct decision *d)
{
	for (size_t i = 0; i < d->napplied; i++) {
		bool full = w->out.len > s->config->frame_limit / 2;

		xml_open(w, "because");
		if (full) {
			xml_put(w, "source", r->name);
			xml_put_text(w, "more lines; rules-file -test shows them");
		} else {
			xml_putf(w, "source", "%s:%u", r->name, d->applied[i]->line);
			xml_put_text(w, d->applied[i]->text);
		}
		xml_close(w);
		if (full)
			return;
	}
}

static void write_decision(const struct server *s, struct xml_writer *w, const struct rules *r, const char *recipient,
			   const struct decision *d)
{
	xml_open(w, "decision");
	xml_put(w, "recipient", recipient);
	xml_put(w, "sign", sign_name(d->words.sign));
	xml_put(w, "sign-as", d->words.sign_as);
	xml_put(w, "encrypt", encrypt_name(d->words.encrypt));
	xml_put(w, "profile", d->words.profile);
	xml_put(w, "strip", d->words.strip ? "yes" : "no");
	xml_put(w, "block-signed", yes(d->words.block_signed));
	xml_put(w, "block-encrypted", yes(d->words.block_encrypted));
	xml_put(w, "via", d->words.via);
	xml_put(w, "reject", d->words.reject);
	write_reasons(s, w, r, d);
	xml_close(w);
}

static int decide_one(struct server *s, const struct candidates *c, const struct xml *recipient, struct xml_writer *answer,
		      struct error *err)
{
	const char *address = xml_attr_or(recipient, "address", "");
	struct decision decision;
	int rc;

	if (deadline_over(s->until))
		return error_set(err, E_TEMP, "the deadline is over");
	rc = rules_decide(c, address, &decision, err);
	if (rc == 0)
		write_decision(s, answer, c->rules, address, &decision);
	return rc;
}

static int decide(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err)
{
	const struct xml *recipient = xml_first(request, "recipient");
	const char *sender = xml_attr(request, "sender");
	struct state *state = s->state;
	struct candidates candidates;
	int rc;

	if (state->unusable.code)
		return error_set(err, state->unusable.code, "%s", state->unusable.text);
	if (!sender)
		return error_set(err, E_PERM, "decide: no sender; the empty sender is sender=\"\"");
	if (!recipient)
		return error_set(err, E_PERM, "decide: no recipient");
	rc = rules_for_sender(state->rules, &s->arena, sender, &candidates, err);
	for (; rc == 0 && recipient; recipient = xml_next(recipient, "recipient"))
		rc = decide_one(s, &candidates, recipient, answer, err);
	return rc;
}

static void write_problem(struct xml_writer *w, const struct rules *r, const struct problem *p)
{
	xml_open(w, "problem");
	xml_put(w, "severity", p->warning ? "warning" : "error");
	if (p->line)
		xml_putf(w, "source", "%s:%u:%u", r->name, p->line, p->column);
	else
		xml_put(w, "source", r->name);
	xml_put_text(w, p->text);
	xml_close(w);
}

/* What the file of rules does not know: whether a VIA exists, and a PROFILE. */
static void check_vias(struct rules *r, const struct config *config)
{
	for (size_t i = 0; i < r->n; i++) {
		const char *via = r->items[i].words.via;

		if (via && !config_via(config, via))
			rules_problem(r, false, r->items[i].line, 1, "VIA=%s: %s names no destination via_%s", via,
				      config->file, via);
	}
}

static void check_profiles(struct rules *r, const struct config *config)
{
	struct arena a = ARENA_INIT;
	struct profile found = { .name = "" };
	struct error why = { 0 };
	struct span text;
	int rc = profile_file(&a, config->profiles_file, &text, &why);

	for (size_t i = 0; i < r->n && rc != E_CONFIG; i++) {
		const char *name = r->items[i].words.profile;

		if (!name || ascii_caseeq(name, found.name)) /* most files name one over and over */
			continue;
		rc = profile_parse(&a, config->profiles_file, text, name, &found, &why);
		if (rc == E_NOTFOUND)
			rules_problem(r, false, r->items[i].line, 1, "PROFILE=%s: %s", name, why.text);
		if (rc < 0)
			found.name = "";
	}
	arena_release(&a);
}

static bool is_full(const struct server *s, const struct xml_writer *w, size_t written)
{
	return written >= PROBLEMS_MAX || w->out.len > s->config->frame_limit / 2;
}

/* Errors first: no flood of warnings may hide one. */
static void write_problems(struct server *s, struct xml_writer *w, const struct rules *r)
{
	size_t written = 0, all = r->nerrors + r->nwarnings;

	for (int warnings = 0; warnings <= 1; warnings++)
		for (const struct problem *p = r->problems; p && !is_full(s, w, written); p = p->next)
			if (p->warning == warnings) {
				write_problem(w, r, p);
				written++;
			}
	if (written == all)
		return;
	xml_open(w, "problem");
	xml_put(w, "severity", "warning");
	xml_put(w, "source", r->name);
	xml_put_text(w, arena_printf(&s->arena, "%zu more problems; rules-file -check shows them", all - written));
	xml_close(w);
}

static int check_rules(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err)
{
	struct rules *r;
	int rc = rules_load(s->config->rules_file, &r, err);

	if (rc != E_TEMP) {
		rc = 0;
		check_vias(r, s->config);
		check_profiles(r, s->config);
		rules_lint(r);
		write_problems(s, answer, r);
	}
	rules_free(r);
	return rc;
}

static const struct server_operation operations[] = {
	{ "decide", decide },
	{ "check-rules", check_rules },
};

static const struct server_role role = {
	.program = "rules-file",
	.role = "rules",
	.operations = operations,
	.noperations = sizeof(operations) / sizeof(operations[0]),
	.start = start,
	.stop = stop,
	.command = rules_command,
	.help = "It decides by the lines of rules_file, see postern-rules(5).  For people:\n"
		"  rules-file -check FILE                   errors and warnings\n"
		"  rules-file -test FILE SENDER RECIPIENT   what the file decides, and which lines did",
};

int rules_file_main(int argc, char **argv)
{
	return server_main(&role, argc, argv);
}
