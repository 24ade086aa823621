/* tidy.c - takes away what nobody asks for any more */
#include "refresh/tidy.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/certfile.h"
#include "common/crl.h"
#include "lib/fs.h"
#include "refresh/place.h"

#define IMPORTED "import-"
#define LIST_MAX ((size_t)128 << 20)

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

/* A list in force still says what is revoked, whoever names it: the certificates in question may come by mail only. */
static bool is_in_force(const struct run *r, const char *path)
{
	struct buf bytes = BUF_INIT;
	struct certfile f = { 0 };
	struct crl list;
	bool found = false;
	int rc = fs_read(path, LIST_MAX, &bytes, NULL);

	if (rc == 0 && certfile_read(span_from(buf_str(&bytes), bytes.len), NULL, &f, NULL) == 0)
		for (size_t i = 0; i < f.n && !found; i++)
			found = f.items[i].type == CERTFILE_CRL && crl_view(span_from(buf_str(&f.items[i].crl), f.items[i].crl.len), &list) &&
				(!list.head.next_update || list.head.next_update > r->now);
	certfile_release(&f);
	buf_release(&bytes);
	return found;
}

static void tidy_folder(struct run *r, const char *folder, bool lists, struct set *files)
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
		if (!set_find(files, path.data)->key && !(lists && is_in_force(r, path.data)))
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

	if (r->nsources >= r->options->number_limit) /* not all that is named is known */
		return;
	collect_files(r, &files);
	tidy_folder(r, arena_printf(&arena, "%s/crl/" PLACE_FOLDER, r->config->areas), true, &files);
	for (int i = 0; i < 256; i++)
		tidy_folder(r, arena_printf(&arena, "%s/ocsp/%02x", r->config->spool, (unsigned)i), false, &files);
	set_release(&files);
	arena_release(&arena);
}
