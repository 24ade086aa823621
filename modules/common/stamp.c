/* stamp.c - when a file or folder was changed last, and how far that can be relied on */
#include "common/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secret_file.h"

#define SECOND ((int64_t)1000000000)
#define FOLDER_RACE (2 * SECOND)
#define FILE_RACE (SECOND / 10)  /* where the file system keeps parts of seconds */

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

int stamp_path(const char *path, struct stamp *out, bool *is_folder, struct error *err)
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

void stamp_secret(const char *source, struct stamp *out)
{
	char *path = secret_path(source);
	bool is_folder;

	stamp_path(path, out, &is_folder, NULL);
	free(path);
}
