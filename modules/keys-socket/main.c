/* main.c - keys-socket: a keys module that is a service of its own, behind a UNIX socket (keys-socket(8))
 *
 * postern starts this program as its module; it connects and copies bytes.  What is said is between postern and the service: only the
 * hello is looked into, for the configuration that names the socket.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "build.h"
#include "keys-socket/copy.h"
#include "lib/config.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/xml.h"

#define HELLO_MS 60000
#define CONNECT_SECONDS 10

struct options {
	const char *path, *user;
};

static struct options options;

static const struct config_option table[] = {
	{ "keys_socket_path", CONFIG_PATH, NULL, offsetof(struct options, path), NULL, 0, 0,
	  "the UNIX socket of the keys module" },
	{ "keys_socket_user", CONFIG_STRING, NULL, offsetof(struct options, user), NULL, 0, 0,
	  "the account that may listen there, beside root and our own" },
};

/* ---- who listens ---- */

static bool is_user(const char *name, uid_t uid)
{
	const struct passwd *account = *name ? getpwnam(name) : NULL;
	uint64_t number;

	if (account)
		return account->pw_uid == uid;
	return span_number(span_of(name), UINT32_MAX, &number) && number == uid;
}

/* The keys' holder sees what we decrypt, and makes us sign what it likes: nobody else may stand there. */
static int check_listener(int fd, struct error *err)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return error_set(err, E_TEMP, "%s: SO_PEERCRED: %s", options.path, strerror(errno));
	if (peer.uid == 0 || peer.uid == geteuid() || is_user(options.user, peer.uid))
		return 0;
	return error_set(err, E_CONFIG, "%s: uid %u listens there; if it is meant to, set keys_socket_user", options.path,
			 (unsigned)peer.uid);
}

static int reach(int *out, struct error *err)
{
	const struct timeval limit = { CONNECT_SECONDS, 0 }, none = { 0, 0 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	*out = -1;
	if (!*options.path)
		return error_set(err, E_CONFIG, "keys_socket_path is not set");
	if (strlen(options.path) >= sizeof(to.sun_path))
		return error_set(err, E_CONFIG, "%s: longer than the %zu bytes of a socket's path", options.path, sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, options.path, strlen(options.path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, E_TEMP, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* a full queue of a service that does not answer */
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		rc = error_set(err, E_TEMP, "%s: %s", options.path, errno == EAGAIN ? "it does not answer" : strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	if (rc == 0)
		rc = check_listener(fd, err);
	if (rc < 0)
		close(fd);
	else
		*out = fd;
	return rc;
}

/* ---- the hello ---- */

static int read_configuration(struct span hello, struct config **out, struct error *err)
{
	struct xml_document *doc;
	int rc = xml_parse(hello, &doc, err);

	if (rc < 0)
		return rc;
	rc = xml_attr(xml_root(doc), "config") ? config_read(xml_attr(xml_root(doc), "config"), table, sizeof(table) / sizeof(*table),
							     &options, out, err)
					       : error_set(err, E_PERM, "<hello> lacks config");
	xml_free(doc);
	return rc;
}

static int converse(struct frame_reader *in, struct error *err)
{
	struct config *config = NULL;
	struct span hello;
	int fd = -1, rc = frame_read(in, deadline_in(HELLO_MS), &hello, err);

	if (rc == 0)
		rc = read_configuration(hello, &config, err);
	if (rc == 0)
		rc = reach(&fd, err);
	if (rc == 0)
		rc = copy_both_ways(in, hello, fd, err);
	if (fd >= 0)
		close(fd);
	config_free(config);
	return rc == E_NOTFOUND ? 0 : rc;
}

static int command_line(const char *word)
{
	word += *word == '-';
	word += *word == '-';
	if (strcmp(word, "version") == 0)
		return printf("keys-socket %s\n", PACKAGE_VERSION) < 0;
	if (strcmp(word, "help") == 0)
		return puts("keys-socket: a module of postern(8), role keys.\n\nHands the conversation to a keys module that is a service of its "
			    "own,\nbehind the UNIX socket keys_socket_path.\n\nOptions: -help, -version.") < 0;
	fprintf(stderr, "keys-socket: unknown option; try -help\n");
	return 64;
}

int main(int argc, char **argv)
{
	struct frame_reader in;
	struct error err = { 0 };
	int rc;

	if (argc > 1)
		return command_line(argv[1]);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* content keys pass through */
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	signal(SIGPIPE, SIG_IGN);
	log_open("module", "keys-socket", NULL);
	frame_reader_init(&in, STDIN_FILENO, FRAME_MAX_DEFAULT);
	rc = converse(&in, &err);
	if (rc < 0)
		log_error("%s", err.text);
	frame_reader_release(&in);
	return rc < 0 ? 75 : 0;
}
