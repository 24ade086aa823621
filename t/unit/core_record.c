/* core_record.c - the plan survives its way to the parent, and a tampered one does not */
#include "test.h"

#include <string.h>

#include "record.h"

#define ID "0123456789abcdef01234567"
#define DIGEST ID ID "0123456789abcdef"

static const struct record_limits limits = { .message = 1000, .output = 500 };

static void make_plan(struct plan *p, struct arena *a)
{
	static const char *const to[] = { "a@x.example", "b@x.example" };
	static const char *const held[] = { "d@x.example" };
	struct plan_output *o;

	plan_init(p, a);
	p->sender = "s@y.example";
	p->message_id = "<1@y>";
	p->header_length = 100;
	p->automatic = true;
	o = plan_add_output(p, "mail", "external", "s@y.example", to, 2, "because of this");
	plan_add_segment(p, o, FROM_MESSAGE, 0, 10);
	plan_add_segment(p, o, FROM_MESSAGE, 10, 10); /* joins the one before */
	plan_add_segment(p, o, FROM_OUTPUT, 0, 500);
	plan_add_failure(p, "c@x.example", "5.7.1", "no certificate\nask for one");
	plan_add_notice(p, "Subject", "line one\nline two");
	o->once = o->sealed = true;
	o->original = ORIGINAL_SEEK;
	plan_set_hold(p, "undecryptable", "no key", held, 1);
	p->hold->digest = DIGEST;
	p->hold->locked = "keys-a /x/keys-b";
	p->hold->content = plan_make_output(p, "internal", "");
	p->hold->content->eight_bit = true;
	plan_add_segment(p, p->hold->content, FROM_OUTPUT, 5, 6);
	plan_set_back(p, ID, "mx.y.example", "node 1", DIGEST);
	plan_add_done(p, "e@x.example");
	plan_note(p, "note %d", 1);
}

static void round_trip(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf bytes = BUF_INIT;
	struct plan p, q;

	make_plan(&p, &a);
	record_write(&p, &bytes);
	assert_int_equal(record_read(span_from(bytes.data, bytes.len), &a, &limits, &q, NULL), 0);
	assert_string_equal(q.sender, p.sender);
	assert_string_equal(q.message_id, p.message_id);
	assert_int_equal(q.header_length, 100);
	assert_true(q.automatic);
	assert_int_equal(q.outputs->n, 2);
	assert_string_equal(q.outputs->recipients[1], "b@x.example");
	assert_int_equal(q.outputs->nsegments, 2);
	assert_int_equal(q.outputs->segments[0].length, 20);
	assert_string_equal(q.outputs->why, "because of this");
	assert_string_equal(q.failures->address, "c@x.example");
	assert_string_equal(q.failures->status, "5.7.1");
	assert_string_equal(q.failures->text, "no certificate\nask for one");
	assert_string_equal(q.notices->text, "line one\nline two");
	assert_string_equal(q.hold->recipients[0], "d@x.example");
	assert_string_equal(q.hold->text, "no key");
	assert_string_equal(q.notes->text, "note 1");
	assert_true(q.outputs->once && q.outputs->sealed && q.outputs->original == ORIGINAL_SEEK && !q.outputs->eight_bit);
	assert_string_equal(q.hold->digest, DIGEST);
	assert_string_equal(q.hold->locked, "keys-a /x/keys-b");
	assert_int_equal(q.hold->content->segments[0].offset, 5);
	assert_int_equal(q.hold->content->segments[0].length, 6);
	assert_true(q.hold->content->eight_bit);
	assert_string_equal(q.back->id, ID);
	assert_string_equal(q.back->host, "mx.y.example");
	assert_string_equal(q.back->node, "node_1");
	assert_string_equal(q.back->digest, DIGEST);
	assert_string_equal(q.dones->address, "e@x.example");
	assert_int_equal(q.outcome.code, EXIT_DONE);
	buf_release(&bytes);
	arena_release(&a);
}

static void every_prefix_is_refused(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf bytes = BUF_INIT;
	struct plan p, q;

	make_plan(&p, &a);
	record_write(&p, &bytes);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_equal(record_read(span_from(bytes.data, n), &a, &limits, &q, NULL), E_TEMP);
	buf_release(&bytes);
	arena_release(&a);
}

static void odd_records_are_refused(void **state)
{
	static const char *const bad[] = {
		"plan 2\nend\n", "end\n", "plan 1\nend\nmore\n", "plan 1\nfoo bar\nend\n", "plan 1\nto a@b\nend\n",
		"plan 1\noutput mail external\nsegment message 991 10\nend\n", "plan 1\noutput mail external\nsegment output 0 501\nend\n",
		"plan 1\noutput mail external\nsegment elsewhere 0 1\nend\n", "plan 1\noutput mail ../x\nend\n",
		"plan 1\noutput mail external\nfrom -x@b\nend\n", "plan 1\nsender a|b@c\nend\n", "plan 1\nstatus 5.1.1\nend\n",
		"plan 1\nfailure a@b\nstatus 2.0.0\nend\n", "plan 1\ntext x\nend\n", "plan 1\nheader 5 996\nend\n",
		"plan 1\nfailure a@b\nstatus 5.x\nend\n", "plan 1\nfailure a@b\nstatus 5.1.\nend\n", "plan 1\noutcome 55.1.1 x\nend\n",
		"plan 1\noutput mail external\nsegment message 18446744073709551615 1\nend\n",
		"plan 1\nonce yes\nend\n", "plan 1\noutput mail internal\nonce no\nend\n", "plan 1\noutput mail internal\nsealed\nend\n",
		"plan 1\noutput mail internal\noriginal no\nend\n", "plan 1\noutput mail internal\noriginal\nend\n",
		"plan 1\nkept " DIGEST "\nend\n", "plan 1\nhold scan x\nkept x\nend\n", "plan 1\nhold scan x\nkept " DIGEST "\nkept " DIGEST "\nend\n",
		"plan 1\nback " ID " h n\nend\n", "plan 1\nback x h n " DIGEST "\nend\n", "plan 1\nback " ID " ../h n " DIGEST "\nend\n",
		"plan 1\nback " ID " h n " DIGEST "0\nend\n", "plan 1\nback - h n " DIGEST "\nback - h n " DIGEST "\nend\n",
		"plan 1\nback " ID "0 h n " DIGEST "\nend\n", "plan 1\nback " ID "  h n " DIGEST "\nend\n", "plan 1\ndone \nend\n",
	};
	static const char *const good[] = { "plan 1\nend\n", "plan 1\noutput mail external\nsegment message 990 10\nend\n",
		"plan 1\noutcome 4.3.0 later\nend\n" };
	struct arena a = ARENA_INIT;
	struct plan q;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (record_read(span_of(bad[i]), &a, &limits, &q, NULL) != E_TEMP)
			fail_msg("accepted: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (record_read(span_of(good[i]), &a, &limits, &q, NULL) != 0)
			fail_msg("refused: %s", good[i]);
	assert_int_equal(q.outcome.code, EXIT_DEFER);
	arena_release(&a);
}

static int check_from(const char *text, const char **recipients, size_t n, enum origin origin, const char *sender)
{
	const char *local[] = { "here" };
	const struct config c = { .local_domains = { .items = local, .n = 1 } };
	struct envelope e = { .recipients = recipients, .n = n, .origin = origin, .sender = sender ? sender : "",
			      .sender_known = sender };
	struct arena a = ARENA_INIT;
	struct plan p;
	int rc;

	assert_int_equal(record_read(span_of(text), &a, &limits, &p, NULL), 0);
	rc = record_check(&p, &c, &e, NULL);
	arena_release(&a);
	return rc;
}

static int check(const char *text, const char **recipients, size_t n)
{
	return check_from(text, recipients, n, ORIGIN_INSIDE, NULL);
}

static void plans_serve_the_envelope(void **state)
{
	const char *one[] = { "a@b" }, *two[] = { "a@b", "c@d" };

#define TO(x) "output mail external\nfrom \nto " x "\nsegment message 0 1\n"
	assert_int_equal(check("plan 1\n" TO("a@b") "end\n", one, 1), 0);
	assert_int_equal(check("plan 1\n" TO("a@b") "end\n", two, 2), E_TEMP);             /* one left out */
	assert_int_equal(check("plan 1\n" TO("x@y") "end\n", one, 1), E_TEMP);             /* a stranger */
	assert_int_equal(check("plan 1\n" TO("a@b") TO("a@b") "end\n", one, 1), E_TEMP);   /* twice */
	assert_int_equal(check("plan 1\n" TO("a@b") "failure a@b\nstatus 5.1.1\ntext x\nend\n", one, 1), E_TEMP);
	assert_int_equal(check("plan 1\n" TO("a@b") "failure c@d\nstatus 5.1.1\ntext x\nend\n", two, 2), 0);
	assert_int_equal(check("plan 1\noutput mail external\nto a@b\nend\n", one, 1), E_TEMP); /* no bytes */
	assert_int_equal(check("plan 1\noutcome 4.3.0 later\nend\n", two, 2), 0);
}

static void plans_keep_to_the_sender(void **state)
{
	const char *one[] = { "a@b" };
	static const char ours[] = "plan 1\nsender s@here\noutput mail external\nfrom s@here\nto a@b\nsegment message 0 1\nend\n";
	static const char other[] = "plan 1\nsender s@here\noutput mail external\nfrom x@here\nto a@b\nsegment message 0 1\nend\n";

	assert_int_equal(check_from(ours, one, 1, ORIGIN_INSIDE, "s@here"), 0);
	assert_int_equal(check_from(ours, one, 1, ORIGIN_INSIDE, NULL), 0);        /* the message says who */
	assert_int_equal(check_from(ours, one, 1, ORIGIN_INSIDE, "x@here"), E_TEMP);
	assert_int_equal(check_from(other, one, 1, ORIGIN_INSIDE, "s@here"), E_TEMP);
	assert_int_equal(check_from("plan 1\noutcome 4.3.0 later\nend\n", one, 1, ORIGIN_INSIDE, "s@here"), 0);
}

/* A child that a stranger's message has taken over must not make a relay of us. */
static void plans_keep_to_the_side(void **state)
{
	static const struct {
		enum origin origin;
		const char *to, *destination; /* with the kind of output */
		int rc;
	} cases[] = {
		{ ORIGIN_OUTSIDE, "a@there", "mail external", E_TEMP }, { ORIGIN_OUTSIDE, "a@there", "mail internal", E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", "mail external", E_TEMP },  { ORIGIN_OUTSIDE, "a@here", "mail partner", E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", "mail internal", 0 },       { ORIGIN_OUTSIDE, "a@here", "scan scanner", 0 },
		{ ORIGIN_OUTSIDE, "a@here", "mail scanner", E_TEMP },   { ORIGIN_OUTSIDE, "a@here", "scan internal", E_TEMP },
		{ ORIGIN_INSIDE, "a@here", "mail internal", 0 },        { ORIGIN_INSIDE, "a@here", "mail external", E_TEMP },
		{ ORIGIN_SCANNER, "a@here", "mail internal", 0 },       { ORIGIN_SCANNER, "a@here", "mail scanner", E_TEMP },
		{ ORIGIN_SCANNER, "a@here", "scan scanner", E_TEMP },   { ORIGIN_SCANNER, "a@there", "mail external", 0 },
		{ ORIGIN_INSIDE, "a@there", "mail external", 0 },       { ORIGIN_INSIDE, "a@there", "mail partner", 0 },
		{ ORIGIN_INSIDE, "a@there", "scan scanner", E_TEMP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "plan 1\noutput %s\nto %s\nsegment message 0 1\nend\n", cases[i].destination, cases[i].to);
		if (check_from(buf_str(&text), (const char *[]){ cases[i].to }, 1, cases[i].origin, NULL) != cases[i].rc)
			fail_msg("case %zu: %s to %s", i, cases[i].to, cases[i].destination);
		buf_release(&text);
	}
}

#define BACK "back " ID " h n " DIGEST "\n"
#define INSIDE(more) "output mail internal\nfrom s@there\nto a@here\n" more "segment message 0 1\n"
#define SCAN "output scan scanner\nfrom s@there\nto a@here\nsegment message 0 1\n"
#define HELD(reason) "hold " reason " x\nheld a@here\n"
#define KEPT "kept " DIGEST "\nsegment message 0 1\n"

/* Only mail from the scanner comes back; only what waits for it is finished in the hold. */
static void plans_for_the_scanner(void **state)
{
	static const struct {
		enum origin origin;
		const char *to, *text;
		int rc;
	} cases[] = {
		{ ORIGIN_SCANNER, "a@here", BACK INSIDE("once yes\n"), 0 },
		{ ORIGIN_SCANNER, "a@here", BACK INSIDE("once yes\noriginal held\n"), 0 },
		{ ORIGIN_SCANNER, "a@here", "back - - - " DIGEST "\n" INSIDE("original seek\nsealed yes\n"), 0 },
		{ ORIGIN_SCANNER, "a@here", INSIDE("once yes\n"), E_TEMP },
		{ ORIGIN_SCANNER, "a@here", INSIDE("original seek\n"), E_TEMP },
		{ ORIGIN_SCANNER, "a@here", "back - - - " DIGEST "\n" INSIDE("once yes\n"), E_TEMP },
		{ ORIGIN_SCANNER, "a@here", BACK INSIDE("original held\n"), E_TEMP },
		{ ORIGIN_SCANNER, "a@here", BACK INSIDE("once yes\noriginal held\n") HELD("scan-x"), E_TEMP },
		{ ORIGIN_SCANNER, "a@here", BACK HELD("scan-unsealable") KEPT, 0 },
		{ ORIGIN_SCANNER, "a@here", BACK HELD("scan") KEPT, E_TEMP },
		{ ORIGIN_SCANNER, "a@there", BACK "output mail external\nfrom s@there\nto a@there\nonce yes\nsegment message 0 1\n", E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", BACK SCAN, E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", BACK INSIDE("once yes\n"), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", INSIDE("once yes\n"), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", INSIDE("original seek\n"), E_TEMP },
		{ ORIGIN_INSIDE, "a@here", BACK INSIDE("once yes\n"), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN HELD("scan") KEPT, 0 },
		{ ORIGIN_OUTSIDE, "a@here", SCAN HELD("scan"), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN HELD("scan") "kept -\nsegment message 0 1\n", E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN HELD("scan") "kept " DIGEST "\n", E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN HELD("undecryptable"), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", HELD("scan") KEPT, E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN SCAN, E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", SCAN INSIDE(""), E_TEMP },
		{ ORIGIN_OUTSIDE, "a@here", HELD("undecryptable"), 0 },
		{ ORIGIN_OUTSIDE, "a@here", HELD("undecryptable") INSIDE(""), E_TEMP },
		{ ORIGIN_SCANNER, "a@there", "done a@there\n", E_TEMP }, /* it has a sender: it is no report */
		{ ORIGIN_OUTSIDE, "a@here", "done a@here\n", E_TEMP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *to[] = { cases[i].to };
		struct buf text = BUF_INIT;

		buf_addf(&text, "plan 1\nsender s@there\n%send\n", cases[i].text);
		if (check_from(buf_str(&text), to, 1, cases[i].origin, "s@there") != cases[i].rc)
			fail_msg("case %zu: %s", i, buf_str(&text));
		buf_release(&text);
	}
	assert_int_equal(check_from("plan 1\ndone a@there\nend\n", (const char *[]){ "a@there" }, 1, ORIGIN_SCANNER, ""), 0);
	assert_int_equal(check_from("plan 1\ndone a@here\nend\n", (const char *[]){ "a@here" }, 1, ORIGIN_SCANNER, ""), E_TEMP);
	assert_int_equal(check_from("plan 1\ndone a@there\ndone a@there\nend\n", (const char *[]){ "a@there" }, 1, ORIGIN_SCANNER, ""),
			 E_TEMP);
}

/* Would not end in a working day if each were compared with all. */
static void a_million_recipients(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	enum { MANY = 100000 }; /* three times as long each */
#else
	enum { MANY = 1000000 };
#endif
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	const char **to = arena_array(&a, MANY, sizeof(*to));

	buf_addstr(&text, "plan 1\n");
	for (size_t i = 0; i < MANY; i++) {
		to[i] = arena_printf(&a, "%zu@there", i);
		buf_addf(&text, "failure %s\nstatus 5.1.1\ntext x\nnote x\n", to[i]);
	}
	buf_addstr(&text, "end\n");
	assert_int_equal(check(buf_str(&text), to, MANY), 0);
	to[MANY - 1] = to[0];
	assert_int_equal(check(buf_str(&text), to, MANY), E_TEMP);
	buf_release(&text);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(odd_records_are_refused), cmocka_unit_test(plans_serve_the_envelope),
		cmocka_unit_test(plans_keep_to_the_sender), cmocka_unit_test(plans_keep_to_the_side), cmocka_unit_test(plans_for_the_scanner),
		cmocka_unit_test(a_million_recipients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
