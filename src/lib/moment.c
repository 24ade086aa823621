/* moment.c - points in time as the protocol, the logs and the command lines write them */
#include "lib/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

/* timegm() makes the 2nd of March of a 30th of February; a second 60 is a leap second, the same as the next one. */
static bool to_seconds(const struct tm *tm, time_t *out)
{
	struct tm again = *tm;

	again.tm_sec = 0;
	*out = timegm(&again) + tm->tm_sec;
	return tm->tm_sec <= 60 && again.tm_mday == tm->tm_mday && again.tm_mon == tm->tm_mon && again.tm_hour == tm->tm_hour &&
	       again.tm_min == tm->tm_min;
}

int moment_read(const char *text, time_t *out, struct error *err)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	struct tm tm = { 0 };
	bool good = strlen(text) == sizeof(shape) - 1;

	*out = 0;
	for (size_t i = 0; good && shape[i]; i++)
		good = shape[i] == 'd' ? ascii_digit(text[i]) : shape[i] == text[i];
	if (good) {
		sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		       &tm.tm_sec);
		tm.tm_year -= 1900;
		tm.tm_mon--;
		good = to_seconds(&tm, out);
	}
	return good ? 0 : error_set(err, E_PERM, "time \"%s\" is not like 2026-11-22T10:00:00Z", text);
}

void moment_text(time_t when, char out[MOMENT_TEXT])
{
	struct tm tm;

	*out = '\0';
	if (gmtime_r(&when, &tm) && tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900)
		snprintf(out, MOMENT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
}
