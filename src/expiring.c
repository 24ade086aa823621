/* expiring.c - which addresses lose their last key to sign with, and when (postern -expiring)
 *
 * No message does this: a timer runs it once a day.  All keys of all keys modules are looked at; for each address the certificate
 * counts that is valid longest.  What the administrator has been told stands in SPOOL/expiring/told, a line
 * "DAYS EXPIRY ADDRESS" for each address: a new certificate has another expiry, and begins anew.
 */
#include "expiring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver/hold_inside.h"
#include "deliver/report.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/moment.h"
#include "lib/openssl.h"
#include "module/ask.h"
#include "smime/open.h"

#define DAY ((int64_t)86400)
#define TOLD_MAX ((size_t)64 * 1024 * 1024)
#define LISTED_MAX 500 /* addresses in one notice */
#define GRACE_MS 1000

static const int marks[] = { 7, 30, 60 };
#define MARKS (sizeof(marks) / sizeof(marks[0]))
#define EXPIRED 1          /* a mark, too: told where nobody was told before, because the timer did not run */
#define EXPIRED_FOR 60     /* days; older ones are history */

/* The last certificate that signs for an address. */
struct last {
	const char *address, *source;
	char expiry[MOMENT_TEXT];
	int64_t left; /* seconds */
	int mark;     /* the smallest mark that is reached; 0: none, or it has expired long ago */
	int told;     /* the smallest that the administrator knows of; 0: none */
};

struct expiring {
	struct arena arena;
	const struct config *config;
	deadline until;
	struct last *items;
	size_t n;
	const char *directory, *file;
};

/* ---- the keys ---- */

static int by_address(const void *a, const void *b)
{
	const struct last *x = a, *y = b;
	int order = strcmp(x->address, y->address);

	return order ? order : x->left > y->left ? -1 : x->left < y->left;
}

static int by_expiry(const void *a, const void *b)
{
	const struct last *x = a, *y = b;

	return x->left != y->left ? (x->left < y->left ? -1 : 1) : strcmp(x->address, y->address);
}

static int mark_of(int64_t left)
{
	if (left <= 0)
		return left > -EXPIRED_FOR * DAY ? EXPIRED : 0;
	for (size_t i = 0; i < MARKS; i++)
		if (left <= marks[i] * DAY)
			return marks[i];
	return 0;
}

static bool time_left(const X509 *certificate, int64_t *left, char text[MOMENT_TEXT])
{
	struct tm tm;
	time_t when;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return false;
	when = timegm(&tm);
	*left = (int64_t)when - (int64_t)time(NULL);
	moment_text(when, text);
	return true;
}

static void add_key(struct expiring *x, const struct own_key *k, struct buf *list)
{
	struct last l = { .source = k->source };
	const char **addresses;
	size_t n;

	if (!k->signs || !time_left(k->certificate, &l.left, l.expiry))
		return;
	certificate_addresses(&x->arena, k->certificate, &addresses, &n);
	for (size_t i = 0; i < n; i++) {
		l.address = arena_lower(&x->arena, addresses[i]);
		l.mark = mark_of(l.left);
		buf_add(list, &l, sizeof(l));
	}
}

/* Sorted by address, the one that is valid longest first: the others are dropped. */
static void keep_last(struct expiring *x, const struct buf *list)
{
	size_t n = list->len / sizeof(*x->items);

	x->items = arena_memdup(&x->arena, list->data, list->len);
	if (n)
		qsort(x->items, n, sizeof(*x->items), by_address);
	for (size_t i = 0; i < n; i++)
		if (!x->n || strcmp(x->items[x->n - 1].address, x->items[i].address) != 0)
			x->items[x->n++] = x->items[i];
	if (x->n)
		qsort(x->items, x->n, sizeof(*x->items), by_expiry);
}

static int find_keys(struct expiring *x, struct error *err)
{
	static const char *const narrow[MODULE_ROLES] = { [ROLE_KEYS] = "list-keys" };
	struct buf list = BUF_INIT;
	struct own_key *keys = NULL;
	struct modules m = { 0 };
	size_t n = 0;
	int rc = modules_start(&m, x->config, 1u << ROLE_KEYS, narrow, "expiring", x->until, err);

	if (rc < 0)
		return rc;
	rc = ask_own_keys(&m, &x->arena, &keys, &n, err);
	for (size_t i = 0; i < n; i++) {
		add_key(x, &keys[i], &list);
		X509_free(keys[i].certificate);
	}
	modules_stop(&m, rc == 0 ? GRACE_MS : 0);
	if (rc == 0)
		keep_last(x, &list);
	buf_release(&list);
	return rc;
}

/* ---- what the administrator knows ---- */

static struct last *find_last(struct expiring *x, struct span expiry, struct span address)
{
	for (size_t i = 0; i < x->n; i++)
		if (span_eqstr(address, x->items[i].address))
			return span_eqstr(expiry, x->items[i].expiry) ? &x->items[i] : NULL;
	return NULL;
}

static struct span take_word(struct span *rest)
{
	ptrdiff_t blank = span_find(*rest, ' ');
	struct span word = span_sub(*rest, 0, blank < 0 ? rest->n : (size_t)blank);

	*rest = span_sub(*rest, word.n + 1, rest->n);
	return word;
}

static int read_told(struct expiring *x, struct error *err)
{
	struct buf text = BUF_INIT;
	struct span rest;
	int rc = fs_read(x->file, TOLD_MAX, &text, err);

	for (rest = span_from(buf_str(&text), text.len); rc == 0 && rest.n;) {
		ptrdiff_t end = span_find(rest, '\n');
		struct span line = span_sub(rest, 0, end < 0 ? rest.n : (size_t)end), days = take_word(&line), expiry = take_word(&line);
		struct last *l = find_last(x, expiry, line);
		uint64_t told;

		rest = span_sub(rest, end < 0 ? rest.n : (size_t)end + 1, rest.n);
		if (l && span_number(days, 60, &told))
			l->told = (int)told;
	}
	buf_release(&text);
	return rc == E_NOTFOUND ? 0 : rc;
}

static int write_told(struct expiring *x, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	for (size_t i = 0; i < x->n; i++)
		if (x->items[i].told)
			buf_addf(&text, "%d %s %s\n", x->items[i].told, x->items[i].expiry, x->items[i].address);
	rc = fs_replace(x->file, buf_str(&text), text.len, 0600, err);
	buf_release(&text);
	return rc;
}

static bool is_due(const struct last *l)
{
	if (l->mark == EXPIRED)
		return !l->told || l->told > marks[0];
	return l->mark && (!l->told || l->mark < l->told);
}

static int send_notice(struct expiring *x, const char *text, struct error *err)
{
	struct notice n = { .subject = "Keys expire", .text = text, .queue_id = "", .sender = "", .message_id = "" };
	struct destination internal;
	int rc = destination_parse(&x->arena, x->config->internal, &internal, err);

	if (rc == 0 && internal.kind == DESTINATION_NONE)
		rc = error_set(err, E_CONFIG, "%s: internal is not set: the administrator cannot be told", x->config->file);
	return rc == 0 ? notice_send(&x->arena, x->config, &internal, &n, false, x->until, err) : rc;
}

static int tell(struct expiring *x, struct error *err)
{
	struct buf text = BUF_INIT;
	size_t due = 0;
	int rc = 0;

	buf_addstr(&text, "The last key that signs for each of these addresses expires, and then mail in its name is not signed any more, or "
			  "refused where the rules force a signature, unless there is a key for the whole domain:\n\n");
	for (size_t i = 0; i < x->n; i++) {
		if (!is_due(&x->items[i]))
			continue;
		if (due++ < LISTED_MAX)
			buf_addf(&text, "%s: %.10s%s (%s)\n", x->items[i].address, x->items[i].expiry,
				 x->items[i].mark == EXPIRED ? ", has expired" : "", x->items[i].source);
	}
	if (due > LISTED_MAX)
		buf_addf(&text, "... and %zu more; postern -expiring lists them.\n", due - LISTED_MAX);
	buf_addstr(&text, "\nPut the new certificate with its key where the old one is (the private area, the directory, the database); it may be "
			  "there before it is valid. When the old one has expired, keep it to decrypt: in private/decrypt-only, or as "
			  "the page of the keys module says.");
	if (due)
		rc = send_notice(x, buf_str(&text), err);
	for (size_t i = 0; rc == 0 && i < x->n; i++)
		if (is_due(&x->items[i]))
			x->items[i].told = x->items[i].mark;
	buf_release(&text);
	return rc == 0 ? write_told(x, err) : rc;
}

/* By one process at a time: the other finds that all is told. */
static int tell_once(struct expiring *x, struct error *err)
{
	int lock, rc;

	x->directory = arena_printf(&x->arena, "%s/expiring", x->config->spool);
	x->file = arena_printf(&x->arena, "%s/told", x->directory);
	rc = fs_make_directory(x->directory, 0700, err);
	if (rc < 0)
		return rc;
	lock = hold_lock(x->directory, err);
	if (lock < 0)
		return E_TEMP;
	rc = read_told(x, err);
	if (rc == 0)
		rc = tell(x, err);
	close(lock);
	return rc;
}

static void print(const struct expiring *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct last *l = &x->items[i];

		if (l->left <= 0)
			printf("%.10s  %s  %s  has expired\n", l->expiry, l->address, l->source);
		else if (l->mark)
			printf("%.10s  %s  %s  in %lld days\n", l->expiry, l->address, l->source, (long long)(l->left / DAY));
	}
}

void expiring_run(const struct config *c, struct outcome *out)
{
	struct expiring x = { .config = c, .until = deadline_in((int64_t)c->deadline) };
	struct error err = { 0 };
	int rc = fs_check_user(c->spool, &err);

	openssl_start();
	if (rc == 0)
		rc = find_keys(&x, &err);
	if (rc == 0)
		print(&x);
	if (rc == 0)
		rc = tell_once(&x, &err);
	if (rc < 0)
		outcome_error(out, &err);
	arena_release(&x.arena);
}
