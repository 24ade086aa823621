/* journal.c - what has been handed over already, so that a retry sends each recipient the message once
 *
 * Adding an entry is creating an empty file and one fsync of the directory for all entries of a call: there is
 * nothing that could be half written.
 */
#include "deliver/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver/durable.h"
#include "deliver/name.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/log.h"

#define SWEEP_EVERY ((time_t)24 * 3600) /* seconds between two sweeps of a spool */
#define LOCK_NAP_MS 20
#define MESSAGE_DIGITS 8                /* hexadecimal; with the recipient's they fit an off_t */
#define RECIPIENT_DIGITS 7
#define LOCKS_MAX 1000                  /* of one message: the kernel compares each with all that are there */
static const char sweep_stamp[] = "swept"; /* its time is the last sweep's; nothing is ever written to it, but it is locked */

static void entry_name(const struct journal *j, const char *kind, const char *recipient, char out[NAME_HEX + 1])
{
	name_hash((const char *const[]){ j->message, kind, recipient }, 3, out);
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int journal_open(struct arena *a, const char *spool, const char *message, struct journal *out, struct error *err)
{
	return journal_open_in(a, spool, "journal", message, out, err);
}

int journal_open_in(struct arena *a, const char *spool, const char *name, const char *message, struct journal *out,
		    struct error *err)
{
	*out = (struct journal){ .directory = arena_printf(a, "%s/%s", spool, name), .message = arena_strdup(a, message), .fd = -1,
				.lock = -1 };
	out->fd = open_directory(out->directory);
	if (out->fd < 0 && errno == ENOENT) {
		if (fs_make_directory(out->directory, 0700, err) < 0 || sync_directory(spool, err) < 0)
			return E_TEMP;
		out->fd = open_directory(out->directory);
	}
	/* Known before anything is sent: without a journal every retry would be a duplicate. */
	if (out->fd < 0 || access(out->directory, W_OK | X_OK) < 0) {
		int rc = error_set(err, E_TEMP, "%s: %s", out->directory, strerror(errno));

		journal_release(out);
		return rc;
	}
	return 0;
}

void journal_release(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->lock >= 0)
		close(j->lock);
	j->fd = j->lock = -1;
}

/* ---- one process a recipient ---- */

/* A message has a range of the file, by its hash; each of its recipients a byte of it. */
static off_t lock_hash(const struct journal *j, const char *recipient, int digits)
{
	char name[NAME_HEX + 1];

	entry_name(j, "lock", recipient, name);
	name[digits] = '\0';
	return (off_t)strtoull(name, NULL, 16);
}

static int lock_range(const struct journal *j, off_t start, off_t length, deadline until, struct error *err)
{
	struct timespec nap = { 0, (long)LOCK_NAP_MS * 1000000 };
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	while (fcntl(j->lock, F_OFD_SETLK, &l) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return error_set(err, E_TEMP, "%s/%s: cannot be locked: %s", j->directory, sweep_stamp, strerror(errno));
		if (deadline_over(until))
			return error_set(err, E_TEMP, "another process is handing this message over");
		nanosleep(&nap, NULL);
	}
	return 0;
}

int journal_lock(struct journal *j, const char *const *recipients, size_t n, deadline until, struct error *err)
{
	off_t length = (off_t)1 << 4 * RECIPIENT_DIGITS, start = lock_hash(j, "", MESSAGE_DIGITS) * length;
	int rc = 0;

	if (j->lock < 0)
		j->lock = openat(j->fd, sweep_stamp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->lock < 0)
		return error_set(err, E_TEMP, "%s/%s: %s", j->directory, sweep_stamp, strerror(errno));
	if (n > LOCKS_MAX)
		return lock_range(j, start, length, until, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = lock_range(j, start + lock_hash(j, recipients[i], RECIPIENT_DIGITS), 1, until, err);
	return rc;
}

/* ---- entries ---- */

int journal_has(const struct journal *j, const char *kind, const char *recipient, bool *has, struct error *err)
{
	char name[NAME_HEX + 1];

	*has = false;
	entry_name(j, kind, recipient, name);
	if (faccessat(j->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		*has = true;
		utimensat(j->fd, name, NULL, AT_SYMLINK_NOFOLLOW); /* it is swept when nobody has asked for it for long */
	} else if (errno != ENOENT) {
		return error_set(err, E_TEMP, "%s/%s: %s", j->directory, name, strerror(errno));
	}
	return 0;
}

int journal_add(struct journal *j, const char *kind, const char *const *recipients, size_t n, struct error *err)
{
	int rc = 0;

	/* On a full disk each entry that still fits spares one recipient a duplicate, so all are tried. */
	for (size_t i = 0; i < n; i++) {
		char name[NAME_HEX + 1];
		int fd;

		entry_name(j, kind, recipients[i], name);
		fd = openat(j->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			rc = error_set(err, E_TEMP, "%s/%s: %s", j->directory, name, strerror(errno));
		else
			close(fd);
	}
	if (n && fsync(j->fd) < 0)
		rc = error_set(err, E_TEMP, "%s: %s", j->directory, strerror(errno));
	return rc;
}

void journal_forget(struct journal *j, const char *kind, const char *const *recipients, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[NAME_HEX + 1];

		entry_name(j, kind, recipients[i], name);
		if (unlinkat(j->fd, name, 0) < 0 && errno != ENOENT)
			log_warning("%s/%s: %s", j->directory, name, strerror(errno));
	}
}

/* True once in SWEEP_EVERY: the stamp's time is set first, so that only one process sweeps. */
static bool sweep_is_due(struct journal *j)
{
	struct stat st;
	int fd;

	if (fstatat(j->fd, sweep_stamp, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		time_t age = time(NULL) - st.st_mtime;

		if (age >= 0 && age < SWEEP_EVERY)
			return false;
		return utimensat(j->fd, sweep_stamp, NULL, 0) == 0;
	}
	fd = openat(j->fd, sweep_stamp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void journal_sweep(struct journal *j, uint64_t seconds)
{
	time_t oldest = time(NULL) - (time_t)seconds;
	struct dirent *e;
	DIR *dir;
	int fd;

	if (!sweep_is_due(j))
		return;
	fd = openat(j->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir))) {
		struct stat st;

		if (strlen(e->d_name) == NAME_HEX && fstatat(j->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < oldest)
			unlinkat(j->fd, e->d_name, 0);
	}
	closedir(dir);
}
