/* area.c - certificates in a folder, found in microseconds: the folder as a whole */
#include "common/area.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/area_inside.h"
#include "common/passphrase.h"

/* ---- opening ---- */

int area_open(const struct config *config, const char *name, struct area **out, struct error *err)
{
	struct area *a = mem_alloc(sizeof(*a));
	struct buf directory = BUF_INIT;
	int rc;

	*out = NULL;
	buf_addf(&directory, "%s/%s", config->areas, name);
	a->directory = directory.data;
	a->name = mem_strdup(name);
	a->config = config;
	a->is_private = strcmp(name, "private") == 0;
	rc = index_open(config->spool, name, a->directory, &a->index, err);
	if (rc < 0)
		area_close(a);
	else
		*out = a;
	return rc;
}

void area_close(struct area *a)
{
	if (!a)
		return;
	index_close(a->index);
	area_forget_passphrase(a);
	free(a->directory);
	free(a->name);
	free(a);
}

const char *area_name(const struct area *a)
{
	return a->name;
}

const char *area_directory(const struct area *a)
{
	return a->directory;
}

/* Whether a folder has a name that is not hidden; negative with errno.  The first few names say it: readdir(3) would fetch a
 * thousand, into 32 KB of fresh memory. */
static int has_names(int fd)
{
	_Alignas(struct dirent64) char names[512];
	ssize_t n;

	while ((n = getdents64(fd, names, sizeof(names))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(const void *)(names + at);

			if (e->d_name[0] != '.')
				return 1;
			at += e->d_reclen;
		}
	return (int)n;
}

int area_occupied(struct arena *arena, const struct config *config, const char *name, struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", config->areas, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	rc = has_names(fd);
	if (rc < 0)
		rc = error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

bool area_has_index(struct arena *arena, const struct config *config, const char *name)
{
	return access(arena_printf(arena, "%s/index/%s", config->spool, name), F_OK) == 0;
}

/* ---- as a whole ---- */

int area_warm(struct area *a, struct error *err)
{
	return area_refresh(a, err);
}

size_t area_files(struct area *a)
{
	struct meta_record m = { 0 };
	struct span value;

	if (index_begin(a->index, false, NULL) < 0)
		return 0;
	if (index_get(a->index, span_from("M", 1), &value) < 0 || !meta_parse(value, &m))
		m.files = 0;
	index_abort(a->index);
	return (size_t)m.files;
}

int area_freeze(struct area *a, struct error *err)
{
	int rc = area_refresh(a, err);

	a->frozen = rc == 0;
	return rc;
}

int area_thaw(struct area *a, struct error *err)
{
	a->frozen = false;
	return area_refresh(a, err);
}
