/* server.c - the module's side of the module protocol (postern-modules(7)) */
#include "lib/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "build.h"
#include "lib/address.h"
#include "lib/frame.h"
#include "lib/log.h"

/* The longest a module waits for the next request: postern ends it long before. */
#define IDLE_MAX_MS ((int64_t)24 * 3600 * 1000)

struct session {
	struct server server;
	struct frame_reader in;
	int out;                   /* descriptor of the answers */
	struct xml_document *hello;
	const char *operations;    /* what the conversation is narrowed to */
	struct error start_failed; /* code 0: the module is ready */
	const char *config;        /* -config: this file, whatever the hello says; NULL: what it says */
};

static const struct server_operation *find_operation(const struct server_role *role, const char *name)
{
	for (size_t i = 0; i < role->noperations; i++)
		if (strcmp(role->operations[i].name, name) == 0)
			return &role->operations[i];
	return NULL;
}

static int send_document(struct session *s, struct xml_writer *w, struct error *err)
{
	struct span document;
	int rc = xml_finish(w, &document, err);

	return rc < 0 ? rc : frame_write(s->out, document, s->server.until, err);
}

deadline server_answer_until(const struct server *s)
{
	return deadline_earlier(s->until, deadline_in((int64_t)s->config->module_timeout * 9 / 10));
}

/* A result that can be sent?  What a handler wrote may be no XML text (a name from a certificate, say) or too long. */
static int check_result(const struct session *s, struct xml_writer *w, struct error *why)
{
	struct span document;
	size_t most = s->server.config ? (size_t)s->server.config->frame_limit : FRAME_MAX_DEFAULT;

	if (xml_finish(w, &document, why) < 0) {
		error_prefix(why, "the answer cannot be written");
		return why->code = E_TEMP;
	}
	if (document.n > most)
		return error_set(why, E_LIMIT, "the answer has %zu bytes, frame_limit is %zu", document.n, most);
	return 0;
}

static const char *refusal_code(const struct server *s, int rc)
{
	if (s->code)
		return s->code;
	switch (rc) {
	case E_NOTFOUND: return "not-found";
	case E_LIMIT: return "limit";
	case E_CONFIG: return "configuration";
	case E_PERM: return "bad-request";
	default: return "temporary";
	}
}

/* A quoted name may be cut in the middle of a character, or be anything. */
static void put_reason(struct xml_writer *w, const struct error *why)
{
	struct error safe = *why;

	xml_put_text(w, xml_printable(safe.text));
}

static int send_refusal(struct session *s, const char *id, int rc, const struct error *why, struct error *err)
{
	struct xml_writer w;

	xml_writer_init(&w);
	xml_open(&w, "refused");
	xml_put(&w, "id", id);
	xml_put(&w, "kind", rc == E_TEMP || rc == E_CONFIG ? "temporary" : "permanent");
	xml_put(&w, "code", refusal_code(&s->server, rc));
	put_reason(&w, why);
	xml_close(&w);
	rc = send_document(s, &w, err);
	xml_writer_release(&w);
	return rc;
}

static int run_operation(struct session *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct server_operation *op = find_operation(s->server.role, xml_name(request));

	if (s->start_failed.code)
		return error_set(err, s->start_failed.code, "%s", s->start_failed.text);
	if (!op || !word_listed(s->operations, op->name)) {
		s->server.code = op ? "narrowed" : "unknown-operation";
		return error_set(err, E_PERM, "operation \"%s\" is not %s", xml_name(request),
				 op ? "allowed in this conversation" : "known");
	}
	return op->handle(&s->server, request, w, err);
}

static int answer(struct session *s, const struct xml *request, struct error *err)
{
	const char *id = xml_attr(request, "id");
	struct error why = { 0 };
	struct xml_writer w;
	int rc;

	if (!id || !*id)
		return error_set(err, E_PERM, "<%s> has no id", xml_name(request));
	s->server.code = NULL;
	xml_writer_init(&w);
	xml_open(&w, "result");
	xml_put(&w, "id", id);
	rc = run_operation(s, request, &w, &why);
	if (rc == 0) {
		xml_close(&w);
		s->server.code = NULL;
		rc = check_result(s, &w, &why);
	}
	if (rc == 0) {
		rc = send_document(s, &w, err);
	} else {
		log_debug("%s: %s", xml_name(request), why.text);
		rc = send_refusal(s, id, rc, &why, err);
	}
	xml_writer_release(&w);
	arena_release(&s->server.arena);
	return rc;
}

static int send_hello(struct session *s, struct error *err)
{
	struct buf operations = BUF_INIT;
	struct xml_writer w;
	int rc;

	for (size_t i = 0; i < s->server.role->noperations; i++)
		buf_addf(&operations, "%s%s", i ? " " : "", s->server.role->operations[i].name);
	xml_writer_init(&w);
	xml_open(&w, "hello");
	xml_put(&w, "protocol", "1.1");
	xml_put(&w, "role", s->server.role->role);
	xml_put(&w, "name", s->server.role->program);
	xml_put(&w, "version", PACKAGE_VERSION);
	xml_put(&w, "operations", buf_str(&operations));
	xml_close(&w);
	rc = send_document(s, &w, err);
	xml_writer_release(&w);
	buf_release(&operations);
	return rc;
}

static int check_hello(const struct server_role *role, const struct xml *hello, struct error *err)
{
	const char *protocol = xml_attr_or(hello, "protocol", "");
	uint64_t minor;

	if (!xml_is(hello, "hello"))
		return error_set(err, E_PERM, "expected <hello>, got <%s>", xml_name(hello));
	if (strncmp(protocol, "1.", 2) != 0 || !span_number(span_of(protocol + 2), 1000, &minor))
		return error_set(err, E_PERM, "protocol version \"%s\", this module speaks 1.1", protocol);
	if (strcmp(xml_attr_or(hello, "role", ""), role->role) != 0)
		return error_set(err, E_PERM, "asked to be \"%s\", this module is \"%s\"",
				 xml_attr_or(hello, "role", ""), role->role);
	if (!xml_attr(hello, "config") || !xml_attr(hello, "operations"))
		return error_set(err, E_PERM, "<hello> lacks config or operations");
	return 0;
}

static void begin(struct session *s, const struct xml *hello)
{
	const struct server_role *role = s->server.role;
	struct error why = { 0 };
	enum log_level level;
	uint64_t ms;
	int rc;

	s->server.queue_id = xml_attr_or(hello, "queue-id", "");
	s->operations = xml_attr(hello, "operations");
	log_set_queue_id(s->server.queue_id);
	if (log_level_parse(xml_attr_or(hello, "log-level", "info"), &level) == 0)
		log_set_level(level);
	if (span_number(span_of(xml_attr_or(hello, "deadline", "")), INT32_MAX, &ms))
		s->server.until = deadline_in((int64_t)ms);
	rc = config_read(s->config ? s->config : xml_attr(hello, "config"), role->options, role->noptions, role->options_base, &s->server.config, &why);
	if (rc == 0)
		s->in.max = (size_t)s->server.config->frame_limit;
	if (rc == 0 && role->start)
		rc = role->start(&s->server, &why);
	if (rc == 0)
		return;
	/* a module that is not ready knows nothing: it must not say "not found", or that it is for good */
	error_set(&s->start_failed, rc == E_CONFIG ? E_CONFIG : E_TEMP, "%s", *why.text ? why.text : "it could not start");
	log_error("%s", s->start_failed.text);
}

static int handshake(struct session *s, struct error *err)
{
	struct span document;
	int rc = frame_read(&s->in, s->server.until, &document, err);

	if (rc == 0)
		rc = xml_parse(document, &s->hello, err);
	if (rc == 0)
		rc = check_hello(s->server.role, xml_root(s->hello), err);
	if (rc == 0)
		rc = send_hello(s, err);
	if (rc == 0)
		begin(s, xml_root(s->hello));
	return rc;
}

static int converse(struct session *s, struct error *err)
{
	struct xml_document *request;
	struct span document;
	int rc = handshake(s, err);

	while (rc == 0) {
		rc = frame_read(&s->in, s->server.until, &document, err);
		if (rc == E_TEMP && deadline_over(s->server.until))
			error_set(err, rc, "postern neither asked nor ended until the message's deadline");
		if (rc < 0)
			break;
		rc = xml_parse(document, &request, err);
		if (rc < 0)
			break;
		rc = answer(s, xml_root(request), err);
		xml_free(request);
	}
	return rc == E_NOTFOUND ? 0 : rc;
}

static int say_help(const struct server_role *role)
{
	printf("%s: a module of postern(8), role %s.\n\n%s\n\n"
	       "It is started by postern and speaks XML on its standard input and output;\n"
	       "see postern-modules(7).  Options: -help, -version;\n"
	       "-config FILE [-peer USER]: as a service behind a socket, see keys-socket(8).\n", role->program, role->role, role->help);
	return 0;
}

/* ---- as a service of its own ---- */

static bool is_option(const char *word, const char *name)
{
	return *word == '-' && strcmp(word + 1 + (word[1] == '-'), name) == 0;
}

/* Who has connected to the socket that is our standard input. */
static int check_peer(const char *user, struct error *err)
{
	const struct passwd *account = getpwnam(user);
	struct ucred peer;
	socklen_t n = sizeof(peer);
	uint64_t uid = 0;

	if (!account && !span_number(span_of(user), UINT32_MAX, &uid))
		return error_set(err, E_CONFIG, "-peer %s: no such account", user);
	if (account)
		uid = account->pw_uid;
	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return error_set(err, E_CONFIG, "-peer %s: standard input is no socket: %s", user, strerror(errno));
	return peer.uid == uid ? 0 : error_set(err, E_PERM, "uid %u has connected, only %s may", (unsigned)peer.uid, user);
}

/* -config FILE [-peer USER] and nothing else: 1; 0: another command line; or an error. */
static int service(struct session *s, int argc, char **argv, struct error *err)
{
	int i = 1, rc = 0;

	for (; i + 1 < argc && rc == 0; i += 2) {
		if (is_option(argv[i], "config") && argv[i + 1][0] == '/')
			s->config = argv[i + 1];
		else if (is_option(argv[i], "peer"))
			rc = check_peer(argv[i + 1], err);
		else
			return 0;
	}
	return rc < 0 ? rc : i == argc && s->config;
}

static int command_line(const struct server_role *role, int argc, char **argv)
{
	const char *option = argv[1][0] == '-' ? argv[1] + 1 + (argv[1][1] == '-') : "";
	int rc = -1;

	if (strcmp(option, "help") == 0)
		return say_help(role);
	if (strcmp(option, "version") == 0)
		return printf("%s %s\n", role->program, PACKAGE_VERSION) < 0;
	if (role->command && *option)
		rc = role->command(option, argc, argv);
	if (rc < 0 && (is_option(argv[1], "config") || is_option(argv[1], "peer")))
		fprintf(stderr, "%s: -config wants an absolute path, and nothing but -peer USER beside it; try -help\n", role->program);
	else if (rc < 0)
		fprintf(stderr, "%s: unknown option %s; try -help\n", role->program, argv[1]);
	return rc < 0 ? 64 : rc;
}

/* Nobody else's line may come between the frames. */
static int take_output(void)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	return out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 ? out : STDOUT_FILENO;
}

int server_main(const struct server_role *role, int argc, char **argv)
{
	struct session s = { .server = { .role = role, .queue_id = "" }, .out = STDOUT_FILENO };
	struct error err = { 0 };
	int rc;

	rc = service(&s, argc, argv, &err);
	if (argc > 1 && rc == 0)
		return command_line(role, argc, argv);
	if (role->foreign)
		s.out = take_output();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log or an index that is too big is an error like a full disk */
	log_open("module", role->program, NULL);
	s.server.until = deadline_in(IDLE_MAX_MS);
	frame_reader_init(&s.in, STDIN_FILENO, FRAME_MAX_DEFAULT * 64);
	if (rc >= 0)
		rc = converse(&s, &err);
	if (rc < 0)
		log_error("%s", err.text);
	if (role->stop && s.server.state)
		role->stop(&s.server);
	config_free(s.server.config);
	xml_free(s.hello);
	frame_reader_release(&s.in);
	return rc < 0 ? 75 : 0;
}
