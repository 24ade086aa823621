/* place.c - where what was fetched goes */
#include "refresh/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/fs.h"

#define HIDDEN "." /* areas pass over hidden files */
#define NAME_HOST_MAX ((size_t)64)

char *place_path(struct arena *a, const struct config *c, const char *area, const char *url, const char *suffix)
{
	char hex[DIGEST_HEX + 1], host[NAME_HOST_MAX + 1];
	const char *p = strstr(url, "://");
	struct digest d;
	size_t n = 0;

	digest_init(&d);
	digest_add(&d, url, strlen(url));
	digest_hex(&d, hex);
	for (p = p ? p + 3 : url; *p && !strchr("/?#", *p) && n < NAME_HOST_MAX; p++, n++)
		host[n] = (char)(ascii_alpha(*p) || ascii_digit(*p) || (*p == '.' && n) || *p == '-' ? ascii_lower(*p) : '_');
	host[n] = '\0';
	return arena_printf(a, "%s/%s/" PLACE_FOLDER "/%s-%.16s.%s", c->areas, area, host, hex, suffix);
}

static int write_hidden(const char *name, struct span content, mode_t mode, struct error *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc;

	if (fd < 0)
		return error_set(err, E_CONFIG, "%s: %s", name, strerror(errno));
	rc = fs_write_all(fd, content.p, content.n, err);
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = error_set(err, E_TEMP, "%s: %s", name, strerror(errno));
	close(fd);
	return rc;
}

int place_file(const char *path, struct span content, mode_t mode, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct buf hidden = BUF_INIT, folder = BUF_INIT;
	int rc;

	buf_add(&folder, path, (size_t)(slash - path));
	buf_addf(&hidden, "%s/" HIDDEN "%s", folder.data, slash + 1);
	rc = fs_make_directory(folder.data, 0755, err);
	if (rc == 0)
		rc = write_hidden(hidden.data, content, mode, err);
	if (rc == 0 && rename(hidden.data, path) < 0)
		rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	if (rc < 0)
		unlink(hidden.data);
	buf_release(&hidden);
	buf_release(&folder);
	return rc;
}

void place_clean(const struct config *c, const char *area)
{
	struct buf folder = BUF_INIT;
	const struct dirent *e;
	DIR *d;

	buf_addf(&folder, "%s/%s/" PLACE_FOLDER, c->areas, area);
	d = opendir(folder.data);
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] == *HIDDEN && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	buf_release(&folder);
}

int place_lock(const struct config *c, struct error *err)
{
	struct buf path = BUF_INIT;
	int fd, rc;

	buf_addf(&path, "%s/refresh", c->spool);
	rc = fs_make_directory(path.data, 0700, err);
	buf_addstr(&path, "/lock");
	fd = rc == 0 ? open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	if (rc == 0 && fd < 0)
		rc = error_set(err, E_CONFIG, "%s: %s", path.data, strerror(errno));
	else if (rc == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? error_set(err, E_LIMIT, "another run is at work (%s)", path.data)
					  : error_set(err, E_TEMP, "%s: %s", path.data, strerror(errno));
	buf_release(&path);
	return rc; /* fd stays open until the process ends, and the lock with it */
}
