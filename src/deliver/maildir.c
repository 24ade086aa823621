/* maildir.c - maildir:DIR, the destination that needs no mail server
 *
 * Written below tmp/, fsynced, renamed into new/, the directory fsynced.  Return-Path and one Delivered-To
 * line a recipient stand in front of the message, so that the envelope is not lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver/copy.h"
#include "deliver/durable.h"
#include "deliver/kind.h"
#include "lib/fs.h"

static const char *const folders[] = { "tmp", "new", "cur" };

static int parse(struct arena *a, const char *rest, struct destination *out, struct error *err)
{
	if (*rest != '/')
		return error_set(err, E_CONFIG, "the directory must be an absolute path");
	out->path = arena_strdup(a, rest);
	return 0;
}

/* Makes what is missing; a new directory is made durable with its parent. */
static int make_maildir(const char *path, struct error *err)
{
	struct buf name = BUF_INIT;
	bool made = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		buf_clear(&name);
		buf_addf(&name, "%s/%s", path, folders[i]);
		if (mkdir(name.data, 0700) == 0)
			made = true;
		else if (errno == ENOENT) {
			rc = fs_make_directory(name.data, 0700, err);
			made = true;
		} else if (errno != EEXIST)
			rc = error_set(err, E_TEMP, "%s: %s", name.data, strerror(errno));
	}
	if (rc == 0 && made) {
		rc = sync_directory(path, err);
		buf_clear(&name);
		buf_addf(&name, "%s/..", path);
		if (rc == 0)
			rc = sync_directory(name.data, err);
	}
	buf_release(&name);
	return rc;
}

/* "/" and ":" have a meaning in a maildir's file names; written as the maildir convention has it. */
static void add_host(struct buf *b)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		buf_addstr(b, "localhost");
	for (const char *p = host; *p; p++)
		if (*p == '/' || *p == ':')
			buf_addf(b, "\\%03o", (unsigned char)*p);
		else
			buf_addch(b, *p);
}

/* Time, process, a random number and the host: unique among all that write here. */
static void unique_name(struct buf *b)
{
	struct timespec now;
	uint64_t random = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)now.tv_nsec;
	buf_addf(b, "%lld.M%06ldP%dR%016llx.", (long long)now.tv_sec, now.tv_nsec / 1000, (int)getpid(),
		 (unsigned long long)random);
	add_host(b);
}

static int write_file(int fd, const struct delivery *d, struct parcel_recipient *const *list, size_t n, struct error *err)
{
	const struct parcel *p = d->p;
	struct buf head = BUF_INIT;
	const char *eol;
	int rc = segments_eol(p->segments, p->nsegments, &eol, err);

	if (rc < 0)
		return rc;
	buf_addf(&head, "Return-Path: <%s>%s", p->sender, eol);
	for (size_t i = 0; i < n; i++)
		buf_addf(&head, "Delivered-To: %s%s", list[i]->address, eol);
	rc = fs_write_all(fd, head.data, head.len, err);
	buf_release(&head);
	if (rc == 0)
		rc = copy_to_file(fd, p->segments, p->nsegments, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = error_set(err, E_TEMP, "fsync: %s", strerror(errno));
	return rc;
}

static int write_temporary(const char *path, const struct delivery *d, struct parcel_recipient *const *list, size_t n,
			   struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return error_set(err, E_TEMP, "%s", strerror(errno));
	rc = write_file(fd, d, list, n, err);
	if (close(fd) < 0 && rc == 0)
		rc = error_set(err, E_TEMP, "%s", strerror(errno));
	if (rc == 0 && deadline_over(d->until))
		rc = error_set(err, E_TEMP, "the deadline is over");
	return rc;
}

static int store(const struct delivery *d, struct parcel_recipient *const *list, size_t n, struct error *err)
{
	struct buf name = BUF_INIT, temporary = BUF_INIT, final = BUF_INIT, folder = BUF_INIT;
	int rc;

	unique_name(&name);
	buf_addf(&temporary, "%s/tmp/%s", d->to->path, name.data);
	buf_addf(&final, "%s/new/%s", d->to->path, name.data);
	buf_addf(&folder, "%s/new", d->to->path);
	rc = make_maildir(d->to->path, err);
	if (rc < 0)
		goto out;
	rc = write_temporary(temporary.data, d, list, n, err);
	if (rc == 0 && rename(temporary.data, final.data) < 0)
		rc = error_set(err, E_TEMP, "rename: %s", strerror(errno));
	if (rc < 0) {
		unlink(temporary.data);
		goto out;
	}
	rc = sync_directory(folder.data, err);
	if (rc < 0) /* not certain to stay: taken back, so that the retry is no duplicate */
		unlink(final.data);
out:
	buf_release(&name);
	buf_release(&temporary);
	buf_release(&final);
	buf_release(&folder);
	return rc;
}

static void deliver(struct delivery *d)
{
	size_t n;
	struct parcel_recipient **list = delivery_pending(d, &n);
	struct error err = { 0 };

	if (store(d, list, n, &err) == 0) {
		delivery_accept(d, list, n, "2.0.0", "written");
		return;
	}
	error_prefix(&err, "%s", d->to->text);
	delivery_settle_pending(d, RECIPIENT_TEMPORARY, "4.2.0", err.text);
}

static int probe(const struct destination *d, const char *helo, deadline until, struct error *err)
{
	struct stat st;
	char *parent, *slash;
	int rc = 0;

	if (stat(d->path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return error_set(err, E_CONFIG, "%s: not a directory", d->path);
		return access(d->path, W_OK | X_OK) < 0 ? error_set(err, E_CONFIG, "%s: %s", d->path, strerror(errno)) : 0;
	}
	if (errno != ENOENT)
		return error_set(err, E_CONFIG, "%s: %s", d->path, strerror(errno));
	/* It will be made on first use: the nearest directory that exists must let us. */
	parent = mem_strdup(d->path);
	while ((slash = strrchr(parent, '/'))) {
		slash[slash == parent] = '\0';
		if (access(parent, F_OK) == 0 || slash == parent)
			break;
	}
	if (access(parent, W_OK | X_OK) < 0)
		rc = error_set(err, E_CONFIG, "%s: cannot be made: %s: %s", d->path, parent, strerror(errno));
	free(parent);
	return rc;
}

const struct kind kind_maildir = { DESTINATION_MAILDIR, "maildir:", parse, deliver, probe };
