/* destination.c - the table of kinds, and what all of them have in common
 *
 * The envelope was checked when it came in; it is looked at again here, because here it meets
 * argument lists and protocol lines.
 */
#include "deliver/destination.h"

#include <string.h>

#include "deliver/kind.h"
#include "lib/address.h"
#include "lib/log.h"

static const struct kind *const kinds[] = { &kind_maildir, &kind_smtp, &kind_lmtp, &kind_command };

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *find_kind(enum destination_kind kind)
{
	for (size_t i = 0; i < NKINDS; i++)
		if (kinds[i]->kind == kind)
			return kinds[i];
	return NULL;
}

/* ${sender} and ${recipients} belong to command: alone; a mistyped variable must not become a directory's name. */
static int check_variables(const struct destination *d, const char *text, struct error *err)
{
	const char *p = strstr(text, "${");

	if (!p || d->kind == DESTINATION_COMMAND)
		return 0;
	return error_set(err, E_CONFIG, "unknown variable in \"%s\"", p);
}

int destination_parse(struct arena *a, const char *text, struct destination *out, struct error *err)
{
	struct span trimmed = span_trim(span_of(text));

	*out = (struct destination){ .kind = DESTINATION_NONE };
	text = out->text = arena_strndup(a, trimmed.p, trimmed.n);
	if (!*text || ascii_caseeq(text, "none"))
		return 0;
	for (size_t i = 0; i < NKINDS; i++) {
		size_t n = strlen(kinds[i]->scheme);
		int rc;

		if (!span_casestarts(span_of(text), kinds[i]->scheme))
			continue;
		out->kind = kinds[i]->kind;
		rc = text[n] ? check_variables(out, text, err) : error_set(err, E_CONFIG, "nothing behind the colon");
		if (rc == 0)
			rc = kinds[i]->parse(a, text + n, out, err);
		if (rc < 0) {
			error_prefix(err, "destination \"%s\"", text);
			return E_CONFIG;
		}
		return 0;
	}
	return error_set(err, E_CONFIG, "destination \"%s\" begins with none of maildir: smtp: lmtp: command:", text);
}

/* Cuts s to at most n bytes without halving a UTF-8 sequence. */
static size_t cut_utf8(const char *s, size_t len, size_t n)
{
	if (len <= n)
		return len;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void text_make_line(struct span s, char out[TEXT_MAX + 1])
{
	char line[2 * TEXT_MAX + 1];
	bool utf8 = utf8_valid(s);
	size_t n = 0;

	s = span_trim(s);
	s.n = cut_utf8(s.p, s.n, (size_t)2 * TEXT_MAX);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			c = ' ';
		if (c == ' ' && (!n || line[n - 1] == ' '))
			continue;
		line[n++] = (char)(c >= 0x80 && !utf8 ? '?' : c);
	}
	while (n && line[n - 1] == ' ')
		n--;
	n = cut_utf8(line, n, TEXT_MAX);
	memcpy(out, line, n);
	out[n] = '\0';
}

/* One to three digits (RFC 3463 section 2). */
static size_t status_digits(struct span s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && ascii_digit((unsigned char)s.p[at + n]))
		n++;
	return n <= 3 ? n : 0;
}

bool status_parse(struct span s, char class, char out[STATUS_MAX])
{
	size_t subject, detail, end;

	out[0] = '\0';
	if (s.n < 5 || s.p[0] != class || s.p[1] != '.')
		return false;
	subject = status_digits(s, 2);
	if (!subject || 2 + subject >= s.n || s.p[2 + subject] != '.')
		return false;
	detail = status_digits(s, 3 + subject);
	end = 3 + subject + detail;
	if (!detail || (end < s.n && !ascii_space((unsigned char)s.p[end])))
		return false;
	memcpy(out, s.p, end);
	out[end] = '\0';
	return true;
}

void delivery_settle(struct delivery *d, struct parcel_recipient *r, enum recipient_state state, const char *status,
		     const char *text)
{
	char line[TEXT_MAX + 1];

	text_make_line(span_of(text), line);
	r->state = state;
	r->status = arena_strdup(d->arena, status);
	r->text = arena_strdup(d->arena, line);
}

void delivery_settle_pending(struct delivery *d, enum recipient_state state, const char *status, const char *text)
{
	for (size_t i = 0; i < d->p->n; i++)
		if (d->p->recipients[i].state == RECIPIENT_PENDING)
			delivery_settle(d, &d->p->recipients[i], state, status, text);
}

void delivery_accept(struct delivery *d, struct parcel_recipient *const *list, size_t n, const char *status,
		     const char *text)
{
	struct parcel_recipient *together;
	struct error err = { 0 };

	if (!n)
		return;
	together = arena_array(d->arena, n, sizeof(*together));
	for (size_t i = 0; i < n; i++) {
		delivery_settle(d, list[i], RECIPIENT_ACCEPTED, status, text);
		together[i] = *list[i];
	}
	if (!d->accepted || d->accepted(d->arg, together, n, &err) == 0)
		return;
	log_error("%s: accepted for %zu recipients, but that could not be recorded: %s", d->to->text, n, err.text);
	if (!d->failed.code)
		d->failed = err;
	if (!d->failed.code)
		error_set(&d->failed, E_TEMP, "acceptance could not be recorded");
}

struct parcel_recipient **delivery_pending(struct delivery *d, size_t *n)
{
	struct parcel_recipient **list = arena_array(d->arena, d->p->n, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < d->p->n; i++)
		if (d->p->recipients[i].state == RECIPIENT_PENDING)
			list[(*n)++] = &d->p->recipients[i];
	return list;
}

/* Less strict than address_check(): the administrator's address may have no domain. */
static bool safe_address(const char *s)
{
	if (!*s || *s == '-' || strlen(s) > ADDRESS_MAX)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '<' || *s == '>')
			return false;
	return true;
}

static void refuse_unsafe(struct delivery *d)
{
	if (*d->p->sender && !safe_address(d->p->sender))
		delivery_settle_pending(d, RECIPIENT_REFUSED, "5.1.7", "the sender's address is not safe to pass on");
	for (size_t i = 0; i < d->p->n; i++)
		if (d->p->recipients[i].state == RECIPIENT_PENDING && !safe_address(d->p->recipients[i].address))
			delivery_settle(d, &d->p->recipients[i], RECIPIENT_REFUSED, "5.1.3",
					"the address is not safe to pass on");
}

int destination_deliver(struct arena *a, const struct destination *to, const char *helo, struct parcel *p, deadline until,
			accepted_call *accepted, void *arg, struct error *err)
{
	const struct kind *kind = find_kind(to->kind);
	struct delivery d = { .arena = a, .to = to, .helo = helo, .p = p, .until = until, .accepted = accepted, .arg = arg };
	size_t n;

	if (!kind) {
		delivery_settle_pending(&d, RECIPIENT_TEMPORARY, "4.3.5", "no destination is configured");
		return error_set(err, E_CONFIG, "no destination is configured");
	}
	refuse_unsafe(&d);
	delivery_pending(&d, &n);
	if (n)
		kind->deliver(&d);
	delivery_settle_pending(&d, RECIPIENT_TEMPORARY, "4.3.0", "the destination said nothing about this recipient");
	if (d.failed.code)
		return error_set(err, d.failed.code, "%s", d.failed.text);
	return 0;
}

int destination_probe(const struct destination *d, const char *helo, deadline until, struct error *err)
{
	const struct kind *kind = find_kind(d->kind);

	if (!kind)
		return 0; /* "none" needs nothing */
	return kind->probe(d, helo, until, err);
}
