/* durable.c - names in directories that survive a power cut */
#include "deliver/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int sync_directory(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}
