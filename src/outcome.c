/* outcome.c - how a run ends: one table of exit codes and the line the mail server shows */
#include "outcome.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

static const struct {
	const char *prefix; /* of the enhanced status code */
	int code;
} refusals[] = {
	{ "5.1.", EXIT_NO_USER },
	{ "5.7.", EXIT_NO_PERMISSION },
	{ "5.", EXIT_UNAVAILABLE },
};

static const struct {
	int error;
	const char *status;
} errors[] = {
	{ E_PERM, "5.6.0" },
	{ E_LIMIT, "5.3.4" },
	{ E_CONFIG, "4.3.5" },
	{ E_TEMP, "4.3.0" },
	{ E_NOTFOUND, "4.3.0" },
};

static void set(struct outcome *o, int code, const char *status, const char *text)
{
	o->code = code;
	snprintf(o->status, sizeof(o->status), "%s", status);
	snprintf(o->text, sizeof(o->text), "%s", text);
	for (char *p = o->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void outcome_done(struct outcome *o)
{
	set(o, EXIT_DONE, "", "");
}

void outcome_defer(struct outcome *o, const char *status, const char *text)
{
	set(o, EXIT_DEFER, status[0] == '4' ? status : "4.3.0", text);
}

void outcome_refuse(struct outcome *o, const char *status, const char *text)
{
	if (status[0] != '5')
		status = "5.3.0";
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (span_casestarts(span_of(status), refusals[i].prefix)) {
			set(o, refusals[i].code, status, text);
			return;
		}
}

void outcome_error(struct outcome *o, const struct error *err)
{
	const char *status = "4.3.0";

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == err->code)
			status = errors[i].status;
	if (status[0] == '5')
		outcome_refuse(o, status, err->text);
	else
		outcome_defer(o, status, err->text);
}

int outcome_say(const struct outcome *o)
{
	if (o->code != EXIT_DONE)
		printf("%s %s\n", o->status, o->text);
	fflush(stdout);
	return o->code;
}
