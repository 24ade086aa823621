/* scan.c - what has to be read to make an area's index fresh: names of folders, compared with those the index knows */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/refresh_inside.h"
#include "lib/fs.h"
#include "lib/log.h"

void add_name(struct names *list, char *name, uint64_t inode, bool link)
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
	int rc;

	if (!d && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!d && *folder && errno == EACCES) {
		log_warning("%s: %s", path, strerror(errno));
		return 0;
	}
	if (!d)
		return error_set(r->err, E_CONFIG, "%s: %s", path, strerror(errno));
	while ((rc = fs_next(d, path, &e, r->err)) == 0 && e) {
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
	return rc;
}

/* ---- comparing them with the index ---- */

struct comparison {
	struct round *round;
	const char *folder;
	struct names *files; /* sorted, in the folder now */
	size_t next;         /* those before it are dealt with */
	size_t prefix;       /* of the key before the name */
	int fd;              /* of the folder, to look at its files; -1: it cannot be opened */
};

static void want(struct comparison *c, const char *name)
{
	struct round *r = c->round;

	add_name(&r->files, *c->folder ? arena_printf(&r->arena, "%s/%s", c->folder, name) : arena_strdup(&r->arena, name), 0, false);
}

static bool file_changed(struct comparison *c, const char *name, const struct file_record *before)
{
	struct stamp now;
	struct stat st;

	if (c->fd < 0 || fstatat(c->fd, name, &st, 0) < 0)
		return true;
	stamp_of(&st, &now);
	return !stamp_equal(&now, &before->stamp);
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
	const char *path = *folder ? area_path(&r->arena, r->area, folder) : r->area->directory;
	struct comparison c = { r, folder, files, 0, 0, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int rc;

	key_path(&k, 'F', folder);
	k.bytes[k.n++] = '/';
	c.prefix = k.n;
	rc = index_each(r->area->index, key_span(&k), compare_file, &c, r->err);
	for (; rc == 0 && c.next < files->n; c.next++)
		want(&c, files->items[c.next].name);
	if (c.fd >= 0)
		close(c.fd);
	return rc;
}

/* ---- folder by folder ---- */

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

int find_work(struct round *r)
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
