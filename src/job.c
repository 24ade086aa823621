/* job.c - one message from start to end: receive, start modules, plan in the child, hand over or explain */
#include "job.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "deliver/hold.h"
#include "direction.h"
#include "explain.h"
#include "handover.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "module/ask.h"
#include "receive.h"
#include "result.h"
#include "resumption.h"
#include "seal_hold.h"

#define MODULE_GRACE_MS 2000

struct job {
	struct arena arena;
	const struct config *config;
	const struct options *options;
	struct envelope envelope;
	struct modules modules;
	struct received message;
	struct plan plan;
	struct buf mac_key;
	deadline until;
};

/* An address is refused with 5.1.x: the sender's 5.1.7, a recipient's 5.1.3. */
static void refuse_address(const struct error *err, struct outcome *out)
{
	outcome_refuse(out, span_casestarts(span_of(err->text), "sender") ? "5.1.7" : "5.1.3", err->text);
}

static int check_config(const struct config *c, struct error *err)
{
	if (!*c->hostname)
		return error_set(err, E_CONFIG, "%s: hostname is not set", c->file);
	if (!c->local_domains.n)
		return error_set(err, E_CONFIG, "%s: local_domains is not set", c->file);
	return fs_check_user(c->spool, err);
}

static int begin(struct job *j, struct outcome *out, struct error *err)
{
	const char *narrow[3];
	unsigned roles;
	int rc = check_config(j->config, err);

	if (rc < 0)
		return rc;
	rc = envelope_from_options(&j->arena, j->config, j->options, &j->envelope, err);
	if (rc == E_PERM)
		refuse_address(err, out);
	if (rc < 0)
		return rc;
	log_set_queue_id(j->envelope.queue_id);
	roles = route_roles(j->config, &j->envelope, narrow);
	if (j->options->resumed && narrow[ROLE_KEYS])
		narrow[ROLE_KEYS] = arena_printf(&j->arena, "%s unlock", narrow[ROLE_KEYS]);
	if (roles)
		rc = modules_start(&j->modules, j->config, roles, narrow, j->envelope.queue_id, j->until, err);
	/* after the modules: one that is in this program shares what is in memory by now */
	if (rc == 0 && j->config->smime_engine != ENGINE_OFF && result_key(j->config->mac_key_file, &j->mac_key, err) < 0)
		rc = E_CONFIG;
	return rc;
}

/* The spool need not exist on a new machine, but its parent must be ours to write. */
static int receive_message(struct job *j, struct error *err)
{
	const char *tmp = arena_printf(&j->arena, "%s/tmp", j->config->spool);
	uint64_t limit = j->config->message_size_limit;
	int rc = 0;

	/* Also for a message that will not need it: the next one may. */
	if (access(tmp, W_OK) < 0)
		rc = errno == ENOENT ? fs_make_directory(tmp, 0700, err) : error_set(err, E_TEMP, "%s: %s", tmp, strerror(errno));
	/* a scanner may encode anew what it got; and what came back would be refused in clear, to an outside sender */
	if (j->envelope.origin == ORIGIN_SCANNER && limit < UINT64_MAX / 4)
		limit += limit + RESULT_ROOM;
	if (rc == 0)
		rc = receive(STDIN_FILENO, tmp, limit, j->until, &j->message, err);
	return rc;
}

/* Before there is a child: what parses strangers' bytes never has the passphrase. */
static int unlock(struct job *j, struct error *err)
{
	struct resumption *r = j->options->resumed;
	int rc = !j->modules.n ? 0 : ask_unlock(&j->modules, r->held->modules, r->held->nmodules,
						span_from(r->passphrase.data, r->passphrase.len), err);

	buf_wipe(&r->passphrase);
	return rc;
}

/* What a person gives a passphrase for is what we have held. */
static int go_on(struct job *j, struct outcome *out, struct error *err)
{
	int rc = hold_check_seals(&j->arena, span_from(j->mac_key.data, j->mac_key.len), j->message.digest, j->options->resumed->held, err);

	if (rc == E_PERM)
		outcome_refuse(out, "5.7.7", err->text);
	return rc == 0 ? unlock(j, err) : rc;
}

/* What sealing needs to know is read here: the child opens no file. */
static int read_profiles(struct job *j, struct work *w, struct error *err)
{
	bool seals = j->config->deliver_inside != DELIVER_DECRYPTED;

	for (size_t i = 0; i < j->modules.n; i++)
		seals = seals || j->modules.items[i].role == ROLE_RULES;
	return seals ? profile_file(&j->arena, j->config->profiles_file, &w->profiles, err) : 0;
}

/* The queue id alone is reused by mail servers; the content alone may come twice. */
static const char *identity(struct job *j)
{
	return arena_printf(&j->arena, "%s-%s", j->envelope.queue_id, j->message.digest);
}

/* What comes of a small message is about as big as it is, for each group of recipients. */
#define IN_MEMORY_MAX ((uint64_t)1024 * 1024)

static int temporary(const struct job *j, const char *tmp, struct error *err)
{
	bool small = j->message.small && j->message.size * (j->envelope.n + 1) <= IN_MEMORY_MAX;

	return small ? fs_temporary_small(tmp, err) : fs_temporary(tmp, err);
}

static int make_plan(struct job *j, struct work *w, struct error *err)
{
	const char *tmp = arena_printf(&j->arena, "%s/tmp", j->config->spool);
	char id[HOLD_ID + 1];

	hold_name(identity(j), id);
	*w = (struct work){ .arena = &j->arena, .config = j->config, .envelope = &j->envelope, .modules = &j->modules,
			    .mac_key = span_from(j->mac_key.data, j->mac_key.len), .message_fd = j->message.fd,
			    .message_size = j->message.size, .id = arena_strdup(&j->arena, id), .until = j->until, .plan = &j->plan,
			    .trial = j->options->command == COMMAND_EXPLAIN, .released = j->options->released };

	w->scratch_fd = temporary(j, tmp, err);
	if (w->scratch_fd < 0)
		return w->scratch_fd;
	w->output_fd = temporary(j, tmp, err);
	if (w->output_fd < 0)
		return w->output_fd;
	if (read_profiles(j, w, err) < 0)
		return err->code;
	plan_init(&j->plan, &j->arena);
	return child_run(w, err);
}

static void finish(struct job *j, const struct work *w, struct outcome *out)
{
	struct handover h = { .arena = &j->arena, .config = j->config, .envelope = &j->envelope, .plan = &j->plan,
			      .identity = identity(j), .digest = j->message.digest, .message_fd = j->message.fd,
			      .output_fd = w->output_fd, .until = j->until, .mac_key = span_from(j->mac_key.data, j->mac_key.len),
			      .resumed = j->options->resumed };

	for (size_t i = 0; i < j->envelope.nill; i++)
		plan_add_failure(&j->plan, j->envelope.ill_formed[i], "5.1.3", j->envelope.why[i]);
	if (j->options->command == COMMAND_EXPLAIN) {
		handover_foresee(j->config, &j->envelope, &j->plan, out);
		explain_plan(j->config, &j->envelope, &j->plan, out);
	} else {
		handover_run(&h, out);
	}
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void job_run(const struct config *c, const struct options *o, struct outcome *out)
{
	struct job j = { .config = c, .options = o, .until = deadline_in((int64_t)c->deadline), .message = { .fd = -1 } };
	struct work w = { .scratch_fd = -1, .output_fd = -1 };
	struct error err = { 0 };
	int rc;

	outcome_done(out);
	rc = begin(&j, out, &err);
	if (rc == 0)
		rc = receive_message(&j, &err);
	if (rc == 0 && o->resumed)
		rc = go_on(&j, out, &err);
	if (rc == 0)
		rc = make_plan(&j, &w, &err);
	modules_stop(&j.modules, rc == 0 ? MODULE_GRACE_MS : 0);
	if (rc == 0) {
		finish(&j, &w, out);
	} else if (out->code == EXIT_DONE) {
		outcome_error(out, &err);
		log_warning("exit %d: %s %s", out->code, out->status, out->text);
	}
	close_if_open(w.scratch_fd);
	close_if_open(w.output_fd);
	close_if_open(j.message.fd);
	buf_wipe(&j.mac_key);
	arena_release(&j.arena);
}
