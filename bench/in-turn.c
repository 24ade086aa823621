/* in-turn.c - what processes cost, started in turn: CPU time and page faults of each, as the kernel counted them
 *
 * usage: in-turn ROUNDS COMMAND...
 *
 * A command is one argument, words divided by blanks; "<FILE" as its last word is its standard input.  Each round runs all of them,
 * one after the other, every second round backwards, and writes one line for each: its number (from 0), microseconds of user and
 * system time, page faults, octets it wrote.  Nothing is between the kernel and what is measured: no shell, no memory of a
 * larger parent to copy.  Ends with 1 as soon as a command ends with another status than 0, or writes another number of octets than before.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMANDS_MAX 16
#define WORDS_MAX 32

extern char **environ;

struct command {
	char *words[WORDS_MAX + 1];
	const char *input;
	off_t wrote; /* -1: not run yet */
};

static void take_apart(char *text, struct command *c)
{
	char *rest = NULL;
	size_t n = 0;

	*c = (struct command){ .input = "/dev/null", .wrote = -1 };
	for (char *word = strtok_r(text, " ", &rest); word && n < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
		if (*word == '<')
			c->input = word + 1;
		else
			c->words[n++] = word;
}

static int run(struct command *c, int number)
{
	int out = memfd_create("out", MFD_CLOEXEC), status = 0;
	posix_spawn_file_actions_t actions;
	struct rusage used;
	struct stat st;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, c->input, O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (out < 0 || posix_spawn(&child, c->words[0], &actions, NULL, c->words, environ) != 0) {
		fprintf(stderr, "in-turn: %s cannot be started\n", c->words[0]);
		return 1;
	}
	posix_spawn_file_actions_destroy(&actions);
	if (wait4(child, &status, 0, &used) != child || status != 0 || fstat(out, &st) < 0 || (c->wrote >= 0 && c->wrote != st.st_size)) {
		fprintf(stderr, "in-turn: %s ended with %d, or wrote something else than before\n", c->words[0], status);
		return 1;
	}
	close(out);
	c->wrote = st.st_size;
	printf("%d %ld %ld %ld\n", number, (long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
	       used.ru_utime.tv_usec + used.ru_stime.tv_usec, used.ru_minflt + used.ru_majflt, (long)st.st_size);
	return 0;
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct command commands[COMMANDS_MAX];
	int n = argc - 2;

	if (rounds < 1 || n > COMMANDS_MAX)
		return 64;
	for (int i = 0; i < n; i++) {
		take_apart(argv[2 + i], &commands[i]);
		if (!commands[i].words[0])
			return 64;
	}
	for (long round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++) {
			int which = round % 2 ? n - 1 - i : i;

			if (run(&commands[which], which))
				return 1;
		}
	return 0;
}
