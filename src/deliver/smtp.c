/* smtp.c - smtp:HOST:PORT, lmtp:HOST:PORT, lmtp:unix:PATH (RFC 5321, 2033, 1870, 2920, 6152, 6531, 2034)
 *
 * A reply settles recipients, and only a reply: when the connection ends, what it left open is temporary.  If the
 * peer took the message but its reply to the final dot was lost, the retry is a duplicate; RFC 1047 explains why no
 * client can avoid that.
 *
 * Content with 8-bit bytes goes to a peer without 8BITMIME all the same, as nearly all relays do: it cannot be
 * converted without breaking signatures, and the log says so.
 */
#include <string.h>
#include <sys/un.h>

#include "deliver/copy.h"
#include "deliver/wire.h"
#include "lib/log.h"

#define TRANSACTION_MAX ((size_t)1000) /* recipients of one MAIL transaction */
#define WINDOW ((size_t)50)            /* RCPT commands under way with PIPELINING: neither side's buffers can fill up */

struct session {
	struct delivery *d;
	struct wire wire;
	bool lmtp, broken;
	bool pipelining, eight_bit, utf8, size; /* what the peer offers */
	uint64_t size_limit;                    /* 0: none told */
};

/* ---- configuration ---- */

static int parse_host(struct arena *a, const char *rest, struct destination *out, struct error *err)
{
	const char *colon = strrchr(rest, ':');
	struct span host = span_from(rest, colon ? (size_t)(colon - rest) : strlen(rest));
	bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	uint64_t port;

	if (!colon || !colon[1])
		return error_set(err, E_CONFIG, "a port is missing; write HOST:PORT");
	if (!span_number(span_of(colon + 1), 65535, &port) || !port)
		return error_set(err, E_CONFIG, "\"%s\" is not a port number", colon + 1);
	if (bracketed)
		host = span_sub(host, 1, host.n - 1);
	else if (span_find(host, ':') >= 0)
		return error_set(err, E_CONFIG, "an IPv6 address stands in brackets: [ADDRESS]:PORT");
	if (!host.n || span_find(host, '[') >= 0 || strcspn(rest, " \t/@<>") != strlen(rest))
		return error_set(err, E_CONFIG, "no host's name or address");
	out->host = arena_strndup(a, host.p, host.n);
	out->port = arena_strdup(a, colon + 1);
	return 0;
}

static int parse_lmtp(struct arena *a, const char *rest, struct destination *out, struct error *err)
{
	if (!span_casestarts(span_of(rest), "unix:"))
		return parse_host(a, rest, out, err);
	rest += strlen("unix:");
	if (*rest != '/')
		return error_set(err, E_CONFIG, "the socket must be an absolute path");
	if (strlen(rest) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return error_set(err, E_CONFIG, "the socket's path is longer than the system allows");
	out->path = arena_strdup(a, rest);
	return 0;
}

/* ---- connection ---- */

/* Everything that has no reply yet is temporary. */
static void give_up(struct session *s, const char *status, const char *reason)
{
	s->broken = true;
	delivery_settle_pending(s->d, RECIPIENT_TEMPORARY, status,
				arena_printf(s->d->arena, "%s: %s", s->d->to->text, reason));
}

/* One reply; false if there was none: then everything is settled. */
static bool get_reply(struct session *s, struct reply *r)
{
	struct error err = { 0 };

	if (wire_reply(&s->wire, r, NULL, NULL, &err) == 0 && r->code != 421)
		return true;
	if (r->code == 421) /* closing the channel, RFC 5321 section 3.8 */
		give_up(s, r->status, r->text);
	else
		give_up(s, s->wire.trouble, err.text);
	return false;
}

static void take_keyword(void *arg, size_t line, struct span text)
{
	struct session *s = arg;
	ptrdiff_t blank = span_find(text, ' ');
	struct span word = span_sub(text, 0, blank < 0 ? text.n : (size_t)blank);

	if (line == 0)
		return; /* the peer's name */
	s->pipelining |= span_caseeq(word, "PIPELINING");
	s->eight_bit |= span_caseeq(word, "8BITMIME");
	s->utf8 |= span_caseeq(word, "SMTPUTF8");
	if (span_caseeq(word, "SIZE")) {
		s->size = true;
		if (!span_number(span_trim(span_sub(text, word.n, text.n)), UINT64_MAX, &s->size_limit))
			s->size_limit = 0;
	}
}

static int say_hello(struct session *s, const char *verb, const char *helo, struct reply *r, struct error *err)
{
	if (wire_putf(&s->wire, err, "%s %s\r\n", verb, *helo ? helo : "localhost") < 0)
		return E_TEMP;
	return wire_reply(&s->wire, r, take_keyword, s, err);
}

static int refused_us(struct session *s, const struct reply *r, struct error *err)
{
	s->wire.trouble = "4.3.2";
	return error_set(err, E_TEMP, "%s", r->text);
}

/* Greeting and EHLO (HELO where the peer knows no EHLO) or LHLO.  No service, whatever the reason, is temporary: the
 * operator can mend it, and the mail waits. */
static int greet(struct session *s, const char *helo, struct error *err)
{
	struct reply r;

	if (wire_reply(&s->wire, &r, NULL, NULL, err) < 0)
		return E_TEMP;
	if (r.code != 220)
		return refused_us(s, &r, err);
	if (say_hello(s, s->lmtp ? "LHLO" : "EHLO", helo, &r, err) < 0)
		return E_TEMP;
	if (!s->lmtp && r.code >= 500) {
		s->pipelining = s->eight_bit = s->utf8 = s->size = false;
		if (say_hello(s, "HELO", helo, &r, err) < 0)
			return E_TEMP;
		s->pipelining = s->eight_bit = s->utf8 = s->size = false;
	}
	return r.code == 250 ? 0 : refused_us(s, &r, err);
}

static int open_session(struct session *s, const struct destination *to, const char *helo, deadline until, struct error *err)
{
	int rc = wire_open(&s->wire, to, until, err);

	return rc < 0 ? rc : greet(s, helo, err);
}

/* Everything is settled: no reason to wait for the answer. */
static void close_session(struct session *s)
{
	if (s->wire.fd >= 0 && !s->broken) {
		s->wire.until = deadline_earlier(s->wire.until, deadline_in(100));
		if (wire_putf(&s->wire, NULL, "QUIT\r\n") == 0)
			wire_flush(&s->wire, NULL);
	}
	wire_close(&s->wire);
}

/* ---- replies to recipients ---- */

static void settle(struct session *s, struct parcel_recipient *const *list, size_t n, const struct reply *r)
{
	if (r->code / 100 == 2) {
		delivery_accept(s->d, list, n, r->status, r->text);
		return;
	}
	if (r->code / 100 == 3) {
		give_up(s, "4.5.0", r->text);
		return;
	}
	for (size_t i = 0; i < n; i++)
		delivery_settle(s->d, list[i], r->code / 100 == 4 ? RECIPIENT_TEMPORARY : RECIPIENT_REFUSED, r->status, r->text);
}

/* 452 (and 552 of old) "too many recipients", RFC 5321 section 4.5.3.1.10: those go in a transaction of their own. */
static bool too_many(const struct reply *r)
{
	return (r->code == 452 || r->code == 552) &&
	       (strcmp(r->status + 1, ".5.3") == 0 || strcmp(r->status + 1, ".0.0") == 0);
}

/* ---- one transaction ---- */

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* RFC 6531 section 3.5: without SMTPUTF8 such addresses cannot be served. */
static bool check_utf8(struct session *s)
{
	struct parcel *p = s->d->p;

	if (s->utf8)
		return true;
	if (!is_ascii(p->sender)) {
		delivery_settle_pending(s->d, RECIPIENT_REFUSED, "5.6.7", "the next server does not take a sender with non-ASCII characters");
		return false;
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->recipients[i].state == RECIPIENT_PENDING && !is_ascii(p->recipients[i].address))
			delivery_settle(s->d, &p->recipients[i], RECIPIENT_REFUSED, "5.6.7",
					"the next server does not take addresses with non-ASCII characters");
	return true;
}

static bool check_size(struct session *s)
{
	uint64_t size = segments_length(s->d->p->segments, s->d->p->nsegments);

	if (!s->size_limit || size <= s->size_limit)
		return true;
	delivery_settle_pending(s->d, RECIPIENT_REFUSED, "5.3.4",
				arena_printf(s->d->arena, "the message of %llu bytes is bigger than the %llu the next server takes",
					     (unsigned long long)size, (unsigned long long)s->size_limit));
	return false;
}

static bool needs_utf8(const struct parcel *p, struct parcel_recipient *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_ascii(list[i]->address))
			return true;
	return !is_ascii(p->sender);
}

static int put_mail(struct session *s, struct parcel_recipient *const *list, size_t n, struct error *err)
{
	const struct parcel *p = s->d->p;
	char size[40] = "";

	if (s->size)
		snprintf(size, sizeof(size), " SIZE=%llu", (unsigned long long)segments_length(p->segments, p->nsegments));
	if (p->eight_bit && !s->eight_bit)
		log_info("%s: takes no 8BITMIME; the message is sent with its 8-bit bytes", s->d->to->text);
	return wire_putf(&s->wire, err, "MAIL FROM:<%s>%s%s%s\r\n", p->sender, size,
			 p->eight_bit && s->eight_bit ? " BODY=8BITMIME" : "", needs_utf8(p, list, n) ? " SMTPUTF8" : "");
}

/* The reply to MAIL: one that is no acceptance is every recipient's. */
static bool mail_accepted(struct session *s)
{
	struct reply r;

	if (!get_reply(s, &r))
		return false;
	if (r.code / 100 == 2)
		return true;
	if (r.code / 100 == 3)
		give_up(s, "4.5.0", r.text);
	else
		delivery_settle_pending(s->d, r.code / 100 == 4 ? RECIPIENT_TEMPORARY : RECIPIENT_REFUSED, r.status, r.text);
	return false;
}

/* Reads the replies to n RCPT commands; those that were accepted are added to taken. */
static bool take_rcpt_replies(struct session *s, struct parcel_recipient *const *list, size_t n,
			      struct parcel_recipient **taken, size_t *ntaken)
{
	for (size_t i = 0; i < n; i++) {
		struct reply r;

		if (!get_reply(s, &r))
			return false;
		if (r.code / 100 == 2)
			taken[(*ntaken)++] = list[i];
		else if (!(*ntaken && too_many(&r)))
			settle(s, &list[i], 1, &r);
		if (s->broken)
			return false;
	}
	return true;
}

static int put_rcpts(struct session *s, struct parcel_recipient *const *list, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (wire_putf(&s->wire, err, "RCPT TO:<%s>\r\n", list[i]->address) < 0)
			return E_TEMP;
	return 0;
}

/* MAIL and RCPT; with PIPELINING in groups (RFC 2920).  False: nothing more to do, all of it is settled. */
static bool put_envelope(struct session *s, struct parcel_recipient *const *list, size_t n, struct parcel_recipient **taken,
			 size_t *ntaken)
{
	struct error err = { 0 };
	bool mail_open = true;

	if (put_mail(s, list, n, &err) < 0)
		goto lost;
	if (!s->pipelining && !mail_accepted(s))
		return false;
	for (size_t done = 0, k; done < n; done += k) {
		k = s->pipelining ? (n - done < WINDOW ? n - done : WINDOW) : 1;
		if (put_rcpts(s, list + done, k, &err) < 0)
			goto lost;
		if (s->pipelining && done == 0)
			mail_open = mail_accepted(s);
		if (s->broken)
			return false;
		if (!mail_open) { /* the answers to RCPT are of no interest, but they come */
			struct reply r;

			for (size_t i = 0; i < k && get_reply(s, &r); i++)
				;
			return false;
		}
		if (!take_rcpt_replies(s, list + done, k, taken, ntaken))
			return false;
	}
	return true;
lost:
	give_up(s, s->wire.trouble, err.text);
	return false;
}

/* LMTP: a reply for each recipient (RFC 2033 section 4.2), recorded before the next is waited for. */
static void take_final_replies(struct session *s, struct parcel_recipient *const *taken, size_t n)
{
	struct reply r;

	for (size_t i = 0; i < n && !s->broken && get_reply(s, &r); i++)
		settle(s, &taken[i], 1, &r);
}

static void put_content(struct session *s, struct parcel_recipient *const *taken, size_t n)
{
	struct error err = { 0 };
	struct reply r;

	if (wire_putf(&s->wire, &err, "DATA\r\n") < 0) {
		give_up(s, s->wire.trouble, err.text);
		return;
	}
	if (!get_reply(s, &r))
		return;
	if (r.code != 354) {
		if (r.code / 100 == 2 || r.code / 100 == 3)
			give_up(s, "4.5.0", r.text);
		else
			settle(s, taken, n, &r);
		return;
	}
	if (wire_put_message(&s->wire, s->d->p->segments, s->d->p->nsegments, &err) < 0) {
		give_up(s, s->wire.trouble, err.text);
		return;
	}
	if (s->lmtp)
		take_final_replies(s, taken, n);
	else if (get_reply(s, &r))
		settle(s, taken, n, &r);
}

static void reset(struct session *s)
{
	struct error err = { 0 };
	struct reply r;

	if (wire_putf(&s->wire, &err, "RSET\r\n") < 0)
		give_up(s, s->wire.trouble, err.text);
	else if (get_reply(s, &r) && r.code / 100 != 2)
		give_up(s, "4.5.0", r.text);
}

static void transact(struct session *s, struct parcel_recipient *const *list, size_t n)
{
	struct parcel_recipient **taken = arena_array(s->d->arena, n, sizeof(*taken));
	size_t ntaken = 0, left;

	if (!put_envelope(s, list, n, taken, &ntaken))
		return;
	if (ntaken)
		put_content(s, taken, ntaken);
	delivery_pending(s->d, &left);
	if (left && !s->broken)
		reset(s);
}

static void deliver_over(struct delivery *d, bool lmtp)
{
	struct session s = { .d = d, .lmtp = lmtp };
	struct error err = { 0 };

	if (open_session(&s, d->to, d->helo, d->until, &err) < 0)
		give_up(&s, s.wire.trouble, err.text);
	else if (check_utf8(&s))
		check_size(&s);
	while (!s.broken) {
		size_t n;
		struct parcel_recipient **list = delivery_pending(d, &n);

		if (!n)
			break;
		transact(&s, list, n < TRANSACTION_MAX ? n : TRANSACTION_MAX);
	}
	close_session(&s);
}

static void deliver_smtp(struct delivery *d)
{
	deliver_over(d, false);
}

static void deliver_lmtp(struct delivery *d)
{
	deliver_over(d, true);
}

static int probe_over(const struct destination *to, bool lmtp, const char *helo, deadline until, struct error *err)
{
	struct session s = { .lmtp = lmtp };
	int rc = open_session(&s, to, helo, until, err);

	close_session(&s);
	if (rc < 0)
		error_prefix(err, "%s", to->text);
	return rc;
}

static int probe_smtp(const struct destination *d, const char *helo, deadline until, struct error *err)
{
	return probe_over(d, false, helo, until, err);
}

static int probe_lmtp(const struct destination *d, const char *helo, deadline until, struct error *err)
{
	return probe_over(d, true, helo, until, err);
}

const struct kind kind_smtp = { DESTINATION_SMTP, "smtp:", parse_host, deliver_smtp, probe_smtp };
const struct kind kind_lmtp = { DESTINATION_LMTP, "lmtp:", parse_lmtp, deliver_lmtp, probe_lmtp };
