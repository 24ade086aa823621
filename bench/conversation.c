/* conversation.c - what a question to a warm module costs, both ends counted, beside the same bytes over bare pipes
 *
 *   conversation [QUESTIONS [ROUNDS]]     default: 20000 5
 *
 * The question is find-certificates for one address, the answer a certificate of 700 bytes that stands ready: what is counted is writing,
 * framing, waking each other, reading and checking.  In turn, and the medians are compared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/server.h"
#include "module/module.h"

#define BYTES 700
#define ROUNDS_MAX 100

/* ---- the module ---- */

static int answer(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	static const char certificate[BYTES] = "not a certificate";
	const struct xml *e = xml_first(request, "address");
	struct buf address = BUF_INIT;

	(void)s;
	(void)err;
	if (e)
		xml_text(e, &address);
	xml_open(w, "certificate");
	xml_put(w, "for", buf_str(&address));
	xml_put(w, "area", "public");
	xml_put(w, "source", "certs/public/partner.pem");
	xml_put(w, "match", "address");
	xml_put_binary(w, certificate, sizeof(certificate));
	xml_close(w);
	buf_release(&address);
	return 0;
}

static int module(int argc, char **argv)
{
	static const struct server_operation operations[] = { { "find-certificates", answer } };
	static const struct server_role role = { .program = "conversation", .role = "keys", .operations = operations, .noperations = 1, .help = "" };

	return server_main(&role, argc, argv);
}

/* ---- postern ---- */

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "conversation: %s\n", what);
	exit(1);
}

static int write_address(struct xml_writer *w, void *arg)
{
	xml_open(w, "address");
	xml_put_text(w, arg);
	xml_close(w);
	return 0;
}

static void ask(const char *file, unsigned long n)
{
	static const char *const narrow[MODULE_ROLES] = { NULL, "find-certificates", NULL };
	struct config *config;
	struct error err = { 0 };
	struct modules m;
	char address[] = "somebody@partner.example";

	if (config_read(file, NULL, 0, NULL, &config, &err) < 0 || modules_start(&m, config, 1u << ROLE_KEYS, narrow, "Q", deadline_in(600000), &err) < 0)
		stop(err.text);
	for (unsigned long i = 0; i < n; i++) {
		struct buf bytes = BUF_INIT;
		struct xml_document *doc;

		if (modules_ask(&m, ROLE_KEYS, "find-certificates", write_address, address, &doc, NULL, &err) < 0 ||
		    xml_binary(xml_first(xml_root(doc), "certificate"), &bytes, &err) < 0 || bytes.len != BYTES)
			stop(*err.text ? err.text : "not what was said");
		buf_release(&bytes);
		xml_free(doc);
	}
	modules_stop(&m, 1000);
	config_free(config);
}

/* ---- the bare pipes ---- */

static void move(int fd, bool out, char *p, size_t n)
{
	while (n) {
		ssize_t k = out ? write(fd, p, n) : read(fd, p, n);

		if (k <= 0)
			_exit(k < 0);
		p += k;
		n -= (size_t)k;
	}
}

static void exchange(unsigned long n)
{
	static char question[96], reply[1090]; /* as long as the frames */
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) < 0 || pipe(from) < 0 || (pid = fork()) < 0)
		stop(strerror(errno));
	if (pid == 0) {
		close(to[1]);
		for (;;) {
			move(to[0], false, question, sizeof(question));
			move(from[1], true, reply, sizeof(reply));
		}
	}
	close(to[0]);
	for (unsigned long i = 0; i < n; i++) {
		move(to[1], true, question, sizeof(question));
		move(from[0], false, reply, sizeof(reply));
	}
	close(to[1]);
	close(from[0]);
	close(from[1]);
	waitpid(pid, NULL, 0);
}

/* ---- measuring ---- */

static double seconds(void)
{
	double sum = 0;

	for (int i = 0; i < 2; i++) {
		struct rusage u;

		getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
		sum += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	}
	return sum;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static const struct module_program programs[] = { { "conversation", module }, { NULL, NULL } };
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	char file[] = "/tmp/conversation.XXXXXX", self[4096] = "";
	double talk[ROUNDS_MAX], bare[ROUNDS_MAX];
	int fd = mkstemp(file);

	if (fd < 0 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || !n || !rounds || rounds > ROUNDS_MAX ||
	    dprintf(fd, "keys_modules = %s\nlog = stderr\n", self) < 0)
		stop("cannot begin");
	modules_inside(programs, argv);
	for (unsigned long i = 0; i < rounds; i++) {
		double before = seconds();

		ask(file, n);
		talk[i] = seconds() - before;
		before = seconds();
		exchange(n);
		bare[i] = seconds() - before;
	}
	unlink(file);
	qsort(talk, rounds, sizeof(*talk), compare);
	qsort(bare, rounds, sizeof(*bare), compare);
	printf("a question: %.1f us of CPU, bare pipes %.1f us, beyond them %.1f us\n", talk[rounds / 2] * 1e6 / (double)n,
	       bare[rounds / 2] * 1e6 / (double)n, (talk[rounds / 2] - bare[rounds / 2]) * 1e6 / (double)n);
	return 0;
}
