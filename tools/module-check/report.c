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

static void put_json(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

void report_begin(struct report *r, const struct checker *c)
{
	r->colours = !r->json && isatty(STDOUT_FILENO);
	if (r->json) {
		printf("{\"module\":");
		put_json(c->module);
		printf(",\"role\":\"%s\",\"points\":[", module_role_name(c->role));
	} else {
		printf("%s, role %s\n", c->module, module_role_name(c->role));
	}
}

static void say_json(const struct report *r, const struct point *p, const struct look *look, const char *why)
{
	printf("%s\n{\"chapter\":\"%s\",\"point\":", r->passed + r->failed + r->advice + r->not_asked > 1 ? "," : "", p->chapter);
	put_json(p->text);
	printf(",\"weight\":\"%s\",\"result\":\"%s\"", p->weight == MUST ? "must" : "should", look->word);
	if (*why) {
		printf(",\"why\":");
		put_json(why);
	}
	putchar('}');
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

bool report_end(struct report *r)
{
	if (r->json)
		printf("],\"ok\":%zu,\"failed\":%zu,\"advice\":%zu,\"not_asked\":%zu}\n", r->passed, r->failed, r->advice, r->not_asked);
	else
		printf("%zu ok, %zu failed, %zu to think about, %zu not asked\n", r->passed, r->failed, r->advice, r->not_asked);
	return r->failed == 0;
}
