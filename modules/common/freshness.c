/* freshness.c - whether an area's index is as fresh as the folder: the question before every question, so it has to be cheap */
#include <string.h>

#include "common/refresh_inside.h"

struct freshness {
	struct area *area;
	struct arena arena;
	bool stale;
	size_t watched;
	struct error *err;
};

static int check_folder(void *ctx, struct span key, struct span value)
{
	struct freshness *f = ctx;
	struct dir_record r;
	struct stamp now;
	bool is_folder;
	const char *name = arena_strndup(&f->arena, key.p + 1, key.n - 1);
	int rc = stamp_path(area_path(&f->arena, f->area, name), &now, &is_folder, f->err);

	if (rc < 0)
		return rc;
	if (!is_folder)
		now = (struct stamp){ 0 };
	f->stale = !dir_parse(value, &r) || !stamp_equal(&r.stamp, &now) || is_racy(&now, r.scanned, true);
	return f->stale;
}

/* A racy file that has kept quiet since is read again, which ends its being watched; one that is still young is read
 * each time, too, because that is the only way to be sure. */
bool watched_is_stale(struct area *a, struct arena *arena, const char *path, const struct meta_record *m)
{
	struct file_record r;
	struct record_key k;
	struct span value;
	struct stamp now;
	bool is_folder;

	file_key(&k, 'F', path);
	if (index_get(a->index, key_span(&k), &value) < 0 || !file_parse(value, &r, NULL))
		return true;
	if (stamp_path(area_path(arena, a, path), &now, &is_folder, NULL) < 0)
		return false;
	if (!stamp_equal(&now, &r.stamp) || r.flags & FILE_RACY)
		return true;
	if (!(r.flags & FILE_LOCKED))
		return false;
	stamp_secret(a->config->passphrase_file, &now);
	return !stamp_equal(&now, &m->passphrase);
}

bool read_meta(struct area *a, struct meta_record *m)
{
	struct span value;

	return index_get(a->index, span_from("M", 1), &value) == 0 && meta_parse(value, m);
}

static int check_watched(void *ctx, struct span key, struct span value)
{
	struct freshness *f = ctx;
	struct meta_record m;

	(void)value;
	if (++f->watched > WATCH_MAX)
		return 1;
	f->stale = !read_meta(f->area, &m) || watched_is_stale(f->area, &f->arena, file_key_path(&f->arena, key), &m);
	return f->stale;
}

int area_is_fresh(struct area *a, bool *fresh, struct error *err)
{
	struct freshness f = { .area = a, .err = err };
	struct meta_record m;
	int rc = index_begin(a->index, false, err);

	*fresh = false;
	if (rc < 0)
		return rc;
	if (read_meta(a, &m)) {
		rc = index_each(a->index, span_from("D", 1), check_folder, &f, err);
		if (rc == 0)
			rc = index_each(a->index, span_from("W", 1), check_watched, &f, err);
		*fresh = rc >= 0 && !f.stale;
	}
	index_abort(a->index);
	arena_release(&f.arena);
	return rc < 0 ? rc : 0;
}
