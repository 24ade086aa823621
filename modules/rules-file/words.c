/* words.c - the words behind (do) in a line of a rules file
 *
 * One table names the words, what may follow them and what they set.
 */
#include <stdio.h>
#include <string.h>

#include "rules-file/rules.h"

/* What the user's own signature gets (STRIP, BLOCK-SIGNED) is one kind. */
enum kind { KIND_SIGN, KIND_ENCRYPT, KIND_OWN, KIND_BLOCK, KIND_PROFILE, KIND_VIA, KIND_REJECT, KINDS };
enum value { VALUE_NONE, VALUE_OPTIONAL, VALUE_REQUIRED };

struct reader {
	struct rules *rules;
	struct rule *rule;
	struct span line;
	size_t at;
	const char *taken[KINDS]; /* the word of each kind that the line already has */
};


struct word {
	const char *name;
	enum value value;
	enum kind kind;     /* two words of one kind contradict each other */
	const char *kind_is;
	int (*set)(struct reader *r, const struct word *w, struct span value);
	uint8_t strength;
	const char *form;   /* as messages show it */
};

static int complain(struct reader *r, size_t at, const char *why)
{
	rules_problem(r->rules, false, r->rule->line, column_of(r->line, at), "%s", why);
	return E_PERM;
}

#define COMPLAIN(r, at, ...) complain(r, at, arena_printf(&(r)->rules->arena, __VA_ARGS__))

static size_t place(const struct reader *r, struct span piece)
{
	return (size_t)(piece.p - r->line.p);
}

static const char *keep(struct reader *r, struct span s)
{
	return arena_strndup(&r->rules->arena, s.p, s.n);
}

/* ---- what the words set ---- */

static int set_sign(struct reader *r, const struct word *w, struct span value)
{
	struct error why = { 0 };

	r->rule->words.sign = w->strength;
	if (!value.p)
		return 0;
	r->rule->words.sign_as = keep(r, value);
	if (address_check(r->rule->words.sign_as, &why) < 0)
		return COMPLAIN(r, place(r, value), "%s: %s", w->name, why.text);
	return 0;
}

static int set_encrypt(struct reader *r, const struct word *w, struct span value)
{
	r->rule->words.encrypt = w->strength;
	return 0;
}

static int set_name(struct reader *r, const struct word *w, struct span value)
{
	if (value.n > NAME_MAX_RULES)
		return COMPLAIN(r, place(r, value), "%s: a name has at most %d bytes", w->name, NAME_MAX_RULES);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (!ascii_alpha(c) && !ascii_digit(c) && !(i && strchr("._-", c)))
			return COMPLAIN(r, place(r, value) + i,
				"%s: %s is no name; expected letters, digits and (not at its start) . _ -", w->name,
				quoted(r->rules, value));
	}
	if (w->kind == KIND_PROFILE)
		r->rule->words.profile = keep(r, value);
	else
		r->rule->words.via = keep(r, value);
	return 0;
}

static int set_strip(struct reader *r, const struct word *w, struct span value)
{
	r->rule->words.strip = true;
	return 0;
}

static int set_block_signed(struct reader *r, const struct word *w, struct span value)
{
	r->rule->words.block_signed = true;
	return 0;
}

static int set_block_encrypted(struct reader *r, const struct word *w, struct span value)
{
	r->rule->words.block_encrypted = true;
	return 0;
}

/* value: the text itself, or "quoted" with \" and \\ inside */
static int set_reject(struct reader *r, const struct word *w, struct span value)
{
	bool in_quotes = value.p[0] == '"';
	char *text = arena_alloc(&r->rules->arena, value.n + 1);
	size_t n = 0;

	for (size_t i = in_quotes; i + in_quotes < value.n; i++) {
		if (in_quotes && value.p[i] == '\\')
			i++;
		text[n++] = value.p[i] == '\t' ? ' ' : value.p[i];
	}
	r->rule->words.reject = text;
	if (!span_trim(span_from(text, n)).n)
		return COMPLAIN(r, place(r, value), "REJECT: expected a text for the sender behind REJECT=");
	if (n > REJECT_MAX)
		return COMPLAIN(r, place(r, value), "REJECT: the text has %zu bytes, at most %d are allowed", n, REJECT_MAX);
	return 0;
}

static const struct word words[] = {
	{ "FS", VALUE_OPTIONAL, KIND_SIGN, "signing", set_sign, SIGN_FS, "FS or FS=address" },
	{ "SIP", VALUE_OPTIONAL, KIND_SIGN, "signing", set_sign, SIGN_SIP, "SIP or SIP=address" },
	{ "NS", VALUE_NONE, KIND_SIGN, "signing", set_sign, SIGN_NS, "NS" },
	{ "FE", VALUE_NONE, KIND_ENCRYPT, "encryption", set_encrypt, ENCRYPT_FE, "FE" },
	{ "EIP", VALUE_NONE, KIND_ENCRYPT, "encryption", set_encrypt, ENCRYPT_EIP, "EIP" },
	{ "NE", VALUE_NONE, KIND_ENCRYPT, "encryption", set_encrypt, ENCRYPT_NE, "NE" },
	{ "NE!", VALUE_NONE, KIND_ENCRYPT, "encryption", set_encrypt, ENCRYPT_NE_OUTRIGHT, "NE!" },
	{ "PROFILE", VALUE_REQUIRED, KIND_PROFILE, "profile", set_name, 0, "PROFILE=name" },
	{ "STRIP", VALUE_NONE, KIND_OWN, "own-signature", set_strip, 0, "STRIP" },
	{ "BLOCK-SIGNED", VALUE_NONE, KIND_OWN, "own-signature", set_block_signed, 0, "BLOCK-SIGNED" },
	{ "BLOCK-ENCRYPTED", VALUE_NONE, KIND_BLOCK, "block", set_block_encrypted, 0, "BLOCK-ENCRYPTED" },
	{ "VIA", VALUE_REQUIRED, KIND_VIA, "destination", set_name, 0, "VIA=name" },
	{ "REJECT", VALUE_REQUIRED, KIND_REJECT, "rejection", set_reject, 0, "REJECT=text" },
};
#define NWORDS (sizeof(words) / sizeof(words[0]))
#define EXPECTED "expected FS, SIP, NS, FE, EIP, NE, NE!, PROFILE=, STRIP, BLOCK-SIGNED, BLOCK-ENCRYPTED, VIA= or REJECT="

/* ---- which word is it ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to change, add, drop: the edit distance of Levenshtein, ASCII case-insensitive. */
static size_t distance(struct span a, const char *b)
{
	size_t row[32], m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < m; j++) {
			size_t above = row[j + 1];
			bool same = ascii_lower((unsigned char)a.p[i]) == ascii_lower((unsigned char)b[j]);

			row[j + 1] = least(diagonal + !same, 1 + least(above, row[j]));
			diagonal = above;
		}
	}
	return row[m];
}

static const struct word *nearest(struct span name)
{
	const struct word *best = NULL;
	size_t least_yet = 3;

	if (name.n > 20)
		return NULL;
	for (size_t i = 0; i < NWORDS; i++) {
		size_t d = distance(name, words[i].name);

		if (d < least_yet && d < strlen(words[i].name)) {
			best = &words[i];
			least_yet = d;
		}
	}
	return best;
}

static const struct word *find_word(struct span name)
{
	for (size_t i = 0; i < NWORDS; i++)
		if (span_caseeq(name, words[i].name))
			return &words[i];
	return NULL;
}

static int unknown(struct reader *r, struct span name)
{
	const struct word *near = nearest(name);

	if (!name.n)
		return COMPLAIN(r, place(r, name), "no word before \"%c\"; " EXPECTED, r->line.p[r->at]);
	if (near)
		return COMPLAIN(r, place(r, name), "unknown word %s; did you mean %s?", quoted(r->rules, name), near->form);
	return COMPLAIN(r, place(r, name), "unknown word %s; " EXPECTED, quoted(r->rules, name));
}

/* ---- reading ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool at_end(const struct reader *r)
{
	return r->at >= r->line.n || (r->line.p[r->at] == '#' && r->at && is_blank(r->line.p[r->at - 1]));
}

static bool skip_blanks(struct reader *r)
{
	size_t from = r->at;

	while (r->at < r->line.n && is_blank(r->line.p[r->at]))
		r->at++;
	return r->at > from;
}

static struct span take_until(struct reader *r, const char *stops)
{
	size_t from = r->at;

	while (r->at < r->line.n && !strchr(stops, r->line.p[r->at]))
		r->at++;
	return span_sub(r->line, from, r->at);
}

/* REJECT's text: up to a comment or the end of the line, or in quotes. */
static int take_text(struct reader *r, struct span *value)
{
	size_t from = r->at;

	if (r->at < r->line.n && r->line.p[r->at] == '"') {
		for (r->at++; r->at < r->line.n && r->line.p[r->at] != '"'; r->at++)
			r->at += r->line.p[r->at] == '\\' && r->at + 1 < r->line.n;
		if (r->at >= r->line.n)
			return COMPLAIN(r, from, "the quoted text does not end; expected a closing \"");
		r->at++;
		*value = span_sub(r->line, from, r->at);
		return 0;
	}
	skip_blanks(r);
	from = r->at;
	while (r->at < r->line.n && !at_end(r))
		r->at++;
	*value = span_sub(r->line, from, r->at);
	while (value->n && is_blank(value->p[value->n - 1]))
		value->n--;
	return 0;
}

static int take_value(struct reader *r, const struct word *w, struct span *value)
{
	char sign = r->at < r->line.n ? r->line.p[r->at] : '\0';
	size_t at = r->at;
	int rc = 0;

	*value = (struct span){ NULL, 0 };
	if (sign != '=' && sign != '@') {
		if (w->value != VALUE_REQUIRED)
			return 0;
		return COMPLAIN(r, at, "%s needs a value; expected %s", w->name, w->form);
	}
	if (w->value == VALUE_NONE)
		return COMPLAIN(r, at, "%s takes no value", w->name);
	if (sign == '@' && w->kind != KIND_SIGN)
		return COMPLAIN(r, at, "%s needs a value; expected %s", w->name, w->form);
	r->at++;
	if (w->kind == KIND_REJECT)
		rc = take_text(r, value);
	else
		*value = take_until(r, " \t,");
	if (rc == 0 && !value->n)
		rc = COMPLAIN(r, r->at, "%s has an empty value; expected %s", w->name, w->form);
	return rc;
}

static int take_word(struct reader *r)
{
	struct span name = take_until(r, " \t,=@");
	const struct word *w = find_word(name);
	struct span value;
	int rc;

	if (!w)
		return unknown(r, name);
	rc = take_value(r, w, &value);
	if (rc < 0)
		return rc;
	if (r->taken[w->kind])
		return COMPLAIN(r, place(r, name), "%s after %s: a line has one %s word", w->name, r->taken[w->kind],
				w->kind_is);
	r->taken[w->kind] = w->name;
	return w->set(r, w, value);
}

/* A comma, blanks, or both; *more says whether a word follows. */
static int take_separator(struct reader *r, bool *more)
{
	bool blanks = skip_blanks(r);

	*more = !at_end(r);
	if (!*more)
		return 0;
	if (r->line.p[r->at] != ',')
		return blanks ? 0 : COMPLAIN(r, r->at, "expected a comma or a blank after the text");
	r->at++;
	skip_blanks(r);
	if (at_end(r) || r->line.p[r->at] == ',')
		return COMPLAIN(r, r->at, "no word after the comma; " EXPECTED);
	return 0;
}

int words_read(struct rules *rules, struct span line, size_t from, struct rule *rule)
{
	struct reader r = { .rules = rules, .rule = rule, .line = line, .at = from };
	size_t first, end = from;
	bool more;
	int rc = 0;

	skip_blanks(&r);
	first = r.at;
	more = !at_end(&r);
	if (!more)
		return COMPLAIN(&r, r.at, "no word after (do); " EXPECTED);
	while (rc == 0 && more) {
		rc = take_word(&r);
		end = r.at;
		if (rc == 0)
			rc = take_separator(&r, &more);
	}
	rule->text = keep(&r, span_trim(span_sub(line, first, end)));
	return rc;
}
