/* match.c - From and To patterns of a rules file
 *
 * Compiling with PCRE2 costs microseconds, and every line must be read before one can be trusted: so literal
 * patterns are checked and searched here.  JIT is not used: it costs more than the few addresses of a message.
 */
#include "rules-file/match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string.h>

/* Atoms that are no characters; plain patterns have only characters from 0x20 to 0x7e. */
#define ATOM_DOT 1
#define ATOM_SET 2

#define COMPILE_OPTIONS (PCRE2_CASELESS | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY)

/* ---- plain patterns ---- */

struct plain_reader {
	struct span in;
	size_t at;
	struct pattern *p;
	char *atoms; /* room for in.n */
};

/* What means itself outside a set; the rest is PCRE2's business. */
static bool is_literal(char c)
{
	return ascii_alpha(c) || ascii_digit(c) || c == '@' || c == '-' || (c && strchr("_!#%&'=~,/:;<>\" ", c));
}

static bool is_punctuation(char c)
{
	return c > 0x20 && c < 0x7f && !ascii_alpha(c) && !ascii_digit(c);
}

/* "$", or ".*" with or without it: the end of the pattern. */
static bool at_plain_end(const struct plain_reader *r)
{
	const char *rest = r->in.p + r->at; /* NUL-terminated, as all pattern texts */

	if (rest[0] == '.' && rest[1] == '*')
		rest += 2;
	else if (rest[0] != '$')
		return false;
	return rest[0] == '\0' || (rest[0] == '$' && rest[1] == '\0');
}

/* [@.] and the like: literal characters only (and no "[.", a POSIX notation), one set a pattern. */
static bool read_set(struct plain_reader *r, struct arena *a)
{
	size_t from = r->at + 1, to = from;
	char *members;

	while (to < r->in.n && (is_literal(r->in.p[to]) || r->in.p[to] == '.') && !strchr("-:=", r->in.p[to]))
		to++;
	if (to == from || to >= r->in.n || r->in.p[to] != ']' || r->in.p[from] == '.' || r->p->set)
		return false;
	members = arena_strndup(a, r->in.p + from, to - from);
	for (size_t i = 0; members[i]; i++)
		members[i] = (char)ascii_lower(members[i]);
	r->p->set = members;
	r->p->nset = to - from;
	r->at = to + 1;
	return true;
}

static bool read_atom(struct plain_reader *r, struct arena *a)
{
	char c = r->in.p[r->at];
	bool escaped = c == '\\' && r->at + 1 < r->in.n && is_punctuation(r->in.p[r->at + 1]);
	char atom;

	if (c == '[') {
		if (!read_set(r, a))
			return false;
		atom = ATOM_SET;
	} else if (escaped || is_literal(c) || c == '.') {
		atom = c == '.' ? ATOM_DOT : (char)ascii_lower(r->in.p[r->at + escaped]);
		r->at += 1 + escaped;
	} else {
		return false;
	}
	r->p->wild |= atom == ATOM_DOT || atom == ATOM_SET;
	r->atoms[r->p->natoms++] = atom;
	return true;
}

/* Whether the text is a plain pattern; then *p is filled.  A ".*" at either end says nothing in a search. */
static bool read_plain(struct arena *a, struct pattern *p)
{
	struct plain_reader r = { .in = span_from(p->text, p->n), .p = p, .atoms = arena_alloc(a, p->n + 1) };

	if (r.in.n && r.in.p[0] == '^') {
		p->start = true;
		r.at = 1;
	}
	if (span_casestarts(span_sub(r.in, r.at, r.in.n), ".*")) {
		p->start = false;
		r.at += 2;
		if (r.at < r.in.n && strchr("?+", r.in.p[r.at]))
			return false;
	}
	while (r.at < r.in.n) {
		if (at_plain_end(&r)) {
			p->end = r.in.p[r.at] == '$';
			break;
		}
		if (!read_atom(&r, a))
			return false;
	}
	p->atoms = r.atoms;
	return true;
}

static bool plain_at(const struct pattern *p, const char *s)
{
	if (!p->wild)
		return memcmp(p->atoms, s, p->natoms) == 0;
	for (size_t i = 0; i < p->natoms; i++) {
		char atom = p->atoms[i];

		if (atom != s[i] && atom != ATOM_DOT && !(atom == ATOM_SET && memchr(p->set, s[i], p->nset)))
			return false;
	}
	return true;
}

static bool plain_found(const struct pattern *p, const struct subject *s)
{
	size_t first, last;

	if (p->natoms > s->n || (p->start && p->end && p->natoms != s->n))
		return false;
	if (!p->start && !p->end && !p->wild)
		return memmem(s->lower, s->n, p->atoms, p->natoms) != NULL;
	last = p->start ? 0 : s->n - p->natoms;
	first = p->end ? last : 0;
	for (size_t i = first; i <= last; i++)
		if (plain_at(p, s->lower + i))
			return true;
	return false;
}

/* ---- PCRE2 ---- */

static void *had(void *p)
{
	if (!p) /* the out-of-memory handler speaks */
		mem_array(SIZE_MAX, 2);
	return p;
}

static void matcher_init(struct matcher *m)
{
	if (m->data)
		return;
	m->compile = had(pcre2_compile_context_create(NULL));
	m->match = had(pcre2_match_context_create(NULL));
	m->data = had(pcre2_match_data_create(1, NULL));
	pcre2_set_parens_nest_limit(m->compile, PATTERN_NESTING_MAX);
	pcre2_set_match_limit(m->match, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(m->match, MATCH_DEPTH_MAX);
	pcre2_set_heap_limit(m->match, MATCH_HEAP_MAX);
}

void matcher_release(struct matcher *m)
{
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->match);
	pcre2_compile_context_free(m->compile);
	*m = (struct matcher){ NULL, NULL, NULL };
}

static int compile(struct matcher *m, struct pattern *p, size_t *offset, struct error *err)
{
	unsigned char why[160];
	int code;

	matcher_init(m);
	p->code = pcre2_compile((PCRE2_SPTR)p->text, p->n, COMPILE_OPTIONS, &code, offset, m->compile);
	if (p->code)
		return 0;
	if (pcre2_get_error_message(code, why, sizeof(why)) < 0)
		snprintf((char *)why, sizeof(why), "PCRE2 error %d", code);
	return error_set(err, E_PERM, "%s", (const char *)why);
}

static int pcre_found(struct matcher *m, struct pattern *p, const struct subject *s, bool *found, struct error *err)
{
	unsigned char why[160];
	size_t offset;
	int rc;

	if (!p->code && (rc = compile(m, p, &offset, err)) < 0)
		return rc;
	rc = pcre2_match(p->code, (PCRE2_SPTR)s->text, s->n, 0, PCRE2_NO_UTF_CHECK, m->data, m->match);
	*found = rc >= 0;
	if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (pcre2_get_error_message(rc, why, sizeof(why)) < 0)
		snprintf((char *)why, sizeof(why), "PCRE2 error %d", rc);
	return error_set(err, E_CONFIG, "the pattern takes too long on this address (%s); write it simpler",
			 (const char *)why);
}

/* ---- both ---- */

int pattern_read(struct matcher *m, struct arena *a, struct span text, struct pattern **out, size_t *offset,
		 struct error *err)
{
	struct pattern *p;

	*out = NULL;
	*offset = 0;
	if (text.n > PATTERN_MAX)
		return error_set(err, E_PERM, "the pattern has more than %d bytes", PATTERN_MAX);
	p = arena_alloc(a, sizeof(*p));
	p->text = arena_strndup(a, text.p, text.n);
	p->n = text.n;
	*out = p;
	if (span_eqstr(text, ".")) {
		p->kind = PATTERN_ANY;
		return 0;
	}
	if (read_plain(a, p)) {
		p->kind = PATTERN_PLAIN;
		return 0;
	}
	p->kind = PATTERN_PCRE;
	return compile(m, p, offset, err);
}

void pattern_release(struct pattern *p)
{
	if (p)
		pcre2_code_free(p->code);
	if (p)
		p->code = NULL;
}

int subject_init(struct subject *s, const char *text, struct error *err)
{
	s->text = text;
	s->n = strlen(text);
	s->ascii = true;
	if (s->n > ADDRESS_MAX)
		return error_set(err, E_PERM, "address of more than %d bytes", ADDRESS_MAX);
	if (!utf8_valid(span_from(text, s->n)))
		return error_set(err, E_PERM, "address is not UTF-8");
	for (size_t i = 0; i < s->n; i++) {
		s->ascii = s->ascii && text[i] >= 0x20 && text[i] < 0x7f;
		s->lower[i] = (char)ascii_lower(text[i]);
	}
	return 0;
}

int pattern_match(struct matcher *m, struct pattern *p, const struct subject *s, bool *found, struct error *err)
{
	*found = true;
	if (p->kind == PATTERN_ANY)
		return 0;
	if (p->kind == PATTERN_PCRE || !s->ascii)
		return pcre_found(m, p, s, found, err);
	*found = plain_found(p, s);
	return 0;
}
