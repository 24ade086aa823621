/* command.c - postern(8): an S/MIME gateway that a mail server runs as a delivery agent, one process a message */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "build.h"
#include "caller.h"
#include "command.h"
#include "expiring.h"
#include "holds.h"
#include "get.h"
#include "job.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "options.h"
#include "outcome.h"
#include "privileges.h"
#include "result.h"
#include "resume.h"
#include "selfcheck.h"

static int say_version(void)
{
	printf("postern " PACKAGE_VERSION "\n%s\n", OpenSSL_version(OPENSSL_VERSION));
	return EXIT_DONE;
}

/* The number of errors: the lines it prints are for people, so no single line says why as in a delivery. */
static int check(const struct config *c)
{
	log_open("stderr", "postern", NULL);
	log_set_level(LOG_LEVEL_WARNING);
	return selfcheck_run(c);
}

/* 0 the record is ours and fits the message; 77 it is forged or the message was changed; 69 there is none. */
static int verify_result(const struct config *c, struct outcome *out)
{
	struct arena a = ARENA_INIT;
	struct buf key = BUF_INIT, message = BUF_INIT;
	struct error err = { 0 };
	struct header h;
	struct span whole;
	const char *record;
	int rc = result_key(c->mac_key_file, &key, &err);

	openssl_start();
	if (rc == 0)
		rc = fs_read_descriptor(STDIN_FILENO, "standard input", c->message_size_limit + RESULT_ROOM, &message, &err);
	whole = span_from(message.data, message.len);
	whole = span_sub(whole, mbox_from_line(&a, whole, NULL), whole.n);
	if (rc == 0)
		rc = header_parse(&a, whole, c->header_limit + RESULT_ROOM, &h, &err);
	if (rc == 0)
		rc = result_verify(&a, NULL, span_from(key.data, key.len), c->hostname, &h, span_sub(whole, h.body, whole.n), &record, &err);
	if (rc == 0)
		printf("%s\n", record);
	else if (rc == E_NOTFOUND)
		outcome_refuse(out, "5.6.0", err.text);
	else if (rc == E_PERM)
		outcome_refuse(out, "5.7.7", err.text);
	else
		outcome_error(out, &err);
	buf_wipe(&key);
	buf_release(&message);
	arena_release(&a);
	return rc;
}

static void deliver(const struct options *o, const struct config *c, struct outcome *out)
{
	job_run(c, o, out);
}

static void list(const struct options *o, const struct config *c, struct outcome *out)
{
	(void)o;
	holds_list(c, out);
}

static void release(const struct options *o, const struct config *c, struct outcome *out)
{
	holds_release(c, o->hold, out);
}

static void resume(const struct options *o, const struct config *c, struct outcome *out)
{
	resume_run(c, o, out);
}

static void expiring(const struct options *o, const struct config *c, struct outcome *out)
{
	(void)o;
	expiring_run(c, out);
}

static void discard(const struct options *o, const struct config *c, struct outcome *out)
{
	holds_discard(c, o->hold, out);
}

/* What works on mail, and logs. */
static void (*const works[])(const struct options *o, const struct config *c, struct outcome *out) = {
	[COMMAND_DELIVER] = deliver, [COMMAND_EXPLAIN] = deliver, [COMMAND_HOLDS] = list, [COMMAND_RELEASE] = release,
	[COMMAND_RESUME] = resume, [COMMAND_EXPIRING] = expiring, [COMMAND_DISCARD] = discard,
};

static void run(const struct options *o, const struct config *c, struct outcome *out)
{
	struct error err = { 0 };
	enum log_level level = LOG_LEVEL_INFO;

	log_level_parse(c->log_level, &level);
	log_set_level(level);
	if (o->command == COMMAND_EXPLAIN) {
		log_open("stderr", "postern", NULL);
		log_set_level(LOG_LEVEL_WARNING);
	} else if (log_open(c->log, "postern", &err) < 0) {
		outcome_error(out, &err);
		return;
	}
	works[o->command](o, c, out);
}

static int run_command(const struct options *o, struct config *config)
{
	struct outcome out;
	int errors = 0;

	outcome_done(&out);
	if (o->command == COMMAND_CHECK)
		errors = check(config);
	else if (o->command == COMMAND_GET)
		get_run(config, o->names, o->nnames, &out);
	else if (o->command == COMMAND_VERIFY_RESULT)
		verify_result(config, &out);
	else
		run(o, config, &out);
	config_free(config);
	return errors ? EXIT_DEFER : outcome_say(&out);
}

/* The mail server may have closed descriptors 0 to 2: then a file of ours would become its standard output.  What stands in
 * their place cannot be read: no standard input is an error and no empty message. */
static void open_standard_descriptors(void)
{
	struct stat st;

	while (fstat(STDERR_FILENO, &st) < 0 || fstat(STDOUT_FILENO, &st) < 0 || fstat(STDIN_FILENO, &st) < 0)
		if (open("/dev/null", O_WRONLY) < 0)
			_exit(EXIT_DEFER);
}

int postern_main(int argc, char **argv)
{
	struct config *config;
	struct options o;
	struct outcome out;
	struct error err = { 0 };

	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* a caller that ignores it would have us never learn how a child ended */
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk, not our death */
	umask(077);
	outcome_done(&out);
	if (privileges_settle(&err) < 0 || options_parse(argc, argv, &o, &err) < 0) {
		outcome_error(&out, &err);
		return outcome_say(&out);
	}
	if (o.command == COMMAND_DELIVER)
		caller_follow(); /* after the privileges: a change of user undoes it */
	if (o.command == COMMAND_HELP)
		return fputs(options_help, stdout) < 0;
	if (o.command == COMMAND_VERSION)
		return say_version();
	if (config_read(o.config, NULL, 0, NULL, &config, &err) < 0) {
		outcome_error(&out, &err);
		return outcome_say(&out);
	}
	return run_command(&o, config);
}
