/* expiring.c - postern-cert expiring: who will soon have no certificate any more
 *
 * What counts is the last one of an address: whoever has a newer one need not be written to.  Certificates in trusted never
 * end.  CAs have no address, so each is told by its file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/describe.h"
#include "cert/site.h"
#include "common/marks.h"
#include "lib/json.h"
#include "lib/moment.h"

#define DAY ((time_t)86400)
#define DAYS_MAX 36500

struct last {
	const char *address, *file, *area; /* address "": a CA */
	time_t not_after;
};

struct search {
	struct tool *tool;
	const char *area;
	bool forever;            /* trusted */
	struct last *items;
	size_t n, cap;
};

static void add(struct search *s, const char *address, const struct area_record *r)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->items = mem_resize(s->items, s->cap * sizeof(*s->items));
	}
	s->items[s->n++] = (struct last){ address, arena_strdup(&s->tool->arena, r->file), s->area,
					  s->forever ? INT64_MAX : r->not_after };
}

static int collect(void *ctx, const struct area_record *r)
{
	struct search *s = ctx;
	struct span marks = r->marks, mark;
	bool ca = strcmp(s->area, "ca") == 0;

	if (!r->certificate)
		return 0;
	if (ca)
		add(s, "", r);
	while (!ca && marks_next(&marks, &mark))
		if (mark.p[0] == MARK_ADDRESS)
			add(s, arena_strndup(&s->tool->arena, mark.p + 1, mark.n - 1), r);
	return 0;
}

/* The last one of each address first; CAs by file. */
static int by_address(const void *x, const void *y)
{
	const struct last *a = x, *b = y;
	int order = strcmp(a->address, b->address);

	if (order == 0 && !*a->address)
		order = strcmp(a->file, b->file);
	if (order == 0 && a->not_after != b->not_after)
		order = a->not_after > b->not_after ? -1 : 1;
	return order;
}

static int by_end(const void *x, const void *y)
{
	const struct last *a = x, *b = y;

	return a->not_after != b->not_after ? (a->not_after < b->not_after ? -1 : 1) : by_address(x, y);
}

static size_t keep_last(struct last *items, size_t n, time_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 || strcmp(items[i].address, items[i - 1].address) != 0 || !*items[i].address;

		if (first && items[i].not_after <= before)
			items[kept++] = items[i];
	}
	return kept;
}

static void print(struct tool *t, const struct last *items, size_t n, time_t now)
{
	struct json j = { 0 };
	char until[MOMENT_TEXT];

	if (t->json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		const struct last *l = &items[i];
		long days = (long)((l->not_after - now - (l->not_after < now ? DAY - 1 : 0)) / DAY); /* whole days left, rounded down */

		if (t->json) {
			json_open(&j, NULL, '{');
			json_text(&j, "address", l->address);
			json_time(&j, "not_after", l->not_after);
			json_number(&j, "days", days);
			json_text(&j, "area", l->area);
			json_text(&j, "file", l->file);
			json_close(&j, '}');
		} else {
			moment_text(l->not_after, until);
			printf("%s\t%ld\t%s\t%s\t%s\n", until, days, *l->address ? printable(&t->arena, l->address) : "-", l->area,
			       printable(&t->arena, l->file));
		}
	}
	if (t->json) {
		json_close(&j, ']');
		json_end(&j);
	}
}

static int collect_area(struct search *s, const char *name, struct error *err)
{
	struct area *a;
	int rc = site_open_area(s->tool, name, &a, err);

	s->area = name;
	s->forever = strcmp(name, "trusted") == 0;
	return rc == 0 && a ? area_each(a, collect, s, err) : rc;
}

int run_expiring(struct tool *t)
{
	static const char *const allowed[] = { "public", "private", "ca", "seen", NULL };
	static const char *const standard[] = { "public", "private", "ca", "trusted", NULL };
	struct search s = { .tool = t };
	const char *const *areas;
	struct error err = { 0 };
	uint64_t days = 0;
	time_t now = time(NULL);
	size_t n;
	int rc = site_areas(t, allowed, standard, &areas, &err);

	if (rc == 0 && !span_number(span_of(t->arguments[0]), DAYS_MAX, &days))
		rc = error_set(&err, E_PERM, "\"%s\" is no number of days up to %d", t->arguments[0], DAYS_MAX);
	if (rc < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	rc = site_open(t, false, &err);
	for (; *areas && rc == 0; areas++)
		rc = collect_area(&s, *areas, &err);
	if (rc < 0) {
		free(s.items);
		return complain(&err);
	}
	if (s.n)
		qsort(s.items, s.n, sizeof(*s.items), by_address);
	n = keep_last(s.items, s.n, now + (time_t)days * DAY);
	if (n)
		qsort(s.items, n, sizeof(*s.items), by_end);
	print(t, s.items, n, now);
	free(s.items);
	return n ? EXIT_BAD : EXIT_GOOD;
}
