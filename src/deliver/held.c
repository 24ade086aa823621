/* held.c - what is held: read, settled recipient by recipient, removed */
#include "deliver/hold_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/durable.h"
#include "deliver/letter.h"
#include "lib/fs.h"

/* ---- records ---- */

static bool take_line(struct span *record, struct span *name, struct span *value)
{
	ptrdiff_t end = span_find(*record, '\n'), colon;
	struct span line = span_sub(*record, 0, end < 0 ? record->n : (size_t)end);

	if (!record->n)
		return false;
	*record = span_sub(*record, line.n + 1, record->n);
	colon = span_find(line, ':');
	*name = span_sub(line, 0, colon < 0 ? line.n : (size_t)colon);
	*value = span_trim(span_sub(line, colon < 0 ? line.n : (size_t)colon + 1, line.n));
	return true;
}

static size_t count_lines(struct span record, const char *wanted)
{
	struct span name, value;
	size_t n = 0;

	while (take_line(&record, &name, &value))
		n += span_eqstr(name, wanted);
	return n;
}

static const struct {
	const char *name;
	size_t at;
} values[] = {
	{ "held", offsetof(struct held, time) },       { "queue-id", offsetof(struct held, queue_id) },
	{ "sender", offsetof(struct held, sender) },   { "client", offsetof(struct held, client) },
	{ "reason", offsetof(struct held, reason) },   { "text", offsetof(struct held, text) },
	{ "content", offsetof(struct held, content) }, { "message-id", offsetof(struct held, message_id) },
};

static void take_value(struct arena *a, struct held *out, struct span name, struct span value)
{
	const char *text = arena_strndup(a, value.p, value.n);

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (span_eqstr(name, values[i].name))
			*(const char **)(void *)((char *)out + values[i].at) = text;
	out->finished |= span_eqstr(name, "finished");
	out->eight_bit |= span_eqstr(name, "eight-bit");
	out->told |= span_eqstr(name, "told");
	if (span_eqstr(name, "recipient"))
		out->recipients[out->n++] = text;
	if (span_eqstr(name, "seal"))
		out->seals[out->nseals++] = text;
	if (span_eqstr(name, "module"))
		out->modules[out->nmodules++] = text;
	if (span_eqstr(name, "tried")) {
		out->tried++;
		out->tried_last = text;
	}
}

/* A recipient may stand there twice, in other letters: he is one, as for the marks of what came back. */
static void count_waiting(struct arena *a, struct held *h)
{
	h->waiting = 0;
	for (size_t i = 0; i < h->n; i++) {
		h->served[i] = h->served[i] || h->served[held_find(a, h, h->recipients[i])];
		h->waiting += !h->served[i];
	}
}

static void mark_served(struct arena *a, struct span record, struct held *out)
{
	const char **keys = arena_array(a, out->n, sizeof(*keys));
	struct span name, value;
	ptrdiff_t at;

	out->served = arena_array(a, out->n, sizeof(*out->served));
	for (size_t i = 0; i < out->n; i++)
		keys[i] = arena_lower(a, out->recipients[i]);
	lookup_make(a, keys, out->n, &out->lookup);
	while (take_line(&record, &name, &value)) {
		if (!span_eqstr(name, "returned"))
			continue;
		at = held_find(a, out, arena_strndup(a, value.p, value.n));
		if (at >= 0)
			out->served[at] = true;
	}
	count_waiting(a, out);
}

static void parse(struct arena *a, const char *id, struct span record, struct held *out)
{
	struct span rest = record, name, value;

	*out = (struct held){ .id = arena_strdup(a, id), .time = "", .queue_id = "", .sender = "", .client = "", .reason = "", .text = "",
			      .message_id = "", .content = "", .tried_last = "" };
	out->seals = arena_array(a, count_lines(record, "seal"), sizeof(*out->seals));
	out->modules = arena_array(a, count_lines(record, "module"), sizeof(*out->modules));
	out->recipients = arena_array(a, count_lines(record, "recipient"), sizeof(*out->recipients));
	while (take_line(&rest, &name, &value))
		take_value(a, out, name, value);
	mark_served(a, record, out);
}

/* An id comes from the command line or from a message. */
static bool is_id(const char *id)
{
	return strlen(id) == HOLD_ID && strspn(id, "0123456789abcdef") == HOLD_ID;
}

static int read_record(struct arena *a, const char *spool, const char *id, struct buf *out, struct error *err)
{
	int rc = is_id(id) ? fs_read(hold_path(a, spool, id, HOLD_SUFFIX), HOLD_RECORD_MAX, out, err) : E_NOTFOUND;

	if (rc == 0 && !out->len)
		rc = E_NOTFOUND; /* begun and never promised */
	if (rc == E_NOTFOUND)
		return error_set(err, E_NOTFOUND, "nothing is held as %.60s", id);
	return rc < 0 ? E_TEMP : 0;
}

int hold_read(struct arena *a, const char *spool, const char *id, struct held *out, struct error *err)
{
	struct buf record = BUF_INIT;
	int rc = read_record(a, spool, id, &record, err);

	if (rc == 0)
		parse(a, id, span_from(record.data, record.len), out);
	buf_release(&record);
	return rc;
}

ptrdiff_t held_find(struct arena *a, const struct held *h, const char *recipient)
{
	return lookup_find(&h->lookup, arena_lower(a, recipient));
}

int hold_open(struct arena *a, const char *spool, const char *id, int *fd, uint64_t *size, struct error *err)
{
	const char *path = hold_path(a, spool, id, ".eml");
	struct stat st;

	*size = 0;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return error_set(err, errno == ENOENT ? E_NOTFOUND : E_TEMP, "%s: %s", path, strerror(errno));
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(*fd);
		*fd = -1;
		return error_set(err, E_TEMP, "%s is no file", path);
	}
	*size = (uint64_t)st.st_size;
	return 0;
}

/* ---- all of them ---- */

int hold_list(struct arena *a, const char *spool, const char ***ids, size_t *n, struct error *err)
{
	const char *path = arena_printf(a, "%s/hold", spool);
	DIR *dir = opendir(path);
	size_t room = 0;
	struct dirent *e;
	int rc;

	*ids = NULL;
	*n = 0;
	if (!dir)
		return errno == ENOENT ? 0 : error_set(err, E_TEMP, "%s: %s", path, strerror(errno));
	while ((rc = fs_next(dir, path, &e, err)) == 0 && e) {
		char id[HOLD_ID + 1] = "";

		if (strlen(e->d_name) != HOLD_ID + sizeof(HOLD_SUFFIX) - 1 || strcmp(e->d_name + HOLD_ID, HOLD_SUFFIX) != 0)
			continue;
		memcpy(id, e->d_name, HOLD_ID);
		if (!is_id(id))
			continue;
		if (*n == room) {
			const char **more = arena_array(a, room = room ? 2 * room : 16, sizeof(*more));

			if (*n)
				memcpy(more, *ids, *n * sizeof(*more));
			*ids = more;
		}
		(*ids)[(*n)++] = arena_strdup(a, id);
	}
	closedir(dir);
	return rc;
}

/* ---- changing them ---- */

/* The record first: what has none is not held any more. */
static int remove_files(struct arena *a, const char *spool, const struct held *h, struct error *err)
{
	const char *record = hold_path(a, spool, h->id, HOLD_SUFFIX), *message = hold_path(a, spool, h->id, ".eml");
	const char *directory = arena_printf(a, "%s/hold", spool);

	if (unlink(record) < 0 && errno != ENOENT)
		return error_set(err, E_TEMP, "%s: %s", record, strerror(errno));
	if (strcmp(h->reason, HOLD_SCAN) == 0) {
		hold_index_remove(a, directory, h->id, &(struct hold_key){ "message-id", h->message_id, h->sender });
		hold_index_remove(a, directory, h->id, &(struct hold_key){ "content", h->content, h->sender });
	}
	if (sync_directory(directory, err) < 0)
		return E_TEMP;
	if (unlink(message) < 0 && errno != ENOENT)
		return error_set(err, E_TEMP, "%s: %s", message, strerror(errno));
	return 0;
}

/* Changes a record under the lock; change() returns false when the hold is finished and can be removed. */
static int change_record(struct arena *a, const char *spool, const char *id, bool (*change)(struct arena *a, struct held *h,
			 struct buf *record, void *arg), void *arg, struct error *err)
{
	int lock = hold_lock(arena_printf(a, "%s/hold", spool), err), rc;
	struct buf record = BUF_INIT;
	struct held h;

	if (lock < 0)
		return lock;
	rc = read_record(a, spool, id, &record, err);
	if (rc == 0) {
		parse(a, id, span_from(record.data, record.len), &h);
		if (change(a, &h, &record, arg))
			rc = fs_replace(hold_path(a, spool, id, HOLD_SUFFIX), record.data, record.len, 0600, err);
		else
			rc = remove_files(a, spool, &h, err);
	}
	buf_release(&record);
	close(lock);
	return rc == 0 || rc == E_NOTFOUND ? rc : E_TEMP;
}

struct addresses {
	const char *const *items;
	size_t n;
};

static bool add_served(struct arena *a, struct held *h, struct buf *record, void *arg)
{
	const struct addresses *served = arg;

	for (size_t i = 0; i < served->n; i++) {
		ptrdiff_t at = held_find(a, h, served->items[i]);

		if (at < 0 || h->served[at])
			continue;
		h->served[at] = true;
		hold_add_field(record, "returned", h->recipients[at]);
	}
	count_waiting(a, h);
	return h->waiting > 0;
}

int hold_settle(struct arena *a, const char *spool, const char *id, const char *const *recipients, size_t n, struct error *err)
{
	struct addresses served = { recipients, n };
	int rc;

	if (!n || !is_id(id) || (access(hold_path(a, spool, id, HOLD_SUFFIX), F_OK) < 0 && errno == ENOENT))
		return 0; /* most of what comes back has no hold */
	rc = change_record(a, spool, id, add_served, &served, err);
	return rc == E_NOTFOUND ? 0 : rc;
}

static bool finish(struct arena *a, struct held *h, struct buf *record, void *arg)
{
	return false;
}

int hold_remove(struct arena *a, const char *spool, const char *id, struct error *err)
{
	return change_record(a, spool, id, finish, NULL, err);
}

static bool add_time(struct arena *a, struct held *h, struct buf *record, void *name)
{
	char now[24];

	letter_time(now);
	hold_add_field(record, name, now);
	return true;
}

int hold_mark_told(struct arena *a, const char *spool, const char *id, struct error *err)
{
	char name[] = "told";

	return change_record(a, spool, id, add_time, name, err);
}

static bool add_locked(struct arena *a, struct held *h, struct buf *record, void *modules)
{
	hold_add_modules(record, modules);
	return true;
}

int hold_add_locked(struct arena *a, const char *spool, const char *id, const char *modules, struct error *err)
{
	return change_record(a, spool, id, add_locked, arena_strdup(a, modules), err);
}

int hold_mark_tried(struct arena *a, const char *spool, const char *id, struct error *err)
{
	char name[] = "tried";

	return change_record(a, spool, id, add_time, name, err);
}
