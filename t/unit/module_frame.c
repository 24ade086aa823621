/* module_frame.c - frames on pipes, byte by byte, at their limits and in company */
#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/frame.h"
#include "lib/mem.h"

struct line {
	int ends[2];
	struct frame_reader r;
};

static void line_open(struct line *l, size_t max)
{
	assert_int_equal(pipe2(l->ends, O_CLOEXEC | O_NONBLOCK), 0);
	frame_reader_init(&l->r, l->ends[0], max);
}

static void line_close(struct line *l)
{
	frame_reader_release(&l->r);
	close(l->ends[0]);
	if (l->ends[1] >= 0)
		close(l->ends[1]);
}

static void put(struct line *l, const char *s, size_t n)
{
	assert_int_equal(write(l->ends[1], s, n), (ssize_t)n);
}

static void hang_up(struct line *l)
{
	close(l->ends[1]);
	l->ends[1] = -1;
}

static void byte_by_byte(void **state)
{
	static const char bytes[] = "3\nabc12\n0123456789\n\n1\nx";
	static const char *const want[] = { "abc", "0123456789\n\n", "x" };
	struct line l;
	struct span doc;
	size_t got = 0;

	line_open(&l, 100);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		put(&l, bytes + i, 1);
		assert_int_equal(frame_fill(&l.r, NULL), 1);
		if (frame_next(&l.r, &doc, NULL) == 1)
			assert_true(span_eqstr(doc, want[got++]));
	}
	assert_int_equal(got, 3);
	assert_true(frame_idle(&l.r));
	line_close(&l);
}

static void several_in_one_read(void **state)
{
	struct line l;
	struct span doc;

	line_open(&l, 100);
	put(&l, "1\na1\nb2\n", 8);
	assert_int_equal(frame_fill(&l.r, NULL), 1);
	assert_int_equal(frame_next(&l.r, &doc, NULL), 1);
	assert_true(span_eqstr(doc, "a"));
	assert_false(frame_idle(&l.r));
	assert_int_equal(frame_next(&l.r, &doc, NULL), 1);
	assert_true(span_eqstr(doc, "b"));
	assert_int_equal(frame_next(&l.r, &doc, NULL), 0);
	assert_int_equal(frame_fill(&l.r, NULL), 0); /* nothing there, and no waiting */
	put(&l, "cd", 2);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), 0);
	assert_true(span_eqstr(doc, "cd"));
	line_close(&l);
}

static void ends(void **state)
{
	struct error err;
	struct line l;
	struct span doc;

	line_open(&l, 100);
	put(&l, "1\na", 3);
	hang_up(&l);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, &err), 0);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, &err), E_NOTFOUND);
	line_close(&l);
	for (const char *cut = "5\nabcd"; *cut; cut++) { /* every way to be cut short */
		line_open(&l, 100);
		put(&l, "5\nabcd", strlen(cut));
		hang_up(&l);
		assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, &err), E_TEMP);
		assert_string_equal(err.text, "end of file inside a frame");
		line_close(&l);
	}
}

static void in_time(void **state)
{
	struct error err;
	struct line l;
	struct span doc;

	line_open(&l, 100);
	put(&l, "5\nabcd", 6);
	assert_int_equal(frame_read(&l.r, deadline_in(20), &doc, &err), E_TEMP);
	assert_string_equal(err.text, "no answer in time");
	put(&l, "e", 1); /* what was read is not lost */
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, &err), 0);
	assert_true(span_eqstr(doc, "abcde"));
	line_close(&l);
}

static void at_the_limit(void **state)
{
	struct line l;
	struct span doc;

	line_open(&l, 4);
	put(&l, "4\nabcd", 6);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), 0);
	put(&l, "5\n", 2);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), E_LIMIT);
	line_close(&l);
}

static void writing(void **state)
{
	char big[200000];
	struct line l;
	struct span doc;

	memset(big, 'x', sizeof(big));
	line_open(&l, sizeof(big));
	assert_int_equal(frame_write(l.ends[1], span_of("abc"), deadline_in(1000), NULL), 0);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), 0);
	assert_true(span_eqstr(doc, "abc"));
	/* more than the pipe holds, and nobody reads */
	assert_int_equal(frame_write(l.ends[1], span_from(big, sizeof(big)), deadline_in(20), NULL), E_TEMP);
	line_close(&l);
}

static void nothing_stays(void **state)
{
	struct line l;
	struct span doc;

	line_open(&l, 100);
	put(&l, "6\nsecret1\n", 10);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), 0);
	assert_true(span_eqstr(doc, "secret"));
	put(&l, "x", 1);
	assert_int_equal(frame_read(&l.r, deadline_in(1000), &doc, NULL), 0);
	assert_null(memmem(l.r.input.data, l.r.input.cap, "secret", 6));
	line_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_by_byte), cmocka_unit_test(several_in_one_read), cmocka_unit_test(ends),
		cmocka_unit_test(in_time),      cmocka_unit_test(at_the_limit),        cmocka_unit_test(writing),
		cmocka_unit_test(nothing_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
