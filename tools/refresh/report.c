/* report.c - what became of it: lines as it happens, a report at the end, and an exit status for monitoring */
#include <stdio.h>

#include "lib/json.h"
#include "refresh/run.h"

static const char *const words[] = {
	[OUTCOME_NONE] = "none", [OUTCOME_NEW] = "new", [OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_NOT_DUE] = "not-due",
	[OUTCOME_WAITS] = "waits", [OUTCOME_ELSEWHERE] = "elsewhere", [OUTCOME_SKIPPED] = "skipped", [OUTCOME_FAILED] = "failed",
};
enum { WORDS = sizeof(words) / sizeof(*words) };

/* ---- as it happens ---- */

/* Addresses and reasons come from strangers: no control characters on a terminal. */
static void say(const struct run *r, const char *a, const char *b, const char *c)
{
	struct error line = { 0 };

	error_set(&line, E_PERM, "%s%s%s: %s", a, *a ? " " : "", b, c);
	fprintf(stderr, "%spostern-refresh: %s\n", r->progress ? "\r" : "", line.text);
}

void run_note(const struct run *r, const char *about, const char *text)
{
	say(r, "", about, text);
}

void run_complain(struct run *r, const char *about, const char *text)
{
	struct complaint *c = arena_alloc(&r->arena, sizeof(*c));

	c->about = arena_strdup(&r->arena, about);
	c->text = arena_strdup(&r->arena, text);
	c->next = r->complained;
	r->complained = c;
	r->complaints++;
	say(r, "", about, text);
}

/* What is in place for it, or in the operator's own files, is over. */
static bool is_over(const struct source *s)
{
	return s->outcome != OUTCOME_ELSEWHERE && s->outcome != OUTCOME_SKIPPED && s->next_update && s->next_update <= s->run->now;
}

void run_finished(struct source *s, enum source_outcome outcome)
{
	struct run *r = s->run;
	const char *url = s->urls[s->attempt < s->nurls ? s->attempt : 0];
	bool failed = outcome == OUTCOME_FAILED;

	s->outcome = outcome;
	r->nfinished++;
	if (failed || r->verbose)
		say(r, *s->what ? s->what : source_kind_word(s->kind), url, s->error.code ? s->error.text : words[outcome]);
	if (is_over(s) && !failed)
		say(r, source_kind_word(s->kind), url, "has expired, and nothing newer was found");
}

/* ---- at the end ---- */

static int status_of(const struct source *s)
{
	if (is_over(s))
		return 2;
	return s->outcome == OUTCOME_FAILED || s->outcome == OUTCOME_WAITS ? 1 : 0;
}

int report_status(const struct run *r)
{
	int status = r->complaints ? 1 : 0;

	for (const struct source *s = r->sources; s; s = s->next)
		if (status_of(s) > status)
			status = status_of(s);
	return status;
}

static void count(const struct run *r, size_t n[WORDS], size_t *over)
{
	*over = 0;
	for (const struct source *s = r->sources; s; s = s->next) {
		n[s->outcome]++;
		*over += is_over(s);
	}
}

void report_text(const struct run *r, int status)
{
	size_t n[WORDS] = { 0 }, over;

	count(r, n, &over);
	printf("%zu addresses: %zu new, %zu unchanged, %zu not due, %zu failed, %zu expired, %u other problems: status %d\n",
	       r->nsources, n[OUTCOME_NEW], n[OUTCOME_UNCHANGED] + n[OUTCOME_ELSEWHERE], n[OUTCOME_NOT_DUE],
	       n[OUTCOME_FAILED] + n[OUTCOME_WAITS], over, r->complaints, status);
}

/* ---- for programs ---- */

static void put(struct json *j, const char *name, const char *value)
{
	if (value && *value)
		json_text(j, name, value);
}

static void put_time(struct json *j, const char *name, int64_t when)
{
	if (when)
		json_time(j, name, (time_t)when);
}

static void put_source(struct json *j, const struct source *s)
{
	json_open(j, NULL, '{');
	json_text(j, "kind", source_kind_word(s->kind));
	json_text(j, "outcome", words[s->outcome]);
	json_number(j, "status", status_of(s));
	put(j, "url", s->urls[s->attempt < s->nurls ? s->attempt : 0]);
	put(j, "about", s->what);
	put(j, "file", s->there ? s->file : NULL);
	put_time(j, "this_update", s->this_update);
	put_time(j, "next_update", s->next_update);
	put(j, "error", s->error.code ? s->error.text : NULL);
	json_close(j, '}');
}

static void put_complaint(struct json *j, const struct complaint *c)
{
	json_open(j, NULL, '{');
	json_number(j, "status", 1);
	put(j, "about", c->about);
	put(j, "text", c->text);
	json_close(j, '}');
}

void report_json(const struct run *r, int status)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_number(&j, "status", status);
	put_time(&j, "time", r->now);
	json_number(&j, "bytes", r->fetcher ? (int64_t)fetcher_bytes(r->fetcher) : 0);
	json_open(&j, "sources", '[');
	for (const struct source *s = r->sources; s; s = s->next)
		put_source(&j, s);
	json_close(&j, ']');
	json_open(&j, "problems", '[');
	for (const struct complaint *c = r->complained; c; c = c->next)
		put_complaint(&j, c);
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}
