/* fuzz_answer.c - a module that says anything: no question may be answered by it except properly
 *
 * Input: the first byte chooses the question and, by its top bit, whether the rest is framed for the fuzzer or comes as
 * it is; then what the module writes before it hangs up.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "module/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL "decide check-rules find-certificates find-keys sign unwrap agree store-certificate check-certificate"

static struct config config = { .frame_limit = 60000, .module_timeout = 1000 };
static struct modules m = { .narrow = { ALL, ALL, ALL }, .config = &config };
static struct arena arena;
static struct error err;

static int decide(void)
{
	static const char *const recipients[] = { "a@b", "c@d" };
	struct decide_request q = { .direction = "outgoing", .sender = "x@y", .from = "", .client = "", .subject = "",
				    .recipients = recipients, .n = 2 };
	struct decision *d;
	int rc = ask_decide(&m, &arena, &q, &d, &err);

	for (size_t i = 0; rc == 0 && i < 2; i++)
		if (strcmp(d[i].recipient, recipients[i]) != 0 || d[i].encrypt > ENCRYPT_FORCE || d[i].sign > SIGN_FORCE)
			abort();
	return rc;
}

static int check_rules(void)
{
	struct rules_problem *p;
	size_t n;

	return ask_check_rules(&m, &arena, &p, &n, &err);
}

static int certificates(void)
{
	static const char *const addresses[] = { "a@b", "c@d" };
	const char *later[2] = { NULL };
	struct found_certificate *f;
	size_t n;
	int rc = ask_certificates(&m, &arena, addresses, 2, later, &f, &n, &err);

	for (size_t i = 0; i < n; i++)
		X509_free(f[i].certificate);
	return rc;
}

static int keys(void)
{
	const struct certificate_id ids[] = { { .key_id = span_of("x") }, { .key_id = span_of("y") } };
	struct found_key *k;
	size_t n;
	int rc = ask_decrypting_keys(&m, &arena, ids, 2, &k, &n, &err);

	for (size_t i = 0; i < n; i++) {
		if (k[i].which > 1 || !k[i].certificate)
			abort();
		X509_free(k[i].certificate);
		sk_X509_pop_free(k[i].chain, X509_free);
	}
	return rc;
}

static int unwrap(void)
{
	struct key_request q = { .mechanism = KEY_RSA_PKCS1, .input = span_of("x") };
	struct key_calls calls;
	struct buf out = BUF_INIT;
	int rc;

	ask_key_calls(&m, &calls);
	rc = calls.unwrap(calls.ctx, "fuzz k", &q, &out, &err);
	if (rc == 0 && !out.len)
		abort();
	buf_wipe(&out);
	return rc;
}

static int check(void)
{
	static X509 *some;
	struct check_result r;
	int rc;

	if (!some)
		some = X509_new();
	rc = ask_check(&m, &arena, some, NULL, "sign", 0, "", &r, &err);
	if (rc == 0 && (r.verdict == VERDICT_VALID) != !*r.reason)
		abort();
	return rc;
}

static int greet(void)
{
	m.items[0].greeted = false;
	return modules_greet(&m, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		int (*ask)(void);
		enum module_role role;
	} questions[] = { { decide, ROLE_RULES }, { check_rules, ROLE_RULES }, { certificates, ROLE_KEYS }, { keys, ROLE_KEYS },
			  { unwrap, ROLE_KEYS }, { check, ROLE_CHECK }, { greet, ROLE_RULES } };
	unsigned which = size ? (data[0] & 0x7f) % (sizeof(questions) / sizeof(*questions)) : 0;
	struct module p = { .name = "fuzz", .role = questions[which].role, .pid = -1, .log = -1, .next_id = 1, .greeted = true,
			    .operations = ALL };
	static bool quiet;
	struct buf bytes = BUF_INIT;
	int from[2];

	if (size < 2 || size > 60000)
		return 0;
	if (!quiet)
		quiet = log_open("/dev/null", "fuzz", NULL) == 0;
	if (data[0] & 0x80)
		buf_add(&bytes, data + 1, size - 1);
	else
		frame_append(&bytes, span_from(data + 1, size - 1));
	if (pipe2(from, O_NONBLOCK) < 0 || write(from[1], bytes.data, bytes.len) != (ssize_t)bytes.len)
		abort();
	close(from[1]);
	p.to = open("/dev/null", O_WRONLY);
	p.from = from[0];
	frame_reader_init(&p.in, p.from, config.frame_limit);
	m.items = &p;
	m.n = 1;
	m.until = deadline_in(1000);
	if ((questions[which].ask() == E_TEMP) && !err.text[0])
		abort();
	close(p.to);
	close(p.from);
	frame_reader_release(&p.in);
	arena_release(&arena);
	arena_release(&m.arena);
	buf_release(&bytes);
	return 0;
}
