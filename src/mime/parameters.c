/* parameters.c - values with parameters: Content-Type, Content-Disposition (RFC 2045 section 5, RFC 2231)
 *
 * Mail is full of values that break the grammar.  They are read as most programs read them and marked
 * malformed or duplicate, so that whoever needs certainty can refuse them.
 */
#include "mime/charset.h"
#include "mime/header.h"

#define PLAIN (-1) /* index of a parameter without a *number */

/* One parameter as it stands: name, name*, name*3, name*3*. */
struct piece {
	const char *name; /* lower case, without asterisks */
	long index;
	bool extended;    /* percent-encoded */
	struct buf value;
	size_t place;
};

struct reader {
	struct span in;
	size_t at;
	bool malformed, unusual;
	struct piece *pieces;
	size_t n, room;
};

static int peek(const struct reader *r)
{
	return r->at < r->in.n ? (unsigned char)r->in.p[r->at] : -1;
}

/* A comment from its parenthesis on, nested to any depth. */
static void skip_comment(struct reader *r)
{
	size_t depth = 0;

	r->unusual = true;
	for (; r->at < r->in.n; r->at++) {
		int c = peek(r);

		if (c == '\\')
			r->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	if (r->at >= r->in.n) {
		r->malformed = true;
		r->at = r->in.n;
	} else {
		r->at++;
	}
}

static void skip_blank(struct reader *r)
{
	for (int c = peek(r); c == '(' || (c >= 0 && ascii_space(c)); c = peek(r)) {
		if (c == '(')
			skip_comment(r);
		else
			r->at++;
	}
}

static struct span token(struct reader *r, const char *end)
{
	size_t from = r->at;

	for (int c = peek(r); c > ' ' && c != 0x7f && !strchr(end, c); c = peek(r))
		r->at++;
	return span_sub(r->in, from, r->at);
}

static char *lower(struct arena *a, struct span s)
{
	struct buf b = BUF_INIT;
	char *p;

	text_append(&b, s);
	p = arena_strndup(a, buf_str(&b), b.len);
	for (char *c = p; *c; c++)
		*c = (char)ascii_lower((unsigned char)*c);
	buf_release(&b);
	return p;
}

/* "type/subtype" or one word; blanks and comments around the slash are taken out. */
static const char *read_text(struct reader *r, struct arena *a)
{
	struct span first, second;
	size_t end;

	skip_blank(r);
	first = token(r, ";/(");
	end = r->at;
	skip_blank(r);
	if (peek(r) != '/') {
		r->malformed |= first.n == 0;
		return lower(a, first);
	}
	r->at++;
	skip_blank(r);
	r->unusual |= r->at != end + 1;
	second = token(r, ";(");
	r->malformed |= first.n == 0 || second.n == 0;
	return arena_printf(a, "%s/%s", lower(a, first), lower(a, second));
}

/* To the next semicolon; anything but blanks and comments there is malformed. */
static void next_parameter(struct reader *r)
{
	skip_blank(r);
	while (r->at < r->in.n && peek(r) != ';') {
		r->malformed = true;
		r->at++;
	}
	if (r->at < r->in.n)
		r->at++;
}

static void read_quoted(struct reader *r, struct buf *out)
{
	for (r->at++; r->at < r->in.n; r->at++) {
		char c = r->in.p[r->at];

		if (c == '"') {
			r->at++;
			return;
		}
		r->unusual |= c == '\\' || c == '\n';
		if (c == '\\' && r->at + 1 < r->in.n)
			c = r->in.p[++r->at];
		else if (c == '\n' || (c == '\r' && r->at + 1 < r->in.n && r->in.p[r->at + 1] == '\n'))
			continue;
		buf_addch(out, c);
	}
	r->malformed = true;
}

/* Unquoted: up to the semicolon, blanks inside kept (file names), without a comment behind a blank.  Special characters
 * that many programs forget to quote and all read alike, as in =_NextPart, are no fault. */
static void read_bare(struct reader *r, struct buf *out)
{
	size_t from = r->at, end;

	while (r->at < r->in.n && peek(r) != ';') {
		if (peek(r) == '(' && r->at > from && ascii_space((unsigned char)r->in.p[r->at - 1]))
			break;
		r->at++;
	}
	for (end = r->at; end > from && ascii_space((unsigned char)r->in.p[end - 1]);)
		end--;
	r->malformed |= end == from;
	for (size_t i = from; i < end; i++) {
		unsigned char c = (unsigned char)r->in.p[i];

		r->malformed |= c <= ' ' || c >= 0x7f || strchr("(),\\\"", c) != NULL;
		if (c != '\r' && c != '\n')
			buf_addch(out, (char)c);
	}
}

static struct piece *add_piece(struct reader *r)
{
	if (r->n == r->room) {
		r->room = r->room * 2 + 8;
		r->pieces = mem_resize(r->pieces, r->room * sizeof(*r->pieces));
	}
	r->pieces[r->n] = (struct piece){ .index = PLAIN, .place = r->n };
	return &r->pieces[r->n++];
}

/* name*3* : which part of which parameter (RFC 2231 section 3). */
static void read_name(struct arena *a, struct reader *r, struct piece *p, struct span name)
{
	ptrdiff_t star = span_find(name, '*');
	struct span number;
	uint64_t index;

	if (star < 0) {
		p->name = lower(a, name);
		return;
	}
	p->name = lower(a, span_sub(name, 0, (size_t)star));
	number = span_sub(name, (size_t)star + 1, name.n);
	p->extended = number.n == 0 || number.p[number.n - 1] == '*';
	if (number.n == 0)
		return;
	if (p->extended)
		number.n--;
	if (!span_number(number, 99999, &index) || (number.n > 1 && number.p[0] == '0')) {
		r->malformed = true; /* a name of its own */
		p->name = lower(a, name);
		p->extended = false;
		return;
	}
	p->index = (long)index;
}

static void read_parameter(struct arena *a, struct reader *r)
{
	struct span name;
	struct piece *p;
	size_t end;

	skip_blank(r);
	if (r->at >= r->in.n || peek(r) == ';')
		return;
	name = token(r, ";=(");
	end = r->at;
	skip_blank(r);
	if (!name.n || peek(r) != '=') {
		r->malformed = true;
		return;
	}
	r->unusual |= r->at != end;
	r->at++;
	skip_blank(r);
	p = add_piece(r);
	read_name(a, r, p, name);
	if (peek(r) == '"')
		read_quoted(r, &p->value);
	else
		read_bare(r, &p->value);
}

/* By name, then the extended value before its pieces before the plain one, then by number and place. */
static int compare_pieces(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;
	int names = strcmp(a->name, b->name);
	int kind_a = a->index != PLAIN ? 1 : a->extended ? 0 : 2, kind_b = b->index != PLAIN ? 1 : b->extended ? 0 : 2;

	if (names)
		return names;
	if (kind_a != kind_b)
		return kind_a - kind_b;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static bool percent_decode(struct buf *out, struct span s)
{
	bool good = true;

	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit((unsigned char)s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit((unsigned char)s.p[i + 2]) : -1;

		good &= s.p[i] != '%' || low >= 0;
		buf_addch(out, low >= 0 ? (char)(high << 4 | low) : s.p[i]);
		i += low >= 0 ? 2 : 0;
	}
	return good;
}

/* charset'language'text: takes the front off, "" if there is none. */
static struct span take_charset(struct span *value)
{
	ptrdiff_t one = span_find(*value, '\''), two = one < 0 ? -1 :
		span_find(span_sub(*value, (size_t)one + 1, value->n), '\'');
	struct span charset = span_sub(*value, 0, two < 0 ? 0 : (size_t)one);

	if (two >= 0)
		*value = span_sub(*value, (size_t)(one + two) + 2, value->n);
	return charset;
}

static struct span piece_span(const struct piece *p)
{
	return span_from(buf_str(&p->value), p->value.len);
}

/* Joins pieces[from..to) of one name; returns false when they do not begin with number 0. */
static bool join(struct arena *a, struct reader *r, size_t from, size_t to, struct parameter *out)
{
	struct span charset = span_from(NULL, 0);
	struct buf bytes = BUF_INIT, text = BUF_INIT;
	long next = r->pieces[from].index;

	if (next > 0)
		return false;
	for (size_t i = from; i < to && r->pieces[i].index <= next; i++) {
		struct span value = piece_span(&r->pieces[i]);

		if (r->pieces[i].index < next)
			continue; /* a number twice: the first one was taken */
		if (r->pieces[i].extended && i == from) {
			struct span all = value;

			charset = take_charset(&value);
			r->malformed |= all.n == value.n;
		}
		if (!r->pieces[i].extended)
			buf_add(&bytes, value.p, value.n);
		else if (!percent_decode(&bytes, value))
			r->malformed = true;
		if (next == PLAIN)
			break;
		next++;
	}
	out->name = r->pieces[from].name;
	out->raw = span_from(arena_memdup(a, buf_str(&bytes), bytes.len), bytes.len);
	if (!charset.n || !text_convert(&text, charset, out->raw))
		text_append(&text, out->raw);
	out->value = arena_strndup(a, buf_str(&text), text.len);
	buf_release(&bytes);
	buf_release(&text);
	return true;
}

/* One name's pieces: more than one value of it, or a number missing or twice, is an ambiguity. */
static bool settle(struct arena *a, struct reader *r, size_t from, size_t to, struct header_value *out, struct parameter *p)
{
	for (size_t i = from + 1; i < to; i++) {
		const struct piece *one = &r->pieces[i - 1], *two = &r->pieces[i];

		if (one->index == PLAIN || two->index == PLAIN || one->index == two->index)
			out->duplicate = true;
		else if (two->index != one->index + 1)
			r->malformed = true;
	}
	for (; from < to; from++) {
		if (join(a, r, from, to, p))
			return true;
		r->malformed = true;
	}
	return false;
}

struct placed { struct parameter parameter; size_t place; };

static int compare_places(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;

	return a->place < b->place ? -1 : a->place > b->place;
}

static void join_all(struct arena *a, struct reader *r, struct header_value *out)
{
	struct placed *all = mem_array(r->n, sizeof(*all));
	size_t n = 0;

	if (r->n)
		qsort(r->pieces, r->n, sizeof(*r->pieces), compare_pieces);
	for (size_t i = 0, next; i < r->n; i = next) {
		size_t place = r->pieces[i].place;

		for (next = i + 1; next < r->n && strcmp(r->pieces[next].name, r->pieces[i].name) == 0; next++)
			if (r->pieces[next].place < place)
				place = r->pieces[next].place;
		all[n].place = place;
		if (settle(a, r, i, next, out, &all[n].parameter))
			n++;
	}
	qsort(all, n, sizeof(*all), compare_places);
	out->parameters = arena_array(a, n, sizeof(*out->parameters));
	for (out->n = 0; out->n < n; out->n++)
		out->parameters[out->n] = all[out->n].parameter;
	free(all);
}

void header_value_parse(struct arena *a, struct span value, struct header_value *out)
{
	struct reader r = { .in = value };

	*out = (struct header_value){ .text = "" };
	out->text = read_text(&r, a);
	next_parameter(&r);
	while (r.at < r.in.n) {
		read_parameter(a, &r);
		next_parameter(&r);
	}
	join_all(a, &r, out);
	out->malformed = r.malformed;
	out->unusual = r.unusual;
	for (size_t i = 0; i < r.n; i++)
		buf_release(&r.pieces[i].value);
	free(r.pieces);
}

const char *header_parameter(const struct header_value *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (ascii_caseeq(v->parameters[i].name, name))
			return v->parameters[i].value;
	return NULL;
}
