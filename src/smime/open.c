/* open.c - from the message inwards, as long as the whole entity is a layer (RFC 8551 3.7; EFAIL) */
#include "smime/open.h"

#include "smime/layer.h"

#define NESTED_MAX 20 /* findings about parts that stay closed */

/* ---- one step inwards */

struct step {
	bool layer;          /* the entity is one; o->out->layers has got it */
	bool goes_on;        /* content is the next entity */
	bool replaces;       /* it stands for the message: not the first part of a multipart/signed */
	struct span content;
};

static void conclude(struct opening *o, const struct layer *l, struct step *s)
{
	s->goes_on = s->replaces = l->status == LAYER_OPEN && l->kind != LAYER_CERTS_ONLY;
	if (l->kind == LAYER_ENVELOPED || l->kind == LAYER_AUTHENVELOPED)
		o->out->encrypted |= l->status == LAYER_OPEN;
}

static int open_cms_entity(struct opening *o, const struct entity *e, struct step *s)
{
	struct layer *l = layer_add(o, LAYER_UNKNOWN);
	struct buf decoded = BUF_INIT;
	struct span bytes;
	int rc = 0;

	if (layer_bytes(e, &decoded, &bytes, NULL) < 0)
		layer_set(o, l, LAYER_MALFORMED, "the body cannot be decoded (%s)", encoding_name(e->encoding));
	else
		rc = layer_open_cms(o, bytes, &decoded, NULL, l, &s->content);
	buf_release(&decoded);
	conclude(o, l, s);
	return rc;
}

static const char *clear_signed_objection(struct opening *o, const struct entity *e)
{
	size_t n = 0;

	for (const struct entity *part = e->first; part; part = part->next)
		n++;
	if (n != 2)
		return arena_printf(o->arena, "multipart/signed with %zu parts", n);
	if (e->ambiguous) /* a reader may show other bytes than were signed */
		return arena_printf(o->arena, "ambiguous multipart/signed: %s", e->why_ambiguous);
	return layer_signature_objection(o->arena, e->first->next);
}

static int open_clear_signed(struct opening *o, const struct entity *e, struct step *s)
{
	struct layer *l = layer_add(o, LAYER_CLEAR_SIGNED);
	const char *objection = clear_signed_objection(o, e);
	struct buf decoded = BUF_INIT;
	struct signed_part part;
	struct span bytes;
	int rc = 0;

	if (objection) {
		layer_set(o, l, LAYER_MALFORMED, "%s", objection);
		return 0;
	}
	part.whole = e->first->whole;
	part.header = e->first->body_at - e->first->header_at;
	if (layer_bytes(e->first->next, &decoded, &bytes, NULL) < 0)
		layer_set(o, l, LAYER_MALFORMED, "the signature part cannot be decoded");
	else
		rc = layer_open_cms(o, bytes, &decoded, &part, l, &s->content);
	buf_release(&decoded);
	s->goes_on = l->status == LAYER_OPEN;
	return rc;
}

/* CMS without any MIME header around, as content of another layer */
static int open_bare(struct opening *o, struct span bytes, struct step *s)
{
	struct layer *l = layer_add(o, LAYER_UNKNOWN);
	int rc = layer_open_cms(o, bytes, NULL, NULL, l, &s->content);

	s->layer = true;
	conclude(o, l, s);
	return rc;
}

static int open_entity(struct opening *o, const struct entity *e, struct step *s)
{
	s->layer = layer_claimed(e);
	if (!s->layer)
		return 0;
	return layer_clear_signed(e) ? open_clear_signed(o, e, s) : open_cms_entity(o, e, s);
}

/* Text that came without a header gets the empty line that every reader needs to see all of it as text. */
static int separate_text(struct opening *o, struct span *content)
{
	struct scratch_piece piece;
	int rc;

	if (cms_peek(*content) != LAYER_UNKNOWN || !plaintext_hides_text(o, *content))
		return 0;
	rc = scratch_begin(o, &piece);
	if (rc == 0)
		rc = scratch_add(o, &piece, "\n", 1);
	if (rc == 0)
		rc = scratch_add(o, &piece, content->p, content->n);
	return rc == 0 ? scratch_finish(o, &piece, content) : rc;
}

/* ---- what stays closed */

static void find_nested(struct opening *o, const struct entity *root)
{
	size_t found = 0;

	for (const struct entity *e = entity_walk(root, root); e; e = entity_walk(e, root)) {
		struct layer *l;

		if (!layer_claimed(e) || (e->parent && layer_clear_signed(e->parent) && e != e->parent->first))
			continue;
		if (++found > NESTED_MAX)
			break;
		l = layer_add(o, LAYER_NESTED);
		layer_set(o, l, LAYER_NOT_TRIED, "part %s is %s beside or inside other content, and stays as it is", e->path,
			  e->type.text);
	}
}

/* RFC 9788 (hp=) and its forerunners (protected-headers=v1; a whole message that says it is not forwarded) */
static bool protects_header(const struct entity *e)
{
	const char *old = header_parameter(&e->type, "protected-headers"), *forwarded = header_parameter(&e->type, "forwarded");

	return header_parameter(&e->type, "hp") || (old && ascii_caseeq(old, "v1")) ||
	       (entity_is(e, "message/rfc822") && forwarded && ascii_caseeq(forwarded, "no"));
}

/* ---- the whole way */

static int step_in(struct opening *o, struct span current, struct entity **root, struct step *s)
{
	size_t depth = o->out->nlayers;
	int rc;

	*s = (struct step){ 0 };
	*root = NULL;
	if (depth && cms_peek(current) != LAYER_UNKNOWN) {
		if (depth >= o->limits->layers)
			return error_set(o->err, E_LIMIT, "more than %zu S/MIME layers", o->limits->layers);
		return open_bare(o, current, s);
	}
	rc = entity_parse(o->arena, current, &o->limits->mime, root, o->err);
	if (rc < 0)
		return rc;
	if (depth >= o->limits->layers && layer_claimed(*root))
		return error_set(o->err, E_LIMIT, "more than %zu S/MIME layers", o->limits->layers);
	return open_entity(o, *root, s);
}

int smime_open(struct arena *a, OSSL_LIB_CTX *ctx, struct span message, const struct open_calls *calls,
	       const struct open_limits *limits, int scratch, struct opened *out, struct error *err)
{
	struct opening o = { .arena = a, .ctx = ctx, .calls = calls, .limits = limits, .scratch = scratch, .out = out,
			     .err = err };
	struct span current = message;
	struct entity *root = NULL;
	struct step s;
	int rc;

	*out = (struct opened){ .content = message };
	do {
		rc = step_in(&o, current, &root, &s);
		if (rc == 0 && s.goes_on && s.replaces)
			rc = separate_text(&o, &s.content);
		if (rc < 0)
			goto out;
		if (s.goes_on)
			current = s.content;
		if (s.goes_on && s.replaces) {
			out->content = s.content;
			out->unwrapped = true;
		}
	} while (s.goes_on);
	if (root && !s.layer) {
		out->header_protected = out->nlayers > 0 && protects_header(root);
		find_nested(&o, root);
	}
out:
	if (rc < 0)
		opened_release(out);
	return rc == 0 || rc == E_LIMIT ? rc : E_TEMP;
}
