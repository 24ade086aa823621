/* module_ahead.c - questions that go along with others: whose answer is whose, and what becomes of those never asked
 *
 * The module is a pipe in which its answers stand already; what it was asked is read from the other one.
 */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module/parts.h"

struct play {
	struct config config;
	struct module module;
	struct modules all;
	int asked, answers; /* the module's ends */
};

static void say(const struct play *p, const char *document)
{
	struct buf b = BUF_INIT;

	frame_append(&b, span_of(document));
	assert_int_equal(write(p->answers, b.data, b.len), (ssize_t)b.len);
	buf_release(&b);
}

static struct play *begin(const char *operations)
{
	struct play *p = mem_alloc(sizeof(*p));
	int to[2], from[2];
	struct buf hello = BUF_INIT;

	assert_int_equal(pipe2(to, O_NONBLOCK), 0);
	assert_int_equal(pipe2(from, O_NONBLOCK), 0);
	p->asked = to[0];
	p->answers = from[1];
	p->config.module_timeout = 10000;
	p->config.frame_limit = 400;
	p->module = (struct module){ .name = "m", .role = ROLE_KEYS, .pid = -1, .to = to[1], .from = from[0], .log = -1, .next_id = 1 };
	frame_reader_init(&p->module.in, from[0], 400);
	p->all = (struct modules){ .items = &p->module, .n = 1, .config = &p->config, .narrow = { "", "one two", "" },
				   .until = deadline_in(60000), .owner = -1 };
	buf_addf(&hello, "<hello protocol=\"1.0\" role=\"keys\" operations=\"%s\"/>", operations);
	say(p, hello.data);
	assert_int_equal(modules_greet(&p->all, NULL), 0);
	buf_release(&hello);
	return p;
}

static void end(struct play *p)
{
	close(p->asked);
	close(p->answers);
	modules_stop(&p->all, 0);
	free(p);
}

static int write_word(struct xml_writer *w, void *arg)
{
	xml_put(w, "word", arg);
	return 0;
}

static char a[] = "a", b[] = "b";

/* The answer's text, or the code. */
static const char *ask(struct play *p, const char *operation, char *word)
{
	static char text[100];
	struct xml_document *answer;
	struct buf said = BUF_INIT;
	struct error err = { 0 };
	int rc = modules_ask(&p->all, ROLE_KEYS, operation, write_word, word, &answer, NULL, &err);

	if (rc < 0) {
		snprintf(text, sizeof(text), "%d %.80s", rc, err.text);
		return text;
	}
	xml_text(xml_root(answer), &said);
	snprintf(text, sizeof(text), "%s", buf_str(&said));
	buf_release(&said);
	xml_free(answer);
	return text;
}

static const char *all_asked(const struct play *p)
{
	static char text[1000];
	ssize_t n = read(p->asked, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void goes_along(void **state)
{
	struct play *p = begin("one two");

	say(p, "<result id=\"1\">first</result>");
	say(p, "<result id=\"2\">second</result>");
	modules_ahead(&p->all, ROLE_KEYS, "two", write_word, b);
	modules_ahead(&p->all, ROLE_KEYS, "two", write_word, a); /* one at a time */
	assert_string_equal(all_asked(p), "");
	assert_string_equal(ask(p, "one", a), "first");
	assert_string_equal(all_asked(p), "22\n<one id=\"1\" word=\"a\"/>22\n<two id=\"2\" word=\"b\"/>");
	assert_string_equal(ask(p, "two", b), "second");
	assert_string_equal(all_asked(p), "");
	say(p, "<result id=\"3\">third</result>");
	assert_string_equal(ask(p, "two", b), "third");
	assert_string_equal(all_asked(p), "22\n<two id=\"3\" word=\"b\"/>");
	end(p);
}

static void waits_for_its_turn(void **state)
{
	struct play *p = begin("one two");

	modules_ahead(&p->all, ROLE_KEYS, "two", write_word, b);
	say(p, "<result id=\"1\">1</result>");
	assert_string_equal(ask(p, "one", a), "1");
	say(p, "<result id=\"2\">2</result>");
	say(p, "<result id=\"3\">3</result>");
	assert_string_equal(ask(p, "two", a), "3"); /* another word: another question */
	say(p, "<result id=\"4\">4</result>");
	assert_string_equal(ask(p, "one", b), "4");
	assert_string_equal(ask(p, "two", b), "2");
	end(p);
}

static void refusals(void **state)
{
	static const struct { const char *answer, *found; } cases[] = {
		{ "<refused id=\"2\" kind=\"permanent\" code=\"not-found\">x</refused>", "-3 two: no keys module found any" },
		{ "<refused id=\"2\" kind=\"temporary\" code=\"passphrase-needed\">x</refused>", NULL },
		{ "<refused id=\"2\" kind=\"temporary\" code=\"configuration\">x</refused>", NULL },
		{ "<refused id=\"2\" kind=\"permanent\" code=\"no-key\">x</refused>", NULL },
		{ "<result id=\"7\"/>", NULL },
		{ "<x", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int ahead = 0; ahead < 2; ahead++) {
			static char without[100];
			struct play *p = begin("one two");
			const char *found;

			say(p, "<result id=\"1\">1</result>");
			if (ahead)
				modules_ahead(&p->all, ROLE_KEYS, "two", write_word, b);
			else
				assert_string_equal(ask(p, "one", a), "1");
			say(p, cases[i].answer);
			if (ahead)
				assert_string_equal(ask(p, "one", a), "1");
			found = ask(p, "two", b);
			if (!ahead)
				snprintf(without, sizeof(without), "%s", found);
			assert_string_equal(found, without);
			if (cases[i].found)
				assert_string_equal(found + 2, cases[i].found + 2);
			end(p);
		}
}

static void not_sent(void **state)
{
	struct play *p = begin("one");
	char longer[500];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	say(p, "<result id=\"1\">1</result>");
	modules_ahead(&p->all, ROLE_KEYS, "three", write_word, a);   /* not in this conversation */
	modules_ahead(&p->all, ROLE_CHECK, "one", write_word, a);    /* no such module */
	modules_ahead(&p->all, ROLE_KEYS, "two", write_word, a);     /* not known to the module */
	assert_string_equal(ask(p, "one", b), "1");
	say(p, "<result id=\"2\">2</result>");
	modules_ahead(&p->all, ROLE_KEYS, "one", write_word, longer); /* past frame_limit */
	assert_string_equal(ask(p, "one", b), "2");
	assert_string_equal(all_asked(p), "22\n<one id=\"1\" word=\"b\"/>22\n<one id=\"2\" word=\"b\"/>");
	end(p);
}

/* The module has answered before all of what went along was in its pipe; a process of its own reads the rest. */
static void longer_than_the_pipe(void **state)
{
	static char longer[200000];
	struct play *p = begin("one two");
	size_t want, had = 0;
	int status;
	pid_t reader;

	memset(longer, 'x', sizeof(longer) - 1);
	p->config.frame_limit = sizeof(longer) + 100;
	want = strlen("22\n<one id=\"1\" word=\"a\"/>") + strlen("200020\n<two id=\"2\" word=\"\"/>") + strlen(longer);
	say(p, "<result id=\"1\">1</result>");
	modules_ahead(&p->all, ROLE_KEYS, "two", write_word, longer);
	reader = fork();
	if (reader == 0) {
		char piece[4096];
		ssize_t n;

		close(p->module.to);
		fcntl(p->asked, F_SETFL, 0);
		while (had < want && (n = read(p->asked, piece, sizeof(piece))) > 0)
			had += (size_t)n;
		_exit(had != want);
	}
	assert_string_equal(ask(p, "one", a), "1");
	close(p->module.to);
	p->module.to = -1;
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	end(p);
}

/* The answer to a question that is never asked is not waited for; too much said is breakage all the same. */
static void never_asked(void **state)
{
	for (int too_much = 0; too_much < 2; too_much++) {
		struct play *p = begin("one two");

		modules_ahead(&p->all, ROLE_KEYS, "two", write_word, b);
		say(p, "<result id=\"1\">1</result>");
		assert_string_equal(ask(p, "one", a), "1");
		assert_int_equal(modules_quiet(&p->all, NULL), 0);
		say(p, "<result id=\"2\">2</result>");
		if (too_much)
			say(p, "<result id=\"2\">2</result>");
		assert_int_equal(strncmp(ask(p, "two", b), too_much ? "-1" : "2", 1), 0);
		assert_int_equal(p->module.broken, too_much);
		end(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_along), cmocka_unit_test(waits_for_its_turn), cmocka_unit_test(refusals),
		cmocka_unit_test(not_sent),   cmocka_unit_test(never_asked), cmocka_unit_test(longer_than_the_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
