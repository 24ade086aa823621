/* parse.c - from the bytes of a rules file to its lines
 *
 * A line is  FROM (to) TO (do) WORDS.  Every line is read even after an error, so that one look shows all of them,
 * but a file with one error decides nothing: half a set of rules could send in clear what the other half protects.
 */
#include "rules-file/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fs.h"

/* ---- problems ---- */

static void keep(struct rules *r, struct problem problem)
{
	struct problem *p = arena_memdup(&r->arena, &problem, sizeof(problem));

	if (r->last_problem)
		r->last_problem->next = p;
	else
		r->problems = p;
	r->last_problem = p;
	if (p->warning)
		r->nwarnings++;
	else
		r->nerrors++;
}

void rules_problem(struct rules *r, bool warning, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	if (warning && r->nwarnings >= WARNINGS_MAX) {
		if (r->nwarnings == WARNINGS_MAX)
			keep(r, (struct problem){ .warning = true, .text = "too many warnings; only the first are shown" });
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = arena_alloc(&r->arena, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	keep(r, (struct problem){ .warning = warning, .line = line, .column = column, .text = text });
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

unsigned column_of(struct span line, size_t at)
{
	unsigned column = 1;

	for (size_t i = 0; i < at && i < line.n; i++)
		column += !continues_character(line.p[i]);
	return column;
}

const char *quoted(struct rules *r, struct span piece)
{
	size_t n = 0, characters = 0;

	while (n < piece.n && (characters < 60 || continues_character(piece.p[n])))
		characters += !continues_character(piece.p[n++]);
	return arena_printf(&r->arena, "\"%.*s%s\"", (int)n, piece.p, n < piece.n ? "..." : "");
}

static int complain(struct rules *r, struct span line, unsigned number, size_t at, const char *why)
{
	rules_problem(r, false, number, column_of(line, at), "%s", why);
	return E_PERM;
}

/* ---- characters ---- */

/* Bytes of the character at s, 0 if it is not UTF-8. */
static size_t character(struct span s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (utf8_valid(span_sub(s, 0, n)))
			return n;
	return 0;
}

static int check_utf8(struct rules *r, struct span line, unsigned number)
{
	for (size_t i = 0, n; i < line.n; i += n) {
		n = character(span_sub(line, i, line.n));
		if (!n)
			return complain(r, line, number, i, arena_printf(&r->arena,
				"byte 0x%02x is not UTF-8; save the file as UTF-8", (unsigned char)line.p[i]));
		if (n == 3 && (memcmp(line.p + i, "\xef\xbf\xbe", 3) == 0 || memcmp(line.p + i, "\xef\xbf\xbf", 3) == 0))
			return complain(r, line, number, i, "a noncharacter (U+FFFE, U+FFFF) has no place here");
	}
	return 0;
}

static int check_characters(struct rules *r, struct span line, unsigned number)
{
	bool ascii = true;

	if (line.n > RULES_LINE_MAX)
		return complain(r, span_sub(line, 0, 0), number, 0, arena_printf(&r->arena,
			"the line has %zu bytes, at most %d are allowed", line.n, RULES_LINE_MAX));
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return complain(r, line, number, i, arena_printf(&r->arena,
				"control character 0x%02x; expected text", c));
		ascii = ascii && c < 0x80;
	}
	return ascii ? 0 : check_utf8(r, line, number);
}

/* ---- one line ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next run of non-blanks at or behind *at; *at then stands behind it.  Empty at the end or before a comment. */
static struct span next_token(struct span line, size_t *at)
{
	size_t from;

	while (*at < line.n && is_blank(line.p[*at]))
		(*at)++;
	from = *at;
	if (from < line.n && line.p[from] == '#')
		return span_sub(line, from, from);
	while (*at < line.n && !is_blank(line.p[*at]))
		(*at)++;
	return span_sub(line, from, *at);
}

struct line {
	struct rules *rules;
	struct span text;
	unsigned number;
	size_t at;
};

static int expect(struct line *l, const char *keyword, const char *before)
{
	struct span got = next_token(l->text, &l->at);
	size_t at = (size_t)(got.p - l->text.p);

	if (span_caseeq(got, keyword))
		return 0;
	if (!got.n)
		return complain(l->rules, l->text, l->number, at,
			arena_printf(&l->rules->arena, "the line ends; expected %s after the %s pattern", keyword, before));
	return complain(l->rules, l->text, l->number, at,
		arena_printf(&l->rules->arena, "expected %s after the %s pattern, got %s", keyword, before,
			     quoted(l->rules, got)));
}

static bool is_keyword(struct span token)
{
	return span_caseeq(token, "(to)") || span_caseeq(token, "(do)");
}

/* previous: the pattern of the line above in the same place, or NULL */
static int read_pattern(struct line *l, const char *whose, struct pattern *previous, struct pattern **out,
			unsigned *column)
{
	struct span token = next_token(l->text, &l->at);
	struct rules *r = l->rules;
	size_t at = (size_t)(token.p - l->text.p), offset;
	struct error why = { 0 };

	*out = NULL;
	*column = column_of(l->text, at);
	if (!token.n || is_keyword(token))
		return complain(r, l->text, l->number, at, arena_printf(&r->arena, "expected a pattern for the %s%s%s",
			whose, token.n ? ", got " : "", token.n ? quoted(r, token) : ""));
	if (previous && previous->n == token.n && memcmp(previous->text, token.p, token.n) == 0) {
		*out = previous;
		return 0;
	}
	if (pattern_read(&r->matcher, &r->arena, token, out, &offset, &why) == 0)
		return 0;
	*out = NULL;
	return complain(r, l->text, l->number, at + offset, arena_printf(&r->arena, "pattern %s: %s (PCRE2)",
		quoted(r, token), why.text));
}

static int read_rule(struct line *l, const struct rule *above, struct rule *rule)
{
	int rc = read_pattern(l, "sender", above ? above->from : NULL, &rule->from, &rule->from_column);

	rule->line = l->number;
	if (rc == 0)
		rc = expect(l, "(to)", "sender's");
	if (rc == 0)
		rc = read_pattern(l, "recipient", above ? above->to : NULL, &rule->to, &rule->to_column);
	if (rc == 0)
		rc = expect(l, "(do)", "recipient's");
	if (rc == 0)
		rc = words_read(l->rules, l->text, l->at, rule);
	if (rc < 0 && rule->from && !(above && above->from == rule->from))
		pattern_release(rule->from);
	if (rc < 0 && rule->to && !(above && above->to == rule->to))
		pattern_release(rule->to);
	return rc;
}

static bool says_nothing(struct span line)
{
	struct span rest = span_trim(line);

	return !rest.n || rest.p[0] == '#';
}

static void read_line(struct rules *r, struct span text, unsigned number)
{
	struct line l = { .rules = r, .text = text, .number = number };
	struct rule *rule = &r->items[r->n];

	if (check_characters(r, text, number) < 0 || says_nothing(text))
		return;
	if (read_rule(&l, r->n ? rule - 1 : NULL, rule) == 0)
		r->n++;
	else
		*rule = (struct rule){ .line = 0 };
}

/* ---- the file ---- */

/* At most RULES_LINES_MAX. */
static size_t count_lines(struct span bytes)
{
	const char *end = bytes.p + bytes.n;
	size_t n = 1;

	for (const char *p = bytes.p; n < RULES_LINES_MAX && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* Takes a line off the front, without its LF or CR LF. */
static struct span take_line(struct span *rest)
{
	ptrdiff_t lf = span_find(*rest, '\n');
	struct span line = span_sub(*rest, 0, lf < 0 ? rest->n : (size_t)lf);

	*rest = lf < 0 ? span_sub(*rest, rest->n, rest->n) : span_sub(*rest, (size_t)lf + 1, rest->n);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void read_lines(struct rules *r, struct span rest)
{
	if (rest.n >= 3 && memcmp(rest.p, "\xef\xbb\xbf", 3) == 0)
		rest = span_sub(rest, 3, rest.n); /* the byte order mark of some editors */
	r->items = arena_array(&r->arena, count_lines(rest), sizeof(*r->items));
	for (unsigned number = 1; rest.n; number++) {
		if (number > RULES_LINES_MAX) {
			rules_problem(r, false, number, 1, "more than %d lines", RULES_LINES_MAX);
			return;
		}
		read_line(r, take_line(&rest), number);
	}
}

static struct rules *rules_new(const char *name)
{
	struct rules *r = mem_alloc(sizeof(*r));

	r->name = arena_strdup(&r->arena, name);
	return r;
}

static int first_error(const struct rules *r, struct error *err)
{
	for (const struct problem *p = r->problems; p; p = p->next)
		if (!p->warning && p->line)
			return error_set(err, E_CONFIG, "%s:%u:%u: %s", r->name, p->line, p->column, p->text);
		else if (!p->warning)
			return error_set(err, E_CONFIG, "%s: %s", r->name, p->text);
	return 0;
}

int rules_parse(const char *name, struct span bytes, struct rules **out, struct error *err)
{
	*out = rules_new(name);
	if (bytes.n > RULES_FILE_MAX)
		rules_problem(*out, false, 0, 0, "bigger than %zu bytes", RULES_FILE_MAX);
	else if (bytes.n)
		read_lines(*out, bytes);
	return first_error(*out, err);
}

int rules_load(const char *path, struct rules **out, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = fs_read(path, RULES_FILE_MAX, &bytes, err);

	if (rc == E_LIMIT)
		rc = 0; /* rules_parse says so */
	if (rc == 0)
		rc = rules_parse(path, span_from(bytes.data, bytes.len), out, err);
	else
		*out = rules_new(path);
	buf_release(&bytes);
	if (rc == E_NOTFOUND)
		rc = error_set(err, E_CONFIG, "%s: no such file; it is the rules_file of postern.conf", path);
	if (rc < 0 && !(*out)->nerrors)
		rules_problem(*out, false, 0, 0, "%s", rc == E_CONFIG ? "no such file" : "cannot be read");
	return rc;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		pattern_release(r->items[i].from);
		pattern_release(r->items[i].to);
	}
	matcher_release(&r->matcher);
	arena_release(&r->arena);
	free(r);
}
