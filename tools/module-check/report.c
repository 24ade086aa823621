/* report.c - one line for each point, grouped as the manual page is; or one JSON object */
#include "module-check/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct look {
	const char *word, *colour;
};

static const struct look passed = { "ok", "32" }, failed_look = { "FAILED", "31" }, advice = { "advice", "33" },
			 skipped = { "not asked", "90" };

static const struct look *look_of(const struct report *r, const struct point *p, enum outcome outcome)
{
	if (outcome == PASSED)
		return &passed;
	if (outcome == NOT_ASKED)
		return &skipped;
	return p->weight == MUST || r->strict ? &failed_look : &advice;
}

void report_begin(struct report *r, const struct checker *c)
{
	r->colours = !r->json && isatty(STDOUT_FILENO);
	if (r->json) {
		json_open(&r->out, NULL, '{');
		json_text(&r->out, "module", c->module);
		json_text(&r->out, "role", module_role_name(c->role));
		json_open(&r->out, "points", '[');
	} else {
		printf("%s, role %s\n", c->module, module_role_name(c->role));
	}
}

static void say_json(struct report *r, const struct point *p, const struct look *look, const char *why)
{
	json_open(&r->out, NULL, '{');
	json_text(&r->out, "chapter", p->chapter);
	json_text(&r->out, "point", p->text);
	json_text(&r->out, "weight", p->weight == MUST ? "must" : "should");
	json_text(&r->out, "result", look->word);
	if (*why)
		json_text(&r->out, "why", why);
	json_close(&r->out, '}');
}

static void say_text(struct report *r, const struct point *p, const struct look *look, const char *why)
{
	if (!r->chapter || strcmp(r->chapter, p->chapter) != 0)
		printf("%s\n", p->chapter);
	r->chapter = p->chapter;
	if (r->colours)
		printf("  \033[%sm%-9s\033[0m %s\n", look->colour, look->word, p->text);
	else
		printf("  %-9s %s\n", look->word, p->text);
	if (*why)
		printf("            %s\n", why);
	fflush(stdout);
}

void report_point(struct report *r, const struct point *p, enum outcome outcome, const char *why)
{
	const struct look *look = look_of(r, p, outcome);

	r->passed += look == &passed;
	r->failed += look == &failed_look;
	r->advice += look == &advice;
	r->not_asked += look == &skipped;
	if (r->json)
		say_json(r, p, look, outcome == PASSED ? "" : why);
	else
		say_text(r, p, look, outcome == PASSED ? "" : why);
}

static void end_json(struct report *r)
{
	const struct {
		const char *name;
		size_t n;
	} sums[] = { { "ok", r->passed }, { "failed", r->failed }, { "advice", r->advice }, { "not_asked", r->not_asked } };

	json_close(&r->out, ']');
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		json_number(&r->out, sums[i].name, (int64_t)sums[i].n);
	json_close(&r->out, '}');
	json_end(&r->out);
}

bool report_end(struct report *r)
{
	if (r->json)
		end_json(r);
	else
		printf("%zu ok, %zu failed, %zu to think about, %zu not asked\n", r->passed, r->failed, r->advice, r->not_asked);
	return r->failed == 0;
}
