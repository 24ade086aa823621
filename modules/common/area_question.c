/* area_question.c - a question to an area: from the index to what stands in the files, until both agree */
#include "common/area_question.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/certfile.h"

/* How often a question is asked again when files change under it. */
#define ATTEMPTS 4

/* ---- collecting ---- */

int question_collect(void *ctx, struct span key, struct span value)
{
	struct question *q = ctx;

	(void)value;
	if (q->ncandidates == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 16;
		q->candidates = mem_resize(q->candidates, q->cap * sizeof(*q->candidates));
	}
	q->candidates[q->ncandidates++] = (struct candidate){ key_id(key), 0, q->domain };
	return q->ncandidates >= CANDIDATES_MAX;
}

int question_collect_range(void *ctx, struct span key, struct span value)
{
	struct question *q = ctx;

	if (q->passed < q->from)
		q->passed++;
	else
		question_collect(ctx, key, value);
	return q->ncandidates >= q->max;
}

int question_collect_marks(struct question *q)
{
	struct record_key k;
	int rc = 0;

	for (int i = 0; i < 2 && rc >= 0; i++) {
		if (q->marks[i].n == 0)
			continue;
		q->domain = i == 1;
		key_mark_prefix(&k, span_from(q->marks[i].bytes, q->marks[i].n));
		rc = index_each(q->area->index, key_span(&k), question_collect, q, q->err);
	}
	return rc < 0 ? rc : 0;
}

static bool entry_of(struct question *q, uint64_t id, struct entry_view *v)
{
	struct record_key k;
	struct span value;

	key_entry(&k, id);
	return index_get(q->area->index, key_span(&k), &value) == 0 && entry_parse(value, v);
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain ? 1 : -1;
	if (x->not_before != y->not_before)
		return x->not_before > y->not_before ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void sort_candidates(struct question *q)
{
	struct entry_view v;

	for (size_t i = 0; i < q->ncandidates; i++)
		if (entry_of(q, q->candidates[i].id, &v))
			q->candidates[i].not_before = v.fixed.not_before;
	if (q->ncandidates)
		qsort(q->candidates, q->ncandidates, sizeof(*q->candidates), newest_first);
}

/* ---- fetching an entry from its file ---- */

/* The index remembers the file as it is. */
static bool unchanged(struct question *q, const char *path, const struct stat *st)
{
	struct file_record r;
	struct record_key k;
	struct span value;
	struct stamp now;

	stamp_of(st, &now);
	file_key(&k, 'F', path);
	return index_get(q->area->index, key_span(&k), &value) == 0 && file_parse(value, &r, NULL) && stamp_equal(&r.stamp, &now);
}

static bool read_part(int fd, const struct entry_record *r, struct buf *der)
{
	struct buf bytes = BUF_INIT;
	bool whole;

	if (r->length > AREA_CRL_MAX)
		return false;
	buf_reserve(&bytes, (size_t)r->length + 1);
	whole = pread(fd, bytes.data, (size_t)r->length, (off_t)r->offset) == (ssize_t)r->length;
	whole = whole && certfile_decode((enum certfile_form)r->form, span_from(bytes.data, (size_t)r->length), der) == 0;
	buf_release(&bytes);
	return whole;
}

/* The entry's DER, from the file itself; false: the file is not what the index says. */
static bool fetch(struct question *q, const struct entry_view *v, const char *path, const char *file, struct span *out)
{
	struct buf der = BUF_INIT;
	struct stat st;
	bool good = false;
	int fd = -1;

	if (v->fixed.form == CERTFILE_INNER) {
		good = stat(file, &st) == 0 && unchanged(q, path, &st);
		buf_add(&der, v->der.p, v->der.n);
	} else {
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		good = fd >= 0 && fstat(fd, &st) == 0 && unchanged(q, path, &st) && read_part(fd, &v->fixed, &der);
	}
	if (fd >= 0)
		close(fd);
	good = good && mark_hash(buf_str(&der), der.len) == v->fixed.hash;
	if (good)
		*out = span_from(arena_memdup(q->arena, buf_str(&der), der.len), der.len);
	buf_release(&der);
	return good;
}

static bool have_already(const struct question *q, struct span der)
{
	for (size_t i = 0; i < q->out->n && !q->keep_copies; i++)
		if (span_eq(q->out->items[i].der, der))
			return true;
	return false;
}

static void note_changed(struct question *q, char *path)
{
	for (size_t i = 0; i < q->nchanged; i++)
		if (strcmp(q->changed[i], path) == 0)
			return;
	q->changed = mem_resize(q->changed, (q->nchanged + 1) * sizeof(*q->changed));
	q->changed[q->nchanged++] = path;
}

int question_take(struct question *q, const struct candidate *c)
{
	struct area_entry e = { .domain = c->domain };
	struct entry_view v;
	char *path;

	if (!entry_of(q, c->id, &v))
		return index_damaged(q->area->index, "an entry is missing", q->err);
	path = arena_strndup(q->arena, v.path.p, v.path.n);
	e.file = area_path(q->arena, q->area, path);
	if (!fetch(q, &v, path, e.file, &e.der)) {
		note_changed(q, path);
		return 0;
	}
	e.position = v.fixed.position;
	e.not_before = (time_t)v.fixed.not_before;
	e.not_after = (time_t)v.fixed.not_after;
	e.leaf = v.fixed.flags & ENTRY_LEAF;
	e.may_sign = v.fixed.flags & ENTRY_MAY_SIGN;
	e.has_keys = v.fixed.flags & ENTRY_KEYS;
	e.exposed = v.fixed.flags & ENTRY_EXPOSED;
	if (!have_already(q, e.der) && (!q->fits || q->fits(q, &e)))
		q->out->items[q->out->n++] = e;
	return 0;
}

/* As above, for a revocation list: the form in the index is what was made of the file, as long as that is the same. */
static int take_crl(struct question *q, const struct candidate *c)
{
	struct area_crl list = { .id = c->id };
	struct record_key k;
	struct entry_view v;
	struct span form;
	struct stat st;
	char *path;

	key_list(&k, c->id);
	if (!entry_of(q, c->id, &v) || index_get(q->area->index, key_span(&k), &form) < 0 || !crl_view(form, &list.list))
		return index_damaged(q->area->index, "a revocation list is missing or damaged", q->err);
	path = arena_strndup(q->arena, v.path.p, v.path.n);
	list.file = area_path(q->arena, q->area, path);
	if (stat(list.file, &st) < 0 || !unchanged(q, path, &st)) {
		note_changed(q, path);
		return 0;
	}
	if (!crl_issuer_is(&list.list, q->wanted[0]))
		return 0;
	form = span_sub(form, 0, (size_t)list.list.head.entries_at);
	crl_view(span_from(arena_memdup(q->arena, form.p, form.n), form.n), &list.list);
	q->crls->items[q->crls->n++] = list;
	q->out->n = q->crls->n;
	return 0;
}

static int take_crls(struct question *q)
{
	int rc = 0;

	q->crls->items = arena_array(q->arena, (q->ncandidates < q->max ? q->ncandidates : q->max) + 1, sizeof(*q->crls->items));
	q->crls->n = q->out->n = 0;
	for (size_t i = 0; i < q->ncandidates && q->crls->n < q->max && rc == 0; i++)
		rc = take_crl(q, &q->candidates[i]);
	return rc;
}

static int take_candidates(struct question *q)
{
	size_t room = q->ncandidates < q->max ? q->ncandidates : q->max;
	int rc = 0;

	q->out->items = arena_array(q->arena, room + 1, sizeof(*q->out->items));
	q->out->n = 0;
	for (size_t i = 0; i < q->ncandidates && q->out->n < q->max && rc == 0; i++)
		rc = question_take(q, &q->candidates[i]);
	return rc;
}

/* ---- asking until the answer is true ---- */

static int ask_index(struct question *q, int (*gather)(struct question *))
{
	int rc = index_begin(q->area->index, false, q->err);

	if (rc < 0)
		return rc;
	q->ncandidates = 0;
	q->nchanged = 0;
	q->passed = 0;
	rc = gather(q);
	if (rc == 0) {
		sort_candidates(q);
		rc = q->crls ? take_crls(q) : take_candidates(q);
	}
	index_abort(q->area->index);
	return rc;
}

int question_ask(struct question *q, int (*gather)(struct question *))
{
	bool again = !q->area->frozen;
	int rc = again ? 0 : ask_index(q, gather);

	for (int i = 0; i < ATTEMPTS && again && rc == 0; i++) {
		again = false;
		rc = area_refresh(q->area, q->err);
		if (rc == 0)
			rc = ask_index(q, gather);
		if (rc == 0 && q->nchanged) {
			rc = area_reread(q->area, q->changed, q->nchanged, q->err);
			again = true;
		} else if (rc == 0 && q->out->n == 0 && i == 0) {
			rc = area_sweep(q->area, SWEEP_NOT_TOO_OFTEN, &again, q->err);
		}
	}
	free(q->candidates);
	free(q->changed);
	if (rc == 0 && again)
		rc = error_set(q->err, E_TEMP, "%s: files keep changing", q->area->directory);
	return rc;
}

struct question question_of(struct area *a, struct arena *arena, struct area_list *out, struct error *err)
{
	*out = (struct area_list){ NULL, 0 };
	return (struct question){ .area = a, .arena = arena, .max = AREA_FOUND_MAX, .out = out, .err = err };
}
