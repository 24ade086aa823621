/* program.c - one program under four names: postern and the modules that come with it
 *
 * They need the same libraries, and a message needs them all: as one program they are loaded and relocated once
 * (module/inside.c).  The last part of argv[0] decides; what is none of the modules' names is postern.
 */
#include <string.h>

#include "command.h"
#include "common/mains.h"
#include "module/module.h"

static const struct module_program modules[] = {
	{ "rules-file", rules_file_main },
	{ "keys-file", keys_file_main },
	{ "check-path", check_path_main },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	for (const struct module_program *m = modules; m->name; m++)
		if (strcmp(name, m->name) == 0)
			return m->main(argc, argv);
	modules_inside(modules, argv);
	return postern_main(argc, argv);
}
