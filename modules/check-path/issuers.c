/* issuers.c - how strictly revocation is taken, issuer by issuer
 *
 *   hard                          CN=Root*
 *   soft 3d until 2027-01-31      *,O=Partner,C=DE
 *   if-present                    *
 */
#include "check-path/issuers.h"

#include <string.h>

#include "check-path/check.h"
#include "lib/fs.h"

#define FILE_MAX ((size_t)1 << 20)

struct line {
	struct line *next;
	const char *pattern;
	struct issuer_policy policy;
};

struct issuers {
	struct arena arena;
	struct line *lines, **end;
};

static const struct {
	const char *word;
	int mode;
} modes[] = {
	{ "hard", CHECK_CRL_REQUIRE },
	{ "soft", CHECK_CRL_SOFT },
	{ "if-present", CHECK_CRL_IF_PRESENT },
	{ "ignore", CHECK_CRL_IGNORE },
};

/* Where something is wrong. */
struct place {
	const char *file;
	unsigned line;
	struct error *err;
};

static struct span next_word(struct span *rest)
{
	size_t n = 0;
	struct span word;

	*rest = span_trim(*rest);
	while (n < rest->n && !ascii_space(rest->p[n]))
		n++;
	word = span_sub(*rest, 0, n);
	*rest = span_trim(span_sub(*rest, n, rest->n));
	return word;
}

/* "3d", "12h", "30m", "90s" */
static bool read_grace(struct span word, int64_t *out)
{
	static const struct { char unit; int64_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t n;

	if (word.n < 2 || !span_number(span_sub(word, 0, word.n - 1), 100000, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].unit == word.p[word.n - 1]) {
			*out = (int64_t)n * units[i].seconds;
			return true;
		}
	return false;
}

/* "2027-01-31": to the end of that day, UTC */
static bool read_date(struct span word, time_t *out)
{
	uint64_t year, month, day;
	struct tm tm = { 0 }, again;

	if (word.n != 10 || word.p[4] != '-' || word.p[7] != '-' || !span_number(span_sub(word, 0, 4), 9999, &year) ||
	    !span_number(span_sub(word, 5, 7), 12, &month) || !span_number(span_sub(word, 8, 10), 31, &day) || month == 0)
		return false;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	again = tm;
	*out = timegm(&again) + 86400;
	return again.tm_mday == tm.tm_mday && again.tm_mon == tm.tm_mon; /* not the 30th of February */
}

static int read_soft(struct span *rest, struct issuer_policy *out, const struct place *at)
{
	struct span word = next_word(rest), before;

	if (!read_grace(word, &out->grace))
		return error_set(at->err, E_CONFIG, "%s:%u: \"%.*s\" is not a time such as 3d or 12h", at->file, at->line,
				 (int)word.n, word.p);
	before = *rest;
	if (!span_eqstr(next_word(rest), "until")) {
		*rest = before;
		return 0;
	}
	word = next_word(rest);
	return read_date(word, &out->until) ? 0
		: error_set(at->err, E_CONFIG, "%s:%u: \"%.*s\" is not a date such as 2027-01-31", at->file, at->line,
			    (int)word.n, word.p);
}

static int read_line(struct issuers *t, struct span line, const struct place *at)
{
	struct span rest = line, word = next_word(&rest);
	struct line *l = arena_alloc(&t->arena, sizeof(*l));
	size_t i = 0;
	int rc = 0;

	if (word.n == 0 || word.p[0] == '#')
		return 0;
	while (i < sizeof(modes) / sizeof(*modes) && !span_eqstr(word, modes[i].word))
		i++;
	if (i == sizeof(modes) / sizeof(*modes))
		return error_set(at->err, E_CONFIG, "%s:%u: \"%.*s\" is none of hard, soft, if-present, ignore", at->file,
				 at->line, (int)word.n, word.p);
	l->policy.mode = modes[i].mode;
	l->policy.where = arena_printf(&t->arena, "%s:%u", at->file, at->line);
	if (l->policy.mode == CHECK_CRL_SOFT)
		rc = read_soft(&rest, &l->policy, at);
	if (rc < 0)
		return rc;
	if (rest.n == 0)
		return error_set(at->err, E_CONFIG, "%s:%u: no pattern for names of issuers; * stands for all", at->file, at->line);
	l->pattern = arena_strndup(&t->arena, rest.p, rest.n);
	*t->end = l;
	t->end = &l->next;
	return 0;
}

int issuers_parse(const char *text, size_t n, const char *name, struct issuers **out, struct error *err)
{
	struct issuers *t = mem_alloc(sizeof(*t));
	struct span rest = span_from(text, n);
	struct place at = { arena_strdup(&t->arena, name), 0, err };
	int rc = 0;

	*out = NULL;
	t->end = &t->lines;
	while (rest.n && rc == 0) {
		ptrdiff_t end = span_find(rest, '\n');
		size_t length = end < 0 ? rest.n : (size_t)end;

		at.line++;
		rc = read_line(t, span_sub(rest, 0, length), &at);
		rest = span_sub(rest, length + 1, rest.n);
	}
	if (rc < 0)
		issuers_free(t);
	else
		*out = t;
	return rc;
}

int issuers_read(const char *path, struct issuers **out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = 0;

	*out = NULL;
	if (*path)
		rc = fs_read(path, FILE_MAX, &text, err);
	if (rc == 0)
		rc = issuers_parse(buf_str(&text), text.len, path, out, err);
	else
		rc = error_set(err, E_CONFIG, "check_path_issuers: %s", err ? err->text : path);
	buf_release(&text);
	return rc;
}

void issuers_free(struct issuers *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t);
}

/* `*' stands for any characters; ASCII case does not count. */
static bool fits(const char *pattern, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			again = name;
		} else if (ascii_lower((unsigned char)*pattern) == ascii_lower((unsigned char)*name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

struct issuer_policy issuers_find(const struct issuers *t, const char *issuer, const struct issuer_policy *otherwise)
{
	for (const struct line *l = t ? t->lines : NULL; l; l = l->next)
		if (fits(l->pattern, issuer))
			return l->policy;
	return *otherwise;
}
