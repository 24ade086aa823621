/* content.c - what a message says, apart from how it is written: to see whether a scanner has changed it */
#include "content.h"

#include <stdio.h>
#include <string.h>

#include "lib/base64.h"

static void add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

/* Folded and encoded anew on the way: what is left without blanks. */
static void add_squeezed(struct digest *d, struct arena *a, struct span value)
{
	for (const char *p = header_decode(a, value); *p; p++)
		if (!ascii_space((unsigned char)*p))
			digest_add(d, p, 1);
	add_text(d, "");
}

/* With LF line breaks and without those at the end. */
static void add_lines(struct digest *d, struct span s)
{
	size_t breaks = 0;

	while (s.n) {
		ptrdiff_t lf = span_find(s, '\n');
		struct span line = span_sub(s, 0, lf < 0 ? s.n : (size_t)lf);

		if (lf >= 0 && line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n)
			for (; breaks; breaks--)
				digest_add(d, "\n", 1);
		digest_add(d, line.p, line.n);
		breaks += lf >= 0;
		s = lf < 0 ? span_from(NULL, 0) : span_sub(s, (size_t)lf + 1, s.n);
	}
	add_text(d, "");
}

/* Who an attached message is from, and everything else a reader is shown of it. */
static void add_attached_header(struct digest *d, struct arena *a, const struct header *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (span_casestarts(h->fields[i].name, "Content-"))
			continue;
		digest_add(d, h->fields[i].name.p, h->fields[i].name.n);
		add_text(d, ":");
		add_squeezed(d, a, h->fields[i].value);
	}
}

/* Base64 with foreign characters, or with more behind its padding, is another file to other programs: then every byte counts as well. */
static void add_decoded(struct digest *d, const struct entity *e, struct buf *room)
{
	bool base64 = e->encoding == ENCODING_BASE64;

	buf_clear(room);
	if (!base64 || base64_decode(room, e->body, true) < 0) {
		if (base64)
			add_lines(d, e->body);
		buf_clear(room);
		entity_decode(e, room, NULL);
	}
	add_lines(d, span_from(room->data, room->len));
}

static void add_entity(struct digest *d, struct arena *a, const struct entity *e, struct buf *room)
{
	const char *name = header_parameter(&e->type, "name");

	add_text(d, e->path);
	add_text(d, e->type.text);
	add_text(d, entity_is(e, "text/") && !*e->charset ? "us-ascii" : e->charset); /* some mail servers say it */
	add_text(d, e->filename);
	if (name && strcmp(header_decode(a, span_of(name)), e->filename) != 0) /* some programs prefer the other one */
		add_text(d, name);
	if (e->parent && entity_is(e->parent, "message/"))
		add_attached_header(d, a, &e->header);
	add_lines(d, e->preamble);
	add_lines(d, e->epilogue);
	if (e->ambiguous) /* others may read it in another way: then every byte counts */
		add_lines(d, e->whole);
	if (!e->first)
		add_decoded(d, e, room);
}

int content_digest(struct arena *a, struct span subject, struct span message, const struct mime_limits *limits,
		   char out[CONTENT_HEX + 1], struct error *err)
{
	struct buf room = BUF_INIT;
	struct entity *root;
	struct digest d;
	int rc = entity_parse(a, message, limits, &root, err);

	out[0] = '\0';
	if (rc < 0)
		return rc;
	digest_init(&d);
	add_squeezed(&d, a, subject);
	for (const struct entity *e = root; e; e = entity_walk(e, root))
		add_entity(&d, a, e, &room);
	digest_hex(&d, out);
	buf_wipe(&room);
	return 0;
}
