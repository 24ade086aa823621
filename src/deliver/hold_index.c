/* hold_index.c - finding a hold by what a scanner leaves of its copy: Message-ID or content, and the sender
 *
 * A symbolic link to the id, in the directory of the holds, for each of the two: "by-KEY-SLOT", where KEY is a hash.  Several holds may
 * have one key, so there are slots; whoever sends more of one kind than there are finds them by token only.  Links are a
 * help and no promise: one that is missing costs a search, one too many is seen through, and old ones are swept.
 */
#include "deliver/hold_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver/name.h"

#define KEY_HEX 40
#define SLOT_DIGITS 10
#define STALE_AGE ((time_t)24 * 3600) /* of a link without a record: one that is being made has none yet */

static const char prefix[] = "by-";

/* Without the slot. */
static const char *stem_of(struct arena *a, const char *directory, const struct hold_key *k)
{
	char hash[NAME_HEX + 1];

	name_hash((const char *const[]){ k->kind, k->value, arena_lower(a, k->sender) }, 3, hash);
	return arena_printf(a, "%s/%s%.*s-", directory, prefix, KEY_HEX, hash);
}

struct link {
	char *path, *slot; /* slot: its end, to be written anew */
};

static struct link first_link(struct arena *a, const char *directory, const struct hold_key *k)
{
	const char *stem = stem_of(a, directory, k);
	size_t n = strlen(stem);
	struct link l = { .path = arena_alloc(a, n + SLOT_DIGITS + 1) };

	memcpy(l.path, stem, n);
	l.slot = l.path + n;
	return l;
}

static const char *path_of(struct link *l, unsigned slot)
{
	snprintf(l->slot, SLOT_DIGITS + 1, "%u", slot);
	return l->path;
}

/* False: there is none, or it is no id. */
static bool read_link(const char *path, char id[HOLD_ID + 1])
{
	ssize_t n = readlink(path, id, HOLD_ID + 1);

	if (n != HOLD_ID)
		return false;
	id[HOLD_ID] = '\0';
	return true;
}

void hold_index_add(struct arena *a, const char *directory, const char *id, const struct hold_key *k)
{
	struct link l = first_link(a, directory, k);
	char there[HOLD_ID + 1];

	for (unsigned slot = 0; *k->value && slot < HOLD_SLOTS; slot++) {
		const char *path = path_of(&l, slot);

		if (symlink(id, path) == 0 || errno != EEXIST || (read_link(path, there) && strcmp(there, id) == 0))
			return;
	}
}

void hold_index_remove(struct arena *a, const char *directory, const char *id, const struct hold_key *k)
{
	struct link l = first_link(a, directory, k);
	char there[HOLD_ID + 1];

	for (unsigned slot = 0; *k->value && slot < HOLD_SLOTS; slot++) {
		const char *path = path_of(&l, slot);

		if (read_link(path, there) && strcmp(there, id) == 0) {
			unlink(path);
			return;
		}
	}
}

size_t hold_index_find(struct arena *a, const char *directory, const struct hold_key *k, const char **ids)
{
	struct link l = first_link(a, directory, k);
	char id[HOLD_ID + 1];
	size_t n = 0;

	for (unsigned slot = 0; *k->value && slot < HOLD_SLOTS; slot++)
		if (read_link(path_of(&l, slot), id))
			ids[n++] = arena_strdup(a, id);
	return n;
}

void hold_index_tidy(DIR *dir, const char *name)
{
	char record[HOLD_ID + 6] = "";
	struct stat st;
	ssize_t n;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISLNK(st.st_mode) || st.st_mtime > time(NULL) - STALE_AGE)
		return;
	n = readlinkat(dirfd(dir), name, record, HOLD_ID);
	if (n == HOLD_ID)
		memcpy(record + HOLD_ID, ".hold", 6);
	if (n != HOLD_ID || (faccessat(dirfd(dir), record, F_OK, 0) < 0 && errno == ENOENT))
		unlinkat(dirfd(dir), name, 0);
}
