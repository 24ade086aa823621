/* pseudonym.c - words that stand for addresses in the verify log, for as long as they may be understood */
#include "check-path/pseudonym.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/mem.h"

#define DAY ((time_t)86400)
#define PERIOD_MAX 7
#define HASH_BYTES 16
#define FILE_MAX ((size_t)200)

static time_t period(uint64_t days)
{
	return (days < PERIOD_MAX ? (time_t)days : PERIOD_MAX) * DAY;
}

static void day_text(time_t when, char out[16])
{
	struct tm tm;

	*out = '\0';
	if (gmtime_r(&when, &tm))
		strftime(out, 16, "%Y-%m-%d", &tm);
}

/* The name of a key file: the day it began; false: none. */
static bool read_day(const char *name, time_t *out)
{
	struct tm tm = { 0 };
	char again[16];

	if (strlen(name) != 10 || sscanf(name, "%4d-%2d-%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = timegm(&tm);
	day_text(*out, again);
	return strcmp(again, name) == 0;
}

/* ---- files ---- */

static int read_key(const char *path, const char *name, struct pseudonym_key *out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = fs_read_secret(path, FILE_MAX, &text, err);

	snprintf(out->begins, sizeof(out->begins), "%s", name);
	for (size_t i = 0; i < PSEUDONYM_KEY && rc == 0; i++) {
		unsigned byte;
		char pair[3] = "";

		if (text.len < 2 * PSEUDONYM_KEY) {
			rc = error_set(err, E_CONFIG, "%s: not a key; remove it", path);
			break;
		}
		memcpy(pair, text.data + 2 * i, 2);
		rc = sscanf(pair, "%2x", &byte) == 1 ? 0 : error_set(err, E_CONFIG, "%s: not a key; remove it", path);
		out->bytes[i] = (unsigned char)byte;
	}
	buf_wipe(&text);
	return rc;
}

/* Whole from the moment it is there; another process may be faster, then its key is ours. */
static int make_key(const char *path, struct error *err)
{
	unsigned char bytes[PSEUDONYM_KEY];
	struct buf text = BUF_INIT;
	int rc = getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes)
			 ? 0 : error_set(err, E_TEMP, "getrandom: %s", strerror(errno));

	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_addf(&text, "%02x", bytes[i]);
	buf_addch(&text, '\n');
	if (rc == 0)
		rc = fs_create(path, text.data, text.len, 0600, err);
	mem_wipe(bytes, sizeof(bytes));
	buf_wipe(&text);
	return rc;
}

/* As far as the file system overwrites in place: what it copied elsewhere is beyond us. */
static void destroy(int dir, const char *name)
{
	static const char zeros[2 * PSEUDONYM_KEY + 1];
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0) {
		if (write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros))
			fsync(fd);
		close(fd);
	}
	unlinkat(dir, name, 0);
}

/* ---- all of them ---- */

struct walk {
	const char *directory;
	void (*fn)(void *ctx, const struct pseudonym_key *key); /* NULL: only destroy */
	void *ctx;
	time_t over;          /* what began then or before is over */
	struct error *err;
};

static int visit(struct walk *w, int dir, const char *name)
{
	struct pseudonym_key key;
	struct buf path = BUF_INIT;
	time_t begins;
	int rc = 0;

	if (!read_day(name, &begins))
		return 0;
	if (begins <= w->over) {
		destroy(dir, name);
		return 0;
	}
	if (!w->fn)
		return 0;
	buf_addf(&path, "%s/%s", w->directory, name);
	rc = read_key(path.data, name, &key, w->err);
	if (rc == 0)
		w->fn(w->ctx, &key);
	pseudonym_wipe(&key);
	buf_release(&path);
	return rc;
}

static int walk(struct walk *w)
{
	DIR *d = opendir(w->directory);
	struct dirent *e;
	int rc;

	if (!d)
		return errno == ENOENT ? 0 : error_set(w->err, E_TEMP, "%s: %s", w->directory, strerror(errno));
	rc = fs_next(d, w->directory, &e, w->err);
	while (rc == 0 && e) {
		rc = visit(w, dirfd(d), e->d_name);
		if (rc == 0)
			rc = fs_next(d, w->directory, &e, w->err);
	}
	closedir(d);
	return rc;
}

int pseudonym_each(const char *spool, uint64_t days, time_t now, void (*fn)(void *ctx, const struct pseudonym_key *key), void *ctx,
		   struct error *err)
{
	struct buf directory = BUF_INIT;
	int rc;

	buf_addf(&directory, "%s/privacy", spool);
	rc = walk(&(struct walk){ directory.data, fn, ctx, now - (time_t)days * DAY, err });
	buf_release(&directory);
	return rc;
}

int pseudonym_key(const char *spool, uint64_t days, time_t now, struct pseudonym_key *out, struct error *err)
{
	struct buf path = BUF_INIT;
	char name[16];
	int rc;

	day_text(now - now % period(days), name);
	buf_addf(&path, "%s/privacy", spool);
	rc = fs_make_directory(path.data, 0700, err);
	if (rc == 0)
		rc = pseudonym_each(spool, days, now, NULL, NULL, err);
	buf_addf(&path, "/%s", name);
	if (rc == 0 && access(path.data, F_OK) < 0)
		rc = make_key(path.data, err);
	if (rc == 0)
		rc = read_key(path.data, name, out, err);
	buf_release(&path);
	return rc;
}

void pseudonym_wipe(struct pseudonym_key *key)
{
	mem_wipe(key, sizeof(*key));
}

/* ---- texts ---- */

static void add_hash(const struct pseudonym_key *key, struct span text, char out[PSEUDONYM_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	struct buf lower = BUF_INIT;
	unsigned n = 0;
	int at = snprintf(out, PSEUDONYM_TEXT, "~%s.", key->begins);

	for (size_t i = 0; i < text.n; i++)
		buf_addch(&lower, (char)ascii_lower((unsigned char)text.p[i]));
	HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), (const unsigned char *)buf_str(&lower), lower.len, digest, &n);
	for (int i = 0; i < HASH_BYTES; i++)
		at += snprintf(out + at, PSEUDONYM_TEXT - (size_t)at, "%02x", digest[i]);
	buf_wipe(&lower);
}

void pseudonym_text(const struct pseudonym_key *key, const char *text, char out[PSEUDONYM_TEXT])
{
	add_hash(key, span_of(text), out);
}

/* What may stand in an address, as far as texts for people go: all but blanks, quotes and what sets words apart. */
static bool in_address(char c)
{
	return (unsigned char)c > 0x20 && !strchr(",;:<>()[]\"'/|\\=", c);
}

void pseudonym_scrub(const struct pseudonym_key *key, const char *text, struct buf *out)
{
	const char *at, *done = text;
	char word[PSEUDONYM_TEXT];

	while ((at = strchr(done, '@'))) {
		const char *from = at, *to = at + 1;

		while (from > done && in_address(from[-1]))
			from--;
		while (*to && in_address(*to))
			to++;
		buf_add(out, done, (size_t)(from - done));
		add_hash(key, span_from(from, (size_t)(to - from)), word);
		buf_addstr(out, word);
		done = to;
	}
	buf_addstr(out, done);
}
