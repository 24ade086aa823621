/* mains.h - the modules that are one program with postern (src/program.c) */
#ifndef MODULES_COMMON_MAINS_H
#define MODULES_COMMON_MAINS_H

/* What main is to a program: argv[0] is the module's path, without options the conversation is on descriptors 0 and 1. */
int rules_file_main(int argc, char **argv);
int keys_file_main(int argc, char **argv);
int check_path_main(int argc, char **argv);

#endif
