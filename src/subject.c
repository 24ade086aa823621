/* subject.c - tags and wishes in the Subject field */
#include "subject.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#define MATCH_LIMIT 100000
#define SUBJECT_MAX 8192 /* bytes; what is longer is cut: looking for tags must not cost without bound */

/* ---- tags ---- */

/* Bytes of the code point at s that shows nothing: soft hyphen, zero-width and directional marks, word joiner, BOM. */
static size_t invisible(const char *s)
{
	static const char *const points[] = { "\xc2\xad", "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
		"\xe2\x80\x8f", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa0",
		"\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xef\xbb\xbf", "\xcd\x8f" };

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (strncmp(s, points[i], strlen(points[i])) == 0)
			return strlen(points[i]);
	return (unsigned char)*s < 0x20 && *s && !ascii_space((unsigned char)*s);
}

/* Bytes of white space at s: ASCII, no-break and the typographic spaces. */
static size_t blank(const char *s)
{
	static const char *const points[] = { "\xc2\xa0", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",
		"\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
		"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };

	if (ascii_space((unsigned char)*s))
		return 1;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (strncmp(s, points[i], strlen(points[i])) == 0)
			return strlen(points[i]);
	return 0;
}

static const char *skip_unseen(const char *s)
{
	for (size_t n; (n = invisible(s)) || (n = blank(s)); s += n)
		;
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
		return error_set(err, E_CONFIG, "%s: the pattern takes too long on this subject", name);
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
