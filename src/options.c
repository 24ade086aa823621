/* options.c - the command line of postern(8) */
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char options_help[] =
	"usage: postern -c FILE -client ADDR [-sender ADDR] [-queue-id ID] -readmail RCPT... < message\n"
	"       postern -c FILE -explain -client ADDR [-sender ADDR] -readmail RCPT... < message\n"
	"       postern -c FILE -check\n"
	"       postern -c FILE -verify-result < message\n"
	"       postern -c FILE -get NAME...\n"
	"       postern -c FILE -holds | -release ID | -discard ID\n"
	"       postern -c FILE -expiring\n"
	"       postern -c FILE -resume ID [-passphrase-fd N] < passphrase\n"
	"       postern -version | -help\n"
	"\n"
	"  -c FILE        configuration file, see postern.conf(5)\n"
	"  -client ADDR   who handed the message to the mail server; \"unknown\"; empty: this machine\n"
	"  -sender ADDR   envelope sender; else the mbox From line, else Return-Path\n"
	"  -queue-id ID   the mail server's name for the message\n"
	"  -readmail      deliver the message on standard input to the recipients that follow\n"
	"  -explain       say what would happen and why; do nothing\n"
	"  -check         verify configuration, modules, areas and destinations\n"
	"  -verify-result check the X-Postern-Result record of a message\n"
	"  -get           print the values of these names of the configuration, one a line\n"
	"  -holds         list the messages that are held\n"
	"  -release ID    deliver a held message\n"
	"  -discard ID    remove a held message\n"
	"  -expiring      list addresses whose last key expires, and tell the administrator; once a day\n"
	"  -resume ID     go on with a message that waits for the passphrase of a key\n"
	"  -passphrase-fd N  the descriptor whose first line is the passphrase; 0 where not given\n"
	"\n"
	"Exit codes: 0 every recipient is dealt with; 75 try again later; 67, 69, 77 refused.\n";

enum argument { NO_ARGUMENT, ONE_ARGUMENT, THE_REST };

static const struct {
	const char *name;
	enum argument argument;
	size_t field;        /* of the string that takes the argument */
	enum command command;/* COMMAND_DELIVER: does not change it */
} table[] = {
	{ "c", ONE_ARGUMENT, offsetof(struct options, config), COMMAND_DELIVER },
	{ "client", ONE_ARGUMENT, offsetof(struct options, client), COMMAND_DELIVER },
	{ "sender", ONE_ARGUMENT, offsetof(struct options, sender), COMMAND_DELIVER },
	{ "queue-id", ONE_ARGUMENT, offsetof(struct options, queue_id), COMMAND_DELIVER },
	{ "readmail", THE_REST, 0, COMMAND_DELIVER },
	{ "explain", NO_ARGUMENT, 0, COMMAND_EXPLAIN },
	{ "check", NO_ARGUMENT, 0, COMMAND_CHECK },
	{ "verify-result", NO_ARGUMENT, 0, COMMAND_VERIFY_RESULT },
	{ "get", THE_REST, 0, COMMAND_GET },
	{ "holds", NO_ARGUMENT, 0, COMMAND_HOLDS },
	{ "release", ONE_ARGUMENT, offsetof(struct options, hold), COMMAND_RELEASE },
	{ "resume", ONE_ARGUMENT, offsetof(struct options, hold), COMMAND_RESUME },
	{ "passphrase-fd", ONE_ARGUMENT, offsetof(struct options, passphrase_fd), COMMAND_DELIVER },
	{ "expiring", NO_ARGUMENT, 0, COMMAND_EXPIRING },
	{ "discard", ONE_ARGUMENT, offsetof(struct options, hold), COMMAND_DISCARD },
	{ "version", NO_ARGUMENT, 0, COMMAND_VERSION },
	{ "help", NO_ARGUMENT, 0, COMMAND_HELP },
};

static int find(const char *word)
{
	if (*word++ != '-')
		return -1;
	word += *word == '-';
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(word, table[i].name) == 0)
			return (int)i;
	return -1;
}

/* What each command cannot do without. */
static int check_complete(const struct options *o, struct error *err)
{
	if (o->command == COMMAND_VERSION || o->command == COMMAND_HELP)
		return 0;
	if (!o->config)
		return error_set(err, E_CONFIG, "option -c FILE is missing");
	if (o->command == COMMAND_GET && !o->nnames)
		return error_set(err, E_CONFIG, "no names behind -get");
	if (o->command != COMMAND_DELIVER && o->command != COMMAND_EXPLAIN)
		return 0;
	if (!o->client)
		return error_set(err, E_CONFIG, "option -client ADDR is missing");
	if (!o->nrecipients)
		return error_set(err, E_CONFIG, "no recipients behind -readmail");
	return 0;
}

static void take_rest(struct options *out, const char *const *words, size_t n)
{
	if (out->command == COMMAND_GET) {
		out->names = words;
		out->nnames = n;
	} else {
		out->recipients = words;
		out->nrecipients = n;
	}
}

/* Of two commands one would be passed over, and nobody knows which was meant. */
static int take_command(struct options *out, int o, const char **word, const char *given, struct error *err)
{
	if (table[o].command == COMMAND_DELIVER)
		return 0;
	if (out->command != COMMAND_DELIVER && out->command != table[o].command)
		return error_set(err, E_CONFIG, "%s and %s exclude each other", *word, given);
	out->command = table[o].command;
	*word = given;
	return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct error *err)
{
	const char *command = NULL;

	*out = (struct options){ .command = COMMAND_DELIVER, .queue_id = "" };
	for (int i = 1; i < argc; i++) {
		int o = find(argv[i]);

		if (o < 0)
			return error_set(err, E_CONFIG, "unknown option \"%s\"; try postern -help", argv[i]);
		if (take_command(out, o, &command, argv[i], err) < 0)
			return E_CONFIG;
		if (table[o].argument == ONE_ARGUMENT) {
			if (++i == argc)
				return error_set(err, E_CONFIG, "option %s needs an argument", argv[i - 1]);
			*(const char **)(void *)((char *)out + table[o].field) = argv[i];
		} else if (table[o].argument == THE_REST) {
			take_rest(out, (const char *const *)&argv[i + 1], (size_t)(argc - i - 1));
			break;
		}
	}
	return check_complete(out, err);
}
