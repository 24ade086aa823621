/* command.c - command:PROGRAM ARG ... ${sender} ... ${recipients}
 *
 * Executed without a shell; the message on standard input.  What its exit status means is sysexits(3), read
 * carefully: only what surely stays wrong for this mail is permanent.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deliver/kind.h"
#include "deliver/run.h"
#include "lib/log.h"

#define BATCH_BYTES ((size_t)96 * 1024) /* addresses of one run: far below ARG_MAX and MAX_ARG_STRLEN */

static const char sender_variable[] = "${sender}";
static const char recipients_variable[] = "${recipients}";

static const struct {
	int code;
	const char *name, *status;
	bool permanent;
} exits[] = {
	{ 64, "usage error", "4.3.5", false },
	{ 65, "the message is not acceptable", "5.6.0", true },
	{ 66, "no input", "4.3.0", false },
	{ 67, "no such user", "5.1.1", true },
	{ 68, "no such host", "5.1.2", true },
	{ 69, "refused", "5.3.0", true },
	{ 70, "internal error", "4.3.0", false },
	{ 71, "system error", "4.3.0", false },
	{ 72, "critical system file missing", "4.3.0", false },
	{ 73, "cannot write", "4.2.0", false },
	{ 74, "input/output error", "4.3.0", false },
	{ 75, "try again later", "4.3.0", false },
	{ 76, "protocol error", "4.5.0", false },
	{ 77, "not permitted", "5.7.0", true },
	{ 78, "configuration error", "4.3.5", false },
};

static int check_word(const char *word, struct error *err)
{
	for (const char *p = word; (p = strstr(p, "${")); p++)
		if (!span_casestarts(span_of(p), sender_variable) && !span_casestarts(span_of(p), recipients_variable))
			return error_set(err, E_CONFIG, "unknown variable in \"%s\"", p);
	return 0;
}

static int parse(struct arena *a, const char *rest, struct destination *out, struct error *err)
{
	size_t n = 0;

	out->argv = arena_array(a, strlen(rest) / 2 + 2, sizeof(*out->argv));
	while (*(rest += strspn(rest, " \t"))) {
		size_t k = strcspn(rest, " \t");

		out->argv[n] = arena_strndup(a, rest, k);
		if (check_word(out->argv[n++], err) < 0)
			return E_CONFIG;
		rest += k;
	}
	if (!n || out->argv[0][0] != '/')
		return error_set(err, E_CONFIG, "the program must be an absolute path");
	if (strstr(out->argv[0], "${"))
		return error_set(err, E_CONFIG, "the program must not contain a variable");
	return 0;
}

/* Both variables in one pass: what an address contains is never expanded again. */
static char *expand(struct arena *a, const char *word, const char *sender, const char *recipient)
{
	struct buf b = BUF_INIT;
	char *s;

	while (*word) {
		if (span_casestarts(span_of(word), sender_variable)) {
			buf_addstr(&b, sender);
			word += strlen(sender_variable);
		} else if (span_casestarts(span_of(word), recipients_variable)) {
			buf_addstr(&b, recipient);
			word += strlen(recipients_variable);
		} else {
			buf_addch(&b, *word++);
		}
	}
	s = arena_strndup(a, buf_str(&b), b.len);
	buf_release(&b);
	return s;
}

static bool has_variable(const char *word, const char *variable)
{
	for (; *word; word++)
		if (span_casestarts(span_of(word), variable))
			return true;
	return false;
}

/* One argument per recipient for each word with ${recipients}. */
static const char **build_argv(struct delivery *d, struct parcel_recipient *const *list, size_t n)
{
	const char *const *words = d->to->argv;
	const char *sender = *d->p->sender ? d->p->sender : "<>";
	const char **argv;
	size_t nwords = 0, k = 0;

	while (words[nwords])
		nwords++;
	argv = arena_array(d->arena, nwords * (n + 1) + 1, sizeof(*argv));
	for (size_t w = 0; w < nwords; w++) {
		bool each = has_variable(words[w], recipients_variable);

		for (size_t i = 0; i < (each ? n : 1); i++)
			argv[k++] = expand(d->arena, words[w], sender, each ? list[i]->address : "");
	}
	return argv;
}

/* A line "4.x.y reason" or "5.x.y reason" is taken at its word where the class is the exit status's. */
static void settle(struct delivery *d, struct parcel_recipient *const *list, size_t n, bool permanent, const char *status,
		   const char *why, struct span output)
{
	enum recipient_state state = permanent ? RECIPIENT_REFUSED : RECIPIENT_TEMPORARY;
	char said[TEXT_MAX + 1], own[STATUS_MAX], *text;

	text_make_line(output, said);
	if (status_parse(span_of(said), permanent ? '5' : '4', own))
		status = own;
	text = *said ? arena_printf(d->arena, "%s: %s: %s", d->to->argv[0], why, said)
		     : arena_printf(d->arena, "%s: %s", d->to->argv[0], why);
	for (size_t i = 0; i < n; i++)
		delivery_settle(d, list[i], state, status, text);
}

static void settle_by_exit(struct delivery *d, struct parcel_recipient *const *list, size_t n, const struct run_result *r)
{
	struct span output = span_from(r->output.data, r->output.len);
	int code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
	char why[64];

	if (WIFSIGNALED(r->status))
		snprintf(why, sizeof(why), "ended by signal %d", WTERMSIG(r->status));
	else
		snprintf(why, sizeof(why), "exit status %d", code);
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].code == code) {
			settle(d, list, n, exits[i].permanent, exits[i].status, exits[i].name, output);
			return;
		}
	settle(d, list, n, false, "4.3.0", why, output);
}

static void run_batch(struct delivery *d, struct parcel_recipient *const *list, size_t n)
{
	const char **argv = build_argv(d, list, n);
	struct run_result r;
	struct error err = { 0 };
	char said[TEXT_MAX + 1];
	int rc = run_program(argv, d->p->segments, d->p->nsegments, d->until, &r, &err);

	text_make_line(span_from(r.output.data, r.output.len), said);
	if (rc < 0)
		settle(d, list, n, false, "4.3.0", err.text, span_from(NULL, 0));
	else if (WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0) {
		delivery_accept(d, list, n, "2.0.0", said);
		if (!r.fed) /* its word counts: another try would deliver twice */
			log_warning("%s: exit status 0, but it did not read the whole message", argv[0]);
	} else
		settle_by_exit(d, list, n, &r);
	buf_release(&r.output);
}

static bool wants_recipients(const struct destination *to)
{
	for (const char *const *w = to->argv; *w; w++)
		if (has_variable(*w, recipients_variable))
			return true;
	return false;
}

/* How many of the recipients fit into one argument list. */
static size_t batch_size(struct parcel_recipient *const *list, size_t n)
{
	size_t bytes = 0, k = 0;

	while (k < n && (!k || bytes + strlen(list[k]->address) + 1 <= BATCH_BYTES))
		bytes += strlen(list[k++]->address) + 1;
	return k;
}

static void deliver(struct delivery *d)
{
	size_t n;
	struct parcel_recipient **list = delivery_pending(d, &n);

	for (size_t done = 0; done < n;) {
		size_t k = wants_recipients(d->to) ? batch_size(list + done, n - done) : n;

		run_batch(d, list + done, k);
		done += k;
	}
}

static int probe(const struct destination *d, const char *helo, deadline until, struct error *err)
{
	if (access(d->argv[0], X_OK) < 0)
		return error_set(err, E_CONFIG, "%s: %s", d->argv[0], strerror(errno));
	return 0;
}

const struct kind kind_command = { DESTINATION_COMMAND, "command:", parse, deliver, probe };
