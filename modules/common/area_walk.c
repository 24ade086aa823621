/* area_walk.c - everything in an area, one after the other */
#include "common/area_question.h"
#include "common/certfile.h"

/* ---- what the index knows ---- */

struct walk {
	struct area *area;
	struct buf file;
	int (*fn)(void *ctx, const struct area_record *r);
	void *ctx;
};

static int visit(void *ctx, struct span key, struct span value)
{
	struct walk *w = ctx;
	struct entry_view v;

	(void)key;
	if (!entry_parse(value, &v))
		return 0;
	buf_clear(&w->file);
	buf_addf(&w->file, "%s/%.*s", w->area->directory, (int)v.path.n, v.path.p);
	return w->fn(w->ctx, &(struct area_record){ .file = w->file.data, .position = v.fixed.position,
						    .not_before = (time_t)v.fixed.not_before, .not_after = (time_t)v.fixed.not_after,
						    .marks = v.marks, .certificate = v.fixed.type == CERTFILE_CERTIFICATE });
}

int area_each(struct area *a, int (*fn)(void *ctx, const struct area_record *r), void *ctx, struct error *err)
{
	struct walk w = { a, BUF_INIT, fn, ctx };
	bool changed;
	int rc = a->frozen ? 0 : area_refresh(a, err);

	if (rc == 0 && !a->frozen)
		rc = area_sweep(a, SWEEP_NOT_TOO_OFTEN, &changed, err);
	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc == 0) {
		rc = index_each(a->index, span_from("C", 1), visit, &w, err);
		index_abort(a->index);
	}
	buf_release(&w.file);
	return rc;
}

/* ---- with its bytes ---- */

struct tour {
	struct question q;
	int (*fn)(void *ctx, const struct area_entry *e);
	void *ctx;
};

static int show(void *ctx, struct span key, struct span value)
{
	struct tour *w = ctx;
	struct area_list found = { 0 };
	struct arena arena = ARENA_INIT;
	struct candidate c = { .id = key_id(key) };
	struct entry_view v;
	int rc;

	if (!entry_parse(value, &v) || v.fixed.type != CERTFILE_CERTIFICATE)
		return 0;
	found.items = arena_array(&arena, 1, sizeof(*found.items));
	w->q.arena = &arena;
	w->q.out = &found;
	rc = question_take(&w->q, &c);
	if (rc == 0 && found.n)
		rc = w->fn(w->ctx, &found.items[0]);
	w->q.nchanged = 0; /* their names go with the arena */
	arena_release(&arena);
	return rc;
}

int area_each_certificate(struct area *a, int (*fn)(void *ctx, const struct area_entry *e), void *ctx, struct error *err)
{
	struct tour w = { { .area = a, .max = 1, .keep_copies = true, .err = err }, fn, ctx };
	bool changed;
	int rc = area_refresh(a, err);

	if (rc == 0)
		rc = area_sweep(a, SWEEP_NOW, &changed, err);
	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc < 0)
		return rc;
	rc = index_each(a->index, span_from("C", 1), show, &w, err);
	index_abort(a->index);
	free(w.q.changed);
	return rc;
}

/* ---- what could not be read ---- */

struct lock_search {
	struct area *area;
	struct arena *arena;
	const char **files;
	size_t n;
};

static int find_locked(void *ctx, struct span key, struct span value)
{
	struct lock_search *l = ctx;
	const char *path = file_key_path(l->arena, key);
	struct file_record r;
	struct record_key k;
	struct span file;

	(void)value;
	file_key(&k, 'F', path);
	if (index_get(l->area->index, key_span(&k), &file) == 0 && file_parse(file, &r, NULL) && r.flags & FILE_LOCKED)
		l->files[l->n++] = area_path(l->arena, l->area, path);
	return l->n == AREA_LOCKED_MAX;
}

int area_find_locked(struct area *a, struct arena *arena, const char *const **files, size_t *n, struct error *err)
{
	struct lock_search l = { a, arena, arena_array(arena, AREA_LOCKED_MAX, sizeof(*l.files)), 0 };
	int rc = area_refresh(a, err);

	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc == 0) {
		rc = index_each(a->index, span_from("W", 1), find_locked, &l, err);
		index_abort(a->index);
	}
	*files = l.files;
	*n = l.n;
	return rc < 0 ? rc : 0;
}
