/* points_frames.c - "Frames" and "Documents" of postern-modules(7) */
#include <stdio.h>
#include <string.h>

#include "module-check/check.h"

/* ---- what is right ---- */

static enum outcome byte_by_byte(struct checker *c)
{
	struct buf frame = BUF_INIT;
	struct conversation v;
	enum outcome o = FAILED;

	frame_append(&frame, span_of(plain_request(c, "1", "", "")));
	if (open_conversation(c, &v, NULL)) {
		for (size_t i = 0; i < frame.len; i++)
			if (!conversation_write(&v, span_from(frame.data + i, 1)))
				break;
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED)
		o = hear_the_end(c, &v);
	conversation_end(&v);
	buf_release(&frame);
	return o;
}

/* ---- what is wrong ---- */

/* Says the bytes after the hello: no result may come of them. */
static enum outcome says_nothing_to(struct checker *c, struct span bytes, const char *what)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (open_conversation(c, &v, NULL)) {
		conversation_write(&v, bytes);
		o = hear_no_result(c, &v);
	}
	conversation_end(&v);
	if (o == FAILED) {
		char why[sizeof(c->why)];

		memcpy(why, c->why, sizeof(why));
		failed(c, "%s: %.300s", what, why);
	}
	return o;
}

static enum outcome no_frames(struct checker *c)
{
	static const char *const heads[] = { "+%zu\n", "0%zu\n", " %zu\n", "%zu \n", "%zu\r\n", "0x%zx\n", "-%zu\n", "\n%zu\n", "%zu.0\n", "00000000%zu\n", "x%zu\n" };
	const char *request = plain_request(c, "1", "", "");
	enum outcome o = PASSED;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads) && o == PASSED; i++) {
		struct buf bytes = BUF_INIT;
		char head[40], what[60] = "length \"";
		size_t n = strlen(what);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(head, sizeof(head), heads[i], strlen(request));
#pragma GCC diagnostic pop
		for (const char *p = head; *p && n < sizeof(what) - 4; p++)
			n += (size_t)snprintf(what + n, sizeof(what) - n, *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : "%c", *p);
		snprintf(what + n, sizeof(what) - n, "\"");
		buf_addstr(&bytes, head);
		buf_addstr(&bytes, request);
		o = says_nothing_to(c, span_from(bytes.data, bytes.len), what);
		buf_release(&bytes);
	}
	return o;
}

static enum outcome cut_short(struct checker *c)
{
	const char *request = plain_request(c, "1", "", "");
	struct buf bytes = BUF_INIT;
	enum outcome o;

	buf_addf(&bytes, "%zu\n%s", strlen(request) + 1, request);
	o = says_nothing_to(c, span_from(bytes.data, bytes.len), "one byte of the frame is missing");
	buf_release(&bytes);
	return o;
}

static enum outcome too_long(struct checker *c)
{
	return says_nothing_to(c, span_of("2147483647\n<"), "a frame of two gigabytes is announced");
}

static enum outcome no_documents(struct checker *c)
{
	const char *request = plain_request(c, "1", "", "");
	const char *entity = plain_request(c, "1", " x=\"&unknown;\"", "");
	const char *deep = plain_request(c, "1", "", "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"
						     "</a></a></a></a></a></a></a></a>");
	const struct {
		const char *what, *before, *text, *after;
	} bad[] = {
		{ "a document type declaration", "<!DOCTYPE x [<!ENTITY e \"e\">]>", request, "" },
		{ "a processing instruction", "<?x y?>", request, "" },
		{ "an entity that XML does not have", "", entity, "" },
		{ "nested 17 deep", "", deep, "" },
		{ "two elements", request, request, "" },
		{ "text behind the element", "", request, "x" },
		{ "a comment behind the element", "", request, "<!-- x -->" },
		{ "a namespace", "", plain_request(c, "1", " xmlns=\"urn:x\"", ""), "" },
		{ "not closed", "", "<decide id=\"1\">", "" },
		{ "not UTF-8", "", plain_request(c, "1", " x=\"\xff\"", ""), "" },
	};
	enum outcome o = PASSED;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad) && o == PASSED; i++) {
		struct buf frame = BUF_INIT;
		const char *text = arena_printf(&c->arena, "%s%s%s", bad[i].before, bad[i].text, bad[i].after);

		frame_append(&frame, span_of(text));
		o = says_nothing_to(c, span_from(frame.data, frame.len), bad[i].what);
		buf_release(&frame);
	}
	return o;
}

static enum outcome with_nul(struct checker *c)
{
	const char *request = plain_request(c, "1", " x=\"?\"", "");
	struct buf frame = BUF_INIT;
	enum outcome o;

	frame_append(&frame, span_of(request));
	*(char *)memchr(frame.data, '?', frame.len) = '\0';
	o = says_nothing_to(c, span_from(frame.data, frame.len), "a NUL byte");
	buf_release(&frame);
	return o;
}

/* ---- XML as others write it ---- */

static enum outcome any_xml(struct checker *c)
{
	static const struct {
		const char *what, *before, *attributes, *elements, *after;
	} good[] = {
		{ "an XML declaration", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "", "", "\n" },
		{ "line feeds and single quotes", "", "\n\tx='\"'", "\n", "\n" },
		{ "an unknown attribute and an unknown element", "", " check-of-unknown=\"x\"", "<check-of-unknown>x</check-of-unknown>", "" },
		{ "a comment inside the element", "", "", "<!-- x -->", "" },
		{ "character references", "", " x=\"&#x41;&#66;&amp;\"", "", "" },
	};
	enum outcome o = PASSED;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good) && o == PASSED; i++) {
		struct conversation v;

		o = FAILED;
		if (open_conversation(c, &v, NULL)) {
			conversation_say(&v, arena_printf(&c->arena, "%s%s%s", good[i].before,
							  plain_request(c, "1", good[i].attributes, good[i].elements), good[i].after));
			o = hear_answer(c, &v, "1");
		}
		conversation_end(&v);
		if (o == FAILED) {
			char why[sizeof(c->why)];

			memcpy(why, c->why, sizeof(why));
			failed(c, "%s: %.300s", good[i].what, why);
		}
	}
	return o;
}

static const struct point points[] = {
	{ "frames", "a request that comes byte by byte is one", MUST, byte_by_byte, EVERY_ROLE },
	{ "frames", "a request that is cut short is none", MUST, cut_short, EVERY_ROLE },
	{ "frames", "a frame beyond all limits is not waited for for ever", MUST, too_long, EVERY_ROLE },
	{ "frames", "a length with a sign, a blank, a letter or a leading zero is none", SHOULD, no_frames, EVERY_ROLE },
	{ "documents", "what is no document is not answered with a result", SHOULD, no_documents, EVERY_ROLE },
	{ "documents", "nor is one with a NUL byte in it", SHOULD, with_nul, EVERY_ROLE },
	{ "documents", "XML that other writers make is read, unknown attributes and elements are ignored", SHOULD, any_xml, EVERY_ROLE },
};

const struct chapter chapter_frames = { points, sizeof(points) / sizeof(*points) };
