/* durable.h - names in directories that survive a power cut */
#ifndef POSTERN_DELIVER_DURABLE_H
#define POSTERN_DELIVER_DURABLE_H

#include "lib/error.h"

/* fsync(2) of a directory: files created in it, renamed into it or removed from it before are so for good. E_TEMP. */
int sync_directory(const char *path, struct error *err);

#endif
