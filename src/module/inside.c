/* inside.c - modules that are in the very program that starts them
 *
 * postern and the modules that come with it are one file under several names (src/program.c).  To execute it while it runs
 * would load and relocate it once more, which costs about as much as what a module does for a message.  So where the file to be
 * executed is our own executable, a forked child runs the module's main instead.
 *
 * It has what an executed one has: three descriptors, the module environment, its name, memory of its own from here on.  What
 * it has of ours beside that is what stood in memory when it was forked: the configuration, the envelope, and where the
 * program's parts lie (address space layout randomisation chooses for all processes of a message at once, for each message anew).
 * The caller's command line and environment are wiped; who calls modules_start() reads secrets afterwards.
 */
#include "module/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	const struct module_program *programs;
	char **argv;
	size_t room; /* bytes from argv[0] on: the command line, and the environment behind it */
} inside;

/* The kernel puts all strings of argv and environ one behind the other. */
static size_t measure(char **argv)
{
	char *end = argv[0];

	for (char **p = argv; *p && *p == end; p++)
		end += strlen(*p) + 1;
	for (char **p = environ; p && *p && *p == end; p++)
		end += strlen(*p) + 1;
	return (size_t)(end - argv[0]);
}

void modules_inside(const struct module_program *programs, char **argv)
{
	inside.programs = programs;
	inside.argv = argv;
	inside.room = argv && *argv ? measure(argv) : 0;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether exec would load what runs already.  Without /proc nobody knows; a file that was replaced meanwhile is another one. */
static bool is_own_file(const char *path)
{
	struct stat own, other;

	return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
	       own.st_ino == other.st_ino && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

module_main *module_inside(const char *path)
{
	for (const struct module_program *p = inside.programs; p && p->name; p++)
		if (strcmp(p->name, name_of(path)) == 0)
			return is_own_file(path) ? p->main : NULL;
	return NULL;
}

/* What ps(1) shows stands where our own command line stood. */
static void take_name(const char *path)
{
	size_t n = strlen(path);

	prctl(PR_SET_NAME, name_of(path));
	if (!inside.room)
		return;
	mem_wipe(inside.argv[0], inside.room);
	memcpy(inside.argv[0], path, n < inside.room ? n : inside.room - 1);
	inside.argv[1] = NULL;
}

void module_run_inside(module_main *run, const char *path, char *const *environment)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	int status;

	environ = (char **)(uintptr_t)environment;
	take_name(path);
	status = run(1, argv);
	fflush(NULL);
#ifdef __SANITIZE_ADDRESS__ /* which looks for leaks at exit */
	exit(status);
#endif
	_exit(status); /* what was to be done at postern's exit is not the module's */
}
