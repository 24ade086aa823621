/* command.h - postern's command line */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

/* What main is to a program. */
int postern_main(int argc, char **argv);

#endif
