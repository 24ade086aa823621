/* index.c - the cache behind an area: an LMDB file of keys and values */
#include "common/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/records.h"
#include "lib/log.h"
#include "lib/mem.h"

/* Address space kept for the file, not its size; the smaller ones are for machines with a limit on it. */
static const size_t map_sizes[] = {
#if SIZE_MAX > 0xffffffffu
	(size_t)64 << 30, (size_t)4 << 30,
#endif
	(size_t)512 << 20, (size_t)64 << 20,
};
#define READERS_MAX 1024
#define LOCK_ROOM ((off_t)64 * (READERS_MAX + 2)) /* a line of the cache for each reader, and the head */

struct index {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	char *place;     /* SPOOL/index/AREA; NULL: in memory */
	char *directory;
	bool writable;   /* most processes only read, and LMDB sets two megabytes up for a writer */
};

static void put_aside(const char *place);

int index_damaged(struct index *ix, const char *what, struct error *err)
{
	if (ix->place) {
		log_error("index %s: %s; put aside, it will be built anew", ix->place, what);
		put_aside(ix->place);
	}
	return error_set(err, E_TEMP, "index of %s is damaged: %s", ix->directory, what);
}

/* What only a damaged file can make LMDB say. */
static bool is_damage(int rc)
{
	static const int codes[] = { MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_PANIC, MDB_INVALID, MDB_CURSOR_FULL, MDB_PAGE_FULL,
				     MDB_BAD_TXN, MDB_INCOMPATIBLE };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (rc == codes[i])
			return true;
	return false;
}

static int lmdb_error(int rc, struct index *ix, struct error *err)
{
	if (is_damage(rc))
		return index_damaged(ix, mdb_strerror(rc), err);
	return error_set(err, E_TEMP, "index %s: %s", ix->place ? ix->place : "in memory", mdb_strerror(rc));
}

static MDB_val to_val(struct span s)
{
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

static struct span from_val(MDB_val v)
{
	return span_from(v.mv_data, v.mv_size);
}

/* ---- opening ---- */

static void on_assert(MDB_env *env, const char *text)
{
	(void)env;
	log_error("index: %s", text); /* LMDB aborts next; the guard puts the file aside */
}

/* LMDB maps its lock file, which has holes: a full disk would end us with SIGBUS, and nobody would hear of the disk.  The size stays what
 * LMDB makes it. */
static int make_room_for_lock(const char *path)
{
	struct buf name = BUF_INIT;
	int fd, rc = 0;

	buf_addf(&name, "%s/lock.mdb", path);
	fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_ROOM) < 0 && errno != EOPNOTSUPP))
		rc = errno;
	if (fd >= 0)
		close(fd);
	buf_release(&name);
	return rc;
}

static int open_env(struct index *ix, const char *path, unsigned flags)
{
	int rc = ENOMEM;

	ix->writable = !(flags & MDB_RDONLY);
	if (!(flags & (MDB_RDONLY | MDB_NOLOCK)) && (rc = make_room_for_lock(path)) != 0)
		return rc;
	rc = ENOMEM;
	for (size_t i = 0; i < sizeof(map_sizes) / sizeof(*map_sizes) && (rc == ENOMEM || rc == EINVAL); i++) {
		rc = mdb_env_create(&ix->env);
		if (rc)
			return rc;
		mdb_env_set_mapsize(ix->env, map_sizes[i]);
		mdb_env_set_maxreaders(ix->env, READERS_MAX);
		mdb_env_set_assert(ix->env, on_assert);
		rc = mdb_env_open(ix->env, path, flags | MDB_NOTLS | MDB_NOMETASYNC | MDB_NORDAHEAD, 0600);
		if (rc) {
			mdb_env_close(ix->env);
			ix->env = NULL;
		}
	}
	return rc;
}

/* A file shorter than its pages would end us with SIGBUS. */
static bool is_whole(struct index *ix)
{
	MDB_envinfo info;
	MDB_stat st;
	struct stat file;
	mdb_filehandle_t fd;

	if (mdb_env_info(ix->env, &info) || mdb_env_stat(ix->env, &st) || mdb_env_get_fd(ix->env, &fd) || fstat(fd, &file))
		return false;
	return (uint64_t)file.st_size >= (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
}

/* Whether what is in the file is ours: of this version, for this folder; an empty one is. */
static bool is_ours(struct index *ix)
{
	struct span value;
	bool ours = false;
	MDB_stat st;

	if (index_begin(ix, false, NULL) < 0)
		return false;
	switch (index_get(ix, span_from("M", 1), &value)) {
	case 0:
		ours = meta_fits(value, ix->directory);
		break;
	case E_NOTFOUND:
		ours = mdb_stat(ix->txn, ix->table, &st) == 0 && st.ms_entries == 0;
		break;
	}
	index_abort(ix);
	return ours;
}

static void close_env(struct index *ix)
{
	index_abort(ix);
	if (ix->env)
		mdb_env_close(ix->env);
	ix->env = NULL;
}

/* ---- on disk ---- */

/* Others must not be able to put certificates into it. */
static int check_place(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return (st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & 022) ? 0 : EPERM;
}

static int make_place(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return errno;
	return check_place(path);
}

static void remove_folder(const char *path)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	struct buf name = BUF_INIT;

	for (size_t i = 0; i < 2; i++) {
		buf_clear(&name);
		buf_addf(&name, "%s/%s", path, files[i]);
		unlink(name.data);
	}
	rmdir(path);
	buf_release(&name);
}

/* Out of the way in one step, with its lock file: whoever has it open goes on undisturbed. */
static void put_aside(const char *place)
{
	struct buf aside = BUF_INIT;

	buf_addf(&aside, "%s.broken.%d", place, (int)getpid());
	if (rename(place, aside.data) == 0)
		remove_folder(aside.data);
	buf_release(&aside);
}

/* What a guard (see guard.h) put aside in another process. */
static void remove_leftovers(const char *spool, const char *area)
{
	struct buf path = BUF_INIT, prefix = BUF_INIT;
	struct dirent *e;
	DIR *d;

	buf_addf(&path, "%s/index", spool);
	buf_addf(&prefix, "%s.broken.", area);
	d = opendir(path.data);
	while (d && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, prefix.data, prefix.len) != 0)
			continue;
		buf_clear(&path);
		buf_addf(&path, "%s/index/%s", spool, e->d_name);
		remove_folder(path.data);
	}
	if (d)
		closedir(d);
	buf_release(&path);
	buf_release(&prefix);
}

/* What is there and in order. */
static bool open_to_read(struct index *ix)
{
	if (check_place(ix->place) == 0 && open_env(ix, ix->place, MDB_RDONLY) == 0 && is_whole(ix) && is_ours(ix))
		return true;
	close_env(ix);
	return false;
}

/* 0, or an errno or LMDB code that says why not. */
static int open_on_disk(struct index *ix, const char *spool, const char *area)
{
	struct buf parent = BUF_INIT;
	int rc;

	buf_addf(&parent, "%s/index", spool);
	rc = check_place(parent.data);
	if (rc == 0 && open_to_read(ix)) {
		buf_release(&parent);
		return 0;
	}
	rc = make_place(parent.data);
	buf_release(&parent);
	for (int attempt = 0; rc == 0 && attempt < 3; attempt++) {
		if (access(ix->place, F_OK) < 0)
			remove_leftovers(spool, area);
		rc = make_place(ix->place);
		if (rc)
			break;
		rc = open_env(ix, ix->place, 0);
		if (rc == 0 && is_whole(ix) && is_ours(ix))
			return 0;
		if (rc > 0 && rc != EINVAL) /* the system's objection, not the file's state */
			break;
		log_info("index %s: %s; built anew", ix->place, rc ? mdb_strerror(rc) : "of another version or broken");
		close_env(ix);
		put_aside(ix->place);
		rc = 0;
	}
	return rc ? rc : EBUSY;
}

/* ---- in memory ---- */

static int open_in_memory(struct index *ix, struct error *err)
{
	int fd = memfd_create("postern-index", MFD_CLOEXEC);
	char path[40];
	int rc;

	if (fd < 0)
		return error_set(err, E_TEMP, "index in memory: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = open_env(ix, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC);
	close(fd);
	return rc ? lmdb_error(rc, ix, err) : 0;
}

int index_open(const char *spool, const char *area, const char *directory, struct index **out, struct error *err)
{
	struct index *ix = mem_alloc(sizeof(*ix));
	struct buf place = BUF_INIT;
	int rc;

	*out = NULL;
	ix->directory = mem_strdup(directory);
	buf_addf(&place, "%s/index/%s", spool, area);
	ix->place = place.data;
	guard_enter(ix->place);
	rc = open_on_disk(ix, spool, area);
	guard_leave();
	if (rc) {
		log_warning("index %s: %s; reading %s into memory for this message, which is slow", ix->place, mdb_strerror(rc),
			    directory);
		close_env(ix);
		free(ix->place);
		ix->place = NULL;
		rc = open_in_memory(ix, err);
	}
	if (rc < 0)
		index_close(ix);
	else
		*out = ix;
	return rc;
}

void index_close(struct index *ix)
{
	if (!ix)
		return;
	close_env(ix);
	free(ix->place);
	free(ix->directory);
	free(ix);
}

bool index_in_memory(const struct index *ix)
{
	return !ix->place;
}

/* ---- transactions ---- */

static void end_transaction(struct index *ix)
{
	if (ix->txn)
		mdb_txn_abort(ix->txn);
	ix->txn = NULL;
	if (ix->place)
		guard_leave();
}

static int reopen_to_write(struct index *ix)
{
	int rc;

	if (ix->env)
		mdb_env_close(ix->env);
	ix->env = NULL;
	guard_enter(ix->place);
	rc = open_env(ix, ix->place, 0);
	guard_leave();
	return rc;
}

int index_begin(struct index *ix, bool write, struct error *err)
{
	int rc, dead;

	if (!ix->env) /* reopening failed before */
		return error_set(err, E_TEMP, "index of %s cannot be opened", ix->directory);
	if (write && !ix->writable && (rc = reopen_to_write(ix)) != 0)
		return lmdb_error(rc, ix, err);
	if (ix->place)
		guard_enter(ix->place);
	if (write)
		mdb_reader_check(ix->env, &dead); /* or a killed reader would keep old pages for ever */
	rc = mdb_txn_begin(ix->env, NULL, write ? 0 : MDB_RDONLY, &ix->txn);
	if (rc == MDB_READERS_FULL && mdb_reader_check(ix->env, &dead) == 0)
		rc = mdb_txn_begin(ix->env, NULL, MDB_RDONLY, &ix->txn);
	if (rc == 0)
		rc = mdb_dbi_open(ix->txn, NULL, 0, &ix->table);
	if (rc == 0)
		return 0;
	end_transaction(ix);
	return lmdb_error(rc, ix, err);
}

int index_commit(struct index *ix, struct error *err)
{
	int rc = mdb_txn_commit(ix->txn);

	ix->txn = NULL;
	end_transaction(ix);
	return rc ? lmdb_error(rc, ix, err) : 0;
}

void index_abort(struct index *ix)
{
	if (ix->txn)
		end_transaction(ix);
}

/* ---- keys and values ---- */

int index_get(struct index *ix, struct span key, struct span *value)
{
	MDB_val k = to_val(key), v;
	int rc = mdb_get(ix->txn, ix->table, &k, &v);

	*value = rc ? span_from(NULL, 0) : from_val(v);
	return rc == 0 ? 0 : rc == MDB_NOTFOUND ? E_NOTFOUND : lmdb_error(rc, ix, NULL);
}

int index_put(struct index *ix, struct span key, struct span value, struct error *err)
{
	MDB_val k = to_val(key), v = to_val(value);
	int rc = mdb_put(ix->txn, ix->table, &k, &v, 0);

	return rc ? lmdb_error(rc, ix, err) : 0;
}

int index_delete(struct index *ix, struct span key)
{
	MDB_val k = to_val(key);
	int rc = mdb_del(ix->txn, ix->table, &k, NULL);

	return rc == 0 || rc == MDB_NOTFOUND ? 0 : lmdb_error(rc, ix, NULL);
}

static int compare(MDB_val key, struct span prefix)
{
	size_t n = key.mv_size < prefix.n ? key.mv_size : prefix.n;
	int order = memcmp(key.mv_data, prefix.p, n);

	return order ? order : key.mv_size < prefix.n ? -1 : 0;
}

static bool is_our_key(MDB_val key)
{
	return key.mv_size > 0 && memchr("CDFKMRSW", *(const char *)key.mv_data, 8) != NULL;
}

/* Nothing has the prefix.  Pages of nonsense must not be able to say so, for that would be mail in clear: the neighbours on
 * both sides must be keys of ours, and stand on the right side.  found: the cursor is on the one behind. */
static bool truly_absent(MDB_cursor *cursor, bool found, MDB_val behind, struct span prefix)
{
	MDB_val before, v;
	int rc;

	if (found && (!is_our_key(behind) || compare(behind, prefix) <= 0))
		return false;
	rc = mdb_cursor_get(cursor, &before, &v, found ? MDB_PREV : MDB_LAST);
	if (rc)
		return rc == MDB_NOTFOUND;
	return is_our_key(before) && compare(before, prefix) < 0;
}

int index_each(struct index *ix, struct span prefix, int (*fn)(void *ctx, struct span key, struct span value), void *ctx,
	       struct error *err)
{
	MDB_val k = to_val(prefix), v;
	MDB_cursor *cursor;
	bool any = false, absent = true;
	int answer = 0;
	int rc = mdb_cursor_open(ix->txn, ix->table, &cursor);

	if (rc)
		return lmdb_error(rc, ix, err);
	for (rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE); rc == 0; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		if (compare(k, prefix) != 0)
			break;
		any = true;
		answer = fn(ctx, from_val(k), from_val(v));
		if (answer)
			break;
	}
	if (!any && (rc == 0 || rc == MDB_NOTFOUND))
		absent = truly_absent(cursor, rc == 0, k, prefix);
	mdb_cursor_close(cursor);
	if (rc && rc != MDB_NOTFOUND)
		return lmdb_error(rc, ix, err);
	return absent ? answer : index_damaged(ix, "keys out of order", err);
}
