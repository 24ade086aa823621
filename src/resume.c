/* resume.c - goes on with a message that waits for the passphrase of a key (postern -resume)
 *
 * The message is worked on as if it came just now, from the same client and sender; the keys modules get the passphrase in
 * that conversation and in no other.  Handing over removes the hold when everybody is dealt with.  After a wrong passphrase it stays, and
 * each attempt makes the next one wait longer.
 */
#include "resume.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "holds_inside.h"
#include "job.h"
#include "lib/log.h"
#include "lib/moment.h"
#include "lib/openssl.h"
#include "module/module.h"
#include "resumption.h"

#define PASSPHRASE_MAX ((size_t)1024)
#define DELAY_MAX ((time_t)32) /* seconds; doubled from one on with each wrong passphrase */

/* ---- the passphrase ---- */

static void refuse_dumps(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* A person who gives up must get the terminal back as it was.  The signals are let through while we wait and at no other time, so none
 * comes between looking and waiting. */
static volatile sig_atomic_t interrupted;
static sigset_t outside; /* the mask while we wait */

static void note_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

static void watch_interrupts(void)
{
	struct sigaction action = { .sa_handler = note_interrupt };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaddset(&action.sa_mask, signals[i]);
	sigprocmask(SIG_BLOCK, &action.sa_mask, &outside);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &action, NULL);
}

static void end_watch(void)
{
	for (size_t i = 0; i < NSIGNALS; i++)
		signal(signals[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &outside, NULL);
}

static int read_byte(int fd, deadline until, char *c, struct error *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int left = deadline_left(until);
		int ready = ppoll(&p, 1, &(struct timespec){ left / 1000, (left % 1000) * 1000000L }, &outside);
		ssize_t n;

		if (interrupted)
			return error_set(err, E_TEMP, "interrupted; the message is still held");
		if (ready == 0)
			return error_set(err, E_TEMP, "no passphrase came before the deadline");
		if (ready < 0 && errno == EINTR)
			continue;
		n = read(fd, c, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n < 0 ? error_set(err, E_TEMP, "the passphrase cannot be read from descriptor %d: %s", fd, strerror(errno)) : (int)n;
	}
}

/* Byte by byte: what follows the line is not ours, and a buffer would be one more copy. */
static int read_line(int fd, deadline until, struct buf *out, struct error *err)
{
	char c = '\0';
	int rc;

	buf_reserve(out, PASSPHRASE_MAX + 1);
	mlock(out->data, PASSPHRASE_MAX + 1); /* it may be there for as long as a person thinks */
	while ((rc = read_byte(fd, until, &c, err)) > 0 && c != '\n') {
		if (c == '\0')
			return error_set(err, E_PERM, "the passphrase holds a NUL byte");
		if (out->len == PASSPHRASE_MAX)
			return error_set(err, E_PERM, "the passphrase is longer than %zu bytes", PASSPHRASE_MAX);
		buf_addch(out, c);
	}
	if (rc >= 0 && out->len && out->data[out->len - 1] == '\r')
		out->data[--out->len] = '\0';
	return rc < 0 ? rc : out->len ? 0 : error_set(err, E_PERM, "the passphrase is empty");
}

/* At a terminal it is asked for, and not shown. */
static int ask_person(int fd, deadline until, struct buf *out, struct error *err)
{
	struct termios before, quiet;
	bool person = tcgetattr(fd, &before) == 0;
	int rc;

	sigprocmask(SIG_BLOCK, NULL, &outside);
	if (person) {
		watch_interrupts();
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSAFLUSH, &quiet);
		(void)!write(STDERR_FILENO, "Passphrase: ", 12);
	}
	rc = read_line(fd, until, out, err);
	if (person) {
		tcsetattr(fd, TCSAFLUSH, &before);
		(void)!write(STDERR_FILENO, "\n", 1);
		end_watch();
	}
	return rc;
}

static int read_passphrase(const struct config *c, const struct options *o, struct buf *out, struct error *err)
{
	uint64_t fd = STDIN_FILENO;

	if (o->passphrase_fd && !span_number(span_of(o->passphrase_fd), 65535, &fd))
		return error_set(err, E_CONFIG, "-passphrase-fd %.20s is no descriptor", o->passphrase_fd);
	return ask_person((int)fd, deadline_in((int64_t)c->deadline), out, err);
}

/* ---- the hold ---- */

/* Guessing is slow: the hold is in the hands of one process, and after n wrong passphrases that one waits. */
static void wait_after_wrong(const struct held *h)
{
	time_t delay = 1, last, past;

	if (!h->tried)
		return;
	for (size_t i = 1; i < h->tried && delay < DELAY_MAX; i++)
		delay *= 2;
	past = moment_read(h->tried_last, &last, NULL) == 0 && last <= time(NULL) ? time(NULL) - last : 0;
	if (past <= delay) { /* the times have whole seconds */
		struct timespec rest = { delay - past + (past == delay), 0 };

		while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
			;
	}
}

static void work_again(struct release *r, struct resumption *resumed)
{
	bool nameless = strcmp(r->held.client, "this machine") == 0; /* see envelope_from_options() */
	struct options o = { .command = COMMAND_DELIVER, .client = nameless ? "" : r->held.client, .sender = r->held.sender,
			     .recipients = r->waiting, .nrecipients = r->n, .resumed = resumed,
			     .queue_id = arena_printf(&r->arena, "resume-%s", r->held.id) };
	struct error err = { 0 };

	if (hold_as_input(r, &err) < 0) {
		outcome_error(r->out, &err);
		return;
	}
	job_run(r->config, &o, r->out);
	if (resumed->wrong) {
		log_warning("hold %s: a wrong passphrase was given", r->held.id);
		if (hold_mark_tried(&r->arena, r->config->spool, r->held.id, &err) < 0)
			log_error("hold %s: %s", r->held.id, err.text);
	}
}

static bool is_resumable(const struct held *h, struct outcome *out)
{
	if (strcmp(h->reason, HOLD_LOCKED) == 0)
		return true;
	outcome_refuse(out, "5.3.0", "it does not wait for a passphrase; -release and -discard are for it");
	return false;
}

/* What is wrong with it is the answer to whoever gave it: the mail stays as it was. */
static bool take_passphrase(const struct config *c, const struct options *o, struct buf *passphrase, struct outcome *out)
{
	struct error err = { 0 };
	int rc = read_passphrase(c, o, passphrase, &err);

	if (rc == E_PERM)
		outcome_refuse(out, "5.7.8", err.text);
	else if (rc < 0)
		outcome_error(out, &err);
	return rc == 0;
}

void resume_run(const struct config *c, const struct options *o, struct outcome *out)
{
	struct resumption resumed = { .passphrase = BUF_INIT };
	struct release r;

	bool good;

	refuse_dumps();
	if (!open_hold(&r, c, o->hold, out)) /* nobody need type for one that is not there */
		return;
	good = is_resumable(&r.held, out);
	close_hold(&r);
	if (!good)
		return;
	modules_inside(NULL, NULL); /* none of them is to find the passphrase in its memory */
	if (!take_passphrase(c, o, &resumed.passphrase, out) || !open_hold(&r, c, o->hold, out)) {
		buf_wipe(&resumed.passphrase);
		return;
	}
	resumed.held = &r.held;
	if (is_resumable(&r.held, out)) {
		wait_after_wrong(&r.held);
		work_again(&r, &resumed);
		if (out->code == EXIT_DONE)
			printf("%s resumed\n", o->hold);
	}
	buf_wipe(&resumed.passphrase);
	close_hold(&r);
}
