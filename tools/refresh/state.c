/* state.c - what postern-refresh remembers from run to run */
#include "refresh/state.h"

#include <inttypes.h>

#include "lib/fs.h"
#include "refresh/place.h"

#define FIRST_LINE "postern-refresh 1"
#define FILE_MAX ((size_t)256 << 20)
#define TEXT_MAX ((size_t)4096)
#define FIELDS 8
#define MONTH ((int64_t)30 * 86400)
#define PAUSE_LEAST ((int64_t)300)
#define PAUSE_MOST ((int64_t)86400)
#define TIME_MOST ((uint64_t)253402300799) /* 9999-12-31 */

/* ---- the table ---- */

static bool may_stand(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			return false;
	return strlen(text) <= TEXT_MAX;
}

const char *state_text(struct state *s, const char *text)
{
	return text && may_stand(text) ? arena_strdup(&s->arena, text) : "";
}

struct state_record *state_get(struct state *s, const char *key)
{
	struct set_entry *at;
	struct state_record *r;

	if (!*key || !may_stand(key))
		return NULL;
	at = set_find(&s->records, key);
	if (!at->key) {
		r = arena_alloc(&s->arena, sizeof(*r));
		at->key = r->key = arena_strdup(&s->arena, key);
		at->value = r;
		r->etag = r->modified = "";
		set_filled(&s->records);
	}
	r = at->value;
	r->used = true;
	return r;
}

void state_release(struct state *s)
{
	set_release(&s->records);
	arena_release(&s->arena);
}

/* ---- the file ---- */

static bool number(struct span s, uint64_t most, int64_t *out)
{
	uint64_t n;

	if (!span_number(s, most, &n))
		return false;
	*out = (int64_t)n;
	return true;
}

/* KEY checked retry failures this next etag modified, separated by tabs. */
static bool parse_line(struct state *s, struct span line)
{
	struct span field[FIELDS];
	struct state_record r = { 0 }, *kept;
	int64_t failures;
	char *text[3];

	for (size_t i = 0; i < FIELDS; i++) {
		ptrdiff_t tab = span_find(line, '\t');

		if ((tab < 0) != (i == FIELDS - 1))
			return false;
		field[i] = span_sub(line, 0, tab < 0 ? line.n : (size_t)tab);
		line = span_sub(line, field[i].n + 1, line.n);
	}
	if (!number(field[1], TIME_MOST, &r.checked) || !number(field[2], TIME_MOST, &r.retry) ||
	    !number(field[3], UINT32_MAX, &failures) || !number(field[4], TIME_MOST, &r.this_update) ||
	    !number(field[5], TIME_MOST, &r.next_update) || s->records.n >= STATE_RECORDS_MAX)
		return false;
	for (size_t i = 0; i < 3; i++) {
		struct span f = field[i ? i + 5 : 0];

		if (memchr(f.n ? f.p : "x", '\0', f.n ? f.n : 1))
			return false;
		text[i] = arena_strndup(&s->arena, f.p, f.n);
		if (!may_stand(text[i]))
			return false;
	}
	kept = state_get(s, text[0]);
	if (!kept)
		return false;
	r.key = kept->key;
	r.failures = (unsigned)failures;
	r.etag = text[1];
	r.modified = text[2];
	*kept = r;
	return true;
}

size_t state_parse(struct state *s, struct span text)
{
	bool first = true;
	size_t bad = 0;

	while (text.n) {
		ptrdiff_t end = span_find(text, '\n');
		struct span line = span_sub(text, 0, end < 0 ? text.n : (size_t)end);

		text = span_sub(text, line.n + 1, text.n);
		if (first && !span_eqstr(line, FIRST_LINE))
			return 1; /* of another version: begin anew */
		if (!first && (end < 0 || !parse_line(s, line)))
			bad++;
		first = false;
	}
	return bad;
}

int state_read(struct state *s, const char *path, struct error *err)
{
	struct buf text = BUF_INIT;
	struct error why = { 0 };
	int rc = fs_read(path, FILE_MAX, &text, &why);

	if (rc == 0)
		state_parse(s, span_from(buf_str(&text), text.len));
	buf_release(&text);
	return rc == 0 || rc == E_NOTFOUND ? 0 : error_set(err, rc, "%s", why.text);
}

static bool is_forgotten(const struct state_record *r, int64_t now)
{
	int64_t last = r->checked > r->retry ? r->checked : r->retry;

	return !r->used && last + MONTH < now;
}

void state_format(const struct state *s, int64_t now, struct buf *out)
{
	buf_addstr(out, FIRST_LINE "\n");
	for (size_t i = 0; i < s->records.cap; i++) {
		const struct state_record *r = s->records.entries[i].value;

		if (r && !is_forgotten(r, now))
			buf_addf(out, "%s\t%" PRId64 "\t%" PRId64 "\t%u\t%" PRId64 "\t%" PRId64 "\t%s\t%s\n", r->key, r->checked,
				 r->retry, r->failures, r->this_update, r->next_update, r->etag, r->modified);
	}
}

int state_write(const struct state *s, const char *path, int64_t now, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	state_format(s, now, &text);
	rc = place_file(path, span_from(text.data, text.len), 0600, err);
	buf_release(&text);
	return rc;
}

/* ---- success and failure ---- */

void state_failed(struct state_record *r, int64_t now)
{
	int64_t pause = PAUSE_LEAST;

	for (unsigned i = 0; i < r->failures && pause < PAUSE_MOST; i++)
		pause *= 2;
	if (r->failures < 1000)
		r->failures++;
	r->retry = now + (pause < PAUSE_MOST ? pause : PAUSE_MOST);
}

void state_succeeded(struct state_record *r, int64_t now)
{
	r->checked = now;
	r->retry = 0;
	r->failures = 0;
}
