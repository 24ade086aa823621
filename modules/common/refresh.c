/* refresh.c - keeps the index of an area as fresh as the folder
 *
 * Before every question the area's folder and its sub-folders are compared with what the index remembers of them (one
 * stat(2) each), and so are the watched files: those that could not be read, and those that were read so soon after
 * their change that a second change could hide behind the same time.  A folder whose time is new, or less than two
 * seconds older than its last scan, has its names read and compared, with inode numbers: what is new, gone or
 * replaced is found, and only that is read.
 *
 * A file overwritten in place changes neither the folder's time nor its name.  An entry that is found is always compared with its
 * file, so this matters only where nothing was found: then all files are looked at (area_sweep), about one microsecond
 * each, at once in areas of up to SWEEP_ALWAYS files, and otherwise not more often than once in SWEEP_SHARE times what it costs;
 * and before all files are read (area_each_certificate), which costs more than to look at them.
 */
#include "common/passphrase.h"
#include "common/refresh_inside.h"

#define SWEEP_ALWAYS 256
#define SWEEP_COST ((int64_t)2000) /* nanoseconds a file */
#define SWEEP_SHARE 25
#define FEW 64
#define COMMIT_EVERY 4000        /* files: a first reading that is cut short is not lost */

static void start_meta(struct round *r)
{
	if (!read_meta(r->area, &r->meta))
		meta_start(&r->meta);
}

static int write_meta(struct round *r)
{
	struct buf value = BUF_INIT;
	int rc;

	buf_add(&value, &r->meta, sizeof(r->meta));
	buf_addstr(&value, r->area->directory);
	rc = index_put(r->area->index, span_from("M", 1), span_from(value.data, value.len), r->err);
	buf_release(&value);
	return rc;
}

static int write_folders(struct round *r)
{
	struct record_key k;
	int rc = 0;

	for (struct folder *f = r->folders; f && rc == 0; f = f->next) {
		key_path(&k, 'D', f->name);
		if (f->gone)
			rc = index_delete(r->area->index, key_span(&k));
		else
			rc = index_put(r->area->index, key_span(&k), span_from(&f->record, sizeof(f->record)), r->err);
	}
	return rc;
}

/* So far so good, for good. */
static int commit_part(struct round *r)
{
	int rc = write_meta(r);

	if (rc == 0)
		rc = index_commit(r->area->index, r->err);
	if (rc == 0)
		rc = index_begin(r->area->index, true, r->err);
	if (rc == 0)
		start_meta(r); /* another writer may have been between */
	return rc;
}

static int take_files(struct round *r)
{
	int rc = 0;

	for (size_t i = 0; i < r->files.n && rc == 0; i++) {
		rc = ingest_file(r->area, &r->meta, r->files.items[i].name, r->err);
		if (rc == 0 && (i + 1) % COMMIT_EVERY == 0)
			rc = commit_part(r);
	}
	return rc;
}

static int finish_round(struct round *r)
{
	int rc;

	if (r->sweep)
		r->meta.swept = now_nanoseconds();
	stamp_secret(r->area->config->passphrase_file, &r->meta.passphrase);
	rc = write_folders(r);
	if (rc == 0)
		rc = write_meta(r);
	return rc < 0 ? rc : index_commit(r->area->index, r->err);
}

static bool is_to_be_written(const struct round *r)
{
	return r->changed || r->settled || r->files.n || (r->sweep && r->meta.files > SWEEP_ALWAYS);
}

static void release_round(struct round *r)
{
	free(r->files.items);
	arena_release(&r->arena);
}

/* What a look showed. */
enum look { LOOK_WORK, LOOK_SWEPT, LOOK_IDLE }; /* swept: all files are as the index says, which it should remember */

/* Looks without the right to write: most often there is nothing to be done, and nobody has to wait for anybody.  Fills the round. */
static int look_first(struct round *r, enum look *out)
{
	int rc = index_begin(r->area->index, false, r->err);

	*out = LOOK_WORK;
	if (rc < 0)
		return rc;
	start_meta(r);
	rc = find_work(r);
	if (rc == 0 && !is_to_be_written(r))
		*out = LOOK_IDLE;
	else if (rc == 0 && !r->changed && !r->settled && r->files.n == 0)
		*out = LOOK_SWEPT;
	index_abort(r->area->index);
	return rc;
}

/* Others may have done it meanwhile: few files are read once more at no cost, many are looked for again.  What is in the round stays true, because
 * a folder that changed since has another time than the one that is remembered. */
static int look_again(struct round *r)
{
	if (r->files.n <= FEW)
		return 0;
	release_round(r);
	*r = (struct round){ .area = r->area, .sweep = r->sweep, .err = r->err };
	start_meta(r);
	return find_work(r);
}

/* Looking at a million files once more, with everybody waiting, would tell nothing new. */
static int remember_sweep(struct round *r)
{
	int rc = index_begin(r->area->index, true, r->err);

	if (rc == 0) {
		start_meta(r);
		r->meta.swept = now_nanoseconds();
		rc = write_meta(r);
	}
	if (rc == 0)
		rc = index_commit(r->area->index, r->err);
	index_abort(r->area->index);
	return rc;
}

/* finds: what is to be read is to be found; else r->files says so already. */
static int run_round(struct round *r, bool finds)
{
	struct area *a = r->area;
	enum look look = LOOK_WORK;
	int rc = finds ? look_first(r, &look) : 0;

	if (rc == 0 && look == LOOK_SWEPT)
		rc = remember_sweep(r);
	if (rc == 0 && look == LOOK_WORK)
		rc = index_begin(a->index, true, r->err);
	if (rc == 0 && look == LOOK_WORK) {
		start_meta(r);
		if (finds)
			rc = look_again(r);
		if (rc == 0)
			rc = take_files(r);
		if (rc == 0 && is_to_be_written(r))
			rc = finish_round(r);
	}
	index_abort(a->index);
	area_forget_passphrase(a);
	release_round(r);
	return rc;
}

int area_refresh(struct area *a, struct error *err)
{
	struct round r = { .area = a, .err = err };
	bool fresh;
	int rc = area_is_fresh(a, &fresh, err);

	return rc < 0 || fresh ? rc : run_round(&r, true);
}

int area_reread(struct area *a, char *const *paths, size_t n, struct error *err)
{
	struct round r = { .area = a, .err = err };

	for (size_t i = 0; i < n; i++)
		add_name(&r.files, arena_strdup(&r.arena, paths[i]), 0, false);
	return run_round(&r, false);
}

int area_sweep(struct area *a, enum sweep when, bool *changed, struct error *err)
{
	struct round r = { .area = a, .sweep = true, .err = err };
	struct meta_record m = { 0 };
	int64_t pause;
	int rc = index_begin(a->index, false, err);

	*changed = false;
	if (rc < 0)
		return rc;
	if (!read_meta(a, &m))
		m.files = 0;
	index_abort(a->index);
	pause = when == SWEEP_NOW || m.files <= SWEEP_ALWAYS ? 0 : (int64_t)m.files * SWEEP_COST * SWEEP_SHARE;
	if (m.files == 0 || m.swept + pause > now_nanoseconds())
		return 0;
	rc = run_round(&r, true);
	*changed = r.files.n > 0;
	return rc;
}
