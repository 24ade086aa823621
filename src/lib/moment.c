/* moment.c - points in time as the protocol, the logs and the command lines write them */
#include "lib/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

#define MOMENT_FIRST (-62167219200) /* 0000-01-01T00:00:00Z */
#define MOMENT_LAST 253402300799    /* 9999-12-31T23:59:59Z */
#define DAY 86400
#define DAYS_400 146097   /* in 400 years, after which the calendar repeats itself */
#define DAYS_1970 719468  /* from the 1st of March of year 0 */

/* Years begin in March here, so that the day which may be there or not is the last one. */
static int64_t days_before(int64_t year, int month)
{
	int64_t era, of_era;

	year -= month < 2;
	era = (year >= 0 ? year : year - 399) / 400;
	of_era = year - era * 400;
	return era * DAYS_400 + of_era * 365 + of_era / 4 - of_era / 100 + ((month + 10) % 12 * 153 + 2) / 5 - DAYS_1970;
}

time_t moment_of(const struct tm *tm)
{
	int64_t days = days_before(tm->tm_year + (int64_t)1900, tm->tm_mon) + tm->tm_mday - 1;

	return (time_t)(((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec);
}

void moment_split(time_t when, struct tm *tm)
{
	int64_t second = (int64_t)when % DAY, days = (int64_t)when / DAY, year;
	int month = 0;

	if (second < 0) {
		second += DAY;
		days--;
	}
	year = 1970 + days * 400 / DAYS_400 - 2; /* at most two too few */
	while (days_before(year + 1, 0) <= days)
		year++;
	while (month < 11 && days_before(year, month + 1) <= days)
		month++;
	*tm = (struct tm){ .tm_year = (int)(year - 1900), .tm_mon = month, .tm_mday = (int)(days - days_before(year, month)) + 1,
			   .tm_hour = (int)(second / 3600), .tm_min = (int)(second / 60 % 60), .tm_sec = (int)(second % 60),
			   .tm_wday = (int)(((days + 4) % 7 + 7) % 7) };
}

/* A second 60 is a leap second, the same as the next one. */
static bool to_seconds(const struct tm *tm, time_t *out)
{
	struct tm again;

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return false;
	*out = moment_of(tm);
	moment_split(*out - tm->tm_sec, &again);
	return again.tm_mday == tm->tm_mday; /* the 30th of February is one in March */
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

/* Writes digits of n, with zeros in front, and what stands behind them. */
static char *put(char *to, int n, int digits, char behind)
{
	for (int i = digits - 1; i >= 0; i--, n /= 10)
		to[i] = (char)('0' + n % 10);
	to[digits] = behind;
	return to + digits + 1;
}

void moment_text(time_t when, char out[MOMENT_TEXT])
{
	struct tm tm;

	*out = '\0';
	if (when < MOMENT_FIRST || when > MOMENT_LAST)
		return;
	moment_split(when, &tm);
	out = put(out, tm.tm_year + 1900, 4, '-');
	out = put(out, tm.tm_mon + 1, 2, '-');
	out = put(out, tm.tm_mday, 2, 'T');
	out = put(out, tm.tm_hour, 2, ':');
	out = put(out, tm.tm_min, 2, ':');
	*put(out, tm.tm_sec, 2, 'Z') = '\0';
}
