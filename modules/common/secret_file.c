/* secret_file.c - a password, PIN or passphrase: out of a file, a credential of systemd, or what a program says */
#include "common/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret_program.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/mem.h"

static const char by_credential[] = "credential:", by_program[] = "program:";

static bool begins(const char *source, const char *prefix)
{
	return strncmp(source, prefix, strlen(prefix)) == 0;
}

/* ---- systemd's credentials ---- */

static char *credential_path(const char *source)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	struct buf path = BUF_INIT;

	if (!directory || *directory != '/')
		return NULL;
	buf_addf(&path, "%s/%s", directory, source + sizeof(by_credential) - 1);
	return path.data;
}

/* The manager gives it to root, and us a right to read (an ACL, which shows as the group's). */
static int check_credential(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 037) || (st.st_uid != 0 && st.st_uid != geteuid()))
		return error_set(err, E_CONFIG, "%s: not a credential: it must be a file of root's or ours that no others can read", path);
	return 0;
}

static int read_credential(const char *source, struct buf *out, struct error *err)
{
	char *path = credential_path(source);
	int fd, rc;

	if (!path)
		return error_set(err, E_CONFIG, "%s: CREDENTIALS_DIRECTORY is not set: we were not started by a service that has it", source);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	rc = fd < 0 ? error_set(err, E_CONFIG, "%s: %s: %s", source, path, strerror(errno)) : check_credential(fd, path, err);
	if (rc == 0)
		rc = fs_read_descriptor(fd, path, SECRET_MAX, out, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* ---- whatever it is ---- */

/* What is no secret is never taken for a wrong or an empty one: that would go on to a directory, or say that a key has a passphrase of its
 * own, and the operator would not hear of it. */
static int check(const char *source, const struct buf *text, struct error *err)
{
	const char *s = buf_str(text);
	size_t n = strcspn(s, "\r\n");
	const char *why = n < text->len && !s[n] ? "holds a NUL byte" : !n ? "its first line is empty" : NULL;

	int shown = (int)(begins(source, by_program) ? strcspn(source, " \t") : strlen(source)); /* arguments may be a secret, too */

	return why ? error_set(err, E_CONFIG, "%.*s: %s", shown, source, why) : 0;
}

int secret_read(const char *source, char **out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	*out = NULL;
	if (begins(source, by_program))
		rc = secret_program_read(source + sizeof(by_program) - 1, &text, err);
	else if (begins(source, by_credential))
		rc = read_credential(source, &text, err);
	else
		rc = fs_read_secret(source, SECRET_MAX, &text, err);
	if (rc == E_LIMIT) /* for the operator to mend; a module's limits are about requests */
		rc = err ? (err->code = E_CONFIG) : E_CONFIG;
	if (rc == 0)
		rc = check(source, &text, err);
	if (rc == 0) {
		const char *s = buf_str(&text);
		size_t n = strcspn(s, "\r\n");

		*out = mem_alloc(n + 1);
		memcpy(*out, s, n);
	}
	buf_wipe(&text);
	return rc;
}

void secret_free(char *secret)
{
	if (secret)
		mem_wipe(secret, strlen(secret));
	free(secret);
}

char *secret_path(const char *source)
{
	char *path = begins(source, by_credential) ? credential_path(source) : NULL;

	if (path)
		return path;
	if (!begins(source, by_program))
		return mem_strdup(source); /* a name may hold blanks */
	source += sizeof(by_program) - 1;
	source += strspn(source, " \t");
	path = mem_strdup(source);
	path[strcspn(path, " \t")] = '\0';
	return path;
}
