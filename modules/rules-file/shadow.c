/* shadow.c - warnings about lines that other lines make pointless, and lines that open what others close
 *
 * One line covers another if it applies wherever the other does.  Whether one pattern matches all that another does
 * cannot be computed; what is known for sure is "." and the same text, and only that is used here.
 */
#include <stdlib.h>
#include <string.h>

#include "rules-file/lint.h"

#define ANY 0 /* the number of "." */

struct key {
	uint32_t from, to; /* the same number: the same pattern */
};

struct entry {
	struct key key;
	uint32_t item;
};

struct lines {
	struct rules *rules;
	struct key *keys;     /* one for each line */
	struct entry *sorted; /* the same by key, then line: the lines that cover another stand together */
};

/* ---- numbering the patterns ---- */

struct numbered {
	const struct pattern *pattern;
	uint32_t *number;
};

static int by_text(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return strcmp(x->pattern->text, y->pattern->text);
}

static void number_patterns(struct lines *l)
{
	size_t n = l->rules->n * 2;
	struct numbered *all = mem_array(n, sizeof(*all));
	uint32_t number = ANY;

	for (size_t i = 0; i < l->rules->n; i++) {
		all[2 * i] = (struct numbered){ l->rules->items[i].from, &l->keys[i].from };
		all[2 * i + 1] = (struct numbered){ l->rules->items[i].to, &l->keys[i].to };
	}
	qsort(all, n, sizeof(*all), by_text);
	for (size_t i = 0; i < n; i++) {
		number += i == 0 || by_text(&all[i - 1], &all[i]) != 0;
		*all[i].number = all[i].pattern->kind == PATTERN_ANY ? ANY : number;
	}
	free(all);
}

/* ---- which line applies where ---- */

static bool covers(struct key a, struct key b)
{
	return (a.from == ANY || a.from == b.from) && (a.to == ANY || a.to == b.to);
}

static int compare_keys(struct key a, struct key b)
{
	if (a.from != b.from)
		return a.from < b.from ? -1 : 1;
	return a.to < b.to ? -1 : a.to > b.to;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_keys(x->key, y->key);

	return order ? order : x->item < y->item ? -1 : x->item > y->item;
}

static void sort_keys(struct lines *l)
{
	for (size_t i = 0; i < l->rules->n; i++)
		l->sorted[i] = (struct entry){ l->keys[i], (uint32_t)i };
	qsort(l->sorted, l->rules->n, sizeof(*l->sorted), by_key);
}

/* The first place in sorted that is not before key. */
static size_t first_of(const struct lines *l, struct key key)
{
	size_t low = 0, high = l->rules->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_keys(l->sorted[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether both surely apply to some message, as far as is known. */
static bool meet(struct key a, struct key b)
{
	return (a.from == ANY || b.from == ANY || a.from == b.from) && (a.to == ANY || b.to == ANY || a.to == b.to);
}

/* ---- lines without effect ---- */

/* What is left of a line's words once others have their way. */
struct left {
	struct words words;
	unsigned by; /* the last line that took something away */
};

/* Clears in left what a later covering line sets anyway. */
static void take_later(struct left *left, const struct words *later)
{
	struct words *w = &left->words;

	if (later->sign)
		w->sign = SIGN_UNSET;
	if (later->encrypt == ENCRYPT_NE_OUTRIGHT || later->encrypt == ENCRYPT_FE ||
	    (w->encrypt != ENCRYPT_NE_OUTRIGHT && later->encrypt >= w->encrypt))
		w->encrypt = ENCRYPT_UNSET;
	w->profile = later->profile ? NULL : w->profile;
	w->via = later->via ? NULL : w->via;
	w->reject = later->reject ? NULL : w->reject;
}

static void take_flags(struct left *left, const struct words *other)
{
	left->words.strip &= !other->strip;
	left->words.block_signed &= !other->block_signed;
	left->words.block_encrypted &= !other->block_encrypted;
}

static bool is_empty(const struct words *w)
{
	return !w->sign && !w->encrypt && !w->strip && !w->block_signed && !w->block_encrypted && !w->profile && !w->via &&
	       !w->reject;
}

/* What line k leaves of line i, which it covers.  Flags are also pointless behind a line that has set them; of two
 * lines for the same mail the later one counts. */
static void take(struct lines *l, struct left *left, size_t k, size_t i)
{
	const struct rule *other = &l->rules->items[k];
	struct words before = left->words;

	if (k > i)
		take_later(left, &other->words);
	if (k > i || !covers(l->keys[i], l->keys[k]))
		take_flags(left, &other->words);
	if (memcmp(&before, &left->words, sizeof(before)) != 0)
		left->by = other->line;
}

static void find_shadowed(struct lines *l, size_t i)
{
	struct rule *rule = &l->rules->items[i];
	struct left left = { .words = rule->words };
	struct key own = l->keys[i];

	for (unsigned which = 0; which < 4; which++) {
		struct key key = { which & 1 ? own.from : ANY, which & 2 ? own.to : ANY };

		if (((which & 1) && own.from == ANY) || ((which & 2) && own.to == ANY))
			continue; /* the same key once more */
		for (size_t k = first_of(l, key); k < l->rules->n && !is_empty(&left.words); k++) {
			if (compare_keys(l->sorted[k].key, key) != 0)
				break;
			if (l->sorted[k].item != i)
				take(l, &left, l->sorted[k].item, i);
		}
	}
	if (is_empty(&left.words))
		rules_problem(l->rules, true, rule->line, 1, "this line can never have an effect: line %u overrides it",
			      left.by);
}

/* ---- encryption that others weaken or do not ---- */

static void find_weakened(struct lines *l, size_t i)
{
	struct rule *rule = &l->rules->items[i];

	for (size_t k = 0; k < i; k++) {
		const struct rule *earlier = &l->rules->items[k];

		if (rule->words.encrypt == ENCRYPT_NE_OUTRIGHT && earlier->words.encrypt == ENCRYPT_FE &&
		    meet(l->keys[k], l->keys[i])) {
			rules_problem(l->rules, true, rule->line, 1,
				      "NE! takes back the FE of line %u: this mail is sent unencrypted", earlier->line);
			return;
		}
		if (rule->words.encrypt == ENCRYPT_NE && earlier->words.encrypt >= ENCRYPT_EIP &&
		    earlier->words.encrypt != ENCRYPT_NE_OUTRIGHT && covers(l->keys[k], l->keys[i])) {
			rules_problem(l->rules, true, rule->line, 1,
				      "NE does not weaken the %s of line %u; to send this mail unencrypted write NE!",
				      encrypt_name(earlier->words.encrypt), earlier->line);
			return;
		}
	}
}

void rules_lint_lines(struct rules *r)
{
	struct lines l = { r, mem_array(r->n, sizeof(struct key)), mem_array(r->n, sizeof(struct entry)) };

	if (r->n) {
		number_patterns(&l);
		sort_keys(&l);
	}
	for (size_t i = 0; i < r->n; i++) {
		find_shadowed(&l, i);
		if (r->items[i].words.encrypt == ENCRYPT_NE || r->items[i].words.encrypt == ENCRYPT_NE_OUTRIGHT)
			find_weakened(&l, i);
	}
	free(l.keys);
	free(l.sorted);
}
