/* module_xml.c - documents of the module protocol: what is refused, what survives, what is wiped */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/xml.h"
#include "module/parts.h"

static int try_bytes(const char *p, size_t n)
{
	struct xml_document *doc;
	int rc = xml_parse(span_from(p, n), &doc, NULL);

	assert_true((rc == 0) == (doc != NULL));
	xml_free(doc);
	return rc;
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "x", "<a/>x", "<a/><b/>", "<a/><?pi?>", "<?pi?><a/>", "<a/><!-- c -->", "<!-- c --><a/>", "<a><?pi?></a>",
		"<a xmlns='urn:x'/>", "<a xmlns:x='urn:x'/>", "<a xmlns:x='urn:x' x:b='1'/>", "<a><x:b xmlns:x='urn:x'/></a>",
		"<!DOCTYPE a><a/>", "<a b='1' b='2'/>", "<a b='&x;'/>", "<a>&x;</a>", "<a b='<'/>", "<a>&#1;</a>", "<a>&#xD800;</a>",
		"<a>\xc0\x80</a>", "<a>\xed\xa0\x80</a>", "<a>\xff</a>", "<a b=1/>", "<a", "<a></b>",
		"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>", "<a>]]></a>", "<a><!-- -- --></a>", "<a b='1'c='2'/>", "<a b/>",
		"<a b='&#x110000;'/>", "<a>&#xfffe;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#10</a>", "<a>&amp</a>", "<a>&</a>", "<a>\x01</a>",
		"<a>\xef\xbf\xbf</a>", "<a b='\xef\xbf\xbe'/>", "<a><![CDATA[\x01]]></a>", "<a><!-- \x01 --></a>", "<a></ab>", "<a></a b>",
		"<ab></a>", "<1/>", "<-a/>", "<\xc2\xb7/>", "<\xc3\x97/>", "< a/>", "<a/ >", "<:a/>", "<a><b:c/></a>", "<a b:c='1'/>",
		"<?xml?><a/>", "<?xml version='2.0'?><a/>", "<?xml version='1.0' encoding='-'?><a/>", " <?xml version='1.0'?><a/>",
		"<?xml version='1.0' encoding='UTF-8' x='y'?><a/>", "<a><?xml version='1.0'?></a>", "<a><!ELEMENT b></a>",
	};
	static const char *const good[] = {
		"<a/>", "<a/>\n", "\n<a/>", "<a><!-- c --></a>", "<a><![CDATA[<]]></a>", "<a b='&#10;&amp;&quot;'/>",
		"\xef\xbb\xbf<a/>", "<a.-_1 b='1' c = \"2\" />", "<a></a\t>", "<\xc3\xa4/>", "<a\xc2\xb7/>", "<a>]] ></a>", "<a b='>'/>",
		"<a>&#x10ffff;&#9;</a>", "<?xml version='1.1' standalone=\"yes\" ?>\r\n<a/>", "<?xml version='1.0' encoding='us-ascii'?><a/>",
		"<?xml version='1.0'?><a/>", "<?xml version='1.0' encoding='UTF-8'?><a>\xc3\xa4</a>",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (try_bytes(bad[i], strlen(bad[i])) != E_PERM)
			fail_msg("accepted: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (try_bytes(good[i], strlen(good[i])) != 0)
			fail_msg("refused: %s", good[i]);
}

static void nul_bytes(void **state)
{
	assert_int_equal(try_bytes("<a/>\0", 5), E_PERM);
	assert_int_equal(try_bytes("<a/>\0<b/>", 9), E_PERM);
	assert_int_equal(try_bytes("<a>\0</a>", 8), E_PERM);
	assert_int_equal(try_bytes("\0<a/>", 5), E_PERM);
}

/* Every prefix of a document is refused: nothing is guessed at its end. */
static void prefixes(void **state)
{
	static const char doc[] = "<result id=\"1\"><b c=\"&lt;\">x&amp;<!-- y --></b><c/></result>";

	for (size_t n = 0; n < sizeof(doc) - 1; n++)
		if (try_bytes(doc, n) != E_PERM)
			fail_msg("accepted: %.*s", (int)n, doc);
	assert_int_equal(try_bytes(doc, sizeof(doc) - 1), 0);
}

static void values(void **state)
{
	static const char *const texts[] = { "", "&", "&amp;", "&amp;amp;", "<&>\"'", "\t\n\r ", "  x  ", "\xc3\xa4\xf0\x9f\x98\x80" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct xml_writer w;
		struct span bytes;
		struct xml_document *doc;
		struct buf text = BUF_INIT;

		xml_writer_init(&w);
		xml_open(&w, "a");
		xml_put(&w, "v", texts[i]);
		xml_put_text(&w, texts[i]);
		xml_close(&w);
		assert_int_equal(xml_finish(&w, &bytes, NULL), 0);
		assert_int_equal(xml_parse(bytes, &doc, NULL), 0);
		assert_string_equal(xml_attr(xml_root(doc), "v"), texts[i]);
		xml_text(xml_root(doc), &text);
		assert_string_equal(buf_str(&text), texts[i]);
		xml_free(doc);
		buf_release(&text);
		xml_writer_release(&w);
	}
}

/* What a reader makes of line ends, references and pieces is XML's own, whoever wrote the document. */
static void foreign_values(void **state)
{
	static const struct { const char *document, *attribute, *text; } cases[] = {
		{ "<a v='1\r\n2\r3\n4\t5'>1\r\n2\r3\n4\t5</a>", "1 2 3 4 5", "1\n2\n3\n4\t5" },
		{ "<a v='&#13;&#10;&#x9;'>&#13;&#10;&#x9;</a>", "\r\n\t", "\r\n\t" },
		{ "<a v='&lt;&gt;&amp;&quot;&apos;'>&lt;&gt;&amp;&quot;&apos;</a>", "<>&\"'", "<>&\"'" },
		{ "<a v='&#65;&#x7ff;&#x800;&#xffff0;'>&#65;&#x7FF;&#2048;&#1048560;</a>", "A\xdf\xbf\xe0\xa0\x80\xf3\xbf\xbf\xb0",
		  "A\xdf\xbf\xe0\xa0\x80\xf3\xbf\xbf\xb0" },
		{ "<a v='&amp;lt;'>x<!-- y -->z<![CDATA[&lt;\r\n]]]]>]<b>c</b>d</a>", "&lt;", "xz&lt;\n]]]cd" },
		{ "<a v=\"it's\">\xef\xbb\xbf</a>", "it's", "\xef\xbb\xbf" },
		{ "<a v='&amp;&amp;&amp;x]]>'/>", "&&&x]]>", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct xml_document *doc;
		struct buf text = BUF_INIT;

		assert_int_equal(xml_parse(span_of(cases[i].document), &doc, NULL), 0);
		xml_text(xml_root(doc), &text);
		assert_string_equal(xml_attr(xml_root(doc), "v"), cases[i].attribute);
		assert_string_equal(buf_str(&text), cases[i].text);
		xml_free(doc);
		buf_release(&text);
	}
}

static void many_attributes(void **state)
{
	for (int n = XML_ATTRIBUTES_MAX; n <= XML_ATTRIBUTES_MAX + 1; n++) {
		struct buf b = BUF_INIT;

		buf_addstr(&b, "<a");
		for (int i = 0; i < n; i++)
			buf_addf(&b, " a%d=''", i);
		buf_addstr(&b, "/>");
		assert_int_equal(try_bytes(b.data, b.len), n > XML_ATTRIBUTES_MAX ? E_PERM : 0);
		buf_release(&b);
	}
}

/* One parser reads them all: what was wrong with one says nothing about the next. */
static void one_after_the_other(void **state)
{
	static const char *const bad[] = { "<a xmlns='urn:x'><b>", "<a><b><c", "<a xmlns:p='urn:x'><p:b/></a>", "<a>&x;</a>", "<a><?x y?><b>" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(try_bytes(bad[i], strlen(bad[i])), E_PERM);
		assert_int_equal(try_bytes("<a><b/></a>", 11), 0);
		assert_int_equal(try_bytes("<p:a/>", 6), E_PERM);
	}
}

/* More names than the parser keeps. */
static void many_names(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct buf b = BUF_INIT;

		buf_addstr(&b, "<a>");
		for (int k = 0; k < 1000; k++)
			buf_addf(&b, "<n%d.%d/>", i, k);
		buf_addstr(&b, "</a>");
		assert_int_equal(try_bytes(b.data, b.len), 0);
		buf_release(&b);
	}
}

/* The line counts, for whoever writes a module. */
static void tells_the_line(void **state)
{
	struct xml_document *doc;
	struct error err = { 0 };

	assert_int_equal(xml_parse(span_of("<a\n b='1'\n>\n&amp;\n<c d=''\n d=''/></a>"), &doc, &err), E_PERM);
	assert_string_equal(err.text, "XML line 6: Attribute d redefined");
}

static void long_attribute(void **state)
{
	char *value = mem_alloc(5001);
	struct xml_document *doc;
	struct xml_writer w;
	struct span bytes;

	memset(value, 'x', 5000);
	xml_writer_init(&w);
	xml_open(&w, "a");
	xml_putf(&w, "v", "%s", value);
	xml_close(&w);
	assert_int_equal(xml_finish(&w, &bytes, NULL), 0);
	assert_int_equal(xml_parse(bytes, &doc, NULL), 0);
	assert_string_equal(xml_attr(xml_root(doc), "v"), value);
	xml_free(doc);
	xml_writer_release(&w);
	free(value);
}

static void second_element(void **state)
{
	struct xml_writer w;
	struct span bytes;

	xml_writer_init(&w);
	xml_open(&w, "a");
	xml_close(&w);
	xml_open(&w, "b");
	xml_close(&w);
	assert_int_equal(xml_finish(&w, &bytes, NULL), E_PERM);
	xml_writer_release(&w);
}

static void attribute_names(void **state)
{
	struct xml_document *doc;

	assert_int_equal(xml_parse(span_of("<a x='1' y='2'/>"), &doc, NULL), 0);
	assert_string_equal(xml_attr_name(xml_root(doc), 0), "x");
	assert_string_equal(xml_attr_name(xml_root(doc), 1), "y");
	assert_null(xml_attr_name(xml_root(doc), 2));
	assert_null(xml_attr(xml_root(doc), "z"));
	xml_free(doc);
}

/* A document with a secret must not make the writer grow: the old memory would keep a copy. */
static void secrets_fit(void **state)
{
	struct xml_writer w;
	struct span bytes;
	char secret[1024] = { 1 };
	const char *before;

	xml_writer_init(&w);
	before = w.out.data;
	xml_open(&w, "result");
	xml_put(&w, "id", "4294967295");
	xml_open(&w, "secret");
	xml_put_binary(&w, secret, sizeof(secret));
	xml_close(&w);
	xml_close(&w);
	assert_int_equal(xml_finish(&w, &bytes, NULL), 0);
	assert_ptr_equal(bytes.p, before);
	xml_writer_release(&w);
}

static void request_texts(void **state)
{
	struct arena a = ARENA_INIT;

	assert_string_equal(request_text(&a, NULL), "");
	assert_string_equal(request_text(&a, "a\x01\x1f\x7f\tb"), "a???\tb");
	assert_string_equal(request_text(&a, "\xc3\xa4"), "\xc3\xa4");
	assert_string_equal(request_text(&a, "\xc3\xa4\xff"), "???");
	assert_string_equal(request_text(&a, "\xef\xbf\xbf\xef\xbf\xbd\xef\xbf\xbe"), "???\xef\xbf\xbd???");
	arena_release(&a);
}

/* Far longer than what a parser reads at a time. */
static void long_document(void **state)
{
	struct buf b = BUF_INIT, text = BUF_INIT;
	struct xml_document *doc;
	size_t n = 0;

	buf_addstr(&b, "<a>");
	for (int i = 0; i < 3000; i++)
		buf_addf(&b, "<b c=\"\xc3\xa4 %d\"/>\xe2\x82\xac &amp; %d", i, i);
	buf_addstr(&b, "</a>");
	assert_int_equal(xml_parse(span_from(b.data, b.len), &doc, NULL), 0);
	for (const struct xml *e = xml_first(xml_root(doc), "b"); e; e = xml_next(e, "b")) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "\xc3\xa4 %zu", n++);
		assert_string_equal(xml_attr(e, "c"), wanted);
	}
	assert_int_equal(n, 3000);
	xml_text(xml_root(doc), &text);
	assert_string_equal(text.data + text.len - strlen("\xe2\x82\xac & 2999"), "\xe2\x82\xac & 2999");
	xml_free(doc);
	buf_release(&text);
	buf_release(&b);
}

static void lists(void **state)
{
	assert_true(word_listed("decide", "decide"));
	assert_true(word_listed("a decide b", "decide"));
	assert_true(word_listed("  decide", "decide"));
	assert_false(word_listed("", "decide"));
	assert_false(word_listed("decides decid", "decide"));
	assert_false(word_listed("decide", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),         cmocka_unit_test(nul_bytes),   cmocka_unit_test(prefixes),
		cmocka_unit_test(values),          cmocka_unit_test(long_attribute), cmocka_unit_test(second_element),
		cmocka_unit_test(attribute_names), cmocka_unit_test(secrets_fit), cmocka_unit_test(request_texts),
		cmocka_unit_test(long_document),   cmocka_unit_test(lists),           cmocka_unit_test(foreign_values), cmocka_unit_test(many_attributes),
		cmocka_unit_test(tells_the_line),  cmocka_unit_test(one_after_the_other), cmocka_unit_test(many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
