/* sections.c - files of named sets of settings; see sections.h */
#include "lib/sections.h"

#include <string.h>

#define NAME_LENGTH_MAX 64
#define SECTIONS_MAX 1000

struct section {
	struct section *next; /* the one above */
	void *set;
};

struct reading {
	const struct sections *kind;
	struct arena *arena;
	const char *file;
	unsigned line;
	struct section *sections; /* the last is the current one */
	size_t nsections;
	uint32_t seen;            /* settings of the current section */
	bool begun;               /* it has a setting, or "like", already */
	struct error *err;
};

static int complain(struct reading *r, const char *why, struct span what)
{
	return error_set(r->err, E_CONFIG, "%s:%u: %s: %.*s", r->file, r->line, why, (int)(what.n < 80 ? what.n : 80),
			 what.n ? what.p : "");
}

static const char *name_of(const void *set)
{
	const char *name;

	memcpy(&name, set, sizeof(name));
	return name;
}

static void set_name(void *set, const char *name)
{
	memcpy(set, &name, sizeof(name));
}

/* Among n structs of size bytes that begin with their names. */
static const void *find_in(const void *table, size_t n, size_t size, struct span name)
{
	for (const char *p = table; n; n--, p += size)
		if (span_caseeq(name, name_of(p)))
			return p;
	return NULL;
}

static const void *find_built_in(const struct sections *kind, struct span name)
{
	return find_in(kind->built_in, kind->nbuilt_in, kind->size, name);
}

static const void *find_above(const struct section *s, struct span name)
{
	for (; s; s = s->next)
		if (span_caseeq(name, name_of(s->set)))
			return s->set;
	return NULL;
}

static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alpha((unsigned char)name.p[i]) && !ascii_digit((unsigned char)name.p[i]) && !memchr("._-", name.p[i], 3))
			return false;
	return name.n && name.n <= NAME_LENGTH_MAX;
}

static int begin_section(struct reading *r, struct span line)
{
	struct span name = span_trim(span_sub(line, 1, line.n - 1));
	const void *base = find_built_in(r->kind, name);
	struct section *s;

	if (line.p[line.n - 1] != ']')
		return complain(r, "a section's line ends with ]", line);
	if (!is_name(name))
		return complain(r, "a name has letters, digits, '.', '_' and '-' only, 64 at most", name);
	if (find_above(r->sections, name))
		return complain(r, arena_printf(r->arena, "a %s for the second time", r->kind->kind), name);
	if (r->nsections++ == SECTIONS_MAX)
		return complain(r, "too many sections", name);
	s = arena_alloc(r->arena, sizeof(*s));
	s->set = arena_alloc(r->arena, r->kind->size);
	memcpy(s->set, base ? base : r->kind->fresh, r->kind->size);
	set_name(s->set, arena_strndup(r->arena, name.p, name.n));
	s->next = r->sections;
	r->sections = s;
	r->seen = 0;
	r->begun = false;
	return 0;
}

static int inherit(struct reading *r, struct span value)
{
	const char *own = name_of(r->sections->set);
	const void *base = find_above(r->sections->next, value);

	if (r->begun)
		return complain(r, "\"like\" must come first in its section", value);
	r->begun = true;
	if (!base)
		base = find_built_in(r->kind, value);
	if (!base)
		return complain(r, arena_printf(r->arena, "\"like\" names no %s that is built in or stands above", r->kind->kind), value);
	memcpy(r->sections->set, base, r->kind->size);
	set_name(r->sections->set, own);
	return 0;
}

static int read_setting(struct reading *r, struct span line)
{
	const struct sections *kind = r->kind;
	ptrdiff_t equals = span_find(line, '=');
	const void *setting;
	const char *why;
	struct span name, value;
	uint32_t bit;

	if (equals < 0)
		return complain(r, arena_printf(r->arena, "neither [%s] nor name = value", kind->kind), line);
	name = span_trim(span_sub(line, 0, (size_t)equals));
	value = span_trim(span_sub(line, (size_t)equals + 1, line.n));
	if (!r->sections)
		return complain(r, arena_printf(r->arena, "a setting before the first [%s]", kind->kind), name);
	if (span_caseeq(name, "like"))
		return inherit(r, value);
	r->begun = true;
	setting = find_in(kind->settings, kind->nsettings, kind->setting_size, name);
	if (!setting)
		return complain(r, "unknown setting", name);
	bit = UINT32_C(1) << (size_t)((const char *)setting - (const char *)kind->settings) / kind->setting_size;
	if (r->seen & bit)
		return complain(r, arena_printf(r->arena, "a second time in one %s", kind->kind), name);
	r->seen |= bit;
	why = kind->set(r->arena, r->sections->set, setting, &value);
	return why ? complain(r, why, value) : 0;
}

static int read_line(struct reading *r, struct span line)
{
	line = span_trim(line);
	if (!line.n || line.p[0] == '#')
		return 0;
	if (memchr(line.p, '\0', line.n))
		return complain(r, "a NUL byte", span_from(NULL, 0));
	return line.p[0] == '[' ? begin_section(r, line) : read_setting(r, line);
}

int sections_find(const struct sections *kind, struct arena *a, const char *file, struct span text, const char *name, void *out,
		  struct error *err)
{
	struct reading r = { .kind = kind, .arena = a, .file = file, .err = err };
	const void *found;
	int rc = 0;

	memset(out, 0, kind->size);
	while (text.n && rc == 0) {
		ptrdiff_t end = span_find(text, '\n');
		size_t n = end < 0 ? text.n : (size_t)end;

		r.line++;
		rc = read_line(&r, span_sub(text, 0, n));
		text = span_sub(text, n + 1, text.n);
	}
	if (rc < 0)
		return rc;
	found = find_above(r.sections, span_of(name));
	if (!found)
		found = find_built_in(kind, span_of(name));
	if (!found)
		return E_NOTFOUND;
	memcpy(out, found, kind->size);
	return 0;
}
