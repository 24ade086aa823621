/* deliver_held.c - holds that wait for the scanner: found, settled, removed; marks of what came back */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deliver/hold_inside.h"
#include "deliver/returned.h"
#include "lib/fs.h"

static char directory[] = "/tmp/postern-unit.XXXXXX";
static struct arena arena;
static const char *const both[] = { "a@here.example", "B@here.example" };

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
	arena_release(&arena);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static const char *spool(const char *name)
{
	const char *path = arena_printf(&arena, "%s/%s", directory, name);

	assert_int_equal(fs_make_directory(path, 0700, NULL), 0);
	return path;
}

static const char *keep_for(const char *where, const char *identity, const char *message_id, const char *content,
			    const char *const *recipients, size_t n)
{
	struct hold h = { .queue_id = "Q1", .sender = "s@there.example", .client = "192.0.2.1", .recipients = recipients, .n = n, .reason = HOLD_SCAN,
			  .text = "waits", .message_id = message_id, .content = content, .finished = true, .eight_bit = true };
	struct segment s = { fs_temporary(directory, NULL), 0, 4 };
	const char *id;

	assert_int_equal(fs_write_all(s.fd, "text", 4, NULL), 0);
	assert_int_equal(hold_keep(&arena, where, identity, &h, &s, 1, &id, NULL), 0);
	close(s.fd);
	return id;
}

static const char *keep(const char *where, const char *identity, const char *message_id, const char *content)
{
	return keep_for(where, identity, message_id, content, both, 2);
}

static bool there(const char *where, const char *id, const char *suffix)
{
	return access(arena_printf(&arena, "%s/hold/%s%s", where, id, suffix), F_OK) == 0;
}

static void is_read_back(void **state)
{
	const char *where = spool("read"), *id = keep(where, "one", "<1@there>", "c0ffee");
	struct held h;
	char name[HOLD_ID + 1];
	uint64_t size;
	int fd;

	hold_name("one", name);
	assert_string_equal(id, name);
	assert_int_equal(hold_read(&arena, where, id, &h, NULL), 0);
	assert_string_equal(h.sender, "s@there.example");
	assert_string_equal(h.message_id, "<1@there>");
	assert_string_equal(h.reason, HOLD_SCAN);
	assert_string_equal(h.content, "c0ffee");
	assert_true(h.finished && h.eight_bit && !h.told);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.waiting, 2);
	assert_string_equal(h.recipients[1], "B@here.example");
	assert_int_equal(held_find(&arena, &h, "A@HERE.example"), 0);
	assert_int_equal(held_find(&arena, &h, "b@here.example"), 1);
	assert_int_equal(held_find(&arena, &h, "c@here.example"), -1);
	assert_int_equal(hold_open(&arena, where, id, &fd, &size, NULL), 0);
	assert_int_equal(size, 4);
	close(fd);
}

/* An id comes from outside. */
static void odd_ids(void **state)
{
	static const char *const bad[] = { "", "x", "../../../../etc/passwd", "0123456789abcdef0123456", "0123456789abcdef012345678",
					   "0123456789ABCDEF01234567", "0123456789abcdef01234567" };
	const char *where = spool("odd");
	struct held h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(hold_read(&arena, where, bad[i], &h, NULL), E_NOTFOUND);
		assert_int_equal(hold_settle(&arena, where, bad[i], both, 2, NULL), 0);
		assert_int_equal(hold_remove(&arena, where, bad[i], NULL), E_NOTFOUND);
	}
}

static void is_settled(void **state)
{
	static const char *const first[] = { "A@here.example", "stranger@here.example" };
	const char *where = spool("settle"), *id = keep(where, "one", "<1@there>", "");
	struct held h;

	assert_int_equal(hold_settle(&arena, where, id, first, 2, NULL), 0);
	assert_int_equal(hold_settle(&arena, where, id, first, 1, NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &h, NULL), 0);
	assert_int_equal(h.waiting, 1);
	assert_true(h.served[0] && !h.served[1]);
	assert_int_equal(hold_mark_told(&arena, where, id, NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &h, NULL), 0);
	assert_true(h.told && h.served[0]);
	assert_int_equal(hold_settle(&arena, where, id, both, 2, NULL), 0);
	assert_false(there(where, id, ".hold") || there(where, id, ".eml"));
	assert_int_equal(hold_read(&arena, where, id, &h, NULL), E_NOTFOUND);
	assert_int_equal(hold_settle(&arena, where, id, both, 2, NULL), 0);
	id = keep_for(where, "twice", "", "", (const char *const[]){ "a@here.example", "b@here.example", "A@here.example" }, 3);
	assert_int_equal(hold_settle(&arena, where, id, (const char *const[]){ "A@HERE.example" }, 1, NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &h, NULL), 0);
	assert_int_equal(h.waiting, 1);
	assert_true(h.served[0] && !h.served[1] && h.served[2]);
	assert_int_equal(hold_settle(&arena, where, id, both + 1, 1, NULL), 0);
	assert_false(there(where, id, ".hold") || there(where, id, ".eml"));
	id = keep(where, "two", "", "");
	assert_int_equal(hold_remove(&arena, where, id, NULL), 0);
	assert_false(there(where, id, ".hold") || there(where, id, ".eml"));
}

static int search(const char *where, const char *message_id, const char *sender, const char *recipient, const char *content,
		  const char **id)
{
	struct hold_wanted w = { message_id, sender, content, &recipient, 1 };
	const struct held *h = NULL;
	int rc = hold_search(&arena, where, &w, &h, NULL);

	*id = h ? h->id : "";
	return rc == 0 && !h ? E_NOTFOUND : rc;
}

static void is_found(void **state)
{
	const char *where = spool("find"), *one, *other, *nameless, *id;

	assert_int_equal(search(where, "<1@there>", "s@there.example", "a@here.example", "x", &id), E_NOTFOUND);
	one = keep(where, "one", "<1@there>", "c0ffee");
	other = keep(where, "other", "<1@there>", "decaf0");
	nameless = keep(where, "nameless", "", "x");
	keep(where, "nothing", "", "");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(search(where, "<1@there>", "S@there.example", "A@here.example", i ? "decaf0" : "c0ffee", &id), 0);
		assert_string_equal(id, i ? other : one);
	}
	assert_int_equal(search(where, "<1@there>", "s@there.example", "a@here.example", "else", &id), 0);
	assert_int_equal(search(where, "<2@there>", "s@there.example", "a@here.example", "else", &id), E_NOTFOUND);
	assert_int_equal(search(where, "<1@there>", "t@there.example", "a@here.example", "c0ffee", &id), E_NOTFOUND);
	assert_int_equal(search(where, "<1@there>", "s@there.example", "c@here.example", "c0ffee", &id), E_NOTFOUND);
	assert_int_equal(search(where, "", "s@there.example", "a@here.example", "", &id), E_NOTFOUND);
	for (int i = 0; i < 2; i++) { /* the scanner wrote another Message-ID, or there was none: by content */
		assert_int_equal(search(where, i ? "" : "<2@there>", "S@there.example", "b@here.example", "x", &id), 0);
		assert_string_equal(id, nameless);
	}
	assert_int_equal(search(where, "<2@there>", "t@there.example", "a@here.example", "x", &id), E_NOTFOUND);
	assert_int_equal(hold_settle(&arena, where, one, both, 1, NULL), 0);
	assert_int_equal(search(where, "<1@there>", "s@there.example", "a@here.example", "c0ffee", &id), 0);
	assert_string_equal(id, other);
	assert_int_equal(hold_remove(&arena, where, other, NULL), 0);
	assert_int_equal(search(where, "<1@there>", "s@there.example", "a@here.example", "c0ffee", &id), E_NOTFOUND);
	assert_int_equal(search(where, "<1@there>", "s@there.example", "b@here.example", "c0ffee", &id), 0);
	assert_string_equal(id, one);
}

static size_t links(const char *where)
{
	DIR *dir = opendir(arena_printf(&arena, "%s/hold", where));
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += strncmp(e->d_name, "by-", 3) == 0;
	closedir(dir);
	return n;
}

/* As many of one kind as there are slots, and one more; a gap is found and filled. */
static void many_of_one_kind(void **state)
{
	const char *where = spool("many"), *last = keep(where, "last", "<1@there>", "content"), *id;
	const char *holds = arena_printf(&arena, "%s/hold", where), *ids[HOLD_SLOTS];
	const struct hold_key k = { "message-id", "<1@there>", "s@there.example" };

	for (unsigned i = 1; i < HOLD_SLOTS + 1; i++) {
		hold_index_add(&arena, holds, arena_printf(&arena, "%024x", i), &k);
		hold_index_add(&arena, holds, arena_printf(&arena, "%024x", i), &k); /* held once more */
	}
	assert_int_equal(links(where), HOLD_SLOTS + 1); /* and the one of the content */
	assert_int_equal(hold_index_find(&arena, holds, &k, ids), HOLD_SLOTS);
	assert_string_equal(ids[HOLD_SLOTS - 1], arena_printf(&arena, "%024x", HOLD_SLOTS - 1));
	hold_index_remove(&arena, holds, arena_printf(&arena, "%024x", 3), &k);
	hold_index_remove(&arena, holds, arena_printf(&arena, "%024x", HOLD_SLOTS), &k); /* has none */
	assert_int_equal(hold_index_find(&arena, holds, &k, ids), HOLD_SLOTS - 1);
	hold_index_add(&arena, holds, arena_printf(&arena, "%024x", HOLD_SLOTS), &k);
	assert_int_equal(hold_index_find(&arena, holds, &k, ids), HOLD_SLOTS);
	assert_string_equal(ids[3], arena_printf(&arena, "%024x", HOLD_SLOTS));
	assert_int_equal(search(where, "<1@there>", "s@there.example", "a@here.example", "content", &id), 0);
	assert_string_equal(id, last); /* what leads nowhere is passed over */
	assert_int_equal(hold_remove(&arena, where, last, NULL), 0);
	assert_int_equal(links(where), HOLD_SLOTS - 1);
}

static void set_age(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void set_age_of_link(const char *path, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void is_swept(void **state)
{
	const char *where = spool("sweep"), *id, *orphan, *young;

	assert_false(hold_sweep_is_due(&arena, where)); /* nothing was ever held */
	id = keep(where, "one", "", "");
	orphan = keep(where, "orphan", "", "");
	young = keep(where, "young", "", "");
	for (const char *const *lost = (const char *const[]){ orphan, young, NULL }; *lost; lost++)
		assert_int_equal(unlink(arena_printf(&arena, "%s/hold/%s.hold", where, *lost)), 0);
	set_age(arena_printf(&arena, "%s/hold/%s.eml", where, id), 11 * 86400);
	set_age(arena_printf(&arena, "%s/hold/%s.eml", where, orphan), 11 * 86400);
	assert_true(hold_age(&arena, where, id) >= 11 * 86400);
	assert_false(hold_sweep_is_due(&arena, where)); /* the first one has just been held */
	set_age(arena_printf(&arena, "%s/hold/swept", where), 599);
	assert_false(hold_sweep_is_due(&arena, where));
	set_age(arena_printf(&arena, "%s/hold/swept", where), 600);
	assert_true(hold_sweep_is_due(&arena, where));
	assert_false(hold_sweep_is_due(&arena, where));
	set_age(arena_printf(&arena, "%s/hold/swept", where), 600);
	assert_true(hold_sweep_is_due(&arena, where));
	assert_true(there(where, id, ".eml") && there(where, young, ".eml")); /* what has a record is never removed */
	assert_false(there(where, orphan, ".eml"));
	assert_int_equal(symlink(id, arena_printf(&arena, "%s/hold/by-good-0", where)), 0);
	assert_int_equal(symlink(young, arena_printf(&arena, "%s/hold/by-lost-0", where)), 0);
	assert_int_equal(symlink(young, arena_printf(&arena, "%s/hold/by-made-0", where)), 0);
	set_age_of_link(arena_printf(&arena, "%s/hold/by-good-0", where), 2 * 86400);
	set_age_of_link(arena_printf(&arena, "%s/hold/by-lost-0", where), 2 * 86400);
	set_age(arena_printf(&arena, "%s/hold/swept", where), 600);
	assert_true(hold_sweep_is_due(&arena, where));
	assert_int_equal(links(where), 2);
	assert_int_not_equal(access(arena_printf(&arena, "%s/hold/by-lost-0", where), F_OK), 0);
}

#define ID "0123456789abcdef01234567"

static void marks(void **state)
{
	static const char *const some[] = { "A@here.example" };
	const char *where = spool("marks");
	struct returned r, again;
	bool has;

	assert_int_equal(returned_open(&arena, where, ID, "<1@there>", "S@there.example", deadline_in(1000), &r, NULL), 0);
	assert_int_equal(returned_add(&arena, &r, some, 1, NULL), 0);
	assert_int_equal(returned_open(&arena, where, ID, "", "", deadline_in(50), &again, NULL), E_TEMP); /* one at a time */
	returned_close(&r);
	assert_int_equal(returned_open(&arena, where, ID, "", "", deadline_in(1000), &again, NULL), 0);
	assert_int_equal(returned_has(&arena, &again, "a@HERE.example", &has, NULL), 0);
	assert_true(has);
	assert_int_equal(returned_has(&arena, &again, "b@here.example", &has, NULL), 0);
	assert_false(has);
	returned_close(&again);
	assert_int_equal(returned_open(&arena, where, "1" ID, "", "", deadline_in(1000), &again, NULL), 0);
	assert_int_equal(returned_has(&arena, &again, "a@here.example", &has, NULL), 0);
	assert_false(has);
	returned_close(&again);
	assert_int_equal(returned_had_message(&arena, where, "<1@there>", "s@there.example", "a@here.example", &has, NULL), 0);
	assert_true(has);
	assert_int_equal(returned_had_message(&arena, where, "<2@there>", "s@there.example", "a@here.example", &has, NULL), 0);
	assert_false(has);
	assert_int_equal(returned_had_message(&arena, where, "", "s@there.example", "a@here.example", &has, NULL), 0);
	assert_false(has);
}

#define AT_ONCE 6

/* Copies of one message come back at the same time: one process has it, the others see that. */
static void marks_at_once(void **state)
{
	const char *where = spool("at-once"), *count = arena_printf(&arena, "%s/count", where);
	pid_t pids[AT_ONCE];
	struct stat st;

	for (int i = 0; i < AT_ONCE; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct returned r;
			bool had = true;
			int fd;

			if (returned_open(&arena, where, ID, "", "", deadline_in(60000), &r, NULL) < 0 ||
			    returned_has(&arena, &r, "a@b", &had, NULL) < 0)
				_exit(1);
			fd = had ? -1 : open(count, O_WRONLY | O_CREAT | O_APPEND, 0600);
			if (fd >= 0 && write(fd, "x", 1) != 1)
				_exit(1);
			_exit(!had && returned_add(&arena, &r, (const char *const[]){ "a@b" }, 1, NULL) < 0);
		}
	}
	for (int i = 0; i < AT_ONCE; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(stat(count, &st), 0);
	assert_int_equal(st.st_size, 1);
}

/* What resuming needs: a proof for each recipient, and how often it was tried. */
static void locked(void **state)
{
	const char *const seals[] = { "aa", "bb" }, *const more[] = { "b@here.example", "c@here.example" }, *const more_seals[] = { "xx", "cc" };
	const char *where = spool("locked"), *id;
	struct hold h = { .queue_id = "Q1", .sender = "s@there.example", .client = "192.0.2.1", .recipients = both, .n = 2,
			  .reason = HOLD_LOCKED, .text = "one\nseal: 00", .message_id = "<1@x>\ntried: now", .seals = seals, .locked = "keys-a /x/keys-b" };
	struct segment s = { fs_temporary(directory, NULL), 0, 4 };
	struct held held;

	assert_int_equal(fs_write_all(s.fd, "text", 4, NULL), 0);
	assert_int_equal(hold_keep(&arena, where, "locked", &h, &s, 1, &id, NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &held, NULL), 0);
	assert_int_equal(held.nseals, 2); /* text from outside adds no line */
	assert_string_equal(held.seals[0], "aa");
	assert_string_equal(held.seals[1], "bb");
	assert_int_equal(held.tried, 0);
	assert_string_equal(held.tried_last, "");
	assert_int_equal(held.nmodules, 2);
	assert_string_equal(held.modules[1], "/x/keys-b");

	h.recipients = more;
	h.seals = more_seals;
	h.locked = "/x/keys-b keys-c";
	assert_int_equal(hold_keep(&arena, where, "locked", &h, &s, 1, &id, NULL), 0);
	assert_int_equal(hold_mark_tried(&arena, where, id, NULL), 0);
	assert_int_equal(hold_mark_tried(&arena, where, id, NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &held, NULL), 0);
	assert_int_equal(held.n, 4); /* the record compares letter by letter */
	assert_int_equal(held.nseals, 4);
	assert_string_equal(held.seals[3], "cc");
	assert_int_equal(held.tried, 2);
	assert_int_equal(strlen(held.tried_last), strlen("2026-01-31T12:00:00Z"));
	assert_int_equal(held.waiting, 4);
	assert_int_equal(held.nmodules, 3); /* who stands there already does so once */
	assert_string_equal(held.modules[2], "keys-c");
	assert_int_equal(hold_add_locked(&arena, where, id, "keys-a keys-d", NULL), 0);
	assert_int_equal(hold_add_locked(&arena, where, id, "", NULL), 0);
	assert_int_equal(hold_read(&arena, where, id, &held, NULL), 0);
	assert_int_equal(held.nmodules, 4);
	assert_string_equal(held.modules[3], "keys-d");
	assert_int_equal(hold_mark_tried(&arena, where, "0123456789abcdef01234567", NULL), E_NOTFOUND);
	close(s.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read_back), cmocka_unit_test(odd_ids), cmocka_unit_test(is_settled), cmocka_unit_test(is_found),
		cmocka_unit_test(many_of_one_kind),
		cmocka_unit_test(is_swept), cmocka_unit_test(marks), cmocka_unit_test(marks_at_once),
		cmocka_unit_test(locked),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
