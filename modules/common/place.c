/* place.c - puts certificates into an area the way an operator would: by copying files */
#include "common/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base64.h"
#include "lib/fs.h"

/* From so many files on, one syncfs(2) is cheaper than an fsync(2) each. */
#define SYNC_ALL_FROM 32
#define STAGING ".new."

struct place {
	struct arena arena, batch; /* batch: until the next commit */
	char *directory, *staging;
	int fd, staging_fd;      /* of both; staging_fd -1: not made yet */
	uid_t uid;
	gid_t gid;
	mode_t mode;             /* of the directory, hence of its sub-folders */
	bool foreign;            /* the owner is not who runs this */
	size_t files;            /* in the directory itself, as far as PLACE_FLAT_MAX */
	char **waiting;          /* final paths below the directory */
	size_t n, cap;
};

/* ---- names ---- */

static void hash_of(struct span der, char hex[DIGEST_HEX + 1])
{
	struct digest d;

	digest_init(&d);
	digest_add(&d, der.p, der.n);
	digest_hex(&d, hex);
}

char *place_folder(struct arena *arena, const char *directory, size_t files, struct span der)
{
	char hex[DIGEST_HEX + 1], *folder;
	struct stat st, area;

	hash_of(der, hex);
	folder = arena_printf(arena, "%s/%.2s", directory, hex);
	if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
		return folder;
	if (files >= PLACE_FLAT_MAX && stat(directory, &area) == 0 && mkdir(folder, area.st_mode & 07777) == 0) {
		chmod(folder, area.st_mode & 07777); /* whatever the umask is */
		return folder;
	}
	return arena_strdup(arena, directory);
}

/* ---- opening ---- */

static bool is_hash_folder(const struct dirent *e)
{
	return strlen(e->d_name) == 2 && strspn(e->d_name, "0123456789abcdef") == 2 &&
	       (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

/* A folder of hashes says that the area is a large one, too. */
static void count_files(struct place *p)
{
	DIR *d = opendir(p->directory);
	const struct dirent *e;

	while (d && p->files <= PLACE_FLAT_MAX && (e = readdir(d))) {
		if (is_hash_folder(e))
			p->files = PLACE_FLAT_MAX;
		p->files += e->d_name[0] != '.';
	}
	if (d)
		closedir(d);
}

/* Removes a folder and the files in it. */
static void remove_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	unlinkat(at, name, AT_REMOVEDIR);
}

/* What somebody left who was killed: nobody holds its lock. */
static void remove_leftovers(struct place *p)
{
	DIR *d = opendir(p->directory);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		int fd;

		if (strncmp(e->d_name, STAGING, strlen(STAGING)) != 0)
			continue;
		fd = openat(p->fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_folder(p->fd, e->d_name);
		if (fd >= 0)
			close(fd);
	}
	if (d)
		closedir(d);
}

static int check_owner(struct place *p, struct error *err)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return error_set(err, E_TEMP, "%s: %s", p->directory, strerror(errno));
	p->uid = st.st_uid;
	p->gid = st.st_gid;
	p->mode = st.st_mode & 07777;
	p->foreign = st.st_uid != geteuid() || st.st_gid != getegid();
	if (geteuid() != 0 && st.st_uid != geteuid())
		return error_set(err, E_PERM, "%s belongs to uid %u, so must its files: run this as that user or as root",
				 p->directory, (unsigned)st.st_uid);
	if (access(p->directory, W_OK) < 0)
		return error_set(err, E_PERM, "%s: %s", p->directory, strerror(errno));
	return 0;
}

/* A link is followed if the operator made it: who owns an area must not lead root elsewhere.  The descriptor or an error's code. */
static int open_folder(const char *directory, struct error *err)
{
	struct stat st;
	int fd;

	if (lstat(directory, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, E_PERM, "%s: a link of uid %u, not followed", directory, (unsigned)st.st_uid);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_set(err, E_TEMP, "%s: %s", directory, strerror(errno));
}

int place_open(const char *directory, struct place **out, struct error *err)
{
	struct place *p = mem_alloc(sizeof(*p));
	int rc = fs_make_directory(directory, 0755, err);

	*out = NULL;
	p->directory = arena_strdup(&p->arena, directory);
	p->staging_fd = -1;
	p->fd = rc < 0 ? -1 : open_folder(directory, err);
	if (rc == 0 && p->fd < 0)
		rc = p->fd;
	if (rc == 0)
		rc = check_owner(p, err);
	if (rc < 0) {
		place_close(p);
		return rc;
	}
	remove_leftovers(p);
	count_files(p);
	*out = p;
	return 0;
}

void place_close(struct place *p)
{
	if (!p)
		return;
	if (p->staging_fd >= 0) {
		remove_folder(p->fd, p->staging);
		close(p->staging_fd);
	}
	if (p->fd >= 0)
		close(p->fd);
	free(p->waiting);
	arena_release(&p->batch);
	arena_release(&p->arena);
	free(p);
}

size_t place_waiting(const struct place *p)
{
	return p->n;
}

/* ---- adding ---- */

static int failed(const struct place *p, const char *name, struct error *err)
{
	return error_set(err, E_TEMP, "%s/%s: %s", p->directory, name, strerror(errno));
}

/* A sub-folder, made with the area's owner and mode if it is not there; its descriptor. */
static int sub_folder(struct place *p, const char *name, struct error *err)
{
	bool made = mkdirat(p->fd, name, 0700) == 0;
	int fd = openat(p->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return failed(p, name, err);
	if (!made || ((!p->foreign || fchown(fd, p->uid, p->gid) == 0) && fchmod(fd, p->mode) == 0))
		return fd;
	close(fd);
	return failed(p, name, err);
}

static int make_staging(struct place *p, struct error *err)
{
	p->staging = arena_printf(&p->arena, STAGING "%d", (int)getpid());
	if (mkdirat(p->fd, p->staging, 0700) < 0)
		return failed(p, p->staging, err);
	p->staging_fd = openat(p->fd, p->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (p->staging_fd < 0 || flock(p->staging_fd, LOCK_EX) < 0)
		return failed(p, p->staging, err);
	return 0;
}

static int write_file(struct place *p, const char *name, struct span der, bool crl, struct error *err)
{
	const char *label = crl ? "X509 CRL" : "CERTIFICATE";
	int fd = openat(p->staging_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct buf pem = BUF_INIT;
	int rc;

	if (fd < 0)
		return failed(p, name, err);
	buf_addf(&pem, "-----BEGIN %s-----\n", label);
	base64_encode(&pem, der.p, der.n, 64, "\n");
	buf_addf(&pem, "-----END %s-----\n", label);
	rc = fs_write_all(fd, pem.data, pem.len, err);
	if (rc == 0 && ((p->foreign && fchown(fd, p->uid, p->gid) < 0) || fchmod(fd, 0644) < 0))
		rc = failed(p, name, err);
	if (close(fd) < 0 && rc == 0)
		rc = failed(p, name, err);
	if (rc < 0)
		unlinkat(p->staging_fd, name, 0);
	buf_release(&pem);
	return rc;
}

int place_add(struct place *p, struct span der, bool crl, bool *known, const char **path, struct error *err)
{
	char hex[DIGEST_HEX + 1], flat[DIGEST_HEX + 8], folded[DIGEST_HEX + 16];
	const char *name;
	int rc;

	hash_of(der, hex);
	snprintf(flat, sizeof(flat), "%s.%s", hex, crl ? "crl" : "pem");
	snprintf(folded, sizeof(folded), "%.2s/%s", hex, flat);
	name = p->files < PLACE_FLAT_MAX ? flat : folded;
	*known = true;
	if (faccessat(p->fd, flat, F_OK, 0) == 0)
		name = flat;
	else if (faccessat(p->fd, folded, F_OK, 0) == 0)
		name = folded;
	else
		*known = p->staging_fd >= 0 && faccessat(p->staging_fd, flat, F_OK, 0) == 0;
	if (path)
		*path = arena_printf(&p->batch, "%s/%s", p->directory, name);
	if (*known)
		return 0;
	rc = p->staging_fd < 0 ? make_staging(p, err) : 0;
	if (rc == 0)
		rc = write_file(p, flat, der, crl, err);
	if (rc < 0)
		return rc;
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->waiting = mem_resize(p->waiting, p->cap * sizeof(*p->waiting));
	}
	p->waiting[p->n++] = arena_strdup(&p->batch, name);
	p->files += p->files < PLACE_FLAT_MAX;
	return 0;
}

/* ---- committing ---- */

static int sync_contents(struct place *p, struct error *err)
{
	if (p->n >= SYNC_ALL_FROM)
		return syncfs(p->fd) < 0 ? failed(p, p->staging, err) : 0;
	for (size_t i = 0; i < p->n; i++) {
		const char *slash = strchr(p->waiting[i], '/');
		int fd = openat(p->staging_fd, slash ? slash + 1 : p->waiting[i], O_RDONLY | O_CLOEXEC);
		bool good = fd >= 0 && fsync(fd) == 0;

		if (fd >= 0)
			close(fd);
		if (!good)
			return failed(p, p->waiting[i], err);
	}
	return 0;
}

static int sync_names(struct place *p, struct error *err)
{
	if (p->n >= SYNC_ALL_FROM)
		return syncfs(p->fd) < 0 ? failed(p, "", err) : 0;
	for (size_t i = 0; i < p->n; i++) {
		const char *slash = strchr(p->waiting[i], '/');
		char folder[3] = ".";
		int fd;

		if (slash)
			memcpy(folder, p->waiting[i], 2);
		fd = openat(p->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0) {
			if (fd >= 0)
				close(fd);
			return failed(p, folder, err);
		}
		close(fd);
	}
	return 0;
}

/* Somebody else may have been faster: then it is there. */
static int move_to(struct place *p, int fd, const char *name, struct error *err)
{
	if (renameat2(p->staging_fd, name, fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS) /* a file system without it */
		if (linkat(p->staging_fd, name, fd, name, 0) == 0)
			errno = EEXIST;
	if (errno != EEXIST)
		return failed(p, name, err);
	unlinkat(p->staging_fd, name, 0);
	return 0;
}

static int show_file(struct place *p, const char *path, struct error *err)
{
	const char *slash = strchr(path, '/');
	char folder[3] = "";
	int fd, rc;

	if (!slash)
		return move_to(p, p->fd, path, err);
	memcpy(folder, path, 2);
	fd = sub_folder(p, folder, err);
	rc = fd < 0 ? fd : move_to(p, fd, slash + 1, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

int place_commit(struct place *p, struct error *err)
{
	int rc = p->n ? sync_contents(p, err) : 0;

	for (size_t i = 0; i < p->n && rc == 0; i++)
		rc = show_file(p, p->waiting[i], err);
	if (rc == 0 && p->n)
		rc = sync_names(p, err);
	p->n = 0;
	arena_release(&p->batch);
	return rc;
}

/* ---- forgetting ---- */

/* The hidden folder's descriptor; its owner is the area's. */
static int open_forgotten(int at, const char *folder, struct error *err)
{
	bool made = mkdirat(at, ".forgotten", 0755) == 0;
	int fd = openat(at, ".forgotten", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 && (!made || geteuid() != 0 || (fstat(at, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0)))
		return fd;
	error_set(err, E_PERM, "%s/.forgotten: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	return E_PERM;
}

/* What was forgotten before under this name stays. */
static int move_aside(int at, const char *name, int aside)
{
	struct buf to = BUF_INIT;
	int rc;

	buf_addstr(&to, name);
	for (unsigned i = 1; i < 1000 && faccessat(aside, to.data, F_OK, AT_SYMLINK_NOFOLLOW) == 0; i++) {
		buf_clear(&to);
		buf_addf(&to, "%s.%u", name, i);
	}
	rc = renameat(at, name, aside, to.data);
	buf_release(&to);
	return rc;
}

int place_forget(const char *file, struct error *err)
{
	char *copy = mem_strdup(file), *slash = strrchr(copy, '/');
	int rc = 0, at, aside = -1;

	if (!slash) {
		free(copy);
		return error_set(err, E_PERM, "%s: not a whole path", file);
	}
	*slash = '\0';
	at = open_folder(copy, err);
	if (at < 0)
		rc = at;
	if (rc == 0 && (aside = open_forgotten(at, copy, err)) < 0)
		rc = aside;
	if (rc == 0 && move_aside(at, slash + 1, aside) < 0)
		rc = error_set(err, errno == EACCES || errno == EPERM ? E_PERM : E_TEMP, "%s: %s", file, strerror(errno));
	if (rc == 0 && (fsync(aside) < 0 || fsync(at) < 0))
		rc = error_set(err, E_TEMP, "%s: %s", copy, strerror(errno));
	if (at >= 0)
		close(at);
	if (aside >= 0)
		close(aside);
	free(copy);
	return rc;
}
