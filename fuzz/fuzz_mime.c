/* fuzz_mime.c - whole messages from outside: the tree stays in bounds, the canonical form is 7-bit and stable */
#include <assert.h>

#include "mime/canonical.h"
#include "mime/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mime_limits limits = { .header = 65536, .parts = 1000, .depth = 20 };

static void check_entity(struct span in, const struct entity *e)
{
	const struct entity *up = e->parent;
	struct buf out = BUF_INIT;

	assert(e->header_at <= e->body_at && e->body_at <= e->end_at && e->end_at <= in.n);
	assert(e->whole.p == in.p + e->header_at && e->whole.n == e->end_at - e->header_at);
	assert(e->body.p == in.p + e->body_at && e->body.n == e->end_at - e->body_at);
	assert(e->preamble.n + e->epilogue.n <= e->body.n);
	assert(!up || (e->header_at >= up->body_at && e->end_at <= up->end_at));
	assert(!e->next || e->end_at <= e->next->header_at);
	assert(e->ambiguous == (*e->why_ambiguous != '\0'));
	assert(entity_decode(e, &out, NULL) == 0);
	buf_release(&out);
}

static bool any_ambiguous(const struct entity *root)
{
	const struct entity *e = root;

	while (e && !e->ambiguous)
		e = entity_walk(e, root);
	return e != NULL;
}

/* 7-bit, or declared as 8-bit: that is for parts that must not be changed. */
static void check_bytes(struct arena *a, const struct buf *b)
{
	struct entity *root;
	bool high = false;

	for (size_t i = 0; i < b->len; i++) {
		assert(b->data[i] != '\0');
		assert(b->data[i] != '\n' || (i > 0 && b->data[i - 1] == '\r'));
		high |= (unsigned char)b->data[i] >= 0x80;
	}
	assert(entity_parse(a, span_from(b->data, b->len), &(struct mime_limits){ SIZE_MAX, 2000, 40 }, &root, NULL) == 0);
	assert(!high || root->encoding == ENCODING_8BIT);
}

/* What was written has the same parts as what was read, and is written the same again. */
static void check_again(struct arena *a, const struct buf *once, const struct entity *root)
{
	struct buf twice = BUF_INIT;
	struct entity *again;
	const struct entity *x = root, *y;

	assert(entity_parse(a, span_from(once->data, once->len), &(struct mime_limits){ SIZE_MAX, 2000, 40 }, &again, NULL) == 0);
	for (y = again; x && y; x = entity_walk(x, root), y = entity_walk(y, again))
		assert(strcmp(x->path, y->path) == 0 && strcmp(x->type.text, y->type.text) == 0);
	assert(!x && !y);
	assert(canonical_entity(again, &twice, NULL) == 0);
	assert(twice.len == once->len && memcmp(twice.data, once->data, twice.len) == 0);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_from(data, size);
	struct arena a = ARENA_INIT;
	struct buf canonical = BUF_INIT;
	struct entity *root;

	if (entity_parse(&a, in, &limits, &root, NULL) == 0) {
		for (const struct entity *e = root; e; e = entity_walk(e, root))
			check_entity(in, e);
		if (canonical_entity(root, &canonical, NULL) == 0) {
			check_bytes(&a, &canonical);
			if (!any_ambiguous(root))
				check_again(&a, &canonical, root);
		}
	}
	buf_release(&canonical);
	arena_release(&a);
	return 0;
}
