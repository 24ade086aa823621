/* list.c - postern-cert list, find, show: what there is */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cert/describe.h"
#include "cert/site.h"
#include "check-path/check.h"
#include "common/marks.h"
#include "lib/address.h"
#include "lib/moment.h"

static const char *const all_areas[] = { "public", "trusted", "untrusted", "seen", "private", "ca", NULL };
static const char *const listed_areas[] = { "public", "trusted", "untrusted", "seen", NULL };

/* ---- list ---- */

struct listing {
	struct tool *tool;
	const char *area;
	struct json json;
	struct buf line;
	size_t n;
};

/* Adds the next address among the marks; false: no more. */
static bool next_address(struct span *marks, struct span *address)
{
	struct span mark;

	while (marks_next(marks, &mark))
		if (mark.n > 1 && mark.p[0] == MARK_ADDRESS) {
			*address = span_sub(mark, 1, mark.n);
			return true;
		}
	return false;
}

static void list_json(struct listing *l, const struct area_record *r)
{
	struct span marks = r->marks, address;

	json_open(&l->json, NULL, '{');
	json_text(&l->json, "area", l->area);
	json_text(&l->json, "file", r->file);
	json_number(&l->json, "position", (int64_t)r->position);
	json_time(&l->json, "not_before", r->not_before);
	json_time(&l->json, "not_after", r->not_after);
	json_open(&l->json, "addresses", '[');
	while (next_address(&marks, &address)) {
		char text[MARK_MAX + 1];

		snprintf(text, sizeof(text), "%.*s", (int)address.n, address.p);
		json_text(&l->json, NULL, text);
	}
	json_close(&l->json, ']');
	json_close(&l->json, '}');
}

static void add_printable(struct buf *out, struct span s)
{
	size_t start = out->len;

	buf_add(out, s.p, s.n);
	if (s.n)
		make_printable(out->data + start);
}

static void list_text(struct listing *l, const struct area_record *r)
{
	struct span marks = r->marks, address;
	char until[MOMENT_TEXT];
	bool any = false;

	moment_text(r->not_after, until);
	buf_clear(&l->line);
	buf_addf(&l->line, "%s\t%s\t", l->area, until);
	for (; next_address(&marks, &address); any = true) {
		if (any)
			buf_addch(&l->line, ' ');
		add_printable(&l->line, address);
	}
	buf_addstr(&l->line, any ? "\t" : "-\t");
	add_printable(&l->line, span_of(r->file));
	if (r->position)
		buf_addf(&l->line, " (%zu)", r->position + 1);
	buf_addch(&l->line, '\n');
	fwrite(l->line.data, 1, l->line.len, stdout);
}

static int list_record(void *ctx, const struct area_record *r)
{
	struct listing *l = ctx;

	if (!r->certificate)
		return 0;
	l->n++;
	if (l->tool->json)
		list_json(l, r);
	else
		list_text(l, r);
	return 0;
}

static int list_area(struct listing *l, const char *name, int (*fn)(void *, const struct area_record *), void *ctx,
		     struct error *err)
{
	struct area *a;
	int rc = site_open_area(l->tool, name, &a, err);

	l->area = name;
	return rc == 0 && a ? area_each(a, fn, ctx, err) : rc;
}

/* ---- conflicts ---- */

struct addresses {
	struct tool *tool;
	const char **items;
	size_t n, cap;
};

static int collect_addresses(void *ctx, const struct area_record *r)
{
	struct addresses *all = ctx;
	struct span marks = r->marks, address;

	while (next_address(&marks, &address)) {
		if (address.p[0] == '@')
			continue;
		if (all->n == all->cap) {
			all->cap = all->cap ? all->cap * 2 : 64;
			all->items = mem_resize(all->items, all->cap * sizeof(*all->items));
		}
		all->items[all->n++] = arena_strndup(&all->tool->arena, address.p, address.n);
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_chosen(struct listing *l, const struct chosen *c, const char *state)
{
	struct description d;

	describe(&l->tool->arena, c->der, &d);
	l->n++;
	if (l->tool->json) {
		json_open(&l->json, NULL, '{');
		json_text(&l->json, "address", c->address);
		json_text(&l->json, "area", c->area ? c->area : "");
		json_text(&l->json, "state", state);
		json_text(&l->json, "file", c->file);
		describe_json(&l->json, &d);
		json_close(&l->json, '}');
	} else {
		char until[MOMENT_TEXT];

		moment_text(d.not_after, until);
		printf("%s\t%s\t%s\t%s\t%s\n", c->area, until, c->address, state, printable(&l->tool->arena, c->file));
	}
}

static bool same_der(const struct chosen *a, const struct chosen *b)
{
	return span_eq(a->der, b->der);
}

/* Certificates of one address that wait in seen while another one is in use. */
static int list_conflict(struct listing *l, const char *address, struct error *err)
{
	static const char *const seen[] = { "seen", NULL }, *const used[] = { "public", "trusted", NULL };
	struct chosen_list waiting = { 0 }, in_use = { 0 };
	bool conflict = false;
	int rc = site_find_address(l->tool, seen, address, false, &waiting, err);

	if (rc == 0)
		rc = site_find_address(l->tool, used, address, false, &in_use, err);
	for (size_t i = 0; rc == 0 && i < waiting.n && in_use.n; i++) {
		bool known = false;

		for (size_t k = 0; k < in_use.n; k++)
			known |= same_der(&waiting.items[i], &in_use.items[k]);
		if (!known)
			print_chosen(l, &waiting.items[i], "waiting");
		conflict |= !known;
	}
	for (size_t i = 0; conflict && i < in_use.n; i++)
		print_chosen(l, &in_use.items[i], "in use");
	return rc;
}

static int list_conflicts(struct listing *l, struct error *err)
{
	struct addresses all = { .tool = l->tool };
	int rc = list_area(l, "seen", collect_addresses, &all, err);

	if (all.n)
		qsort(all.items, all.n, sizeof(*all.items), by_text);
	for (size_t i = 0; i < all.n && rc == 0; i++)
		if (i == 0 || strcmp(all.items[i], all.items[i - 1]) != 0)
			rc = list_conflict(l, all.items[i], err);
	free(all.items);
	return rc;
}

int run_list(struct tool *t)
{
	struct listing l = { .tool = t };
	const char *const *areas;
	struct error err = { 0 };
	int rc = site_areas(t, all_areas, listed_areas, &areas, &err);

	if (rc < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	rc = site_open(t, false, &err);
	if (t->json)
		json_open(&l.json, NULL, '[');
	if (rc == 0 && t->conflicts)
		rc = list_conflicts(&l, &err);
	for (; !t->conflicts && *areas && rc == 0; areas++)
		rc = list_area(&l, *areas, list_record, &l, &err);
	if (t->json) {
		json_close(&l.json, ']');
		json_end(&l.json);
	}
	buf_release(&l.line);
	return rc < 0 ? complain(&err) : EXIT_GOOD;
}

/* ---- find ---- */

/* What a message to the address would hear about this certificate. */
static const char *state_of(struct tool *t, struct checker *checker, const struct chosen *c, struct error *err)
{
	struct check_request q = { .certificate = c->der, .purpose = CHECK_ENCRYPT, .time = time(NULL),
				   .address = c->domain ? "" : c->address };
	struct check_answer answer;

	if (check_certificate(checker, &q, &t->arena, &answer, err) < 0)
		return NULL;
	return arena_printf(&t->arena, "%s%s%s%s", c->domain ? "domain, " : "", check_verdict_word(answer.verdict),
			    *answer.reason ? " " : "", answer.reason);
}

int run_find(struct tool *t)
{
	struct listing l = { .tool = t };
	struct chosen_list found = { 0 };
	struct checker *checker = NULL;
	const char *const *areas;
	struct error err = { 0 };
	int rc = site_areas(t, all_areas, all_areas, &areas, &err);

	if (rc == 0)
		rc = address_check(t->arguments[0], &err);
	if (rc < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	rc = site_open(t, false, &err);
	if (rc == 0)
		rc = site_find_address(t, areas, t->arguments[0], true, &found, &err);
	if (rc == 0)
		rc = checker_open(t->config, &t->policy, &checker, &err);
	if (t->json)
		json_open(&l.json, NULL, '[');
	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		const char *state = state_of(t, checker, &found.items[i], &err);

		rc = state ? 0 : err.code;
		if (state)
			print_chosen(&l, &found.items[i], state);
	}
	if (t->json) {
		json_close(&l.json, ']');
		json_end(&l.json);
	}
	checker_close(checker);
	return rc < 0 ? complain(&err) : found.n ? EXIT_GOOD : EXIT_BAD;
}

/* ---- show ---- */

static void show_text(struct tool *t, const struct chosen *c, const struct description *d)
{
	char from[MOMENT_TEXT], until[MOMENT_TEXT];

	moment_text(d->not_before, from);
	moment_text(d->not_after, until);
	printf("file: %s\n", printable(&t->arena, c->file));
	if (c->area)
		printf("area: %s\n", c->area);
	printf("subject: %s\nissuer: %s\nserial: %s\nvalid: %s to %s\nkey: %s\n", printable(&t->arena, d->subject),
	       printable(&t->arena, d->issuer), d->serial, from, until, describe_key(&t->arena, c->der));
	for (size_t i = 0; i < d->naddresses; i++)
		printf("address: %s\n", printable(&t->arena, d->addresses[i]));
	printf("sha256: %s\n\n", d->sha256);
}

static void show(struct tool *t, struct json *j, const struct chosen *c)
{
	struct description d;

	describe(&t->arena, c->der, &d);
	if (!t->json) {
		show_text(t, c, &d);
		return;
	}
	json_open(j, NULL, '{');
	json_text(j, "file", c->file);
	json_text(j, "area", c->area ? c->area : "");
	describe_json(j, &d);
	json_text(j, "key", describe_key(&t->arena, c->der));
	json_close(j, '}');
}

/* A file needs no site. */
static bool is_elsewhere(const struct tool *t, const char *word)
{
	return !t->config_file && !site_may_have(word);
}

int run_show(struct tool *t)
{
	struct chosen_list chosen = { 0 };
	struct json j = { 0 };
	struct error err = { 0 };
	int rc = 0, code = EXIT_GOOD;
	bool all_elsewhere = true;

	for (size_t i = 0; i < t->narguments; i++)
		all_elsewhere &= is_elsewhere(t, t->arguments[i]);
	if (!all_elsewhere)
		rc = read_config(t, &err);
	if (rc == 0 && t->config)
		rc = site_open(t, false, &err);
	if (rc < 0)
		return complain(&err);
	for (size_t i = 0; i < t->narguments; i++) {
		size_t before = chosen.n;

		if (site_choose(t, all_areas, t->arguments[i], &chosen, &err) < 0) {
			code = complain(&err);
		} else if (chosen.n == before) {
			error_set(&err, E_NOTFOUND, "%s: there is no certificate of it", t->arguments[i]);
			complain(&err);
			code = EXIT_BAD;
		}
	}
	if (t->json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < chosen.n; i++)
		show(t, &j, &chosen.items[i]);
	if (t->json) {
		json_close(&j, ']');
		json_end(&j);
	}
	return code;
}
