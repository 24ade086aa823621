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
 * each, at once in areas of up to SWEEP_ALWAYS files, and otherwise not more often than once in SWEEP_SHARE times what it costs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "common/area_inside.h"
#include "common/passphrase.h"
#include "lib/log.h"

#define SECOND ((int64_t)1000000000)
#define FOLDER_RACE (2 * SECOND)
#define FILE_RACE (SECOND / 10)  /* where the file system keeps parts of seconds */
#define WATCH_MAX 1000           /* more watched files than this wait for a sweep */
#define SWEEP_ALWAYS 256
#define SWEEP_COST ((int64_t)2000) /* nanoseconds a file */
#define SWEEP_SHARE 25
#define COMMIT_EVERY 4000        /* files: a first reading that is cut short is not lost */

struct name {
	char *name;
	uint64_t inode;
	bool link;   /* its own inode says nothing about what it points to */
};

struct names {
	struct name *items;
	size_t n, cap;
};

/* One round of bringing the index up to date. */
struct round {
	struct area *area;
	struct arena arena;
	struct meta_record meta;
	bool sweep;          /* stat every file */
	struct names files;  /* to be taken in: paths below the area */
	struct folder {
		struct folder *next;
		const char *name;
		struct dir_record record;
		bool gone;
	} *folders;          /* records to write at the end */
	bool changed, settled;
	struct error *err;
};

int64_t now_nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

bool is_racy(const struct stamp *s, int64_t at, bool folder)
{
	bool coarse = s->changed % 1000000 == 0;

	return s->changed + (folder || coarse ? FOLDER_RACE : FILE_RACE) > at;
}

static void add_name(struct names *list, char *name, uint64_t inode, bool link)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		list->items = mem_resize(list->items, list->cap * sizeof(*list->items));
	}
	list->items[list->n++] = (struct name){ name, inode, link };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

/* All zero if the file does not exist; E_CONFIG: cannot be told. */
static int stamp_path(const char *path, struct stamp *out, bool *is_folder, struct error *err)
{
	struct stat st;

	*out = (struct stamp){ 0 };
	*is_folder = false;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	}
	*is_folder = S_ISDIR(st.st_mode);
	stamp_of(&st, out);
	return 0;
}

/* ---- is it fresh? ---- */

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
static bool watched_is_stale(struct area *a, struct arena *arena, const char *path, const struct meta_record *m)
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
	stamp_path(a->config->passphrase_file, &now, &is_folder, NULL);
	return !stamp_equal(&now, &m->passphrase);
}

static bool read_meta(struct area *a, struct meta_record *m)
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

static int is_fresh(struct area *a, bool *fresh, struct error *err)
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

/* ---- reading a folder's names ---- */

struct listing {
	struct names files, folders;
};

static void listing_release(struct listing *l)
{
	free(l->files.items);
	free(l->folders.items);
}

/* Whether the entry is a folder; links are followed. */
static bool is_folder_entry(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK)
		return e->d_type == DT_DIR;
	return fstatat(dir, e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int list_folder(struct round *r, const char *folder, struct listing *l)
{
	const char *path = *folder ? area_path(&r->arena, r->area, folder) : r->area->directory;
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!d && *folder) {
		log_warning("%s: %s", path, strerror(errno));
		return 0;
	}
	if (!d)
		return error_set(r->err, E_CONFIG, "%s: %s", path, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		bool sub;

		if (e->d_name[0] == '.')
			continue;
		sub = is_folder_entry(dirfd(d), e);
		if (sub && *folder)
			continue;
		if (strlen(folder) + 1 + strlen(e->d_name) > PATH_KEY_MAX - 1) {
			log_warning("%s/%s: name too long, passed over", path, e->d_name);
			continue;
		}
		add_name(sub ? &l->folders : &l->files, arena_strdup(&r->arena, e->d_name), e->d_ino, e->d_type == DT_LNK);
	}
	closedir(d);
	if (l->files.n)
		qsort(l->files.items, l->files.n, sizeof(struct name), by_name);
	return 0;
}

/* ---- comparing them with the index ---- */

struct comparison {
	struct round *round;
	const char *folder;
	struct names *files; /* sorted, in the folder now */
	size_t next;         /* those before it are dealt with */
	size_t prefix;       /* of the key before the name */
};

static void want(struct comparison *c, const char *name)
{
	struct round *r = c->round;

	add_name(&r->files, *c->folder ? arena_printf(&r->arena, "%s/%s", c->folder, name) : arena_strdup(&r->arena, name), 0, false);
}

static bool file_changed(struct comparison *c, const char *name, const struct file_record *before)
{
	struct arena scratch = ARENA_INIT;
	struct area *a = c->round->area;
	struct stamp now;
	bool is_folder;
	char *path = *c->folder ? arena_printf(&scratch, "%s/%s/%s", a->directory, c->folder, name) : area_path(&scratch, a, name);
	int rc = stamp_path(path, &now, &is_folder, NULL);

	arena_release(&scratch);
	return rc < 0 || !stamp_equal(&now, &before->stamp);
}

/* Key by key of the index, in the order of the names. */
static int compare_file(void *ctx, struct span key, struct span value)
{
	struct comparison *c = ctx;
	struct file_record before;
	char name[PATH_KEY_MAX + 1];
	int order = 1;

	snprintf(name, sizeof(name), "%.*s", (int)(key.n - c->prefix), key.p + c->prefix);
	for (; c->next < c->files->n; c->next++) {
		order = strcmp(c->files->items[c->next].name, name);
		if (order >= 0)
			break;
		want(c, c->files->items[c->next].name);
	}
	if (order != 0 || c->next == c->files->n) {
		want(c, name); /* gone */
		return 0;
	}
	const struct name *here = &c->files->items[c->next++];
	if (!file_parse(value, &before, NULL))
		want(c, name);
	else if (c->round->sweep || here->link || here->inode != before.stamp.inode || before.flags & FILE_RACY)
		if (before.flags & FILE_RACY || file_changed(c, name, &before))
			want(c, name);
	return 0;
}

static int compare_folder(struct round *r, const char *folder, struct names *files)
{
	struct record_key k;
	struct comparison c = { r, folder, files, 0, 0 };
	int rc;

	key_path(&k, 'F', folder);
	k.bytes[k.n++] = '/';
	c.prefix = k.n;
	rc = index_each(r->area->index, key_span(&k), compare_file, &c, r->err);
	for (; rc == 0 && c.next < files->n; c.next++)
		want(&c, files->items[c.next].name);
	return rc;
}

/* ---- one round ---- */

static bool recall_folder(struct round *r, const char *name, struct dir_record *out)
{
	struct record_key k;
	struct span value;

	key_path(&k, 'D', name);
	return index_get(r->area->index, key_span(&k), &value) == 0 && dir_parse(value, out);
}

static struct folder *note_folder(struct round *r, const char *name)
{
	struct folder *f = arena_alloc(&r->arena, sizeof(*f));

	f->name = arena_strdup(&r->arena, name);
	f->next = r->folders;
	r->folders = f;
	return f;
}

/* Scans the folder if it changed; *l: what is in it, filled only if it was scanned. */
static int scan_folder(struct round *r, const char *name, struct listing *l, bool *scanned)
{
	const char *path = *name ? area_path(&r->arena, r->area, name) : r->area->directory;
	struct dir_record before, now = { .scanned = now_nanoseconds() };
	bool known = recall_folder(r, name, &before), is_folder;
	struct folder *f;
	int rc = stamp_path(path, &now.stamp, &is_folder, r->err);

	*scanned = false;
	if (rc < 0)
		return rc;
	if (!is_folder)
		now.stamp = (struct stamp){ 0 };
	if (known && !r->sweep && stamp_equal(&now.stamp, &before.stamp) && !is_racy(&now.stamp, before.scanned, true))
		return 0;
	*scanned = true;
	rc = list_folder(r, name, l);
	if (rc == 0)
		rc = compare_folder(r, name, &l->files);
	f = note_folder(r, name);
	f->record = now;
	if (!known || !stamp_equal(&now.stamp, &before.stamp))
		r->changed = true;
	else if (is_racy(&now.stamp, before.scanned, true) && !is_racy(&now.stamp, now.scanned, true))
		r->settled = true;
	return rc;
}

static int collect_folder(void *ctx, struct span key, struct span value)
{
	struct round *r = ctx;
	struct folder *f = arena_alloc(&r->arena, sizeof(*f));

	(void)value;
	if (key.n == 1)
		return 0;
	f->name = arena_strndup(&r->arena, key.p + 1, key.n - 1);
	f->next = r->folders;
	r->folders = f;
	return 0;
}

/* Folders the index knows; those that are gone have their files dropped, the others are scanned if they changed. */
static int scan_known_folders(struct round *r)
{
	struct folder *known, *own = r->folders;
	int rc;

	r->folders = NULL;
	rc = index_each(r->area->index, span_from("D", 1), collect_folder, r, r->err);
	known = r->folders;
	r->folders = own;
	for (; known && rc == 0; known = known->next) {
		struct listing l = { 0 };
		bool scanned;

		rc = scan_folder(r, known->name, &l, &scanned);
		if (rc == 0 && scanned && r->folders->record.stamp.inode == 0)
			r->folders->gone = true;
		listing_release(&l);
	}
	return rc;
}

static int scan_new_folders(struct round *r, const struct names *folders)
{
	struct dir_record known;
	int rc = 0;

	for (size_t i = 0; i < folders->n && rc == 0; i++) {
		struct listing l = { 0 };
		bool scanned;

		if (!recall_folder(r, folders->items[i].name, &known))
			rc = scan_folder(r, folders->items[i].name, &l, &scanned);
		listing_release(&l);
	}
	return rc;
}

static int collect_watched(void *ctx, struct span key, struct span value)
{
	struct round *r = ctx;
	char *path = file_key_path(&r->arena, key);

	(void)value;
	if (watched_is_stale(r->area, &r->arena, path, &r->meta))
		add_name(&r->files, path, 0, false);
	return !r->sweep && r->files.n > WATCH_MAX;
}

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

static int find_work(struct round *r)
{
	struct listing root = { 0 };
	bool scanned;
	int rc = scan_folder(r, "", &root, &scanned);

	if (rc == 0)
		rc = scan_known_folders(r);
	if (rc == 0)
		rc = scan_new_folders(r, &root.folders);
	if (rc == 0 && !r->sweep)
		rc = index_each(r->area->index, span_from("W", 1), collect_watched, r, r->err);
	listing_release(&root);
	return rc < 0 ? rc : 0;
}

static int finish_round(struct round *r)
{
	bool is_folder;
	int rc;

	if (r->sweep)
		r->meta.swept = now_nanoseconds();
	stamp_path(r->area->config->passphrase_file, &r->meta.passphrase, &is_folder, NULL);
	rc = write_folders(r);
	if (rc == 0)
		rc = write_meta(r);
	return rc < 0 ? rc : index_commit(r->area->index, r->err);
}

/* find: decides what is to be read; NULL: r->files says so already. */
static int run_round(struct round *r, int (*find)(struct round *))
{
	struct area *a = r->area;
	int rc = index_begin(a->index, true, r->err);

	if (rc == 0) {
		start_meta(r);
		if (find)
			rc = find(r);
		if (rc == 0)
			rc = take_files(r);
		if (rc == 0 && (r->changed || r->settled || r->files.n || (r->sweep && r->meta.files > SWEEP_ALWAYS)))
			rc = finish_round(r);
	}
	index_abort(a->index);
	area_forget_passphrase(a);
	free(r->files.items);
	arena_release(&r->arena);
	return rc;
}

int area_refresh(struct area *a, struct error *err)
{
	struct round r = { .area = a, .err = err };
	bool fresh;
	int rc = is_fresh(a, &fresh, err);

	return rc < 0 || fresh ? rc : run_round(&r, find_work);
}

int area_reread(struct area *a, char *const *paths, size_t n, struct error *err)
{
	struct round r = { .area = a, .err = err };

	for (size_t i = 0; i < n; i++)
		add_name(&r.files, arena_strdup(&r.arena, paths[i]), 0, false);
	return run_round(&r, NULL);
}

int area_sweep(struct area *a, bool *changed, struct error *err)
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
	pause = m.files <= SWEEP_ALWAYS ? 0 : (int64_t)m.files * SWEEP_COST * SWEEP_SHARE;
	if (m.files == 0 || m.swept + pause > now_nanoseconds())
		return 0;
	rc = run_round(&r, find_work);
	*changed = r.files.n > 0;
	return rc;
}
