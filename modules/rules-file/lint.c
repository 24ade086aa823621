/* lint.c - warnings about patterns that match more than they seem to
 *
 * "partner-1.com" looks like a domain, but it is searched anywhere and its dot is any character: mail to
 * partner-1.com.evil.example would be treated as mail to the partner.  Every example a warning shows has been
 * tried with the pattern itself.
 */
#include <stdlib.h>
#include <string.h>

#include "rules-file/lint.h"

static bool matches(struct rules *r, struct pattern *p, const char *address)
{
	struct subject s;
	bool found;

	return subject_init(&s, address, NULL) == 0 && pattern_match(&r->matcher, p, &s, &found, NULL) == 0 && found;
}

/* ---- the shape of a pattern ---- */

struct shape {
	bool start, end;      /* anchored by ^ \A @ or \. ; by $ \z \Z or a last @ */
	bool at;              /* has an @ */
	bool domain;          /* looks like a domain: a dot before a letter, or text after an @ */
	bool bare_dot;        /* a dot that means any character where a name's dot seems meant */
	bool simple;          /* characters and dots only: example can be made from it */
	struct buf example;   /* an address part that it was meant for */
	struct buf repaired;  /* the pattern with its dots escaped, without anchors */
};

static bool is_name(char c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static bool has(const struct pattern *p, size_t i, char c)
{
	return i < p->n && p->text[i] == c;
}

static void add_character(struct shape *s, char c, bool escape)
{
	buf_addch(&s->example, c);
	if (escape)
		buf_addch(&s->repaired, '\\');
	buf_addch(&s->repaired, c);
}

/* A dot between names, or before the last name of a domain. */
static void look_at_dot(struct shape *s, const struct pattern *p, size_t i, bool escaped)
{
	size_t next = i + 1;

	s->domain |= next < p->n && is_name(p->text[next]);
	if (!escaped && next < p->n && is_name(p->text[next]) && (i == 0 || is_name(p->text[i - 1]) || p->text[i - 1] == '@'))
		s->bare_dot = true;
	add_character(s, '.', true);
}

static void look_at(struct shape *s, const struct pattern *p, size_t from, size_t to)
{
	s->simple = true;
	for (size_t i = from; i < to; i++) {
		bool escaped = p->text[i] == '\\' && i + 1 < to;
		char c = p->text[i += escaped];

		if (c == '.' && (escaped || !strchr("*+?{", i + 1 < to ? p->text[i + 1] : 'x')))
			look_at_dot(s, p, i, escaped);
		else if (escaped ? ascii_alpha(c) || ascii_digit(c) : strchr("*+?{}[]()|^$.", c) != NULL)
			s->simple = false;
		else
			add_character(s, c, escaped);
		s->at |= c == '@';
		s->domain |= c == '@' && i + 1 < to;
	}
}

static bool begins_alternative(const struct pattern *p, size_t *from)
{
	if (has(p, 0, '^'))
		*from = 1;
	else if (p->n >= 2 && p->text[0] == '\\' && p->text[1] == 'A')
		*from = 2;
	return *from > 0;
}

static bool ends_alternative(const struct pattern *p, size_t *to)
{
	if (p->n && p->text[p->n - 1] == '$')
		*to = p->n - 1;
	else if (p->n >= 2 && p->text[p->n - 2] == '\\' && strchr("zZ", p->text[p->n - 1]))
		*to = p->n - 2;
	return *to < p->n;
}

static void shape_of(const struct pattern *p, struct shape *s)
{
	size_t from = 0, to = p->n;

	*s = (struct shape){ .example = BUF_INIT, .repaired = BUF_INIT };
	s->start = begins_alternative(p, &from);
	s->end = ends_alternative(p, &to);
	look_at(s, p, from, to);
	s->start |= has(p, from, '@') || (has(p, from, '\\') && has(p, from + 1, '.')) || has(p, from, '[');
	s->start |= has(p, from, '.') && !s->simple;          /* .*@... : the @ is the anchor */
	s->end |= to > from && p->text[to - 1] == '@';
}

static void shape_release(struct shape *s)
{
	buf_release(&s->example);
	buf_release(&s->repaired);
}

/* ---- examples ---- */

/* Whom the pattern also matches, at most three, "" and nothing else when none was found. */
struct examples {
	struct buf text;
	unsigned n;
};

static void offer(struct rules *r, struct pattern *p, struct examples *e, const char *address)
{
	if (e->n == 3 || !matches(r, p, address))
		return;
	buf_addf(&e->text, "%s\"%s\"", e->n ? " and " : "", address);
	e->n++;
}

/* Every bare dot replaced by x. */
static void offer_dots(struct rules *r, struct pattern *p, const struct shape *s, struct examples *e)
{
	struct buf other = BUF_INIT;
	size_t at = 0;

	buf_addstr(&other, buf_str(&s->example));
	for (size_t i = begins_alternative(p, &at) ? at : 0, k = 0; i < p->n && k < other.len; i++, k++) {
		if (p->text[i] == '\\')
			i++;
		else if (p->text[i] == '.' && (k == 0 || k + 1 < other.len))
			other.data[k] = 'x';
	}
	offer(r, p, e, buf_str(&other));
	buf_release(&other);
}

static void offer_all(struct rules *r, struct pattern *p, const struct shape *s, struct examples *e)
{
	const char *meant = buf_str(&s->example);

	if (!s->end)
		offer(r, p, e, arena_printf(&r->arena, s->domain ? "%s.evil.example" : "%s@evil.example", meant));
	if (s->bare_dot)
		offer_dots(r, p, s, e);
	if (!s->start)
		offer(r, p, e, arena_printf(&r->arena, "evil%s", meant));
}

/* ---- the warnings ---- */

struct where {
	unsigned line, column;
};

static const char *repaired(struct rules *r, const struct pattern *p, const struct shape *s)
{
	const char *inner = buf_str(&s->repaired);
	bool starts = p->text[0] == '^' || inner[0] == '@' || inner[0] == '\\';

	if (!s->domain)
		return arena_printf(&r->arena, "^%s@", inner);
	return arena_printf(&r->arena, "%s%s$", starts ? (p->text[0] == '^' ? "^" : "") : s->at ? "^" : "@", inner);
}

static void warn_simple(struct rules *r, struct pattern *p, const struct shape *s, struct where at)
{
	struct examples e = { BUF_INIT, 0 };
	struct span text = span_from(p->text, p->n);

	offer_all(r, p, s, &e);
	if (e.n)
		rules_problem(r, true, at.line, at.column, "pattern %s also matches %s; write %s", quoted(r, text),
			      buf_str(&e.text), quoted(r, span_of(repaired(r, p, s))));
	buf_release(&e.text);
}

/* No example can be made of a pattern with alternatives and repetitions: name what is missing. */
static void warn_complex(struct rules *r, struct pattern *p, const struct shape *s, struct where at)
{
	const char *shown = quoted(r, span_from(p->text, p->n));

	if (!s->end)
		rules_problem(r, true, at.line, at.column,
			      "pattern %s has no $ at its end: whatever follows matches too", shown);
	if (!s->start && !s->at)
		rules_problem(r, true, at.line, at.column,
			      "pattern %s begins with neither ^ nor @: whatever precedes matches too", shown);
	if (s->bare_dot)
		rules_problem(r, true, at.line, at.column,
			      "pattern %s has a dot that matches any character; write \\.", shown);
}

static void lint_pattern(struct rules *r, struct pattern *p, struct where at)
{
	struct shape s;

	if (p->kind == PATTERN_ANY)
		return;
	if (matches(r, p, "") && matches(r, p, "a@b.example")) {
		rules_problem(r, true, at.line, at.column, "pattern %s matches every address; write .",
			      quoted(r, span_from(p->text, p->n)));
		return;
	}
	shape_of(p, &s);
	if (!s.simple)
		warn_complex(r, p, &s, at);
	else if (s.example.len && (!s.start || s.domain))
		warn_simple(r, p, &s, at);
	shape_release(&s);
}

/* ---- order ---- */

static int by_place(const void *a, const void *b)
{
	const struct problem *x = *(struct problem *const *)a, *y = *(struct problem *const *)b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void sort_problems(struct rules *r)
{
	size_t n = r->nerrors + r->nwarnings, i = 0;
	struct problem **all = mem_array(n, sizeof(*all)), **tail = &r->problems;

	for (struct problem *p = r->problems; p; p = p->next)
		all[i++] = p;
	if (n)
		qsort(all, n, sizeof(*all), by_place);
	*tail = NULL;
	for (i = 0; i < n; i++) {
		*tail = all[i];
		tail = &all[i]->next;
		*tail = NULL;
	}
	r->last_problem = n ? all[n - 1] : NULL;
	free(all);
}

void rules_lint(struct rules *r)
{
	const struct pattern *from = NULL, *to = NULL;

	for (size_t i = 0; i < r->n; i++) {
		struct rule *rule = &r->items[i];

		if (rule->from != from)
			lint_pattern(r, rule->from, (struct where){ rule->line, rule->from_column });
		if (rule->to != to)
			lint_pattern(r, rule->to, (struct where){ rule->line, rule->to_column });
		from = rule->from;
		to = rule->to;
	}
	rules_lint_lines(r);
	sort_problems(r);
}
