/* deliver_report.c - delivery status notifications, notices and their digest, holds */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deliver/hold.h"
#include "deliver/hold_inside.h"
#include "deliver/letter.h"
#include "deliver/report.h"
#include "lib/fs.h"
#include "lib/log.h"

static char directory[] = "/tmp/postern-unit.XXXXXX";
static struct arena arena;

static int make_directory(void **state)
{
	log_open("/dev/null", "test", NULL);
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

static char *under(const char *name)
{
	return arena_printf(&arena, "%s/%s", directory, name);
}

/* A site of its own, so that tests do not see each other's state. */
static struct config site(const char *name, uint64_t limit)
{
	struct config c = { .hostname = "gate.example", .admin = "admin@example.org", .spool = under(name), .notice_limit = limit,
			    .notice_window = 3600000 };

	assert_int_equal(fs_make_directory(c.spool, 0700, NULL), 0);
	return c;
}

static int file_with(const char *p, size_t n)
{
	int fd = fs_temporary(directory, NULL);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, p, n, NULL), 0);
	return fd;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* ---- delivery status notifications ---- */

static const char *dsn(const char *sender, const struct failed_recipient *f, size_t n, const char *header, size_t length)
{
	struct config c = site("dsn", 1);
	struct buf b = BUF_INIT;
	int fd = file_with("", 0), from = file_with(header, length);
	struct segment s = { from, 0, length };
	char *text;
	off_t size;

	assert_int_equal(report_dsn(fd, &c, "QID7", sender, f, n, header ? &s : NULL, NULL), 0);
	size = lseek(fd, 0, SEEK_END);
	buf_reserve(&b, (size_t)size + 1);
	assert_int_equal(pread(fd, b.data, (size_t)size, 0), size);
	text = arena_strndup(&arena, b.data, (size_t)size);
	for (off_t i = 0, column = 0; i < size; i++) {
		column = text[i] == '\n' ? 0 : column + 1;
		assert_true((text[i] >= 0x20 && text[i] < 0x7f) || text[i] == '\n' || text[i] == '\t');
		assert_true(column <= 998);
	}
	buf_release(&b);
	close(fd);
	close(from);
	return text;
}

static void dsn_names_all(void **state)
{
	static const struct failed_recipient failed[] = {
		{ "a@partner.example", "5.7.1", "no certificate was found; ask the recipient for a signed message first" },
		{ "b@x", "5.1.1", "550 5.1.1 no such user" }, { "c@x", "nonsense", "" } };
	static const char header[] = "Subject: hello\r\nFrom: me@b\r\n\r\nsecret body\r\n";
	const char *t = dsn("me@b", failed, 3, header, sizeof(header) - 1);

	has(t, "From: \"Mail gateway at gate.example\" <postmaster@gate.example>\n");
	has(t, "To: <me@b>\n");
	has(t, "Auto-Submitted: auto-replied\n");
	has(t, "MIME-Version: 1.0\n");
	has(t, "Content-Type: multipart/report; report-type=delivery-status;\n");
	has(t, "  a@partner.example\n    no certificate was found; ask the recipient for a signed message\n    first (5.7.1)\n");
	has(t, "Content-Type: message/delivery-status\n");
	has(t, "\n\nReporting-MTA: dns; gate.example\nX-Postern-Queue-ID: QID7\n\nFinal-Recipient: rfc822; a@partner.example\n"
	       "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: x-postern; no certificate was found; ask the recipient\n for a signed message first\n");
	has(t, "Final-Recipient: rfc822; b@x\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n");
	has(t, "Final-Recipient: rfc822; c@x\nAction: failed\nStatus: 5.0.0\n\n--");
	has(t, "Content-Type: text/rfc822-headers; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\nSubject: hello\nFrom: me@b\n\n--");
	has_not(t, "secret");
	assert_int_equal(count(t, "\n--=_"), 4);
	assert_int_equal(count(t, "--\n"), 1);
}

static void dsn_beyond_ascii(void **state)
{
	static const struct failed_recipient failed[] = { { "j\xc3\xbcrgen+a=\\@x\xe2\x82\xac.example", "5.7.1", "gr\xc3\xbc\xc3\x9f" } };
	static const char header[] = "Subject: gr\xfc\xdf =\n";
	const char *t = dsn("j\xc3\xbcrgen@b", failed, 1, header, sizeof(header) - 1);

	has(t, "To: =?utf-8?B?asO8cmdlbkBi?=:;\n");
	has(t, "Final-Recipient: utf-8; j\\x{FC}rgen\\x{2B}a\\x{3D}\\x{5C}@x\\x{20AC}.example\n");
	has(t, "Diagnostic-Code: x-postern; gr??\n");
	has(t, "  j=C3=BCrgen+a=3D\\@x=E2=82=AC.example\n    gr=C3=BC=C3=9F (5.7.1)\n");
	has(t, "Content-Transfer-Encoding: quoted-printable\n\nSubject: gr=FC=DF =3D\n");
	t = dsn("me@b", failed, 1, NULL, 0);
	has_not(t, "rfc822-headers");
	assert_int_equal(count(t, "\n--=_"), 3);
}

static void dsn_injection(void **state)
{
	static const struct failed_recipient failed[] = { { "a@x\nStatus: 2.0.0", "5.7.1\nX: y", "one\nAction: relayed\r\n\r\n--=_ two" } };
	const char *t = dsn("me@b", failed, 1, "Subject: x\n", 11);

	has_not(t, "\nAction: relayed");
	has_not(t, "\nX: y");
	has_not(t, "\nStatus: 2");
	has(t, "Status: 5.7.1\nDiagnostic-Code: x-postern; one Action: relayed --=_ two\n");
}

/* Lines of 64 bytes: 1024 of them are 64 KB to the byte. */
static void dsn_header_limit(void **state)
{
	static const struct failed_recipient failed[] = { { "a@x", "5.7.1", "no" } };
	struct buf b = BUF_INIT;
	const char *t;

	for (int i = 0; i < 1024; i++)
		buf_addf(&b, "X-%04d: %055d\n", i, 0);
	assert_int_equal(b.len, 65536);
	t = dsn("me@b", failed, 1, b.data, b.len);
	assert_int_equal(count(t, "\nX-"), 1025); /* X-Postern-Queue-ID, too */
	has(t, "X-1023: ");
	buf_clear(&b);
	for (int i = 0; i < 1024; i++)
		buf_addf(&b, i ? "X-%04d: %055d\n" : "X-%04d: %056d\n", i, 0); /* one byte more */
	t = dsn("me@b", failed, 1, b.data, b.len);
	has(t, "X-1022: ");
	has_not(t, "X-1023: ");
	buf_clear(&b);
	for (int i = 0; i < 80000; i++) /* no line break at all */
		buf_addch(&b, 'x');
	t = dsn("me@b", failed, 1, b.data, b.len);
	has(t, "text/rfc822-headers");
	buf_release(&b);
}

static void quoted_printable(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "\xc3\xa4 =\t\n x \n", "=C3=A4 =3D=09\n x=20\n" }, { "\xff", "=FF" }, { "\x01 a ", "=01 a=20" } };
	struct buf b = BUF_INIT, longest = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&b);
		letter_body(&b, "text/plain", span_of(cases[i].in));
		assert_string_equal(strstr(b.data, "\n\n") + 2, cases[i].out);
	}
	for (int i = 0; i < 900; i++)
		buf_addch(&longest, 'x');
	buf_clear(&b);
	letter_body(&b, "text/plain", span_from(longest.data, longest.len));
	has(b.data, "7bit");
	buf_addch(&longest, 'x');
	buf_clear(&b);
	letter_body(&b, "text/plain", span_from(longest.data, longest.len));
	has(b.data, "quoted-printable");
	assert_int_equal(count(b.data, "=\n"), 12); /* 901 bytes in lines of 75 */
	buf_release(&b);
	buf_release(&longest);
}

/* ---- notices ---- */

static struct destination maildir(const char *name)
{
	struct destination d;

	assert_int_equal(destination_parse(&arena, arena_printf(&arena, "maildir:%s/%s", directory, name), &d, NULL), 0);
	return d;
}

/* All messages in the maildir, one behind the other; *n: how many. */
static const char *mails(const struct destination *d, size_t *n)
{
	char *path = arena_printf(&arena, "%s/new", d->path);
	DIR *dir = opendir(path);
	struct buf b = BUF_INIT;
	struct dirent *e;
	char *text;

	*n = 0;
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.') {
			assert_int_equal(fs_read(arena_printf(&arena, "%s/%s", path, e->d_name), 1000000, &b, NULL), 0);
			(*n)++;
		}
	if (dir)
		closedir(dir);
	text = arena_strndup(&arena, buf_str(&b), b.len);
	buf_release(&b);
	return text;
}

static struct notice notice(const char *queue_id)
{
	static const char *const recipients[] = { "r@x", "s@x\nTo: evil@x" };

	return (struct notice){ .subject = "Message could not be decrypted", .text = "No key.\n\nDo something.\n", .queue_id = queue_id,
				.sender = "s@b", .message_id = "<1@b>", .recipients = recipients, .n = 2 };
}

static int notify(const struct config *c, const struct destination *d, const char *queue_id, bool suppress)
{
	struct notice n = notice(queue_id);

	return notice_send(&arena, c, d, &n, suppress, deadline_in(10000), NULL);
}

static int flush(const struct config *c, const struct destination *d)
{
	return notice_flush(&arena, c, d, deadline_in(10000), NULL);
}

/* Moves the window's beginning into the past. */
static void let_pass(const struct config *c, int64_t milliseconds)
{
	char *path = arena_printf(&arena, "%s/notices/window", c->spool);
	struct buf b = BUF_INIT, out = BUF_INIT;
	char *end;
	int64_t begin;

	assert_int_equal(fs_read(path, 100, &b, NULL), 0);
	begin = strtoll(buf_str(&b), &end, 10);
	buf_addf(&out, "%" PRId64 "%s", begin - milliseconds, end);
	assert_int_equal(fs_replace(path, out.data, out.len, 0600, NULL), 0);
	buf_release(&b);
	buf_release(&out);
}

static void notice_is_sent(void **state)
{
	struct config c = site("plain", 1);
	struct destination d = maildir("plain.mail");
	const char *t;
	size_t n;

	assert_int_equal(notify(&c, &d, "Q1", false), 0);
	t = mails(&d, &n);
	assert_int_equal(n, 1);
	has(t, "Return-Path: <>\nDelivered-To: admin@example.org\n");
	has(t, "\nTo: <admin@example.org>\n");
	has(t, "Subject: Message could not be decrypted\n");
	has(t, "Auto-Submitted: auto-generated\n");
	has(t, "Precedence: bulk\n");
	has(t, "\n\nNo key.\n\nDo something.\n\n");
	has(t, "Queue id:   Q1\n");
	has(t, "Recipient:  s@x To: evil@x\n");
	has(t, "Message-ID: <1@b>\n");
	assert_int_equal(flush(&c, &d), 0);
	mails(&d, &n);
	assert_int_equal(n, 1);
}

static void notice_is_suppressed(void **state)
{
	struct config c = site("suppressed", 10), nobody = site("nobody", 10);
	struct destination d = maildir("suppressed.mail");
	size_t n;

	nobody.admin = "";
	assert_int_equal(notify(&c, &d, "Q1", true), 0);
	assert_int_equal(notify(&nobody, &d, "Q1", false), 0);
	assert_int_equal(flush(&c, &d), 0);
	mails(&d, &n);
	assert_int_equal(n, 0);
}

static void notice_limit(void **state)
{
	struct config c = site("limit", 3);
	struct destination d = maildir("limit.mail");
	const char *t;
	size_t n;

	for (int i = 0; i < 3; i++)
		assert_int_equal(notify(&c, &d, "Q1", false), 0);
	mails(&d, &n);
	assert_int_equal(n, 3);
	assert_int_equal(notify(&c, &d, "Q2", false), 0);
	mails(&d, &n);
	assert_int_equal(n, 3);
	let_pass(&c, 3600000 - 60000);
	assert_int_equal(flush(&c, &d), 0); /* not yet over */
	mails(&d, &n);
	assert_int_equal(n, 3);
	let_pass(&c, 60000);
	assert_int_equal(notify(&c, &d, "Q3", false), 0); /* the next event brings the digest, and has a place in the new window */
	t = mails(&d, &n);
	assert_int_equal(n, 5);
	has(t, "Subject: 1 more incident at the mail gateway\n");
	has(t, "Z Q2 from <s@b>: Message could not be decrypted\n");
	has(t, "Queue id:   Q3\n");
	has_not(t, "Z Q3 ");
}

static void fork_all(int processes, int each, const struct config *c, const struct destination *d)
{
	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			for (int k = 0; k < each; k++)
				if (notify(c, d, "QF", false) < 0)
					_exit(1);
			_exit(each || flush(c, d) == 0 ? 0 : 1);
		}
	for (int status; wait(&status) > 0;)
		assert_int_equal(status, 0);
}

static void flood(void **state)
{
	struct config c = site("flood", 10);
	struct destination d = maildir("flood.mail");
	const char *t;
	size_t n;

	fork_all(10, 10, &c, &d);
	mails(&d, &n);
	assert_int_equal(n, 10);
	let_pass(&c, 3600000);
	fork_all(8, 0, &c, &d); /* all of them find it due: one sends it */
	t = mails(&d, &n);
	assert_int_equal(n, 11);
	has(t, "Subject: 90 more incidents at the mail gateway\n");
	assert_int_equal(count(t, "Z QF from <s@b>"), 90);
	assert_int_equal(flush(&c, &d), 0);
	mails(&d, &n);
	assert_int_equal(n, 11);
}

static void digest_is_bounded(void **state)
{
	struct config c = site("bounded", 0);
	struct destination d = maildir("bounded.mail");
	const char *t;
	size_t n;

	for (int i = 0; i < 203; i++)
		assert_int_equal(notify(&c, &d, "QB", false), 0);
	let_pass(&c, 3600000);
	assert_int_equal(flush(&c, &d), 0);
	t = mails(&d, &n);
	assert_int_equal(n, 1);
	has(t, "Subject: 203 more incidents");
	assert_int_equal(count(t, "Z QB from"), 200);
	has(t, "\nand 3 more, see the log\n");
}

static void digest_waits_for_its_destination(void **state)
{
	struct config c = site("waits", 1);
	struct destination bad = maildir("waits.file"), good = maildir("waits.mail");
	struct error err = { 0 };
	const char *t;
	size_t n;

	assert_int_equal(fs_replace(bad.path, "x", 1, 0600, NULL), 0);
	assert_int_equal(notify(&c, &bad, "Q1", false), 0); /* could not be sent: waits */
	assert_int_equal(notify(&c, &good, "Q2", false), 0); /* past the limit: waits */
	let_pass(&c, 3600000);
	assert_int_equal(notice_flush(&arena, &c, &bad, deadline_in(10000), &err), E_TEMP);
	has(err.text, "digest of notices: ");
	assert_int_equal(flush(&c, &good), 0);
	t = mails(&good, &n);
	assert_int_equal(n, 1);
	has(t, "Subject: 2 more incidents");
	has(t, "Z Q1 ");
	has(t, "Z Q2 ");
}

static void damaged_state(void **state)
{
	struct config c = site("damaged", 1);
	struct destination d = maildir("damaged.mail");
	const char *t;
	size_t n;

	assert_int_equal(notify(&c, &d, "Q1", false), 0);
	assert_int_equal(fs_replace(arena_printf(&arena, "%s/notices/window", c.spool), "\0junk -1\n9", 10, 0600, NULL), 0);
	assert_int_equal(fs_replace(arena_printf(&arena, "%s/notices/digest", c.spool), "2 7 99\nonly one", 15, 0600, NULL), 0);
	assert_int_equal(notify(&c, &d, "Q2", false), 0);
	t = mails(&d, &n);
	has(t, "Queue id:   Q2\n");
	has(t, "Subject: 2 more incidents");
	assert_int_equal(n, 3);
}

static void no_spool(void **state)
{
	struct config c = site("nospool", 1);
	struct destination d = maildir("nospool.mail");
	struct notice n = notice("Q");
	struct error err = { 0 };

	c.spool = under("nospool.file");
	assert_int_equal(fs_replace(c.spool, "x", 1, 0600, NULL), 0);
	assert_int_equal(notice_send(&arena, &c, &d, &n, false, deadline_in(10000), &err), E_TEMP);
	has(err.text, "nospool.file/notices");
}

/* ---- holds ---- */

static const char *hold(const char *spool, const char *identity, const char *body, const char *const *recipients, size_t n)
{
	struct hold h = { .queue_id = "Q1", .sender = "s@b", .client = "::1", .recipients = recipients, .n = n, .reason = "undecryptable",
			  .text = "no key\nreason: forged", .message_id = "<1@b>" };
	int fd = file_with(body, strlen(body));
	struct segment s = { fd, 0, strlen(body) };
	const char *id;
	struct error err = { 0 };

	if (hold_keep(&arena, spool, identity, &h, &s, 1, &id, &err) < 0)
		id = arena_strdup(&arena, err.text);
	close(fd);
	return id;
}

static const char *content(const char *spool, const char *id, const char *suffix)
{
	struct buf b = BUF_INIT;
	char *s;

	assert_int_equal(fs_read(arena_printf(&arena, "%s/hold/%s.%s", spool, id, suffix), 100000, &b, NULL), 0);
	s = arena_strndup(&arena, buf_str(&b), b.len);
	buf_release(&b);
	return s;
}

static size_t entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.' && strcmp(e->d_name, HOLD_STAMP) != 0;
	if (dir)
		closedir(dir);
	return n;
}

static void hold_keeps(void **state)
{
	static const char *const both[] = { "a@x", "b@x" }, *const other[] = { "b@x", "c@x" };
	const char *spool = under("holds"), *id = hold(spool, "one", "the message", both, 2), *record;
	const char *kept = arena_printf(&arena, "%s/hold", spool);
	struct stat st;

	assert_int_equal(strlen(id), 24);
	assert_string_equal(content(spool, id, "eml"), "the message");
	record = content(spool, id, "hold");
	has(record, arena_printf(&arena, "id: %s\n", id));
	has(record, "queue-id: Q1\nsender: s@b\nclient: ::1\nmessage-id: <1@b>\nreason: undecryptable\n"
		    "text: no key reason: forged\nrecipient: a@x\nrecipient: b@x\n");
	assert_int_equal(stat(arena_printf(&arena, "%s/%s.eml", kept, id), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_string_equal(hold(spool, "one", "another text", other, 2), id); /* kept once; nobody is forgotten */
	assert_string_equal(content(spool, id, "eml"), "the message");
	assert_int_equal(count(content(spool, id, "hold"), "recipient: "), 3);
	has(content(spool, id, "hold"), "recipient: c@x\n");
	assert_int_equal(entries(kept), 2);
	assert_string_not_equal(hold(spool, "two", "x", both, 1), id);
	assert_int_equal(entries(kept), 4);
}

/* As after a crash between the two files: the message is there, its record is not. */
#define AT_ONCE 8

/* A mail server hands one message over in several processes, each for some of its recipients. */
static void hold_at_once(void **state)
{
	const char *spool = under("at-once"), *one[] = { "first@x" }, *id = hold(spool, "one", "the message", one, 1);
	pid_t pids[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			for (int k = 0; k < 20; k++) {
				const char *who = arena_printf(&arena, "r%d.%d@x", i, k);

				hold(spool, "one", "the message", &who, 1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < AT_ONCE; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(count(content(spool, id, "hold"), "recipient: "), 1 + AT_ONCE * 20);
}

static void hold_after_a_crash(void **state)
{
	static const char *const one[] = { "a@x" };
	const char *spool = under("crashed"), *id = hold(spool, "one", "the message", one, 1);

	assert_int_equal(unlink(arena_printf(&arena, "%s/hold/%s.hold", spool, id)), 0);
	assert_string_equal(hold(spool, "one", "the message", one, 1), id);
	has(content(spool, id, "hold"), "recipient: a@x\n");
	assert_int_equal(unlink(arena_printf(&arena, "%s/hold/%s.eml", spool, id)), 0);
	assert_string_equal(hold(spool, "one", "the message", one, 1), id);
	assert_string_equal(content(spool, id, "eml"), "the message");
}

static void hold_fails_cleanly(void **state)
{
	static const char *const one[] = { "a@x" };
	const char *spool = under("hold.file");
	struct hold h = { .queue_id = "Q", .sender = "", .client = "", .recipients = one, .n = 1, .reason = "scan", .text = "",
			  .message_id = NULL };
	int fd = file_with("short", 5);
	struct segment s = { fd, 0, 6 };
	const char *id = "";

	assert_int_equal(fs_replace(spool, "x", 1, 0600, NULL), 0);
	has(hold(spool, "one", "x", one, 1), spool);
	spool = under("truncated");
	assert_int_equal(hold_keep(&arena, spool, "one", &h, &s, 1, &id, NULL), E_TEMP); /* the file is shorter than its segment */
	assert_null(id);
	assert_int_equal(entries(arena_printf(&arena, "%s/hold", spool)), 0);
	close(fd);
}

static void hold_on_a_full_disk(void **state)
{
	static const char *const one[] = { "a@x" };
	const char *spool = under("full");
	struct buf big = BUF_INIT;
	size_t left;
	const char *text;

	assert_int_equal(fs_make_directory(spool, 0700, NULL), 0);
	if (mount("tmpfs", spool, "tmpfs", 0, "size=64k") < 0) {
		print_message("# SKIP a full disk under hold: no tmpfs can be mounted here\n");
		return; /* cmocka's own skip() is "not ok" for prove */
	}
	for (int i = 0; i < 100000; i++)
		buf_addch(&big, 'x');
	text = hold(spool, "one", big.data, one, 1);
	left = entries(arena_printf(&arena, "%s/hold", spool));
	umount(spool);
	buf_release(&big);
	has(text, "No space left");
	assert_int_equal(left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dsn_names_all), cmocka_unit_test(dsn_beyond_ascii), cmocka_unit_test(dsn_injection),
		cmocka_unit_test(dsn_header_limit), cmocka_unit_test(quoted_printable), cmocka_unit_test(notice_is_sent),
		cmocka_unit_test(notice_is_suppressed), cmocka_unit_test(notice_limit), cmocka_unit_test(flood),
		cmocka_unit_test(digest_is_bounded), cmocka_unit_test(digest_waits_for_its_destination),
		cmocka_unit_test(damaged_state), cmocka_unit_test(no_spool), cmocka_unit_test(hold_keeps),
		cmocka_unit_test(hold_at_once), cmocka_unit_test(hold_after_a_crash), cmocka_unit_test(hold_fails_cleanly), cmocka_unit_test(hold_on_a_full_disk),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
