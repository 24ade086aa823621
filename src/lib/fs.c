/* fs.c - files: whole reads with a limit, unlinked temporaries, atomic replacement */
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

#define PIECE ((size_t)64 * 1024)

int fs_read_descriptor(int fd, const char *path, size_t max, struct buf *out, struct error *err)
{
	size_t start = out->len;
	struct stat st;

	/* At once what it will need: growing would cost, and leave copies of secrets behind. */
	buf_reserve(out, fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= max ? (size_t)st.st_size + 1 : PIECE);
	for (;;) {
		ssize_t n;

		if (out->cap - out->len < 2)
			buf_reserve(out, PIECE);
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len - start > max)
			return error_set(err, E_LIMIT, "%s: bigger than %zu bytes", path, max);
	}
	out->data[out->len] = '\0';
	return 0;
}

static int open_to_read(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == EACCES)
		return error_set(err, E_TEMP, "%s: %s for uid %u", path, strerror(errno), (unsigned)geteuid());
	if (fd < 0)
		return error_set(err, errno == ENOENT ? E_NOTFOUND : E_TEMP, "%s: %s", path, strerror(errno));
	return fd;
}

int fs_read(const char *path, size_t max, struct buf *out, struct error *err)
{
	int fd = open_to_read(path, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = fs_read_descriptor(fd, path, max, out, err);
	close(fd);
	return rc;
}

static int check_secret(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, E_CONFIG, "%s: not a regular file", path);
	if (st.st_mode & 077)
		return error_set(err, E_CONFIG, "%s: mode %04o lets others read it; chmod 600", path,
				 (unsigned)st.st_mode & 07777);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, E_CONFIG, "%s: belongs to another user (uid %u)", path, (unsigned)st.st_uid);
	return 0;
}

int fs_read_secret(const char *path, size_t max, struct buf *out, struct error *err)
{
	int fd = open_to_read(path, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = check_secret(fd, path, err);
	if (rc == 0)
		rc = fs_read_descriptor(fd, path, max, out, err);
	close(fd);
	return rc;
}

int fs_temporary(const char *dir, struct error *err)
{
	struct buf name = BUF_INIT;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	buf_addf(&name, "%s/tmp.XXXXXX", dir);
	fd = mkostemp(name.data, O_CLOEXEC);
	if (fd >= 0)
		unlink(name.data);
	else
		fd = error_set(err, E_TEMP, "%s: %s", dir, strerror(errno));
	buf_release(&name);
	return fd;
}

int fs_temporary_small(const char *dir, struct error *err)
{
	int fd = memfd_create("postern", MFD_CLOEXEC);

	return fd >= 0 ? fd : fs_temporary(dir, err);
}

int fs_write_all(int fd, const void *p, size_t n, struct error *err)
{
	const char *s = p;

	while (n) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_set(err, E_TEMP, "write: %s", strerror(errno));
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

/* A file without a name, in the folder of path: who is killed while he writes leaves nothing behind.  -1: not on this file system. */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = BUF_INIT;
	int fd;

	buf_add(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
	fd = open(buf_str(&folder), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	buf_release(&folder);
	return fd;
}

static int give_name(int fd, const char *name)
{
	char own[40];

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, own, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static int fill(int fd, const char *path, const void *p, size_t n, mode_t mode, struct error *err)
{
	int rc = fs_write_all(fd, p, n, err);

	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	return rc;
}

/* A finished, durable file beside path; *name is its name, which it has had no longer than needed. */
static int write_beside(const char *path, const void *p, size_t n, mode_t mode, struct buf *name, struct error *err)
{
	int fd = open_nameless(path), rc = fd < 0 ? 0 : fill(fd, path, p, n, mode, err);
	uint64_t random = 0;

	if (rc == 0 && fd >= 0 && getrandom(&random, sizeof(random), 0) == sizeof(random)) {
		buf_addf(name, "%s.%016llx", path, (unsigned long long)random);
		if (give_name(fd, name->data) == 0) {
			close(fd);
			return 0;
		}
	}
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return rc;
	buf_clear(name);
	buf_addf(name, "%s.XXXXXX", path);
	fd = mkostemp(name->data, O_CLOEXEC);
	if (fd < 0)
		return error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	rc = fill(fd, path, p, n, mode, err);
	close(fd);
	if (rc < 0)
		unlink(name->data);
	return rc;
}

int fs_replace(const char *path, const void *p, size_t n, mode_t mode, struct error *err)
{
	struct buf name = BUF_INIT;
	int rc = write_beside(path, p, n, mode, &name, err);

	if (rc == 0 && rename(name.data, path) < 0) {
		rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
		unlink(name.data);
	}
	buf_release(&name);
	return rc;
}

int fs_create(const char *path, const void *p, size_t n, mode_t mode, struct error *err)
{
	struct buf name = BUF_INIT;
	int rc = write_beside(path, p, n, mode, &name, err);

	if (rc == 0) {
		if (link(name.data, path) < 0 && errno != EEXIST)
			rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
		unlink(name.data);
	}
	buf_release(&name);
	return rc;
}

int fs_check_user(const char *directory, struct error *err)
{
	struct stat st;

	if (geteuid() != 0 || stat(directory, &st) < 0 || st.st_uid == 0)
		return 0;
	return error_set(err, E_CONFIG, "%s: belongs to uid %u, and this runs as root; run it as that user", directory,
			 (unsigned)st.st_uid);
}

int fs_next(DIR *d, const char *path, struct dirent **e, struct error *err)
{
	errno = 0;
	*e = readdir(d);
	return *e || !errno ? 0 : error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
}

int fs_make_directory(const char *path, mode_t mode, struct error *err)
{
	char *copy = mem_strdup(path);
	int rc = 0;

	for (char *p = copy + 1; rc == 0; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			rc = error_set(err, E_TEMP, "%s: %s", copy, strerror(errno));
		*p = saved;
		if (!saved)
			break;
	}
	free(copy);
	return rc;
}
