/* tidy.c - takes away what nobody asks for any more */
#include "refresh/tidy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "refresh/place.h"

#define IMPORTED "import-"

/* The files that belong to something. */
static void collect_files(const struct run *r, struct set *files)
{
	for (const struct source *s = r->sources; s; s = s->next) {
		struct set_entry *at = s->file ? set_find(files, s->file) : NULL;

		if (!at || at->key)
			continue;
		at->key = s->file;
		set_filled(files);
	}
}

static void tidy_folder(struct run *r, const char *folder, struct set *files)
{
	struct buf path = BUF_INIT;
	const struct dirent *e;
	struct stat st;
	DIR *d = opendir(folder);

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strncmp(e->d_name, IMPORTED, strlen(IMPORTED)) == 0 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		    (int64_t)st.st_mtime + TIDY_AFTER >= r->now)
			continue;
		buf_clear(&path);
		buf_addf(&path, "%s/%s", folder, e->d_name);
		if (!set_find(files, path.data)->key)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	buf_release(&path);
}

void tidy(struct run *r)
{
	struct set files = { 0 };
	struct arena arena = ARENA_INIT;

	collect_files(r, &files);
	tidy_folder(r, arena_printf(&arena, "%s/crl/" PLACE_FOLDER, r->config->areas), &files);
	for (int i = 0; i < 256; i++)
		tidy_folder(r, arena_printf(&arena, "%s/ocsp/%02x", r->config->spool, (unsigned)i), &files);
	set_release(&files);
	arena_release(&arena);
}
