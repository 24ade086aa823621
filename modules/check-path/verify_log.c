/* verify_log.c - one line for every certificate that was checked
 *
 * Auditors and scripts read this file for years: fields keep their names and their order, new ones come last.
 */
#include "check-path/verify_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check-path/pseudonym.h"
#include "lib/address.h"
#include "lib/log.h"
#include "lib/moment.h"

#define VALUE_MAX ((size_t)1000)
#define EVIDENCE_MAX ((size_t)4000)

/* separator: another character that stands for its bytes; 0: none */
static void add_escaped(struct buf *out, const char *value, size_t most, char separator)
{
	size_t end = out->len + most;

	for (const char *p = value; *p;) {
		size_t n = *p == '\\' ? 0 : utf8_plain(p);

		if (out->len >= end) {
			buf_addstr(out, "...");
			return;
		}
		if (n && *p != separator)
			buf_add(out, p, n);
		else if (*p == '\\')
			buf_addstr(out, "\\\\");
		else
			buf_addf(out, "\\x%02x", (unsigned char)*p);
		p += n ? n : 1;
	}
}

static void add_name(struct buf *out, const char *name)
{
	buf_addf(out, "%s%s=", out->len && out->data[out->len - 1] != '\n' ? "\t" : "", name);
}

static void add_value(struct buf *out, const char *name, const char *value)
{
	add_name(out, name);
	add_escaped(out, value, VALUE_MAX, 0);
}

static void add_moment(struct buf *out, const char *name, time_t when)
{
	char text[MOMENT_TEXT];

	moment_text(when, text);
	if (when)
		buf_addf(out, " %s=%s", name, text);
}

/* "crl serial=2F number=1F this=... next=... source=/etc/postern/certs/crl/ca.crl; remark source=..." */
static void add_evidence(struct buf *out, const struct check_answer *answer)
{
	size_t start;

	add_name(out, "evidence");
	start = out->len;
	for (const struct check_evidence *e = answer->evidence; e; e = e->next) {
		if (out->len - start > EVIDENCE_MAX) {
			buf_addstr(out, "; ...");
			return;
		}
		buf_addf(out, "%s%s", e == answer->evidence ? "" : "; ", e->kind);
		if (*e->about)
			buf_addf(out, " serial=%s", e->about);
		if (*e->number) {
			buf_addstr(out, " number=");
			add_escaped(out, e->number, VALUE_MAX, ';');
		}
		add_moment(out, "this", e->time);
		add_moment(out, "next", e->until);
		buf_addstr(out, " source=");
		add_escaped(out, e->source, VALUE_MAX, ';');
	}
}

void verify_log_format(struct buf *out, time_t now, const char *queue_id, const struct check_request *request,
		       const struct check_answer *answer)
{
	char stamp[MOMENT_TEXT];

	moment_text(now, stamp);
	add_value(out, "time", stamp);
	add_value(out, "queue-id", queue_id);
	add_value(out, "address", request->address);
	add_value(out, "subject", answer->subject);
	add_value(out, "issuer", answer->issuer);
	add_value(out, "serial", answer->serial);
	add_value(out, "verdict", check_verdict_word(answer->verdict));
	add_value(out, "reason", answer->reason);
	add_value(out, "purpose", check_purpose_word(request->purpose));
	add_evidence(out, answer);
	buf_addch(out, '\n');
}

static int append(const char *path, const struct buf *line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, line->data, line->len);
	if (n >= 0 && (size_t)n < line->len) {
		n = -1;
		errno = ENOSPC;
	}
	if (close(fd) < 0)
		return -1;
	return n < 0 ? -1 : 0;
}

void verify_log_write(const char *path, const char *queue_id, const struct check_request *request,
		      const struct check_answer *answer)
{
	static bool complained;
	struct buf line = BUF_INIT;

	if (!*path)
		return;
	verify_log_format(&line, time(NULL), queue_id, request, answer);
	if (append(path, &line) < 0 && !complained) {
		log_warning("verify log %s: %s", path, strerror(errno));
		complained = true;
	}
	buf_release(&line);
}

/* ---- pseudonyms ---- */

struct disguise {
	struct arena arena;
	struct pseudonym_key key;
	bool has_key;
};

static const char *whole(struct disguise *d, const char *text)
{
	char word[PSEUDONYM_TEXT] = "~";

	if (!*text)
		return "";
	if (d->has_key)
		pseudonym_text(&d->key, text, word);
	return arena_strdup(&d->arena, word);
}

static const char *scrubbed(struct disguise *d, const char *text)
{
	struct buf b = BUF_INIT;
	const char *s;

	if (!strchr(text, '@'))
		return text;
	if (!d->has_key)
		return "~";
	pseudonym_scrub(&d->key, text, &b);
	s = arena_strdup(&d->arena, buf_str(&b));
	buf_release(&b);
	return s;
}

static struct check_evidence *disguised_evidence(struct disguise *d, const struct check_answer *answer)
{
	struct check_evidence *first = NULL, **last = &first;

	for (const struct check_evidence *e = answer->evidence; e; e = e->next) {
		struct check_evidence *copy = arena_memdup(&d->arena, e, sizeof(*e));

		copy->source = scrubbed(d, e->source);
		copy->number = scrubbed(d, e->number);
		if (strcmp(e->about, answer->serial) == 0)
			copy->about = whole(d, e->about);
		copy->next = NULL;
		*last = copy;
		last = &copy->next;
	}
	return first;
}

static void disguise(struct disguise *d, struct check_request *request, struct check_answer *answer)
{
	answer->evidence = disguised_evidence(d, answer);
	answer->issuer = strcmp(answer->issuer, answer->subject) == 0 ? whole(d, answer->issuer) : scrubbed(d, answer->issuer);
	answer->subject = whole(d, answer->subject);
	answer->serial = whole(d, answer->serial);
	request->address = whole(d, request->address);
}

void verify_log_add(const struct config *config, const char *queue_id, const struct check_request *request,
		    const struct check_answer *answer)
{
	static bool complained;
	struct disguise d = { .arena = ARENA_INIT };
	struct check_request q = *request;
	struct check_answer a = *answer;
	struct error err = { 0 };

	if (*config->verify_log && config->verify_log_pseudonyms) {
		d.has_key = pseudonym_key(config->spool, config->log_privacy_days, time(NULL), &d.key, &err) == 0;
		if (!d.has_key && !complained)
			log_warning("verify log without pseudonyms, because their key cannot be used: %s", err.text);
		complained |= !d.has_key;
		disguise(&d, &q, &a);
	}
	verify_log_write(config->verify_log, queue_id, &q, &a);
	pseudonym_wipe(&d.key);
	arena_release(&d.arena);
}
