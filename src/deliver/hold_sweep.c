/* hold_sweep.c - how old holds are, and what is left of those that never were */
#include "deliver/hold_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_EVERY ((time_t)600)              /* seconds between two sweeps of a spool */
#define ORPHAN_AGE ((time_t)10 * 24 * 3600)    /* of a message without a record: nobody was promised that it would be kept */

uint64_t hold_age(struct arena *a, const char *spool, const char *id)
{
	struct stat st;
	time_t now = time(NULL);

	if (stat(hold_path(a, spool, id, ".eml"), &st) < 0 && stat(hold_path(a, spool, id, HOLD_SUFFIX), &st) < 0)
		return 0;
	return now > st.st_mtime ? (uint64_t)(now - st.st_mtime) : 0;
}

/* A message whose record was never written, or is removed. */
static void remove_orphans(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char record[HOLD_ID + sizeof(HOLD_SUFFIX)] = "";
		struct stat st;

		hold_index_tidy(dir, e->d_name);
		if (strlen(e->d_name) < HOLD_ID + 4 || strncmp(e->d_name + HOLD_ID, ".eml", 4) != 0)
			continue;
		memcpy(record, e->d_name, HOLD_ID);
		memcpy(record + HOLD_ID, HOLD_SUFFIX, sizeof(HOLD_SUFFIX));
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < time(NULL) - ORPHAN_AGE &&
		    faccessat(dirfd(dir), record, F_OK, 0) < 0 && errno == ENOENT)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

bool hold_sweep_is_due(struct arena *a, const char *spool)
{
	const char *directory = arena_printf(a, "%s/hold", spool), *stamp = arena_printf(a, "%s/" HOLD_STAMP, directory);
	struct stat st;
	int fd;

	if (stat(stamp, &st) == 0) {
		time_t age = time(NULL) - st.st_mtime;

		if (age >= 0 && age < SWEEP_EVERY)
			return false;
		if (utimensat(AT_FDCWD, stamp, NULL, 0) < 0)
			return false;
		remove_orphans(directory);
		return true;
	}
	fd = open(stamp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* none without the directory */
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
