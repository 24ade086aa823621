/* fuzz_xml.c - any bytes as a document; what is understood can be written and is understood the same again */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct xml_writer *w, const struct xml *e, int depth)
{
	struct buf text = BUF_INIT;
	const char *name;

	if (depth > XML_DEPTH_MAX)
		abort();
	xml_open(w, xml_name(e));
	for (size_t i = 0; (name = xml_attr_name(e, i)); i++)
		xml_put(w, name, xml_attr(e, name));
	if (!xml_first(e, NULL)) {
		xml_text(e, &text);
		xml_put_text(w, buf_str(&text));
	}
	for (const struct xml *c = xml_first(e, NULL); c; c = xml_next(c, NULL))
		write_again(w, c, depth + 1);
	xml_close(w);
	buf_release(&text);
}

static struct buf written(struct span bytes)
{
	struct xml_document *doc;
	struct buf copy = BUF_INIT, decoded = BUF_INIT;
	struct xml_writer w;
	struct span out;

	if (xml_parse(bytes, &doc, NULL) < 0)
		return copy;
	xml_writer_init(&w);
	write_again(&w, xml_root(doc), 1);
	if (xml_finish(&w, &out, NULL) < 0)
		abort();
	buf_add(&copy, out.p, out.n);
	xml_binary(xml_root(doc), &decoded, NULL);
	buf_release(&decoded);
	xml_writer_release(&w);
	xml_free(doc);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = written(span_from(data, size));
	struct buf twice = once.len ? written(span_from(once.data, once.len)) : (struct buf)BUF_INIT;

	if (once.len != twice.len || (once.len && memcmp(once.data, twice.data, once.len) != 0))
		abort();
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
