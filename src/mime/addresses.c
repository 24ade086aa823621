/* addresses.c - the addr-specs of an address list (RFC 5322 section 3.4)
 *
 * Decisions about keys and signers hang on these, so unlike the rest of the header code this is strict: what
 * two programs could read differently is E_PERM.
 */
#include "mime/charset.h"
#include "mime/header.h"

struct list {
	struct arena *arena;
	struct span in;
	size_t at;
	bool group;      /* inside one */
	bool indirect;   /* there was a group or a route */
	const char **addresses;
	size_t n, room;
	struct error *err;
};

static int malformed(struct list *l, const char *reason)
{
	return error_set(l->err, E_PERM, "address list: %s at byte %zu", reason, l->at);
}

static int peek(const struct list *l)
{
	return l->at < l->in.n ? (unsigned char)l->in.p[l->at] : -1;
}

static int skip_comment(struct list *l)
{
	size_t depth = 0;

	for (; l->at < l->in.n; l->at++) {
		int c = peek(l);

		if (c == '\\')
			l->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	if (l->at >= l->in.n)
		return malformed(l, "comment without end");
	l->at++;
	return 0;
}

/* Comments and folding white space. */
static int skip(struct list *l)
{
	for (int c = peek(l); c == '(' || (c >= 0 && ascii_space(c)); c = peek(l)) {
		if (c != '(')
			l->at++;
		else if (skip_comment(l) < 0)
			return E_PERM;
	}
	return 0;
}

static bool is_atom(int c)
{
	return c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,.\"", c);
}

/* A quoted string or domain literal, as it stands but for folding. */
static int read_enclosed(struct list *l, char close, struct buf *out)
{
	buf_addch(out, l->in.p[l->at]);
	for (l->at++; l->at < l->in.n; l->at++) {
		char c = l->in.p[l->at];

		if (c == '\r' || c == '\n')
			continue;
		if ((unsigned char)c < 0x20 && c != '\t')
			return malformed(l, "control character");
		buf_addch(out, c);
		if (c == close) {
			l->at++;
			return 0;
		}
		if (c == '\\' && l->at + 1 < l->in.n && l->in.p[l->at + 1] >= ' ')
			buf_addch(out, l->in.p[++l->at]);
	}
	return malformed(l, close == ']' ? "domain literal without end" : "quoted string without end");
}

/* An atom or quoted string. */
static int read_word(struct list *l, struct buf *out)
{
	if (peek(l) == '"')
		return read_enclosed(l, '"', out);
	if (!is_atom(peek(l)))
		return malformed(l, peek(l) < 0 ? "address incomplete" : "unexpected character");
	while (is_atom(peek(l)))
		buf_addch(out, l->in.p[l->at++]);
	return 0;
}

/* word *("." word): *words counts what a phrase may have and a local part may not, a blank between two. */
static int read_local(struct list *l, struct buf *out, bool *phrase)
{
	*phrase = false;
	for (;;) {
		if (read_word(l, out) < 0 || skip(l) < 0)
			return E_PERM;
		while (peek(l) == '.') {
			buf_addch(out, '.');
			l->at++;
			if (skip(l) < 0)
				return E_PERM;
			*phrase |= peek(l) == '.'; /* "J.. Doe" is no local part */
			if (peek(l) != '.' && peek(l) != '"' && !is_atom(peek(l))) {
				*phrase = true; /* "John Q. <...>" */
				return 0;
			}
		}
		if (peek(l) != '"' && !is_atom(peek(l)))
			return 0;
		*phrase |= out->data[out->len - 1] != '.';
	}
}

static int read_domain(struct list *l, struct buf *out)
{
	if (skip(l) < 0)
		return E_PERM;
	if (peek(l) == '[')
		return read_enclosed(l, ']', out) < 0 || skip(l) < 0 ? E_PERM : 0;
	for (;;) {
		if (!is_atom(peek(l)))
			return malformed(l, "no domain");
		while (is_atom(peek(l)))
			buf_addch(out, l->in.p[l->at++]);
		if (skip(l) < 0)
			return E_PERM;
		if (peek(l) != '.')
			return 0;
		buf_addch(out, '.');
		l->at++;
		if (skip(l) < 0)
			return E_PERM;
	}
}

static int add(struct list *l, const struct buf *address)
{
	if (memchr(address->data, '\0', address->len))
		return malformed(l, "NUL");
	for (size_t i = 0; i < address->len;) {
		size_t k = utf8_length(address->data + i, address->len - i);

		if (!k)
			return malformed(l, "address is not UTF-8");
		i += k;
	}
	if (l->n == l->room) {
		l->room = l->room * 2 + 8;
		l->addresses = mem_resize(l->addresses, l->room * sizeof(*l->addresses));
	}
	l->addresses[l->n++] = arena_strndup(l->arena, address->data, address->len);
	return 0;
}

/* local-part has been read into *b, the @ is next. */
static int finish_address(struct list *l, struct buf *b)
{
	buf_addch(b, '@');
	l->at++;
	return read_domain(l, b) < 0 ? E_PERM : add(l, b);
}

/* <@a,@b:local@domain>: the obsolete route is not part of the address. */
static int skip_route(struct list *l)
{
	struct buf route = BUF_INIT;
	int rc = 0;

	l->indirect = true;
	while (rc == 0 && peek(l) == '@') {
		l->at++;
		rc = read_domain(l, &route);
		while (rc == 0 && peek(l) == ',') {
			l->at++;
			rc = skip(l);
		}
	}
	buf_release(&route);
	if (rc == 0 && peek(l) != ':')
		rc = malformed(l, "route without \":\"");
	if (rc == 0) {
		l->at++;
		rc = skip(l);
	}
	return rc;
}

static int read_angle(struct list *l, struct buf *b)
{
	bool phrase;

	buf_clear(b);
	l->at++;
	if (skip(l) < 0 || (peek(l) == '@' && skip_route(l) < 0) || read_local(l, b, &phrase) < 0)
		return E_PERM;
	if (phrase || peek(l) != '@')
		return malformed(l, "no address between < and >");
	if (finish_address(l, b) < 0)
		return E_PERM;
	if (peek(l) != '>')
		return malformed(l, "no \">\"");
	l->at++;
	return skip(l);
}

static int open_group(struct list *l)
{
	if (l->group)
		return malformed(l, "group in a group");
	l->group = l->indirect = true;
	l->at++;
	return 0;
}

/* A mailbox, or the name of a group with its colon. */
static int read_element(struct list *l, struct buf *b)
{
	bool phrase = true;

	buf_clear(b);
	if (peek(l) != '<' && read_local(l, b, &phrase) < 0)
		return E_PERM;
	if (peek(l) == '<')
		return read_angle(l, b);
	if (peek(l) == ':')
		return open_group(l);
	if (phrase || peek(l) != '@')
		return malformed(l, "no address");
	return finish_address(l, b);
}

static int close_group(struct list *l)
{
	if (!l->group)
		return malformed(l, "\";\" outside a group");
	l->group = false;
	l->at++;
	if (skip(l) < 0)
		return E_PERM;
	return peek(l) < 0 || peek(l) == ',' ? 0 : malformed(l, "no comma behind a group");
}

static int read_list(struct list *l, struct buf *b)
{
	bool any = false;

	for (;;) {
		int c;

		if (skip(l) < 0)
			return E_PERM;
		c = peek(l);
		if (c < 0)
			break;
		if (c == ',') { /* empty elements are obsolete, and harmless */
			l->at++;
			continue;
		}
		any = true;
		if (c == ';') {
			if (close_group(l) < 0)
				return E_PERM;
			continue;
		}
		if (read_element(l, b) < 0)
			return E_PERM;
		c = peek(l);
		if (c >= 0 && c != ',' && c != ';' && l->in.p[l->at - 1] != ':')
			return malformed(l, "no comma between two addresses");
	}
	if (l->group)
		return malformed(l, "group without \";\"");
	return any ? 0 : malformed(l, "nothing in it");
}

static int read_all(struct list *l, const char ***addresses, size_t *n)
{
	struct buf b = BUF_INIT;
	int rc;

	*addresses = NULL;
	*n = 0;
	rc = read_list(l, &b);
	if (rc == 0) {
		*addresses = arena_array(l->arena, l->n, sizeof(**addresses));
		if (l->n)
			memcpy(*addresses, l->addresses, l->n * sizeof(**addresses));
		*n = l->n;
	}
	free(l->addresses);
	buf_release(&b);
	return rc;
}

int header_addresses(struct arena *a, struct span value, const char ***addresses, size_t *n, struct error *err)
{
	struct list l = { .arena = a, .in = value, .err = err };

	return read_all(&l, addresses, n);
}

/* The addr-spec of a value that is one mailbox, without a group (RFC 6854) or a route around it, which readers show in
 * different ways; "" on failure.  E_PERM otherwise. */
static int one_mailbox(struct arena *a, struct span value, const char **address, struct error *err)
{
	struct list l = { .arena = a, .in = value, .err = err };
	const char **addresses;
	size_t n;
	int rc = read_all(&l, &addresses, &n);

	*address = "";
	if (rc == 0 && (n != 1 || l.indirect))
		rc = error_set(err, E_PERM, "not exactly one mailbox");
	if (rc == 0)
		*address = addresses[0];
	return rc;
}

const char *header_from(struct arena *a, const struct header *h)
{
	const struct header_field *f = header_find(h, "From", NULL);
	const char *address = "";

	if (f && !header_find(h, "From", f))
		one_mailbox(a, f->value, &address, NULL);
	return address;
}
