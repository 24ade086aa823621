/* returned.c - who has had what came back from the scanner, so that a copy that comes twice is delivered once (SPOOL/returned) */
#include "deliver/returned.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"

#define WAIT_MS 20

static const char directory[] = "returned";
static const char kind[] = "mail";

/* No id is like this. */
static const char *message_key(struct arena *a, const char *message_id, const char *sender)
{
	return arena_printf(a, "message %s %s", arena_lower(a, sender), message_id);
}

/* One of 256 locks, by the first digits of the id: there is nothing to tidy up, and two messages seldom meet. */
static int take_lock(struct returned *r, const char *id, deadline until, struct error *err)
{
	struct timespec pause = { 0, (long)WAIT_MS * 1000000 };
	char name[] = "lock-xx";

	memcpy(name + 5, id, 2);
	r->lock = openat(r->by_token.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock < 0)
		return error_set(err, E_TEMP, "%s/%s: %s", r->by_token.directory, name, strerror(errno));
	while (flock(r->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set(err, E_TEMP, "%s/%s: %s", r->by_token.directory, name, strerror(errno));
		if (deadline_over(until))
			return error_set(err, E_TEMP, "another copy of this message is being delivered");
		nanosleep(&pause, NULL);
	}
	return 0;
}

int returned_open(struct arena *a, const char *spool, const char *id, const char *message_id, const char *sender, deadline until,
		  struct returned *out, struct error *err)
{
	int rc = journal_open_in(a, spool, directory, id, &out->by_token, err);

	out->lock = -1;
	out->by_message = out->by_token;
	out->by_message.message = *message_id ? message_key(a, message_id, sender) : "";
	if (rc == 0)
		rc = take_lock(out, id, until, err);
	if (rc < 0)
		returned_close(out);
	return rc;
}

void returned_close(struct returned *r)
{
	if (r->lock >= 0)
		close(r->lock);
	r->lock = -1;
	journal_release(&r->by_token);
}

int returned_has(struct arena *a, const struct returned *r, const char *recipient, bool *has, struct error *err)
{
	return journal_has(&r->by_token, kind, arena_lower(a, recipient), has, err);
}

int returned_add(struct arena *a, struct returned *r, const char *const *recipients, size_t n, struct error *err)
{
	const char **names = arena_array(a, n, sizeof(*names));
	int rc;

	for (size_t i = 0; i < n; i++)
		names[i] = arena_lower(a, recipients[i]);
	rc = journal_add(&r->by_token, kind, names, n, err);
	if (rc == 0 && *r->by_message.message)
		rc = journal_add(&r->by_message, kind, names, n, err);
	return rc;
}

int returned_had_message(struct arena *a, const char *spool, const char *message_id, const char *sender, const char *recipient,
			 bool *has, struct error *err)
{
	struct journal j;
	int rc;

	*has = false;
	if (!*message_id)
		return 0;
	rc = journal_open_in(a, spool, directory, message_key(a, message_id, sender), &j, err);
	if (rc == 0)
		rc = journal_has(&j, kind, arena_lower(a, recipient), has, err);
	journal_release(&j);
	return rc;
}

void returned_sweep(struct returned *r, uint64_t milliseconds)
{
	journal_sweep(&r->by_token, milliseconds / 1000 + 1);
}
