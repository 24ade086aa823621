/* asker.c - asks a module, or a program that makes bare calls, and says what its answers cost
 *
 * usage: asker FRAMES WARM PROGRAM [ARGUMENT...]
 *        asker FRAMES WARM -nothing BYTES     a process that answers with so many bytes and does nothing: what the pipes cost
 *
 * FRAMES is a file of frames, which are sent one after the other, each when the one before is answered.  The first WARM of them are
 * not counted.  Prints the program's CPU time, its threads' included, and the time that went by, both in microseconds; the bytes
 * of the answers, and how many of them were refusals.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "bare.h"

struct asked {
	int to, from;
	pid_t pid;
	size_t bytes, refused;
};

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "asker: %s\n", what);
	exit(1);
}

static _Noreturn void answer_nothing(const char *bytes)
{
	while (bare_next())
		bare_answer(strtoul(bytes, NULL, 10) / 4 * 3, 0);
	exit(0);
}

static void start(struct asked *a, char **program)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 || (a->pid = fork()) < 0)
		stop("cannot begin");
	if (a->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[1]);
		if (strcmp(program[0], "-nothing") == 0 && program[1])
			answer_nothing(program[1]);
		execv(program[0], program);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	a->to = to[1];
	a->from = from[0];
}

static void send_frame(struct asked *a, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(a->to, p, n);

		if (k <= 0)
			stop("it does not listen");
		p += k;
		n -= (size_t)k;
	}
}

static void take_answer(struct asked *a)
{
	static char room[1024 * 1024];
	size_t had = 0, whole = 0;
	char *document = NULL;

	while (!document || had < whole) {
		ssize_t n = had + 1 < sizeof(room) ? read(a->from, room + had, sizeof(room) - had - 1) : 0;

		if (n <= 0)
			stop("no answer, or one that is too long");
		had += (size_t)n;
		room[had] = '\0';
		if (!document && (document = strchr(room, '\n')))
			whole = (size_t)(++document - room) + strtoul(room, NULL, 10);
	}
	a->bytes += had;
	a->refused += strncmp(document, "<refused", 8) == 0;
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		stop("no clock");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *read_frames(const char *path, size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p = fd >= 0 && fstat(fd, &st) == 0 ? calloc(1, (size_t)st.st_size + 1) : NULL;

	if (!p || read(fd, p, (size_t)st.st_size) != st.st_size)
		stop("cannot read the frames");
	close(fd);
	*n = (size_t)st.st_size;
	return p;
}

int main(int argc, char **argv)
{
	struct asked a = { 0 };
	size_t n = 0, warm = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	char *p = argc > 3 ? read_frames(argv[1], &n) : NULL, *end = p + n;
	double cpu = 0, wall = 0;
	clockid_t clock;
	int status;

	if (!p)
		return 64;
	start(&a, argv + 3);
	if (clock_getcpuclockid(a.pid, &clock) != 0)
		stop("its CPU time cannot be seen");
	for (size_t i = 0; p < end; i++) {
		char *document = strchr(p, '\n') + 1;
		size_t frame = (size_t)(document - p) + strtoul(p, NULL, 10);

		if (i == warm) {
			cpu = seconds(clock);
			wall = seconds(CLOCK_MONOTONIC);
			a.bytes = a.refused = 0;
		}
		send_frame(&a, p, frame);
		take_answer(&a);
		p += frame;
	}
	cpu = seconds(clock) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	close(a.to);
	if (waitpid(a.pid, &status, 0) != a.pid || status)
		stop("it did not end well");
	printf("%.0f %.0f %zu %zu\n", cpu * 1e6, wall * 1e6, a.bytes, a.refused);
	return 0;
}
