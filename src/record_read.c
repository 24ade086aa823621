/* record_read.c - the plan on its way from the child to the parent: what the parent reads
 *
 * One table names the words of a line; whatever is not just as record.c writes it makes the record none.
 */
#include "record.h"

#include <string.h>

#include "lib/address.h"
#include "token.h"

struct reader {
	struct arena *arena;
	const struct record_limits *limits;
	struct plan *plan;
	struct plan_output *output;  /* the one being read */
	struct plan_failure *failure;
	const char **text;           /* what a "text" line fills: of the notice or failure begun last */
	bool begun, ended;
};

static char *restore(struct arena *a, struct span value)
{
	char *s = arena_strndup(a, value.p, value.n);

	for (char *p = s; *p; p++)
		if (*p == '\r')
			*p = '\n';
	return s;
}

/* The first blank-separated word; *rest: what follows it. */
static struct span take_word(struct span value, struct span *rest)
{
	ptrdiff_t blank = span_find(value, ' ');
	size_t n = blank < 0 ? value.n : (size_t)blank;

	*rest = span_sub(value, n + 1, value.n);
	return span_sub(value, 0, n);
}

static bool is_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alpha((unsigned char)s.p[i]) && !ascii_digit((unsigned char)s.p[i]) && !strchr("-_.", s.p[i]))
			return false;
	return s.n > 0;
}

/* "5.7.1" (RFC 3463 section 2): what the mail server shows to the sender. */
static bool is_status(struct span s, char class)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool dot = s.p[i] == '.';

		if ((!dot && !ascii_digit((unsigned char)s.p[i])) || (dot && (i + 1 == s.n || s.p[i + 1] == '.')))
			return false;
		dots += dot;
	}
	return s.n > 1 && s.n <= 9 && s.p[0] == class && s.p[1] == '.' && dots == 2;
}

static bool is_address_or_null(const char *s)
{
	return !*s || address_check(s, NULL) == 0;
}

static bool read_begin(struct reader *r, struct span v)
{
	r->begun = span_eqstr(v, "1");
	return r->begun;
}

static bool read_sender(struct reader *r, struct span v)
{
	r->plan->sender = arena_strndup(r->arena, v.p, v.n);
	return is_address_or_null(r->plan->sender);
}

static bool read_message_id(struct reader *r, struct span v)
{
	r->plan->message_id = arena_strndup(r->arena, v.p, v.n);
	return true;
}

static bool read_range(struct span v, uint64_t size, uint64_t *offset, uint64_t *length)
{
	struct span rest, first = take_word(v, &rest);

	return span_number(first, size, offset) && span_number(rest, size - *offset, length);
}

static bool read_header(struct reader *r, struct span v)
{
	return read_range(v, r->limits->message, &r->plan->header_offset, &r->plan->header_length);
}

static bool read_automatic(struct reader *r, struct span v)
{
	r->plan->automatic = true;
	return span_eqstr(v, "yes");
}

static bool read_outcome(struct reader *r, struct span v)
{
	struct span text, status = take_word(v, &text);
	char *s = arena_strndup(r->arena, status.p, status.n);
	char *t = restore(r->arena, span_trim(text));

	if (!is_status(status, '4') && !is_status(status, '5'))
		return false;
	(*s == '5' ? outcome_refuse : outcome_defer)(&r->plan->outcome, s, t);
	return true;
}

static bool read_output(struct reader *r, struct span v)
{
	struct span destination, kind = take_word(v, &destination);

	if (!is_word(kind) || !is_word(destination))
		return false;
	r->output = plan_add_output(r->plan, arena_strndup(r->arena, kind.p, kind.n),
				    arena_strndup(r->arena, destination.p, destination.n), "", NULL, 0, "");
	return true;
}

static bool read_from(struct reader *r, struct span v)
{
	if (!r->output)
		return false;
	r->output->sender = arena_strndup(r->arena, v.p, v.n);
	return is_address_or_null(r->output->sender);
}

static const char **with_one_more(struct arena *a, const char **items, size_t *n, struct span v)
{
	/* powers of two: the list grows without counting its room */
	if ((*n & (*n - 1)) == 0) {
		const char **bigger = arena_array(a, *n ? *n * 2 : 1, sizeof(*bigger));

		if (*n)
			memcpy(bigger, items, *n * sizeof(*bigger));
		items = bigger;
	}
	items[(*n)++] = arena_strndup(a, v.p, v.n);
	return items;
}

static bool read_to(struct reader *r, struct span v)
{
	if (!r->output)
		return false;
	r->output->recipients = with_one_more(r->arena, r->output->recipients, &r->output->n, v);
	return true;
}

static bool read_once(struct reader *r, struct span v)
{
	if (r->output)
		r->output->once = true;
	return r->output && span_eqstr(v, "yes");
}

static bool read_sealed(struct reader *r, struct span v)
{
	if (r->output)
		r->output->sealed = true;
	return r->output && span_eqstr(v, "yes");
}

static bool read_original(struct reader *r, struct span v)
{
	if (!r->output)
		return false;
	r->output->original = span_eqstr(v, record_originals[ORIGINAL_HELD]) ? ORIGINAL_HELD : ORIGINAL_SEEK;
	return span_eqstr(v, record_originals[r->output->original]);
}

static bool read_segment(struct reader *r, struct span v)
{
	struct span rest, source = take_word(v, &rest);
	bool message = span_eqstr(source, "message");
	uint64_t offset, length;

	if (!r->output || (!message && !span_eqstr(source, "output")) ||
	    !read_range(rest, message ? r->limits->message : r->limits->output, &offset, &length))
		return false;
	plan_add_segment(r->plan, r->output, message ? FROM_MESSAGE : FROM_OUTPUT, offset, length);
	return true;
}

static bool read_eight_bit(struct reader *r, struct span v)
{
	if (r->output)
		r->output->eight_bit = true;
	return r->output && span_eqstr(v, "yes");
}

static bool read_why(struct reader *r, struct span v)
{
	if (r->output)
		r->output->why = restore(r->arena, v);
	return r->output != NULL;
}

static bool read_failure(struct reader *r, struct span v)
{
	plan_add_failure(r->plan, restore(r->arena, v), "", "");
	r->failure = r->plan->last_failure;
	r->text = &r->failure->text;
	return v.n > 0;
}

static bool read_status(struct reader *r, struct span v)
{
	if (!r->failure || (!is_status(v, '4') && !is_status(v, '5')))
		return false;
	r->failure->status = restore(r->arena, v);
	return true;
}

static bool read_notice(struct reader *r, struct span v)
{
	plan_add_notice(r->plan, restore(r->arena, v), "");
	r->text = &r->plan->last_notice->text;
	return true;
}

static bool read_text(struct reader *r, struct span v)
{
	if (r->text)
		*r->text = restore(r->arena, v);
	return r->text != NULL;
}

static bool read_hold(struct reader *r, struct span v)
{
	struct span text, reason = take_word(v, &text);

	if (!is_word(reason) || r->plan->hold)
		return false;
	plan_set_hold(r->plan, arena_strndup(r->arena, reason.p, reason.n), restore(r->arena, span_trim(text)), NULL, 0);
	return true;
}

static bool read_held(struct reader *r, struct span v)
{
	struct plan_hold *h = r->plan->hold;

	if (!h)
		return false;
	h->recipients = with_one_more(r->arena, h->recipients, &h->n, v);
	return true;
}

static bool read_locked(struct reader *r, struct span v)
{
	if (r->plan->hold)
		r->plan->hold->locked = arena_strndup(r->arena, v.p, v.n);
	return r->plan->hold && v.n > 0;
}

static bool is_hex(struct span s, size_t n)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit((unsigned char)s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return s.n == n;
}

/* What follows are the segments of what is kept. */
static bool read_kept(struct reader *r, struct span v)
{
	struct plan_hold *h = r->plan->hold;

	if (!h || h->content || (!is_hex(v, CONTENT_HEX) && !span_eqstr(v, "-")))
		return false;
	h->digest = span_eqstr(v, "-") ? "" : arena_strndup(r->arena, v.p, v.n);
	h->content = r->output = plan_make_output(r->plan, "internal", "");
	return true;
}

static bool read_done(struct reader *r, struct span v)
{
	plan_add_done(r->plan, arena_strndup(r->arena, v.p, v.n));
	return v.n > 0;
}

static const char *word_or_empty(struct arena *a, struct span word)
{
	return span_eqstr(word, "-") ? "" : arena_strndup(a, word.p, word.n);
}

static bool read_back(struct reader *r, struct span v)
{
	struct span rest, id = take_word(v, &rest), host = take_word(rest, &rest), node = take_word(rest, &rest);

	if (r->plan->back || (!is_hex(id, TOKEN_ID) && !span_eqstr(id, "-")) || !is_word(host) || !is_word(node) ||
	    !is_hex(rest, CONTENT_HEX))
		return false;
	plan_set_back(r->plan, word_or_empty(r->arena, id), word_or_empty(r->arena, host), word_or_empty(r->arena, node),
		      arena_strndup(r->arena, rest.p, rest.n));
	return true;
}

static bool read_note(struct reader *r, struct span v)
{
	plan_note(r->plan, "%.*s", (int)(v.n > 990 ? 990 : v.n), v.p);
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct reader *r, struct span value);
} words[] = {
	{ "plan", read_begin },       { "sender", read_sender },   { "message-id", read_message_id },
	{ "header", read_header },    { "automatic", read_automatic }, { "outcome", read_outcome },
	{ "output", read_output },    { "from", read_from },       { "to", read_to },
	{ "segment", read_segment },  { "eight-bit", read_eight_bit }, { "why", read_why },
	{ "failure", read_failure },  { "status", read_status },   { "notice", read_notice },   { "text", read_text },
	{ "hold", read_hold },        { "held", read_held },       { "locked", read_locked },   { "kept", read_kept },
	{ "note", read_note },
	{ "once", read_once },        { "sealed", read_sealed },   { "original", read_original },
	{ "back", read_back },        { "done", read_done },
};

static bool read_line(struct reader *r, struct span line)
{
	struct span value, word = take_word(line, &value);

	if (span_eqstr(line, "end")) {
		r->ended = true;
		return r->begun;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eqstr(word, words[i].word))
			return (r->begun || i == 0) && words[i].read(r, value);
	return false;
}

int record_read(struct span bytes, struct arena *a, const struct record_limits *limits, struct plan *out, struct error *err)
{
	struct reader r = { .arena = a, .limits = limits, .plan = out };
	unsigned number = 0;

	plan_init(out, a);
	if (bytes.n && memchr(bytes.p, '\0', bytes.n))
		return error_set(err, E_TEMP, "plan record contains a NUL byte");
	while (bytes.n && !r.ended) {
		ptrdiff_t end = span_find(bytes, '\n');

		number++;
		if (end < 0 || !read_line(&r, span_sub(bytes, 0, (size_t)end)))
			return error_set(err, E_TEMP, "plan record, line %u: not understood", number);
		bytes = span_sub(bytes, (size_t)end + 1, bytes.n);
	}
	if (!r.ended || bytes.n)
		return error_set(err, E_TEMP, "plan record is not whole");
	return 0;
}
