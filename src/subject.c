/* subject.c - tags and wishes in the Subject field */
#include "subject.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "mime/charset.h"

#define MATCH_LIMIT 100000
#define SUBJECT_MAX 8192 /* bytes; what is longer is cut: looking for tags must not cost without bound */

/* ---- tags ---- */

/* Code points that show nothing or a blank: controls, fillers, joiners, directional marks, variation selectors, tags,
 * the typographic spaces.  U+FFFD stands for what header_decode could not read, and what others leave out. */
static const struct {
	unsigned first, last;
} unseen_points[] = {
	{ 0x01, 0x20 },     { 0x7f, 0xa0 },     { 0xad, 0xad },     { 0x34f, 0x34f },   { 0x61c, 0x61c },   { 0x115f, 0x1160 },
	{ 0x1680, 0x1680 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
	{ 0x2800, 0x2800 }, { 0x3000, 0x3000 }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0xfffd, 0xfffd }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* The code point at s, which is valid UTF-8 but for what a cut left over; *n: its bytes. */
static unsigned code_point(const char *s, size_t *n)
{
	static const unsigned char lead[] = { 0xff, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned c;

	*n = utf8_length(s, strnlen(s, 4));
	if (!*n)
		*n = 1;
	c = (unsigned char)s[0] & lead[*n];
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static bool is_unseen(unsigned c)
{
	for (size_t i = 0; i < sizeof(unseen_points) / sizeof(unseen_points[0]); i++)
		if (c >= unseen_points[i].first && c <= unseen_points[i].last)
			return true;
	return false;
}

static const char *skip_unseen(const char *s)
{
	size_t n;

	while (*s && is_unseen(code_point(s, &n)))
		s += n;
	return s;
}

/* The end of the tag if it stands at s, else NULL.  Blanks count for nothing on either side. */
static const char *tag_at(const char *s, const char *tag)
{
	for (;; s++, tag++) {
		tag = skip_unseen(tag);
		if (!*tag)
			return s;
		s = skip_unseen(s);
		if (!*s || ascii_lower((unsigned char)*s) != ascii_lower((unsigned char)*tag))
			return NULL;
	}
}

static bool cut_one(char *subject, const char *tag)
{
	if (!*skip_unseen(tag))
		return false;
	for (char *s = subject; *s; s++) {
		const char *end = tag_at(s, tag);

		if (end) {
			memmove(s, end, strlen(end) + 1);
			return true;
		}
	}
	return false;
}

const char *subject_without_tags(struct arena *a, const struct config *c, struct span value, bool *had)
{
	const char *const tags[] = { c->tag_signed, c->tag_encrypted, c->tag_invalid };
	char *subject = header_decode(a, value);
	bool again = true;

	*had = strlen(subject) > SUBJECT_MAX;
	if (*had)
		subject[SUBJECT_MAX] = '\0';
	while (again) { /* cutting one may put the halves of another together */
		again = false;
		for (size_t i = 0; i < 3; i++)
			while (cut_one(subject, tags[i]))
				*had = again = true;
	}
	if (*had) {
		struct span s = span_trim(span_of(subject));

		subject = arena_strndup(a, s.p, s.n);
	}
	return subject;
}

/* ---- wishes ---- */

static int match_failed(const char *name, int number, struct error *err)
{
	char why[120];

	if (number == PCRE2_ERROR_MATCHLIMIT || number == PCRE2_ERROR_DEPTHLIMIT || number == PCRE2_ERROR_HEAPLIMIT)
		return error_set(err, E_CONFIG, "%s: the pattern takes too long on this subject", name);
	pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof(why));
	return error_set(err, E_CONFIG, "%s: the pattern cannot be applied to this subject: %s", name, why);
}

static int cut_pattern(struct arena *a, const char *name, const char *pattern, const char **subject, bool *found,
		       struct error *err)
{
	PCRE2_SIZE at, *range;
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	int number, n;

	*found = false;
	if (!*pattern)
		return 0;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS | PCRE2_UTF, &number, &at, NULL);
	if (!code) {
		char why[120];

		pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof(why));
		return error_set(err, E_CONFIG, "%s: column %zu of the pattern: %s", name, (size_t)at + 1, why);
	}
	match = pcre2_match_data_create_from_pattern(code, NULL);
	limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(limits, MATCH_LIMIT);
	n = pcre2_match(code, (PCRE2_SPTR)*subject, strlen(*subject), 0, 0, match, limits);
	range = pcre2_get_ovector_pointer(match);
	if (n >= 0) {
		size_t from = range[0], to = range[1] < range[0] ? range[0] : range[1];
		char *rest = arena_printf(a, "%.*s%s", (int)from, *subject, *subject + to);
		struct span trimmed = span_trim(span_of(rest));

		*found = true;
		*subject = arena_strndup(a, trimmed.p, trimmed.n);
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		return match_failed(name, n, err);
	return 0;
}

int subject_wishes(struct arena *a, const struct config *c, const char *subject, struct wishes *out, const char **rest,
		   struct error *err)
{
	int rc;

	*out = (struct wishes){ 0 };
	*rest = subject;
	rc = cut_pattern(a, "subject_sign", c->subject_sign, rest, &out->sign, err);
	if (rc == 0)
		rc = cut_pattern(a, "subject_encrypt", c->subject_encrypt, rest, &out->encrypt, err);
	if (rc == 0)
		rc = cut_pattern(a, "subject_plain", c->subject_plain, rest, &out->plain, err);
	return rc;
}
