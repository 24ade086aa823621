/* fs.h - files: whole reads with a limit, unlinked temporaries, atomic replacement */
#ifndef POSTERN_LIB_FS_H
#define POSTERN_LIB_FS_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/error.h"

/* Appends the whole file.  E_NOTFOUND, E_LIMIT (bigger than max bytes) or E_TEMP. */
int fs_read(const char *path, size_t max, struct buf *out, struct error *err);

/* The same from a descriptor, to its end; name: what an error calls it. */
int fs_read_descriptor(int fd, const char *name, size_t max, struct buf *out, struct error *err);

/* As fs_read for what must stay private: E_CONFIG unless it is a regular file of ours or root's
 * without any permission for group and others (0600, 0400). */
int fs_read_secret(const char *path, size_t max, struct buf *out, struct error *err);

/* An open, read-write, unlinked, close-on-exec file in dir (O_TMPFILE, else create and unlink).
 * Returns the descriptor or a negative code. */
int fs_temporary(const char *dir, struct error *err);
/* The same for what is small: in memory, if the system can; making and removing an inode costs more than small content does. */
int fs_temporary_small(const char *dir, struct error *err);

int fs_write_all(int fd, const void *p, size_t n, struct error *err); /* EINTR, short writes */

/* Writes path by a temporary name in the same directory, fsync, rename. */
int fs_replace(const char *path, const void *p, size_t n, mode_t mode, struct error *err);

/* Makes path with this content, whole from the moment it exists; an existing file is left alone and is success
 * (another process was faster). */
int fs_create(const char *path, const void *p, size_t n, mode_t mode, struct error *err);

/* Refuses to be root where somebody else owns the directory: what root makes there, its owner could not use.  One that is
 * not there is fine.  E_CONFIG. */
int fs_check_user(const char *directory, struct error *err);

/* The next entry of a directory; *e: NULL at its end.  An error is no end: E_TEMP (path: what it is called), and *e is NULL. */
int fs_next(DIR *d, const char *path, struct dirent **e, struct error *err);

int fs_make_directory(const char *path, mode_t mode, struct error *err); /* with parents; existing is fine */

#endif
