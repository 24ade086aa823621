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
	bool domain;          /* looks like a domain: a dot before a name, or text after an @ */
	bool bare_dot;        /* a dot that means any character where a name's dot seems meant */
	bool simple;          /* characters and dots only: an example can be made of it */
	struct buf example;   /* an address part that it was meant for */
	struct buf repaired;  /* the pattern with its dots escaped, without anchors */
};

static bool is_name(char c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static bool has(struct span s, size_t i, char c)
{
	return i < s.n && s.p[i] == c;
}

static void add_character(struct shape *s, char c, bool escape)
{
	buf_addch(&s->example, c);
	if (escape)
		buf_addch(&s->repaired, '\\');
	buf_addch(&s->repaired, c);
}

/* A dot between names, or before the last name of a domain. */
static void look_at_dot(struct shape *s, struct span text, size_t i, bool escaped)
{
	bool before_name = i + 1 < text.n && is_name(text.p[i + 1]);
	bool after_name = i == 0 || is_name(text.p[i - 1]) || text.p[i - 1] == '@';

	s->domain |= before_name;
	s->bare_dot |= !escaped && before_name && after_name;
	add_character(s, '.', true);
}

/* Index behind the set that begins at i; a ] at its start is a member. */
static size_t skip_set(struct span text, size_t i)
{
	i++;
	if (has(text, i, '^'))
		i++;
	if (has(text, i, ']'))
		i++;
	while (i < text.n && text.p[i] != ']')
		i += text.p[i] == '\\' ? 2 : 1;
	return i + 1;
}

static void look_at(struct shape *s, struct span text)
{
	size_t i = 0;

	s->simple = true;
	while (i < text.n) {
		bool escaped = text.p[i] == '\\' && i + 1 < text.n;
		char c = text.p[i += escaped];

		if (c == '[' && !escaped) {
			s->simple = false;
			i = skip_set(text, i);
			continue;
		}
		if (c == '.' && (escaped || i + 1 >= text.n || !strchr("*+?{", text.p[i + 1])))
			look_at_dot(s, text, i, escaped);
		else if (escaped ? ascii_alpha(c) || ascii_digit(c) : strchr("*+?{}()|^$.", c) != NULL)
			s->simple = false;
		else
			add_character(s, c, escaped);
		s->at |= c == '@';
		s->domain |= c == '@' && i + 1 < text.n;
		i++;
	}
}

/* Bytes of the anchor at the start, at the end; 0: none. */
static size_t first_anchor(struct span text)
{
	return has(text, 0, '^') ? 1 : has(text, 0, '\\') && has(text, 1, 'A') ? 2 : 0;
}

static size_t last_anchor(struct span text)
{
	bool escaped = text.n >= 2 && text.p[text.n - 2] == '\\';

	if (!text.n || !strchr(escaped ? "zZ" : "$", text.p[text.n - 1]))
		return 0;
	return 1 + escaped;
}

/* text: a pattern, or one of its alternatives */
static void shape_of(struct span text, struct shape *s)
{
	size_t first = first_anchor(text), last = last_anchor(text);
	struct span inner = span_sub(text, first, first + last > text.n ? first : text.n - last);

	*s = (struct shape){ .start = first > 0, .end = last > 0 };
	look_at(s, inner);
	s->start |= has(inner, 0, '@') || (has(inner, 0, '\\') && has(inner, 1, '.')) || has(inner, 0, '[');
	s->start |= has(inner, 0, '.') && !s->simple; /* .*@... : the @ is the anchor */
	s->end |= inner.n && inner.p[inner.n - 1] == '@';
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

	buf_addstr(&other, buf_str(&s->example));
	for (size_t i = first_anchor(span_of(p->text)), k = 0; i < p->n && k < other.len; i++, k++) {
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
static void warn_complex(struct rules *r, struct span text, const struct shape *s, struct where at)
{
	const char *shown = quoted(r, text);

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

/* Index of the first | outside parentheses and sets, or the text's length. */
static size_t alternative_end(struct span text)
{
	int depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '[')
			i = skip_set(text, i) - 1;
		else if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '|' && depth == 0)
			return i;
		else
			depth += (text.p[i] == '(') - (text.p[i] == ')');
	}
	return text.n;
}

static void lint_alternatives(struct rules *r, struct span text, struct where at)
{
	for (;;) {
		size_t n = alternative_end(text);
		struct span piece = span_sub(text, 0, n);
		struct shape s;

		shape_of(piece, &s);
		warn_complex(r, piece, &s, at);
		shape_release(&s);
		if (n >= text.n)
			return;
		at.column += column_of(text, n + 1) - 1;
		text = span_sub(text, n + 1, text.n);
	}
}

static void lint_pattern(struct rules *r, struct pattern *p, struct where at)
{
	struct span text = span_from(p->text, p->n);
	struct shape s;

	if (p->kind == PATTERN_ANY)
		return;
	if (matches(r, p, "") && matches(r, p, "a@b.example")) {
		rules_problem(r, true, at.line, at.column, "pattern %s matches every address; write .", quoted(r, text));
		return;
	}
	shape_of(text, &s);
	if (!s.simple)
		lint_alternatives(r, text, at);
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
