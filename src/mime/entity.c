/* entity.c - the tree of MIME entities (RFC 2046 section 5.1), found in one pass over the message
 *
 * The lines of the message are looked at once, whatever the nesting: a stack holds the open entities, and a line
 * that is a boundary of one of them, the outermost first, closes what is inside.  So neither ten thousand parts
 * nor a hundred levels cost more than their bytes, and there is no recursion to exhaust.
 *
 * Where another program could see other parts, the entity is marked ambiguous; the tree is then still whole and
 * in bounds, but no promise should be made about it.
 */
#include "mime/entity.h"

#include "mime/describe.h"

struct level {
	struct entity *entity, *last; /* last child */
	struct span boundary;         /* n 0: not a multipart that can be parsed */
	bool closed;                  /* its final boundary was seen: what follows is its epilogue */
	size_t children;
	size_t epilogue;              /* where it starts */
};

struct parser {
	struct arena *arena;
	struct span in;
	const struct mime_limits *limits;
	struct error *err;
	struct level *levels;
	size_t depth, room, parts;
	size_t boundaries;            /* of the open entities, their final ones seen or not */
	size_t carriage;              /* next "\r--" at or behind the current line */
};

struct line {
	size_t at, end; /* end: behind the line break */
};

static struct line line_at(const struct parser *p, size_t at)
{
	const char *lf = at < p->in.n ? memchr(p->in.p + at, '\n', p->in.n - at) : NULL;

	return (struct line){ at, lf ? (size_t)(lf - p->in.p) + 1 : p->in.n };
}

/* Where the content before this boundary line ends: the break before it belongs to the boundary. */
static size_t before(const struct parser *p, size_t line)
{
	if (line > 0 && p->in.p[line - 1] == '\n') {
		line--;
		if (line > 0 && p->in.p[line - 1] == '\r')
			line--;
	}
	return line;
}

/* MATCH_BEGINS: the boundary with something directly behind it.  MATCH_LOOSE: with something behind a blank or the
 * final "--", which RFC 2046 section 5.1.1 tells us to accept and its grammar does not. */
enum match { MATCH_NONE, MATCH_BEGINS, MATCH_LOOSE, MATCH_LOOSE_CLOSE, MATCH_DELIMITER, MATCH_CLOSE };

/* Nothing but blanks before the line break; a CR more is another line for some. */
static bool is_blank(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	s = span_sub(s, n, s.n);
	return !s.n || span_eqstr(s, "\n") || span_eqstr(s, "\r\n");
}

/* text: a line with its break, behind its "--". */
static enum match match_boundary(struct span text, struct span boundary)
{
	if (text.n < boundary.n || memcmp(text.p, boundary.p, boundary.n) != 0)
		return MATCH_NONE;
	text = span_sub(text, boundary.n, text.n);
	if (is_blank(text))
		return MATCH_DELIMITER;
	if (span_casestarts(text, "--")) {
		text = span_sub(text, 2, text.n);
		return is_blank(text) ? MATCH_CLOSE : ascii_space((unsigned char)text.p[0]) ? MATCH_LOOSE_CLOSE : MATCH_BEGINS;
	}
	return ascii_space((unsigned char)text.p[0]) ? MATCH_LOOSE : MATCH_BEGINS;
}

/* The level a line ends or goes on with, the outermost of several that fit as well; p->depth if none.  *close: it is
 * a final boundary.  Marks what is ambiguous. */
static size_t match_line(struct parser *p, struct line l, bool *close)
{
	struct span text = span_sub(p->in, l.at + 2, l.end);
	size_t found = p->depth;
	enum match best = MATCH_NONE;
	bool exact = false;

	for (size_t k = 0; k < p->depth; k++) {
		struct level *v = &p->levels[k];
		enum match m = v->boundary.n ? match_boundary(text, v->boundary) : MATCH_NONE;

		if (m >= MATCH_DELIMITER && exact)
			entity_doubt(p->levels[found].entity, "a boundary line fits two multiparts");
		else if (m >= MATCH_DELIMITER && v->closed)
			entity_doubt(v->entity, "its boundary again behind the final one");
		else if (m != MATCH_NONE && !v->closed && (m >= MATCH_DELIMITER || best == MATCH_NONE || best == MATCH_BEGINS)) {
			exact = m >= MATCH_DELIMITER;
			found = k;
			best = m;
		}
	}
	*close = best == MATCH_CLOSE || best == MATCH_LOOSE_CLOSE;
	if (found < p->depth && !exact)
		entity_doubt(p->levels[found].entity, "a line that begins like its boundary");
	return best == MATCH_BEGINS ? p->depth : found;
}

static bool has_dashes(const struct parser *p, size_t at)
{
	return at + 2 <= p->in.n && p->in.p[at] == '-' && p->in.p[at + 1] == '-';
}

/* The next c with "--" behind it at or behind `from`, else the end. */
static size_t find_dashes(const struct parser *p, size_t from, char c)
{
	while (from < p->in.n) {
		const char *hit = memchr(p->in.p + from, c, p->in.n - from);

		if (!hit)
			break;
		from = (size_t)(hit - p->in.p);
		if (has_dashes(p, from + 1))
			return from;
		from++;
	}
	return p->in.n;
}

/* A boundary behind a lone CR is none for us, but for some. */
static void doubt_carriage(struct parser *p, size_t from, size_t to)
{
	if (p->carriage < from)
		p->carriage = find_dashes(p, from, '\r');
	for (; p->carriage < to; p->carriage = find_dashes(p, p->carriage + 1, '\r')) {
		struct line l = { p->carriage + 1, p->carriage + 1 };
		bool close;

		while (l.end < p->in.n && p->in.p[l.end] != '\r' && p->in.p[l.end] != '\n')
			l.end++;
		if (match_line(p, l, &close) < p->depth)
			entity_doubt(p->levels[0].entity, "a boundary behind a CR without LF");
	}
}

/* The next boundary line from the start of a line on. */
static bool next_boundary(struct parser *p, size_t from, struct line *l, size_t *level, bool *close)
{
	size_t at = from;

	while (p->boundaries && at < p->in.n) {
		if (!has_dashes(p, at))
			at = find_dashes(p, at, '\n') + 1;
		if (at > p->in.n)
			break;
		*l = line_at(p, at);
		*level = match_line(p, *l, close);
		if (*level < p->depth) {
			doubt_carriage(p, from, l->at);
			return true;
		}
		at = l->end;
	}
	if (p->boundaries)
		doubt_carriage(p, from, p->in.n);
	return false;
}

/* How far a header section that begins at `at` can reach: to its empty line, or to a boundary line.  *next: the start
 * of the line to go on with. */
static size_t header_extent(struct parser *p, size_t at, size_t *next)
{
	bool close;

	for (struct line l = line_at(p, at); l.at < p->in.n; l = line_at(p, l.end)) {
		if (p->boundaries && has_dashes(p, l.at) && match_line(p, l, &close) < p->depth) {
			*next = l.at;
			return before(p, l.at) > at ? before(p, l.at) : at;
		}
		*next = l.end;
		if (before(p, l.end) == l.at || l.end - at > p->limits->header)
			return l.end;
	}
	*next = p->in.n;
	return p->in.n;
}

static struct level *push(struct parser *p, struct entity *e)
{
	if (p->depth == p->room) {
		p->room = p->room * 2 + 8;
		p->levels = mem_resize(p->levels, p->room * sizeof(*p->levels));
	}
	p->levels[p->depth] = (struct level){ .entity = e };
	return &p->levels[p->depth++];
}

static void adopt(struct parser *p, struct level *parent, struct entity *e)
{
	const char *above = parent->entity->path;

	parent->children++;
	e->parent = parent->entity;
	e->path = arena_printf(p->arena, "%s%s%zu", above, *above ? "." : "", parent->children);
	if (parent->last)
		parent->last->next = e;
	else
		parent->entity->first = e;
	parent->last = e;
}

/* Opens one entity at `at` below the innermost open one; *next is where its content goes on. */
static int open_one(struct parser *p, size_t at, size_t *next, struct entity **out)
{
	struct entity *e = arena_alloc(p->arena, sizeof(*e));
	struct level *v;
	size_t extent;
	int rc;

	e->path = "";
	if (p->depth)
		adopt(p, &p->levels[p->depth - 1], e);
	if (p->depth >= p->limits->depth)
		return error_set(p->err, E_LIMIT, "parts nested deeper than %zu", p->limits->depth);
	if (++p->parts > p->limits->parts)
		return error_set(p->err, E_LIMIT, "more than %zu parts", p->limits->parts);
	extent = header_extent(p, at, next);
	rc = header_parse(p->arena, span_sub(p->in, at, extent), p->limits->header, &e->header, p->err);
	if (rc < 0) {
		if (*e->path)
			error_prefix(p->err, "part %s", e->path);
		return rc;
	}
	if (at + e->header.body < extent)
		*next = at + e->header.body; /* a line that is no field ended it early */
	e->header_at = at;
	e->body_at = at + e->header.body;
	entity_describe(p->arena, e);
	v = push(p, e);
	v->boundary = entity_boundary(e);
	p->boundaries += v->boundary.n > 0;
	*out = e;
	return 0;
}

/* Opens an entity and, as long as it is a message, the message in it, an empty one too; some programs attach theirs
 * with an mbox line. */
static int open_entity(struct parser *p, size_t at, size_t *next)
{
	struct entity *e = NULL;
	int rc;

	do {
		if (e)
			at += mbox_from_line(p->arena, span_sub(p->in, at, p->in.n), NULL);
		rc = open_one(p, at, next, &e);
		at = *next;
	} while (rc == 0 && entity_holds_message(e));
	return rc;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void close_level(struct parser *p, struct level *v, size_t end)
{
	struct entity *e = v->entity;

	/* "--a", "--b": the break between them belongs to the second, and nothing is left of the part */
	e->end_at = end;
	e->header_at = least(e->header_at, end);
	e->body_at = least(e->body_at, end);
	e->whole = span_sub(p->in, e->header_at, end);
	e->body = span_sub(p->in, e->body_at, end);
	if (!v->boundary.n)
		return;
	p->boundaries--;
	if (!v->children) {
		e->preamble = e->body;
		entity_doubt(e, "multipart without parts");
	} else if (!v->closed) {
		entity_doubt(e, "no final boundary");
	} else {
		e->epilogue = span_sub(p->in, least(v->epilogue, end), end);
	}
}

static void close_to(struct parser *p, size_t depth, size_t end)
{
	while (p->depth > depth) {
		close_level(p, &p->levels[p->depth - 1], end);
		p->depth--;
	}
}

static int parse(struct parser *p)
{
	struct line l;
	bool close;
	size_t at = 0, level;
	int rc = open_entity(p, 0, &at);

	if (p->boundaries)
		p->carriage = find_dashes(p, 0, '\r');
	while (rc == 0 && next_boundary(p, at, &l, &level, &close)) {
		struct level *v = &p->levels[level];
		size_t end = before(p, l.at);

		close_to(p, level + 1, end);
		if (!v->children)
			v->entity->preamble = span_sub(p->in, v->entity->body_at, end);
		at = l.end;
		if (!close) {
			rc = open_entity(p, l.end, &at);
		} else {
			v->closed = true;
			v->epilogue = l.end;
		}
	}
	return rc;
}

int entity_parse(struct arena *a, struct span message, const struct mime_limits *limits, struct entity **out,
		 struct error *err)
{
	struct parser p = { .arena = a, .in = message, .limits = limits, .err = err };
	int rc;

	*out = NULL;
	rc = parse(&p);
	if (rc == 0) {
		*out = p.levels[0].entity;
		close_to(&p, 0, message.n);
	}
	free(p.levels);
	return rc;
}

bool entity_is(const struct entity *e, const char *type)
{
	size_t n = strlen(type);

	return n && type[n - 1] == '/' ? span_casestarts(span_of(e->type.text), type) : ascii_caseeq(e->type.text, type);
}

const struct entity *entity_walk(const struct entity *e, const struct entity *root)
{
	if (e->first)
		return e->first;
	while (e != root && !e->next)
		e = e->parent;
	return e == root ? NULL : e->next;
}
