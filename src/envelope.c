/* envelope.c - who sends to whom, and from where */
#include "envelope.h"

#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/lookup.h"
#include "mime/header.h"

#define QUEUE_ID_MAX 60

static enum origin origin_of(const struct config *c, const struct net *client, bool known)
{
	if (!known)
		return ORIGIN_OUTSIDE;
	if (netlist_contains(c->scanner_clients.items, c->scanner_clients.n, client))
		return ORIGIN_SCANNER;
	if (netlist_contains(c->internal_clients.items, c->internal_clients.n, client))
		return ORIGIN_INSIDE;
	return ORIGIN_OUTSIDE;
}

/* "<a@b>" and "a@b" are the same address, MTAs pass both; so are "a"@b and a@b. */
static const char *plain(struct arena *a, const char *text)
{
	size_t n = strlen(text);

	if (n >= 2 && text[0] == '<' && text[n - 1] == '>')
		text = arena_strndup(a, text + 1, n - 2);
	return address_unquoted(a, text);
}

/* What the mail server writes itself has no sender, but Sendmail names one to a program: MAILER-DAEMON of this machine. */
static bool is_mail_daemon(const char *sender, const char *hostname)
{
	static const char name[] = "MAILER-DAEMON";
	struct span s = span_of(sender);

	if (!span_casestarts(s, name))
		return false;
	s = span_sub(s, sizeof(name) - 1, s.n);
	return !s.n || (hostname && *s.p == '@' && span_caseeq(span_sub(s, 1, s.n), hostname));
}

static int set_sender(struct arena *a, struct envelope *e, const char *text, struct error *err)
{
	const char *sender = plain(a, text);

	e->sender_known = true;
	e->sender = "";
	if (!*sender || is_mail_daemon(sender, e->hostname))
		return 0;
	if (address_check(sender, err) < 0)
		return error_prefix(err, "sender");
	e->sender = arena_strdup(a, sender);
	return 0;
}

/* Keeps the first of those that are named twice. */
static void drop_duplicates(struct arena *a, struct envelope *e)
{
	struct lookup all;
	size_t n = 0;

	lookup_make(a, e->recipients, e->n, &all);
	for (size_t i = 0; i < e->n; i++)
		if ((size_t)lookup_find(&all, e->recipients[i]) == i)
			e->recipients[n++] = e->recipients[i];
	e->n = n;
}

/* Where a domain goes that is not ours, a mail server decides after it has mapped it (UTS #46): letters of full width, an ideographic full
 * stop, a soft hyphen would lead to a partner whose rules were not looked at.  In A-labels a domain goes where it says. */
static int check_recipient(struct arena *a, const struct config *c, const char **address, struct error *err)
{
	int rc = address_check(*address, err);

	if (rc < 0 || config_is_local(c, *address))
		return rc;
	rc = address_to_ascii(a, address, err);
	return rc < 0 ? rc : address_check(*address, err); /* it may have become too long */
}

static int set_recipients(struct arena *a, const struct config *c, const struct options *o, struct envelope *e,
			  struct error *err)
{
	struct error why = { 0 };

	if (o->nrecipients > c->recipient_limit)
		return error_set(err, E_LIMIT, "%zu recipients, recipient_limit is %zu", o->nrecipients,
				 (size_t)c->recipient_limit);
	e->recipients = arena_array(a, o->nrecipients, sizeof(*e->recipients));
	e->ill_formed = arena_array(a, o->nrecipients, sizeof(*e->ill_formed));
	e->why = arena_array(a, o->nrecipients, sizeof(*e->why));
	for (size_t i = 0; i < o->nrecipients; i++) {
		const char *address = plain(a, o->recipients[i]);

		if (check_recipient(a, c, &address, &why) < 0) {
			e->ill_formed[e->nill] = address;
			e->why[e->nill++] = arena_strdup(a, why.text);
		} else {
			e->recipients[e->n++] = address;
		}
	}
	drop_duplicates(a, e);
	return e->n ? 0 : error_set(err, E_PERM, "recipient %s", e->why[0]);
}

/* A queue id becomes part of log lines and file names. */
static const char *clean_queue_id(struct arena *a, const char *text)
{
	char *id = arena_strndup(a, text, strnlen(text, QUEUE_ID_MAX));

	for (char *p = id; *p; p++)
		if (!ascii_alpha((unsigned char)*p) && !ascii_digit((unsigned char)*p) && !strchr("-_.", *p))
			*p = '_';
	return id;
}

int envelope_from_options(struct arena *a, const struct config *c, const struct options *o, struct envelope *out,
			  struct error *err)
{
	struct net client;
	bool known;
	int rc;

	*out = (struct envelope){ .sender = "", .hostname = c->hostname, .client = *o->client ? o->client : "this machine" };
	out->queue_id = clean_queue_id(a, o->queue_id);
	if (client_parse(o->client, &client, &known, err) < 0)
		return error_set(err, E_CONFIG, "-client: %s", err->text);
	out->origin = origin_of(c, &client, known);
	rc = o->sender ? set_sender(a, out, o->sender, err) : 0;
	return rc < 0 ? rc : set_recipients(a, c, o, out, err);
}

int envelope_sender_from(struct arena *a, struct envelope *e, struct span message, size_t header_limit, size_t *skip,
			 struct error *err)
{
	const struct header_field *path;
	const char *sender = NULL;
	struct header h;
	int rc;

	*skip = mbox_from_line(a, message, &sender);
	if (e->sender_known)
		return 0;
	if (*skip && sender)
		return set_sender(a, e, sender, err);
	rc = header_parse(a, span_sub(message, *skip, message.n), header_limit, &h, err);
	if (rc < 0)
		return rc;
	path = header_find(&h, "Return-Path", NULL);
	return set_sender(a, e, path ? header_unfold(a, path->value) : "", err);
}
