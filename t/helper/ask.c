/* ask.c - asks the modules of a postern.conf one question, for the tests
 *
 * usage: ask [OPTION...] FILE QUESTION [ARGUMENT...]
 *   -narrow 'A B'   the operations of the conversation (default: all there are)
 *   -deadline MS    of the message (default 20000)
 *   -grace MS       for the modules' end (default 2000)
 *   -repeat N       asks N times, each answer printed
 *   -fork           the question is asked by a forked child, the parent reads the logs and ends the modules, as
 *                   postern does it
 *
 * What was answered is printed line by line; a failure as "E_TEMP: text".  Exit: 0, or 1 after a failure.  The log
 * goes where the configuration says.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base64.h"
#include "lib/log.h"
#include "module/ask.h"

#define EVERYTHING "decide check-rules find-certificates find-keys sign unwrap agree store-certificate check-certificate"

struct job {
	struct modules m;
	struct arena a;
	int argc;
	char **argv; /* behind the question's name */
	struct error err;
};

static const char *code_name(int code)
{
	switch (code) {
	case E_TEMP: return "E_TEMP";
	case E_PERM: return "E_PERM";
	case E_LIMIT: return "E_LIMIT";
	case E_NOTFOUND: return "E_NOTFOUND";
	case E_CONFIG: return "E_CONFIG";
	case E_LOCKED: return "E_LOCKED";
	default: return "E_UNKNOWN";
	}
}

static const char *argument(const struct job *j, int i)
{
	if (i < j->argc)
		return j->argv[i];
	fprintf(stderr, "ask: too few arguments\n");
	exit(64);
}

static X509 *certificate(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *c = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (!c) {
		fprintf(stderr, "ask: %s: no certificate\n", path);
		exit(64);
	}
	fclose(f);
	return c;
}

static struct span unhex(struct job *j, const char *hex)
{
	size_t n = strlen(hex) / 2;
	unsigned char *p = arena_alloc(&j->a, n + 1);

	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		p[i] = (unsigned char)strtoul(two, NULL, 16);
	}
	return span_from(p, n);
}

static void print_hex(const char *what, struct span s)
{
	printf("%s ", what);
	for (size_t i = 0; i < s.n; i++)
		printf("%02x", (unsigned char)s.p[i]);
	printf("\n");
}

static const char *subject(X509 *c)
{
	static char text[300];

	X509_NAME_oneline(X509_get_subject_name(c), text, sizeof(text));
	return text;
}

static struct certificate_id id_of(struct job *j, const char *path)
{
	X509 *c = certificate(path);
	unsigned char *name = NULL, *serial = NULL;
	int n = i2d_X509_NAME(X509_get_issuer_name(c), &name);
	size_t content = (size_t)i2d_ASN1_INTEGER(X509_get_serialNumber(c), &serial) - 2; /* behind tag and a short length */
	struct certificate_id id = {
		.issuer = span_from(arena_memdup(&j->a, name, (size_t)n), (size_t)n),
		.serial = span_from(arena_memdup(&j->a, serial + 2, content), content),
	};

	OPENSSL_free(name);
	OPENSSL_free(serial);
	X509_free(c);
	return id;
}

/* ---- questions ---- */

static int greet(struct job *j)
{
	return modules_greet(&j->m, &j->err);
}

/* DIRECTION SENDER FROM CLIENT SUBJECT SIGNED ENCRYPTED RECIPIENT... */
static int decide(struct job *j)
{
	static const char *const sign[] = { "NS", "SIP", "FS" };
	static const char *const encrypt[] = { "NE", "EIP", "FE" };
	struct decide_request q = {
		.direction = argument(j, 0), .sender = argument(j, 1), .from = argument(j, 2), .client = argument(j, 3),
		.subject = argument(j, 4), .is_signed = strcmp(argument(j, 5), "yes") == 0,
		.is_encrypted = strcmp(argument(j, 6), "yes") == 0,
		.recipients = (const char *const *)j->argv + 7, .n = (size_t)(j->argc - 7),
	};
	struct decision *d;
	int rc = ask_decide(&j->m, &j->a, &q, &d, &j->err);

	for (size_t i = 0; rc == 0 && i < q.n; i++)
		printf("%s: %s as=%s %s profile=%s strip=%d block=%d%d via=%s reject=%s because=%s\n", d[i].recipient,
		       sign[d[i].sign], d[i].sign_as, encrypt[d[i].encrypt], d[i].profile, d[i].strip, d[i].block_signed,
		       d[i].block_encrypted, d[i].via, d[i].reject ? d[i].reject : "(none)", d[i].because);
	return rc;
}

static int check_rules(struct job *j)
{
	struct rules_problem *p;
	size_t n;
	int rc = ask_check_rules(&j->m, &j->a, &p, &n, &j->err);

	for (size_t i = 0; i < n; i++)
		printf("%s: %s: %s: %s\n", p[i].module, p[i].error ? "error" : "warning", p[i].source, p[i].text);
	return rc;
}

static int print_found(int rc, struct found_certificate *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("%s: %s area=%s source=%s domain=%d capabilities=%zu\n", f[i].address, subject(f[i].certificate), f[i].area,
		       f[i].source, f[i].domain, f[i].capabilities.n);
		X509_free(f[i].certificate);
	}
	if (rc == 0)
		printf("%zu certificates\n", n);
	return rc;
}

static int certificates(struct job *j)
{
	struct found_certificate *f;
	size_t n;
	int rc = ask_certificates(&j->m, &j->a, (const char *const *)j->argv, (size_t)j->argc, NULL, &f, &n, &j->err);

	return print_found(rc, f, n);
}

/* FILE.pem: by its issuer and serial number */
static int certificate_by_id(struct job *j)
{
	struct certificate_id id = id_of(j, argument(j, 0));
	struct found_certificate *f;
	size_t n;
	int rc = ask_certificate_by_id(&j->m, &j->a, &id, &f, &n, &j->err);

	return print_found(rc, f, n);
}

static int print_keys(int rc, struct found_key *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("%s: %s which=%zu chain=%d source=%s\n", k[i].key_id, subject(k[i].certificate), k[i].which,
		       sk_X509_num(k[i].chain), k[i].source);
		X509_free(k[i].certificate);
		sk_X509_pop_free(k[i].chain, X509_free);
	}
	return rc;
}

static int signing_keys(struct job *j)
{
	struct found_key *k;
	size_t n;
	int rc = ask_signing_keys(&j->m, &j->a, argument(j, 0), &k, &n, &j->err);

	return print_keys(rc, k, n);
}

/* FILE.pem... */
static int decrypting_keys(struct job *j)
{
	struct certificate_id *ids = arena_array(&j->a, (size_t)j->argc + 1, sizeof(*ids));
	struct found_key *k;
	size_t n;
	int rc;

	for (int i = 0; i < j->argc; i++)
		ids[i] = id_of(j, j->argv[i]);
	rc = ask_decrypting_keys(&j->m, &j->a, ids, (size_t)j->argc, &k, &n, &j->err);
	return print_keys(rc, k, n);
}

/* A key's full name; for "for:ADDRESS" it is looked up first, as a module's names last for one conversation. */
static const char *key_name(struct job *j, const char *key)
{
	struct found_key *k;
	size_t n;

	if (strncmp(key, "for:", 4) != 0)
		return key;
	if (ask_signing_keys(&j->m, &j->a, key + 4, &k, &n, &j->err) < 0)
		return "";
	for (size_t i = 0; i < n; i++) {
		X509_free(k[i].certificate);
		sk_X509_pop_free(k[i].chain, X509_free);
	}
	return k[0].key_id;
}

/* sign|unwrap|agree KEY MECHANISM HEX: "keys-file x" rsa-pss 00ff */
static int use(struct job *j)
{
	static const char *const mechanisms[] = { "rsa-pkcs1", "rsa-pss", "rsa-oaep", "ecdsa", "ecdh" };
	struct key_request q = { .digest = "sha256", .mgf_digest = "sha1", .salt_length = 32, .label = span_of("L"),
				 .input = unhex(j, argument(j, 3)) };
	const char *key = key_name(j, argument(j, 1));
	struct key_calls calls;
	struct buf out = BUF_INIT;
	int rc;

	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(*mechanisms); i++)
		if (strcmp(mechanisms[i], argument(j, 2)) == 0)
			q.mechanism = (enum key_mechanism)i;
	ask_key_calls(&j->m, &calls);
	if (strcmp(argument(j, 0), "sign") == 0)
		rc = calls.sign(calls.ctx, key, &q, &out, &j->err);
	else if (strcmp(argument(j, 0), "unwrap") == 0)
		rc = calls.unwrap(calls.ctx, key, &q, &out, &j->err);
	else
		rc = calls.agree(calls.ctx, key, &q, &out, &j->err);
	if (rc == 0)
		print_hex("got", span_from(out.data, out.len));
	buf_wipe(&out);
	return rc;
}

/* AREA ADDRESS FILE.pem [TIME CAPABILITIES]: the latter in base64 */
static int store(struct job *j)
{
	static const char *const states[] = { "known", "new", "conflict" };
	struct buf der = BUF_INIT;
	struct store_request q = { .area = argument(j, 0), .address = argument(j, 1), .certificate = certificate(argument(j, 2)) };
	struct stored stored;
	int rc;

	if (j->argc > 4) {
		q.signed_at = (time_t)strtoll(argument(j, 3), NULL, 10);
		base64_decode(&der, span_of(argument(j, 4)), true);
		q.capabilities = span_from(der.data, der.len);
	}
	rc = ask_store_certificate(&j->m, &j->a, &q, &stored, &j->err);
	if (rc == 0)
		printf("%s area=%s with=%s\n", states[stored.state], stored.area, stored.with);
	buf_release(&der);
	X509_free(q.certificate);
	return rc;
}

/* PURPOSE TIME ADDRESS FILE.pem...: each a question, the others are its candidates */
static int check(struct job *j)
{
	size_t n = j->argc > 3 ? (size_t)(j->argc - 3) : 0;
	STACK_OF(X509) *all = sk_X509_new_null();
	struct check_question *q = arena_array(&j->a, n + 1, sizeof(*q));
	struct check_result *r = arena_array(&j->a, n + 1, sizeof(*r));
	int rc;

	for (size_t i = 0; i < n; i++) {
		X509 *c = certificate(argument(j, 3 + (int)i));

		sk_X509_push(all, c);
		q[i] = (struct check_question){ .certificate = c, .candidates = all, .purpose = argument(j, 0),
			.when = (time_t)strtoll(argument(j, 1), NULL, 10), .address = argument(j, 2) };
	}
	rc = ask_checks(&j->m, &j->a, q, n, r, &j->err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		printf("%s: %s reason=%s text=%s\n", subject(q[i].certificate), verdict_name(r[i].verdict), r[i].reason, r[i].text);
	sk_X509_pop_free(all, X509_free);
	return rc;
}

static int write_nothing(struct xml_writer *w, void *arg)
{
	return 0;
}

/* ROLE OPERATION: a request without content */
static int raw(struct job *j)
{
	enum module_role role = ROLE_RULES;
	struct xml_document *doc;
	const char *name;
	int rc;

	for (int r = 0; r < MODULE_ROLES; r++)
		if (strcmp(module_role_name((enum module_role)r), argument(j, 0)) == 0)
			role = (enum module_role)r;
	rc = modules_ask(&j->m, role, argument(j, 1), write_nothing, NULL, &doc, &name, &j->err);
	if (rc == 0)
		printf("%s answered\n", name);
	xml_free(doc);
	return rc;
}

static int nothing(struct job *j)
{
	return 0;
}

static const struct {
	const char *name;
	int (*ask)(struct job *);
	unsigned roles; /* to be started */
} questions[] = {
	{ "greet", greet, 7 },
	{ "nothing", nothing, 7 },
	{ "decide", decide, 1u << ROLE_RULES },
	{ "check-rules", check_rules, 1u << ROLE_RULES },
	{ "certificates", certificates, 1u << ROLE_KEYS },
	{ "certificate-by-id", certificate_by_id, 1u << ROLE_KEYS },
	{ "signing-keys", signing_keys, 1u << ROLE_KEYS },
	{ "decrypting-keys", decrypting_keys, 1u << ROLE_KEYS },
	{ "use", use, 1u << ROLE_KEYS },
	{ "store", store, 1u << ROLE_KEYS },
	{ "check", check, 1u << ROLE_CHECK },
	{ "raw", raw, 7 },
};

static int ask_repeatedly(struct job *j, int (*ask)(struct job *), int repeat)
{
	int rc = 0;

	for (int i = 0; i < repeat; i++) {
		j->err = (struct error){ 0 };
		rc = ask(j);
		if (rc < 0)
			printf("%s: %s\n", code_name(rc), j->err.text);
	}
	if (rc == 0) {
		rc = modules_quiet(&j->m, &j->err);
		if (rc < 0)
			printf("%s: %s\n", code_name(rc), j->err.text);
	}
	fflush(stdout);
	return rc;
}

/* As postern does it: the child talks, the parent listens to the logs meanwhile. */
static int ask_in_child(struct job *j, int (*ask)(struct job *), int repeat)
{
	int done[2], status;
	pid_t pid;

	if (pipe(done) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(done[0]);
		_exit(ask_repeatedly(j, ask, repeat) < 0);
	}
	close(done[1]);
	for (;;) {
		struct pollfd p[16] = { { .fd = done[0], .events = POLLIN } };
		nfds_t n = 1 + (nfds_t)modules_log_poll(&j->m, p + 1, 15);

		if (poll(p, n, -1) < 0 && errno != EINTR)
			break;
		modules_log(&j->m);
		if (p[0].revents)
			break;
	}
	close(done[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? -1 : 0;
}

int main(int argc, char **argv)
{
	const char *narrow = EVERYTHING;
	int deadline_ms = 20000, grace = 2000, repeat = 1, rc = 64, i = 1;
	bool in_child = false;
	struct config *config;
	struct job j = { .argc = 0 };

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-fork") == 0)
			in_child = true;
		else if (i + 1 == argc)
			break;
		else if (strcmp(argv[i], "-narrow") == 0)
			narrow = argv[++i];
		else if (strcmp(argv[i], "-deadline") == 0)
			deadline_ms = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-grace") == 0)
			grace = (int)strtol(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "-repeat") == 0)
			repeat = (int)strtol(argv[++i], NULL, 10);
	}
	if (argc - i < 2) {
		fprintf(stderr, "usage: ask [OPTION...] FILE QUESTION [ARGUMENT...]\n");
		return 64;
	}
	if (config_read(argv[i], NULL, 0, NULL, &config, &j.err) < 0 || log_open(config->log, "ask", &j.err) < 0) {
		printf("%s: %s\n", code_name(j.err.code), j.err.text);
		return 1;
	}
	enum log_level level;
	if (log_level_parse(config->log_level, &level) == 0)
		log_set_level(level);
	log_set_queue_id("TEST1");
	j.argc = argc - i - 2;
	j.argv = argv + i + 2;
	for (size_t k = 0; k < sizeof(questions) / sizeof(*questions); k++) {
		const char *const all[MODULE_ROLES] = { narrow, narrow, narrow };

		if (strcmp(questions[k].name, argv[i + 1]) != 0)
			continue;
		rc = modules_start(&j.m, config, questions[k].roles, all, "TEST1", deadline_in(deadline_ms), &j.err);
		if (rc < 0) {
			printf("%s: %s\n", code_name(rc), j.err.text);
			break;
		}
		rc = in_child ? ask_in_child(&j, questions[k].ask, repeat) : ask_repeatedly(&j, questions[k].ask, repeat);
		modules_stop(&j.m, grace);
	}
	arena_release(&j.a);
	config_free(config);
	return rc < 0 ? 1 : rc;
}
