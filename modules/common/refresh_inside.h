/* refresh_inside.h - what the parts of refreshing share: freshness.c looks whether anything is to be done, scan.c finds what,
 * refresh.c does it in one round
 */
#ifndef POSTERN_COMMON_REFRESH_INSIDE_H
#define POSTERN_COMMON_REFRESH_INSIDE_H

#include "common/area_inside.h"
#include "common/stamp.h"

#define WATCH_MAX 1000           /* more watched files than this wait for a sweep */

struct name {
	char *name;
	uint64_t inode;
	bool link;   /* its own inode says nothing about what it points to */
};

struct names {
	struct name *items;
	size_t n, cap;
};

/* One round of bringing the index up to date. */
struct round {
	struct area *area;
	struct arena arena;
	struct meta_record meta;
	bool sweep;          /* stat every file */
	struct names files;  /* to be taken in: paths below the area */
	struct folder {
		struct folder *next;
		const char *name;
		struct dir_record record;
		bool gone;
	} *folders;          /* records to write at the end */
	bool changed, settled;
	struct error *err;
};

/* ---- freshness.c ---- */

/* Without a transaction: *fresh, whether folders and watched files are as the index remembers them. */
int area_is_fresh(struct area *a, bool *fresh, struct error *err);

/* Inside a transaction. */
bool read_meta(struct area *a, struct meta_record *m);
bool watched_is_stale(struct area *a, struct arena *arena, const char *path, const struct meta_record *m);

/* ---- scan.c ---- */

/* Takes the name, which lives in an arena, into the list; its items are on the heap. */
void add_name(struct names *list, char *name, uint64_t inode, bool link);

/* Inside a write transaction: fills the round's files, folders, and changed and settled. */
int find_work(struct round *r);

#endif
