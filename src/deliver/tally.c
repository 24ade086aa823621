/* tally.c - how many notices went out in this window, and what is waiting for a digest (SPOOL/notices)
 *
 * Three small files: "lock"; "window" (when it began, how many were sent); "digest", which is there only
 * while events wait. Both are replaced as a whole, so a crash leaves the old or the new state.
 */
#include "deliver/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/fs.h"

#define FILE_MAX ((size_t)1024 * 1024)

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int open_lock(struct tally *t, struct error *err)
{
	struct buf path = BUF_INIT;
	int rc = 0;

	buf_addf(&path, "%s/lock", buf_str(&t->directory));
	t->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (t->lock >= 0 && flock(t->lock, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(t->lock);
			t->lock = -1;
		}
	if (t->lock < 0)
		rc = error_set(err, E_TEMP, "%s: %s", path.data, strerror(errno));
	buf_release(&path);
	return rc;
}

/* Up to max numbers from the first line; what is no number counts as 0: a damaged file costs a count, no mail. */
static void take_numbers(struct span s, uint64_t *out, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		ptrdiff_t blank = span_find(s, ' ');
		size_t n = blank < 0 ? s.n : (size_t)blank;

		if (!span_number(span_sub(s, 0, n), INT64_MAX, &out[i]))
			out[i] = 0;
		s = span_sub(s, n + 1, s.n);
	}
}

static int read_file(const struct tally *t, const char *name, uint64_t *numbers, size_t n, struct buf *rest, struct error *err)
{
	struct buf path = BUF_INIT, bytes = BUF_INIT;
	struct span all;
	ptrdiff_t end;
	int rc;

	buf_addf(&path, "%s/%s", buf_str(&t->directory), name);
	rc = fs_read(path.data, FILE_MAX, &bytes, err);
	if (rc == 0) {
		all = span_from(bytes.data, bytes.len);
		end = span_find(all, '\n');
		take_numbers(span_sub(all, 0, end < 0 ? all.n : (size_t)end), numbers, n);
		all = span_sub(all, end < 0 ? all.n : (size_t)end + 1, all.n);
		if (rest && all.n)
			buf_add(rest, all.p, all.n);
	}
	buf_release(&path);
	buf_release(&bytes);
	return rc == E_TEMP ? E_TEMP : 0; /* not there, or absurdly big: begin anew */
}

static uint64_t count_lines(const struct buf *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void close_window(struct tally *t, uint64_t window)
{
	int64_t age = now() - t->begin;

	if (t->begin && age >= 0 && (uint64_t)age < window)
		return;
	t->begin = now();
	t->sent = 0;
	t->due = t->events;
	t->due_lines = count_lines(&t->lines);
}

int tally_lock(struct tally *t, const struct config *c, struct error *err)
{
	uint64_t window[2] = { 0 }, digest[3] = { 0 };
	int rc;

	*t = (struct tally){ .lock = -1 };
	buf_addf(&t->directory, "%s/notices", c->spool);
	rc = access(t->directory.data, F_OK) < 0 ? fs_make_directory(t->directory.data, 0700, err) : 0;
	if (rc == 0)
		rc = open_lock(t, err);
	if (rc == 0)
		rc = read_file(t, "window", window, 2, NULL, err);
	if (rc == 0)
		rc = read_file(t, "digest", digest, 3, &t->lines, err);
	if (rc < 0) {
		tally_unlock(t);
		return rc;
	}
	t->begin = (int64_t)window[0];
	t->sent = window[1];
	t->events = digest[0];
	t->due = digest[1] < t->events ? digest[1] : t->events;
	t->due_lines = digest[2] < count_lines(&t->lines) ? digest[2] : count_lines(&t->lines);
	close_window(t, c->notice_window);
	return 0;
}

int tally_save(struct tally *t, struct error *err)
{
	struct buf path = BUF_INIT, bytes = BUF_INIT;
	int rc;

	buf_addf(&path, "%s/digest", buf_str(&t->directory));
	if (t->events) {
		buf_addf(&bytes, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", t->events, t->due, t->due_lines);
		buf_add(&bytes, t->lines.data, t->lines.len);
		rc = fs_replace(path.data, bytes.data, bytes.len, 0600, err);
	} else {
		rc = unlink(path.data) < 0 && errno != ENOENT ? error_set(err, E_TEMP, "%s: %s", path.data, strerror(errno)) : 0;
	}
	buf_clear(&path);
	buf_clear(&bytes);
	buf_addf(&path, "%s/window", buf_str(&t->directory));
	buf_addf(&bytes, "%" PRId64 " %" PRIu64 "\n", t->begin, t->sent);
	if (rc == 0)
		rc = fs_replace(path.data, bytes.data, bytes.len, 0600, err);
	buf_release(&path);
	buf_release(&bytes);
	return rc;
}

void tally_unlock(struct tally *t)
{
	if (t->lock >= 0)
		close(t->lock);
	t->lock = -1;
	buf_release(&t->directory);
	buf_release(&t->lines);
}

void tally_add(struct tally *t, const char *line)
{
	t->events++;
	if (count_lines(&t->lines) >= TALLY_LINES_MAX)
		return;
	buf_addstr(&t->lines, line);
	buf_addch(&t->lines, '\n');
}

struct span tally_lines(const struct tally *t, uint64_t lines)
{
	size_t n = 0;

	while (lines && n < t->lines.len)
		lines -= t->lines.data[n++] == '\n';
	return span_from(t->lines.data, n);
}

void tally_drop(struct tally *t, uint64_t events, uint64_t lines)
{
	size_t n = tally_lines(t, lines).n;

	t->events -= events < t->events ? events : t->events;
	t->due -= events < t->due ? events : t->due;
	t->due_lines -= lines < t->due_lines ? lines : t->due_lines;
	if (n)
		memmove(t->lines.data, t->lines.data + n, t->lines.len - n);
	t->lines.len -= n;
}

bool tally_has_events(const struct config *c)
{
	struct buf path = BUF_INIT;
	bool has;

	buf_addf(&path, "%s/notices/digest", c->spool);
	has = access(path.data, F_OK) == 0;
	buf_release(&path);
	return has;
}
