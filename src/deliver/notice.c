/* notice.c - mail to the administrator, never more of it than somebody can read
 *
 * At most notice_limit in notice_window for the whole site; the rest becomes one digest, sent by the next process
 * that comes by when the window is over.  A notice that could not be sent waits for the digest, too.
 */
#include "deliver/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "deliver/copy.h"
#include "deliver/kind.h"
#include "deliver/letter.h"
#include "deliver/tally.h"
#include "lib/fs.h"
#include "lib/log.h"

#define RECIPIENTS_SHOWN 20

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* ---- what is written ---- */

static void start_notice(struct buf *b, const struct config *c, const char *subject)
{
	char line[TEXT_MAX + 1];

	text_make_line(span_of(subject), line);
	letter_start(b, c, c->admin, line, "auto-generated");
	buf_addstr(b, "Precedence: bulk\nX-Auto-Response-Suppress: All\n");
}

/* Values come from outside: one line each. */
static void add_fact(struct buf *text, const char *name, const char *value)
{
	char line[TEXT_MAX + 1];

	text_make_line(span_of(or_empty(value)), line);
	buf_addf(text, "%-12s%s\n", name, *line ? line : "(none)");
}

static void add_facts(struct buf *text, const struct config *c, const struct notice *n)
{
	struct buf command = BUF_INIT;

	buf_addf(&command, "postern -c %s ...", or_empty(c->file)); /* of several tenants each has a file of its own */
	add_fact(text, "Gateway:", letter_host(c));
	add_fact(text, "Commands:", buf_str(&command));
	buf_release(&command);
	add_fact(text, "Queue id:", n->queue_id);
	add_fact(text, "Sender:", n->sender);
	for (size_t i = 0; i < n->n && i < RECIPIENTS_SHOWN; i++)
		add_fact(text, "Recipient:", n->recipients[i]);
	if (n->n > RECIPIENTS_SHOWN)
		buf_addf(text, "            and %zu more\n", n->n - RECIPIENTS_SHOWN);
	add_fact(text, "Message-ID:", n->message_id);
}

static void write_notice(struct buf *b, const struct config *c, const struct notice *n)
{
	struct buf text = BUF_INIT;

	start_notice(b, c, n->subject);
	buf_addstr(&text, n->text);
	if (!text.len || text.data[text.len - 1] != '\n')
		buf_addch(&text, '\n');
	buf_addch(&text, '\n');
	add_facts(&text, c, n);
	letter_body(b, "text/plain", span_from(text.data, text.len));
	buf_release(&text);
}

static void write_digest(struct buf *b, const struct config *c, uint64_t events, struct span lines)
{
	struct buf text = BUF_INIT, sentence = BUF_INIT;
	uint64_t shown = 0;

	for (size_t i = 0; i < lines.n; i++)
		shown += lines.p[i] == '\n';
	buf_addf(&sentence, "%llu more incident%s at the mail gateway", (unsigned long long)events, events == 1 ? "" : "s");
	start_notice(b, c, sentence.data);
	buf_clear(&sentence);
	buf_addf(&sentence, "No notice of their own was sent for %llu event%s, because there were more than notice_limit (%llu) in one "
			    "notice_window, or because a notice could not be sent.", (unsigned long long)events,
		 events == 1 ? "" : "s", (unsigned long long)c->notice_limit);
	letter_wrap(&text, "", sentence.data);
	buf_addch(&text, '\n');
	buf_add(&text, lines.p, lines.n);
	if (shown < events)
		buf_addf(&text, "and %llu more, see the log\n", (unsigned long long)(events - shown));
	letter_body(b, "text/plain", span_from(text.data, text.len));
	buf_release(&text);
	buf_release(&sentence);
}

static void event_line(const struct notice *n, char out[TEXT_MAX + 1])
{
	struct buf b = BUF_INIT;
	char now[24];

	letter_time(now);
	buf_addf(&b, "%s %s from <%s>: %s", now, or_empty(n->queue_id), or_empty(n->sender), or_empty(n->subject));
	text_make_line(span_from(b.data, b.len), out);
	buf_release(&b);
}

/* ---- how it is sent ---- */

/* 0: gone, or refused for good (then the log has it); E_TEMP: try again later. */
static int send_mail(struct arena *a, const struct config *c, const struct destination *to, const struct buf *mail, deadline until,
		     struct error *err)
{
	struct parcel_recipient admin = { c->admin, RECIPIENT_PENDING, "", "" };
	struct segment segment = { .fd = fs_temporary(c->spool, err), .length = mail->len };
	struct parcel p = { .sender = "", .recipients = &admin, .n = 1, .segments = &segment, .nsegments = 1 };
	int rc;

	if (segment.fd < 0)
		return E_TEMP;
	rc = fs_write_all(segment.fd, mail->data, mail->len, err);
	if (rc == 0)
		rc = destination_deliver(a, to, letter_host(c), &p, until, NULL, NULL, err);
	close(segment.fd);
	if (rc < 0)
		return E_TEMP;
	if (admin.state == RECIPIENT_TEMPORARY)
		return error_set(err, E_TEMP, "%s", admin.text);
	if (admin.state == RECIPIENT_REFUSED)
		log_error("notice to <%s> refused: %s %s", c->admin, admin.status, admin.text);
	return 0;
}

/* Who holds this is sending the digest; the others need not wait for that. */
static int lock_digest(const struct config *c)
{
	struct buf path = BUF_INIT;
	int fd;

	buf_addf(&path, "%s/notices/sending", c->spool);
	fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		fd = -1;
	}
	buf_release(&path);
	return fd;
}

/* What is due is forgotten after it was sent: a crash between the two repeats a digest, it loses none. */
static int send_digest(struct arena *a, const struct config *c, const struct destination *to, uint64_t *events, deadline until,
		       struct error *err)
{
	struct buf mail = BUF_INIT;
	struct tally t;
	uint64_t lines;
	int rc = tally_lock(&t, c, err);

	*events = 0;
	if (rc < 0)
		return rc;
	*events = t.due;
	lines = t.due_lines;
	if (*events) {
		write_digest(&mail, c, *events, tally_lines(&t, lines));
		rc = tally_save(&t, err); /* the window may just have been closed */
	}
	tally_unlock(&t);
	if (*events && rc == 0)
		rc = send_mail(a, c, to, &mail, until, err);
	buf_release(&mail);
	if (!*events || rc < 0)
		return rc;
	rc = tally_lock(&t, c, err);
	if (rc < 0)
		return rc;
	tally_drop(&t, *events, lines);
	rc = tally_save(&t, err);
	tally_unlock(&t);
	return rc;
}

int notice_flush(struct arena *a, const struct config *c, const struct destination *to, deadline until, struct error *err)
{
	uint64_t events;
	int sending, rc;

	if (!tally_has_events(c))
		return 0;
	sending = lock_digest(c);
	if (sending < 0)
		return 0; /* somebody else is at it */
	rc = send_digest(a, c, to, &events, until, err);
	close(sending);
	if (rc < 0)
		error_prefix(err, "digest of notices");
	else if (events)
		log_info("digest of %llu events sent to <%s>", (unsigned long long)events, c->admin);
	return rc;
}

/* Takes a place in the window, or leaves the event for the digest. */
static int take_place(const struct config *c, const char *line, bool *granted, struct error *err)
{
	struct tally t;
	int rc = tally_lock(&t, c, err);

	*granted = false;
	if (rc < 0)
		return rc;
	*granted = t.sent < c->notice_limit;
	if (*granted)
		t.sent++;
	else
		tally_add(&t, line);
	rc = tally_save(&t, err);
	tally_unlock(&t);
	return rc;
}

static int keep_for_digest(const struct config *c, const char *line, struct error *err)
{
	struct tally t;
	int rc = tally_lock(&t, c, err);

	if (rc < 0)
		return rc;
	tally_add(&t, line);
	rc = tally_save(&t, err);
	tally_unlock(&t);
	return rc;
}

int notice_send(struct arena *a, const struct config *c, const struct destination *to, const struct notice *n, bool suppress,
		deadline until, struct error *err)
{
	struct buf mail = BUF_INIT;
	struct error problem = { 0 };
	char line[TEXT_MAX + 1];
	bool granted;
	int rc;

	event_line(n, line);
	log_warning("notice: %s", line);
	if (suppress || !*c->admin)
		return 0;
	rc = take_place(c, line, &granted, err);
	if (rc < 0) {
		error_prefix(err, "notice");
		return rc;
	}
	if (granted) {
		write_notice(&mail, c, n);
		if (send_mail(a, c, to, &mail, until, &problem) < 0) {
			log_error("notice to <%s> waits for the digest: %s", c->admin, problem.text);
			rc = keep_for_digest(c, line, err);
		}
		buf_release(&mail);
	}
	if (problem.code == 0 && notice_flush(a, c, to, until, &problem) < 0)
		log_error("%s", problem.text); /* it stays and is tried again */
	return rc;
}
