/* deliver_base.c - parsing destinations, one-line texts, statuses, names, pieces of a message, the journal */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deliver/copy.h"
#include "deliver/journal.h"
#include "deliver/kind.h"
#include "deliver/name.h"
#include "lib/fs.h"

static char directory[] = "/tmp/postern-unit.XXXXXX";

static int make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", directory, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static void refused_destinations(void **state)
{
	static const char *const bad[] = { "maildir:", "maildir:relative", "maildir", "mailbox:/x", "command:", "command:cat",
		"command: relative/x", "command:/bin/x ${senders}", "command:/bin/x ${", "command:/bin/${sender}", "maildir:/x/${recipients}",
		"nonesuch" };
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct destination d;
		struct error err = { 0 };

		if (destination_parse(&a, bad[i], &d, &err) != E_CONFIG)
			fail_msg("accepted: %s", bad[i]);
		if (!strstr(err.text, bad[i]))
			fail_msg("%s: not named in \"%s\"", bad[i], err.text);
	}
	arena_release(&a);
}

static void accepted_destinations(void **state)
{
	struct arena a = ARENA_INIT;
	struct destination d;

	assert_int_equal(destination_parse(&a, "", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_NONE);
	assert_int_equal(destination_parse(&a, " None ", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_NONE);
	assert_int_equal(destination_parse(&a, "Maildir:/var/mail/x y", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_MAILDIR);
	assert_string_equal(d.path, "/var/mail/x y");
	assert_int_equal(destination_parse(&a, "command:/bin/a  -f\t${sender} -- x${recipients} ", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_COMMAND);
	assert_string_equal(d.argv[0], "/bin/a");
	assert_string_equal(d.argv[2], "${sender}");
	assert_string_equal(d.argv[4], "x${recipients}");
	assert_null(d.argv[5]);
	arena_release(&a);
}

static void lines(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" }, { "  a\r\n b\t\tc \x01", "a b c" }, { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "gr\xfc\xdf", "gr??" }, { "a\x7f\x1b[31m", "a [31m" } };
	char out[TEXT_MAX + 1], longest[TEXT_MAX + 10];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		text_make_line(span_of(cases[i].in), out);
		assert_string_equal(out, cases[i].out);
	}
	memset(longest, 'x', sizeof(longest));
	text_make_line(span_from(longest, TEXT_MAX), out);
	assert_int_equal(strlen(out), TEXT_MAX);
	text_make_line(span_from(longest, TEXT_MAX + 1), out);
	assert_int_equal(strlen(out), TEXT_MAX);
	memcpy(longest + TEXT_MAX - 1, "\xc3\xbc", 2); /* not cut in the middle of a character */
	text_make_line(span_from(longest, TEXT_MAX + 1), out);
	assert_int_equal(strlen(out), TEXT_MAX - 1);
}

static void statuses(void **state)
{
	static const char *const bad[] = { "", "5", "5.1", "5.1.", "5.1.1x", "4.1.1", "5.1111.1", "5..1", "x5.1.1", "5.1.1111" };
	char out[STATUS_MAX];

	assert_true(status_parse(span_of("5.1.1 no such user"), '5', out));
	assert_string_equal(out, "5.1.1");
	assert_true(status_parse(span_of("5.123.999"), '5', out));
	assert_string_equal(out, "5.123.999");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (status_parse(span_of(bad[i]), '5', out))
			fail_msg("accepted: %s", bad[i]);
}

static void names(void **state)
{
	static const char abc[] = "ab", *const one[] = { abc }, *const split[] = { "a", "bc" }, *const other[] = { "ab", "c" };
	char a[NAME_HEX + 1], b[NAME_HEX + 1], longest[200];

	/* printf 'ab\0' | sha256sum */
	name_hash(one, 1, a);
	assert_string_equal(a, "969caaeb3626c0d5695eefa6aea53305b312b33d505272adc6cb24450650c243");
	name_hash(split, 2, a);
	name_hash(other, 2, b);
	assert_string_not_equal(a, b);
	memset(longest, 'x', sizeof(longest));
	longest[119] = '\0'; /* with its NUL 120 bytes: the length needs a block of its own */
	name_hash((const char *const[]){ longest }, 1, a);
	assert_string_equal(a, "120aa3c55b540a251a804fa97789ab5b8e4f53f65018f4f337f7a251dbc5ffb7");
}

static int file_with(const char *text)
{
	int fd = fs_temporary(directory, NULL);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text), NULL), 0);
	return fd;
}

static void pieces(void **state)
{
	int fd = file_with("0123456789"), out = file_with("");
	struct segment s[] = { { fd, 2, 3 }, { fd, 0, 0 }, { fd, 9, 1 }, { fd, 0, 2 } };
	struct segment_reader r = { s, 4, 0, 0 };
	char bytes[20] = "";

	assert_int_equal(segments_length(s, 4), 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(segment_read(&r, bytes + i, 1, NULL), 1);
	assert_int_equal(segment_read(&r, bytes + 6, 1, NULL), 0);
	assert_string_equal(bytes, "234901");
	assert_int_equal(copy_to_file(out, s, 4, NULL), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(pread(out, bytes, sizeof(bytes), 0), 6);
	assert_string_equal(bytes, "234901");
	s[2].length = 2; /* one more than there is */
	assert_int_equal(copy_to_file(out, s, 4, NULL), E_TEMP);
	r = (struct segment_reader){ s, 4, 0, 0 };
	assert_int_equal(segment_read(&r, bytes, sizeof(bytes), NULL), E_TEMP);
	close(fd);
	close(out);
}

/* A file opened for appending is refused by copy_file_range(2) and sendfile(2): the buffer does it. */
static void pieces_by_hand(void **state)
{
	struct buf path = BUF_INIT, big = BUF_INIT, got = BUF_INIT;
	struct segment s[2];
	int fd, out;

	for (int i = 0; i < 200000; i++)
		buf_addch(&big, (char)(i % 251));
	fd = fs_temporary(directory, NULL);
	assert_int_equal(fs_write_all(fd, big.data, big.len, NULL), 0);
	s[0] = (struct segment){ fd, 0, 70000 };
	s[1] = (struct segment){ fd, 70000, 130000 };
	buf_addf(&path, "%s/append", directory);
	out = open(path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(out >= 0);
	assert_int_equal(copy_to_file(out, s, 2, NULL), 0);
	assert_int_equal(fs_read(path.data, 1000000, &got, NULL), 0);
	assert_int_equal(got.len, 200000);
	assert_memory_equal(got.data, big.data, 200000);
	s[1].length++;
	assert_int_equal(copy_to_file(out, s, 2, NULL), E_TEMP);
	close(fd);
	close(out);
	buf_release(&path);
	buf_release(&big);
	buf_release(&got);
}

static void line_breaks(void **state)
{
	static const struct { const char *text, *eol; } cases[] = {
		{ "a: b\r\nc: d\n", "\r\n" }, { "a: b\nc\r\n", "\n" }, { "\n", "\n" }, { "\r\n", "\r\n" }, { "", "\n" }, { "x", "\n" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int fd = file_with(cases[i].text);
		struct segment s = { fd, 0, strlen(cases[i].text) };
		const char *eol;

		assert_int_equal(segments_eol(&s, 1, &eol, NULL), 0);
		assert_string_equal(eol, cases[i].eol);
		close(fd);
	}
}

static bool has(const struct journal *j, const char *kind, const char *recipient)
{
	bool yes;

	assert_int_equal(journal_has(j, kind, recipient, &yes, NULL), 0);
	return yes;
}

static void journal_remembers(void **state)
{
	static const char *const two[] = { "a@b", "c@d" };
	struct arena a = ARENA_INIT;
	struct journal j, again, other;

	assert_int_equal(journal_open(&a, directory, "one", &j, NULL), 0);
	assert_false(has(&j, "mail", "a@b"));
	assert_int_equal(journal_add(&j, "mail", two, 2, NULL), 0);
	assert_int_equal(journal_add(&j, "mail", two, 1, NULL), 0); /* twice is no error */
	assert_int_equal(journal_open(&a, directory, "one", &again, NULL), 0);
	assert_true(has(&again, "mail", "a@b"));
	assert_true(has(&again, "mail", "c@d"));
	assert_false(has(&again, "scan", "a@b"));
	assert_false(has(&again, "mail", "A@b"));
	assert_int_equal(journal_open(&a, directory, "two", &other, NULL), 0);
	assert_false(has(&other, "mail", "a@b"));
	journal_forget(&again, "mail", two, 1);
	assert_false(has(&j, "mail", "a@b"));
	assert_true(has(&j, "mail", "c@d"));
	journal_forget(&again, "mail", two, 2); /* one is gone already */
	journal_release(&j);
	journal_release(&again);
	journal_release(&other);
	arena_release(&a);
}

static void journal_is_locked(void **state)
{
	static const char *const ours[] = { "a@b", "c@d", "a@b" }, *const theirs[] = { "e@f", "c@d" };
	struct arena a = ARENA_INIT;
	struct journal j, again, other;
	struct error err = { 0 };

	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &j, NULL), 0);
	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &again, NULL), 0);
	assert_int_equal(journal_open_in(&a, directory, "locked", "two", &other, NULL), 0);
	assert_int_equal(journal_lock(&j, ours, 3, deadline_in(0), NULL), 0);
	assert_int_equal(journal_lock(&again, theirs, 2, deadline_in(0), &err), E_TEMP);
	assert_non_null(strstr(err.text, "another process"));
	assert_int_equal(journal_lock(&again, theirs, 1, deadline_in(0), NULL), 0); /* another recipient */
	assert_int_equal(journal_lock(&other, ours, 3, deadline_in(0), NULL), 0);   /* another message */
	journal_release(&j);
	assert_int_equal(journal_lock(&again, theirs, 2, deadline_in(0), NULL), 0);
	journal_release(&again);
	journal_release(&other);
	arena_release(&a);
}

/* Up to a thousand recipients each has a lock of its own, one more is the whole message. */
static void many_lock_the_message(void **state)
{
	struct arena a = ARENA_INIT;
	const char **many = arena_array(&a, 1001, sizeof(*many));
	struct journal j, again, other;

	for (int i = 0; i < 1001; i++)
		many[i] = arena_printf(&a, "r%d@example.org", i);
	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &j, NULL), 0);
	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &again, NULL), 0);
	assert_int_equal(journal_open_in(&a, directory, "locked", "two", &other, NULL), 0);
	assert_int_equal(journal_lock(&j, many, 1000, deadline_in(0), NULL), 0);
	assert_int_equal(journal_lock(&again, &many[1000], 1, deadline_in(0), NULL), 0);
	journal_release(&j);
	journal_release(&again);
	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &j, NULL), 0);
	assert_int_equal(journal_open_in(&a, directory, "locked", "one", &again, NULL), 0);
	assert_int_equal(journal_lock(&j, many, 1001, deadline_in(0), NULL), 0);
	assert_int_equal(journal_lock(&again, (const char *const[]){ "another@example.org" }, 1, deadline_in(0), NULL), E_TEMP);
	assert_int_equal(journal_lock(&other, many, 1001, deadline_in(0), NULL), 0);
	journal_release(&j);
	journal_release(&again);
	journal_release(&other);
	arena_release(&a);
}

static void age(const struct journal *j, const char *name, time_t seconds)
{
	struct timespec t[2];

	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= seconds;
	t[1] = t[0];
	assert_int_equal(utimensat(j->fd, name, t, 0), 0);
}

static void journal_sweeps(void **state)
{
	static const char *const old[] = { "old@b" }, *const young[] = { "young@b" };
	struct arena a = ARENA_INIT;
	char name[NAME_HEX + 1];
	struct journal j;

	assert_int_equal(journal_open(&a, directory, "sweep", &j, NULL), 0);
	assert_int_equal(journal_add(&j, "mail", old, 1, NULL), 0);
	assert_int_equal(journal_add(&j, "mail", young, 1, NULL), 0);
	name_hash((const char *const[]){ "sweep", "mail", "old@b" }, 3, name);
	age(&j, name, 7 * 86400 + 60);
	name_hash((const char *const[]){ "sweep", "mail", "young@b" }, 3, name);
	age(&j, name, 7 * 86400 - 60);
	journal_sweep(&j, (uint64_t)7 * 24 * 3600);
	assert_false(has(&j, "mail", "old@b"));
	assert_true(has(&j, "mail", "young@b"));
	age(&j, name, 8 * 86400);
	journal_sweep(&j, (uint64_t)7 * 24 * 3600); /* not again so soon */
	assert_true(has(&j, "mail", "young@b"));
	age(&j, "swept", 86400 + 1);
	journal_sweep(&j, (uint64_t)7 * 24 * 3600); /* the mail server has just tried again */
	assert_true(has(&j, "mail", "young@b"));
	age(&j, name, 8 * 86400);
	age(&j, "swept", 86400 + 1);
	journal_sweep(&j, (uint64_t)7 * 24 * 3600);
	assert_false(has(&j, "mail", "young@b"));
	journal_release(&j);
	arena_release(&a);
}

static void journal_cannot_be_opened(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf path = BUF_INIT;
	struct error err = { 0 };
	struct journal j;

	buf_addf(&path, "%s/file", directory);
	assert_int_equal(fs_replace(path.data, "x", 1, 0600, NULL), 0);
	assert_int_equal(journal_open(&a, path.data, "one", &j, &err), E_TEMP);
	assert_int_equal(j.fd, -1);
	assert_non_null(strstr(err.text, path.data));
	buf_release(&path);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_destinations), cmocka_unit_test(accepted_destinations), cmocka_unit_test(lines),
		cmocka_unit_test(statuses), cmocka_unit_test(names), cmocka_unit_test(pieces), cmocka_unit_test(pieces_by_hand), cmocka_unit_test(line_breaks),
		cmocka_unit_test(journal_remembers), cmocka_unit_test(journal_is_locked), cmocka_unit_test(many_lock_the_message),
		cmocka_unit_test(journal_sweeps), cmocka_unit_test(journal_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
