/* hold.c - messages kept back until something returns (SPOOL/hold)
 *
 * The record is written last: a message without one was never promised to be kept, and the retry writes both again.
 */
#include "deliver/hold_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "deliver/copy.h"
#include "deliver/durable.h"
#include "deliver/kind.h"
#include "deliver/letter.h"
#include "deliver/name.h"
#include "lib/fs.h"

static int write_and_sync(int fd, const struct segment *segments, size_t n, struct error *err)
{
	int rc = copy_to_file(fd, segments, n, err);

	if (rc == 0 && fsync(fd) < 0)
		rc = error_set(err, E_TEMP, "fsync: %s", strerror(errno));
	return rc;
}

/* Under a temporary name first: what has the final name is whole. */
static int keep_message(const char *path, const struct segment *segments, size_t n, struct error *err)
{
	struct buf temporary = BUF_INIT;
	int fd, rc;

	if (access(path, F_OK) == 0)
		return 0;
	buf_addf(&temporary, "%s.XXXXXX", path);
	fd = mkostemp(temporary.data, O_CLOEXEC);
	if (fd < 0) {
		rc = error_set(err, E_TEMP, "%s: %s", temporary.data, strerror(errno));
		buf_release(&temporary);
		return rc;
	}
	rc = write_and_sync(fd, segments, n, err);
	if (rc < 0)
		error_prefix(err, "%s", path);
	else if (rename(temporary.data, path) < 0)
		rc = error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	close(fd);
	if (rc < 0)
		unlink(temporary.data);
	buf_release(&temporary);
	return rc;
}

void hold_add_field(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s: ", name);
	for (; value && *value; value++)
		buf_addch(b, (unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value);
	buf_addch(b, '\n');
}

static bool has_line(struct span record, struct span line)
{
	while (record.n) {
		ptrdiff_t end = span_find(record, '\n');
		size_t n = end < 0 ? record.n : (size_t)end;

		if (span_eq(span_sub(record, 0, n), line))
			return true;
		record = span_sub(record, n + 1, record.n);
	}
	return false;
}

/* False: it stands there already. */
static bool add_new(struct buf *record, struct span before, const char *name, const char *value)
{
	struct buf line = BUF_INIT;
	bool added;

	hold_add_field(&line, name, value);
	added = !has_line(before, span_from(line.data, line.len - 1));
	if (added)
		buf_add(record, line.data, line.len);
	buf_release(&line);
	return added;
}

bool hold_add_modules(struct buf *record, const char *modules)
{
	struct buf name = BUF_INIT;
	bool added = false;

	for (size_t n; modules && *modules; modules += n + (modules[n] == ' ')) {
		n = strcspn(modules, " ");
		buf_clear(&name);
		buf_add(&name, modules, n);
		added |= add_new(record, span_from(record->data, record->len), "module", buf_str(&name));
	}
	buf_release(&name);
	return added;
}

/* A message that is held again, for more recipients than before, must not lose these. */
static bool add_missing(struct buf *record, const struct hold *h)
{
	size_t before = record->len;
	bool added = false;

	for (size_t i = 0; i < h->n; i++) {
		if (!add_new(record, span_from(record->data, before), "recipient", h->recipients[i]))
			continue;
		if (h->seals)
			hold_add_field(record, "seal", h->seals[i]);
		added = true;
	}
	return hold_add_modules(record, h->locked) || added;
}

static void start_record(struct buf *b, const char *id, const struct hold *h)
{
	char now[24];

	letter_time(now);
	hold_add_field(b, "id", id);
	hold_add_field(b, "held", now);
	hold_add_field(b, "queue-id", h->queue_id);
	hold_add_field(b, "sender", h->sender);
	hold_add_field(b, "client", h->client);
	hold_add_field(b, "message-id", h->message_id);
	hold_add_field(b, "reason", h->reason);
	hold_add_field(b, "text", h->text);
	if (h->content && *h->content)
		hold_add_field(b, "content", h->content);
	if (h->finished)
		hold_add_field(b, "finished", "yes");
	if (h->eight_bit)
		hold_add_field(b, "eight-bit", "yes");
}

/* A file, for on NFS a lock of a directory is this machine's alone. */
int hold_lock(const char *directory, struct error *err)
{
	struct buf path = BUF_INIT;
	int fd, why;

	buf_addf(&path, "%s/" HOLD_STAMP, directory);
	fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	why = errno;
	buf_release(&path);
	if (fd < 0 && why == ENOENT)
		return error_set(err, E_NOTFOUND, "%s: nothing is held", directory);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		why = errno;
		if (why == EINTR)
			continue;
		close(fd);
		fd = -1;
	}
	return fd >= 0 ? fd : error_set(err, E_TEMP, "%s: cannot be locked: %s", directory, strerror(why));
}

static int keep_record(const char *path, const char *id, const struct hold *h, struct error *err)
{
	struct buf record = BUF_INIT;
	int rc = fs_read(path, HOLD_RECORD_MAX, &record, err);

	if (rc == E_NOTFOUND || (rc == 0 && !record.len)) {
		start_record(&record, id, h);
		add_missing(&record, h);
		rc = fs_replace(path, record.data, record.len, 0600, err);
	} else if (rc == 0) {
		if (add_missing(&record, h))
			rc = fs_replace(path, record.data, record.len, 0600, err);
	}
	buf_release(&record);
	return rc < 0 ? E_TEMP : 0;
}

void hold_name(const char *identity, char out[HOLD_ID + 1])
{
	char name[NAME_HEX + 1];

	name_hash((const char *const[]){ identity }, 1, name);
	memcpy(out, name, HOLD_ID);
	out[HOLD_ID] = '\0';
}

const char *hold_path(struct arena *a, const char *spool, const char *id, const char *suffix)
{
	return arena_printf(a, "%s/hold/%s%s", spool, id, suffix);
}

int hold_keep(struct arena *a, const char *spool, const char *identity, const struct hold *h, const struct segment *segments,
	      size_t nsegments, const char **id, struct error *err)
{
	const char *directory = arena_printf(a, "%s/hold", spool);
	char name[HOLD_ID + 1];
	int rc, lock;

	*id = NULL;
	hold_name(identity, name);
	if (access(directory, F_OK) < 0 &&
	    (fs_make_directory(directory, 0700, err) < 0 || sync_directory(spool, err) < 0))
		return E_TEMP;
	lock = hold_lock(directory, err);
	if (lock < 0)
		return E_TEMP;
	rc = keep_message(hold_path(a, spool, name, ".eml"), segments, nsegments, err);
	if (rc == 0 && strcmp(h->reason, HOLD_SCAN) == 0) {
		hold_index_add(a, directory, name, &(struct hold_key){ "message-id", h->message_id, h->sender });
		hold_index_add(a, directory, name, &(struct hold_key){ "content", h->content ? h->content : "", h->sender });
	}
	if (rc == 0)
		rc = sync_directory(directory, err); /* no record of a message that a crash could take away */
	if (rc == 0)
		rc = keep_record(hold_path(a, spool, name, ".hold"), name, h, err);
	if (rc == 0)
		rc = sync_directory(directory, err);
	if (rc == 0)
		*id = arena_strdup(a, name);
	close(lock);
	return rc;
}
