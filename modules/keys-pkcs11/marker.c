/* marker.c - what became of the PIN in a file at a token, so that no process tries a wrong one twice
 *
 * It stands beside the spool, in SPOOL/pkcs11/TOKEN, together with the stamp of the file it came from, and who logs in holds a lock:
 *
 *   good     the token took it
 *   refused  the token did not: not tried again until the file changes
 *   trying   written before a PIN is tried for the first time; who finds it knows that a process died over that
 *
 * A good one may have become wrong since, and a process may die over that, too.  To write it down on the disk before each login would
 * cost every message; a byte in the lock file costs nothing, and outlives the process, though not the machine.
 */
#include "keys-pkcs11/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/log.h"

#define MARKER_MAX 4096
#define UNDER_WAY "t"

static const char *const words[PIN_STATES] = { [PIN_GOOD] = "good", [PIN_REFUSED] = "refused", [PIN_TRYING] = "trying" };

/* ---- one process at a time, or two would try the same wrong PIN ---- */

static const char *path_of(struct server *s, const CK_TOKEN_INFO *info)
{
	char sum[DIGEST_HEX + 1];
	struct digest d;

	digest_init(&d);
	digest_add(&d, info->manufacturerID, sizeof(info->manufacturerID));
	digest_add(&d, info->model, sizeof(info->model));
	digest_add(&d, info->serialNumber, sizeof(info->serialNumber));
	digest_add(&d, info->label, sizeof(info->label));
	digest_hex(&d, sum);
	return arena_printf(&s->arena, "%s/pkcs11/%.32s", s->config->spool, sum);
}

static int take_lock(struct marker *m, const char *path, const char *folder, struct error *err)
{
	int rc = 0;

	m->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->lock < 0 && errno == ENOENT) {
		rc = fs_make_directory(folder, 0700, err);
		m->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (rc == 0 && m->lock < 0)
		rc = error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	while (rc == 0 && flock(m->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	return rc;
}

int marker_open(struct marker *m, struct server *s, const struct token *t, struct error *err)
{
	*m = (struct marker){ .path = path_of(s, &t->info), .token = t->name, .pin_file = t->wanted->pin_file, .lock = -1 };
	return take_lock(m, arena_printf(&s->arena, "%s.lock", m->path), arena_printf(&s->arena, "%s/pkcs11", s->config->spool), err);
}

void marker_close(struct marker *m)
{
	if (m->lock >= 0)
		close(m->lock);
	m->lock = -1;
}

/* ---- what is written down ---- */

/* Behind the first word.  Nothing of the PIN itself. */
static void add_subject(const struct marker *m, struct buf *out)
{
	buf_addf(out, " %s\n%s\nmodified %lld changed %lld size %llu inode %llu\n", m->token, m->pin_file, (long long)m->stamp.modified,
		 (long long)m->stamp.changed, (unsigned long long)m->stamp.size, (unsigned long long)m->stamp.inode);
}

enum pin_state marker_state(const struct marker *m)
{
	struct buf is = BUF_INIT, subject = BUF_INIT;
	enum pin_state found = PIN_UNKNOWN;
	struct span text;

	add_subject(m, &subject);
	if (fs_read(m->path, MARKER_MAX, &is, NULL) < 0)
		buf_clear(&is);
	text = span_from(buf_str(&is), is.len);
	for (int i = PIN_UNKNOWN + 1; i < PIN_STATES && found == PIN_UNKNOWN; i++) {
		size_t n = strlen(words[i]);

		if (text.n == n + subject.len && memcmp(text.p, words[i], n) == 0 && memcmp(text.p + n, subject.data, subject.len) == 0)
			found = (enum pin_state)i;
	}
	buf_release(&is);
	buf_release(&subject);
	return found;
}

int marker_write(const struct marker *m, enum pin_state state, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	buf_addstr(&text, words[state]);
	add_subject(m, &text);
	rc = fs_replace(m->path, text.data, text.len, 0600, err);
	buf_release(&text);
	return rc;
}

void marker_forget(const struct marker *m)
{
	unlink(m->path);
}

/* ---- an attempt ---- */

int marker_begin(const struct marker *m, struct error *err)
{
	return pwrite(m->lock, UNDER_WAY, 1, 0) == 1 ? 0 : error_set(err, E_TEMP, "%s.lock: %s", m->path, strerror(errno));
}

void marker_end(const struct marker *m)
{
	if (ftruncate(m->lock, 0) < 0)
		log_warning("%s.lock: %s", m->path, strerror(errno));
}

bool marker_interrupted(const struct marker *m)
{
	struct stat st;

	return fstat(m->lock, &st) == 0 && st.st_size > 0;
}
