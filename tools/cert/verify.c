/* verify.c - postern-cert verify: the verdict that a message would get
 *
 * The checker is the one of check-path; here is only where its inputs come from.  Without a configuration there are no areas,
 * just what was given, so that anybody may ask about anything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cert/describe.h"
#include "cert/input.h"
#include "cert/site.h"
#include "check-path/check.h"
#include "common/certfile.h"
#include "lib/address.h"
#include "lib/fs.h"
#include "lib/moment.h"

#define RESPONSE_MAX ((size_t)1 << 20)

struct verification {
	struct tool *tool;
	const char *file;        /* where the certificate is */
	bool of_site;            /* in an area, where the command line has an address or a fingerprint */
	bool ambiguous;          /* of which there are several */
	struct input anchors, issuers, crls; /* by the option that named them */
	struct check_policies policies;
	struct check_request request;
	struct check_answer answer;
};

/* ---- what was asked ---- */

static int read_moment(const char *text, time_t *out, struct error *err)
{
	struct span digits = span_of(text);
	bool negative = *text == '-';
	uint64_t seconds;

	if (negative)
		digits = span_sub(digits, 1, digits.n);
	if (span_number(digits, (uint64_t)1 << 40, &seconds)) {
		*out = negative ? -(time_t)seconds : (time_t)seconds;
		return 0;
	}
	return moment_read(text, out, NULL) == 0
		       ? 0 : error_set(err, E_PERM, "-at \"%s\" is neither like 2026-11-22T10:00:00Z nor seconds since the epoch", text);
}

static int read_purpose(const char *word, enum check_purpose *out, struct error *err)
{
	static const enum check_purpose purposes[] = { CHECK_SIGN, CHECK_ENCRYPT, CHECK_ANY };

	*out = CHECK_SIGN;
	if (!word)
		return 0;
	for (size_t i = 0; i < sizeof(purposes) / sizeof(*purposes); i++)
		if (strcmp(word, check_purpose_word(purposes[i])) == 0) {
			*out = purposes[i];
			return 0;
		}
	return error_set(err, E_PERM, "-purpose \"%s\" is none of sign, encrypt, any", word);
}

/* Wrong usage only. */
static int read_question(struct verification *v, struct error *err)
{
	const struct tool *t = v->tool;
	int rc = read_purpose(t->purpose, &v->request.purpose, err);

	v->request.time = time(NULL);
	if (rc == 0 && t->at)
		rc = read_moment(t->at, &v->request.time, err);
	v->request.address = t->address ? t->address : "";
	if (rc == 0 && t->address)
		rc = address_check(t->address, err);
	for (size_t i = 0; i < t->policies.n && rc == 0; i++)
		if (!check_is_policy(t->policies.items[i]))
			rc = error_set(err, E_PERM, "-policy \"%s\" is no object identifier such as 2.16.840.1.101.3.2.1.48.1",
				       t->policies.items[i]);
	if (rc == 0 && t->settings.n && t->config_file)
		rc = error_set(err, E_PERM, "-set and -c exclude each other: change the file");
	v->policies = (struct check_policies){ t->policies.items, t->policies.n, t->explicit_policy, t->inhibit_mapping,
					       t->inhibit_any };
	v->request.policies = &v->policies;
	return rc;
}

/* ---- the configuration ---- */

static bool is_set(const struct tool *t, const char *name)
{
	for (size_t i = 0; i < t->settings.n; i++)
		if (span_casestarts(span_of(t->settings.items[i]), name))
			return true;
	return false;
}

/* Files given and no -c: nothing of this machine counts.  Nor does it where there is no site. */
static bool stands_alone(const struct tool *t)
{
	return has_no_site(t) ||
	       (!t->config_file && (t->anchors.n || t->untrusted.n || t->crls.n || t->ocsp.n || t->settings.n));
}

static int make_config(struct tool *t, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	if (!stands_alone(t))
		return read_config(t, err);
	for (size_t i = 0; i < t->settings.n; i++)
		buf_addf(&text, "%s\n", t->settings.items[i]);
	/* who gives lists wants to know, and "no list applies" is no "not revoked" */
	if ((t->crls.n || t->ocsp.n) && !is_set(t, "check_path_crl"))
		buf_addstr(&text, "check_path_crl = require\n");
	rc = config_parse(span_from(buf_str(&text), text.len), "-set", "/nonexistent", check_options, check_noptions, &t->policy,
			  &t->config, err);
	buf_release(&text);
	return rc;
}

/* ---- the files ---- */

static int read_files(struct verification *v, const struct words *files, struct input *out, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < files->n && rc == 0; i++)
		rc = input_read(&v->tool->arena, files->items[i], out, err);
	return rc;
}

/* One that is broken is for the checker to tell. */
static int read_responses(struct verification *v, struct error *err)
{
	struct arena *a = &v->tool->arena;
	const struct words *files = &v->tool->ocsp;
	struct span *list = arena_array(a, files->n + 1, sizeof(*list));
	int rc = 0;

	for (size_t i = 0; i < files->n && rc == 0; i++) {
		struct buf bytes = BUF_INIT, room = BUF_INIT;
		struct span response;

		rc = fs_read(files->items[i], RESPONSE_MAX, &bytes, err);
		response = pem_or_der(span_from(buf_str(&bytes), bytes.len), &room);
		list[v->request.nocsp++] = span_from(arena_memdup(a, response.p, response.n), response.n);
		buf_release(&bytes);
		buf_release(&room);
		if (rc == E_TEMP)
			rc = err->code = E_NOTFOUND;
	}
	v->request.ocsp = list;
	return rc;
}

/* "No such file" is no answer to who asks for an address. */
static int read_certificate(struct verification *v, struct error *err)
{
	const char *word = v->tool->arguments[0];
	int rc = input_read_first(&v->tool->arena, word, &v->request.certificate, &v->issuers, err);

	v->file = word;
	if (rc == E_NOTFOUND && strchr(word, '@'))
		return error_set(err, rc, "%s: no such file, and without a site (-c) there are no addresses to look up", word);
	return rc;
}

/* The one certificate that an address or a fingerprint means. */
static int find_certificate(struct verification *v, struct error *err)
{
	static const char *const areas[] = { "public", "trusted", "untrusted", "seen", "private", "ca", NULL };
	struct tool *t = v->tool;
	const char *word = t->arguments[0];
	struct chosen_list found = { 0 };
	int rc = site_choose(t, areas, word, &found, err);

	if (rc == 0 && !found.n)
		rc = error_set(err, E_NOTFOUND, "%s: there is no certificate of it in %s", word, t->config->areas);
	for (size_t i = 1; i < found.n && rc == 0; i++)
		v->ambiguous |= !span_eq(found.items[i].der, found.items[0].der);
	for (size_t i = 0; i < found.n && v->ambiguous; i++)
		fprintf(stderr, "postern-cert: %s\n", printable(&t->arena, found.items[i].file));
	if (v->ambiguous)
		rc = error_set(err, E_PERM, "%s: several certificates, in the files above: name one of them", word);
	if (rc < 0)
		return rc;
	v->request.certificate = found.items[0].der;
	v->file = found.items[0].file;
	if (!t->address)
		v->request.address = found.items[0].address;
	return 0;
}

static int read_inputs(struct verification *v, struct error *err)
{
	struct tool *t = v->tool;
	int rc;

	v->of_site = !stands_alone(t) && site_may_have(t->arguments[0]);
	rc = v->of_site ? 0 : read_certificate(v, err);
	if (rc == 0)
		rc = read_files(v, &t->anchors, &v->anchors, err);
	if (rc == 0)
		rc = read_files(v, &t->untrusted, &v->issuers, err);
	if (rc == 0)
		rc = read_files(v, &t->crls, &v->crls, err);
	if (rc == 0)
		rc = read_responses(v, err);
	if (rc == 0 && !stands_alone(t))
		rc = site_open(t, false, err); /* behind the files: root may become the spool's user, whose the index is */
	return rc == 0 && v->of_site ? find_certificate(v, err) : rc;
}

/* A file may hold both kinds: lists count wherever they stand, certificates among lists may have signed them. */
static struct check_object *joined(struct arena *a, const struct check_object *const lists[3], const size_t n[3], size_t *count)
{
	struct check_object *all = arena_array(a, n[0] + n[1] + n[2] + 1, sizeof(*all));

	*count = 0;
	for (int i = 0; i < 3; i++)
		for (size_t k = 0; k < n[i]; k++)
			all[(*count)++] = lists[i][k];
	return all;
}

static int judge_it(struct verification *v, struct error *err)
{
	struct tool *t = v->tool;
	struct check_given given = { .anchors = v->anchors.certificates, .nanchors = v->anchors.ncertificates, .alone = stands_alone(t) };
	struct checker *checker;
	int rc = checker_open(t->config, &t->policy, &checker, err);

	if (rc < 0)
		return rc;
	given.issuers = joined(&t->arena, (const struct check_object *const[]){ v->issuers.certificates, v->crls.certificates, NULL },
			       (const size_t[]){ v->issuers.ncertificates, v->crls.ncertificates, 0 }, &given.nissuers);
	given.crls = joined(&t->arena, (const struct check_object *const[]){ v->anchors.crls, v->issuers.crls, v->crls.crls },
			    (const size_t[]){ v->anchors.ncrls, v->issuers.ncrls, v->crls.ncrls }, &given.ncrls);
	checker_give(checker, &given);
	rc = check_certificate(checker, &v->request, &t->arena, &v->answer, err);
	checker_close(checker);
	return rc;
}

/* ---- the answer ---- */

static void print_path(struct verification *v)
{
	struct arena *a = &v->tool->arena;
	char until[MOMENT_TEXT];
	struct description d;

	for (size_t i = 0; i < v->answer.npath; i++) {
		describe(a, v->answer.path[i], &d);
		moment_text(d.not_after, until);
		printf("path: %zu %s (serial %s, until %s)\n", i + 1, printable(a, d.subject), d.serial, until);
	}
}

static void print_text(struct verification *v)
{
	const struct check_answer *answer = &v->answer;
	char when[MOMENT_TEXT], next[MOMENT_TEXT];

	if (v->of_site)
		printf("file: %s\n", printable(&v->tool->arena, v->file));
	printf("verdict: %s\n", check_verdict_word(answer->verdict));
	if (*answer->reason)
		printf("reason: %s\n", answer->reason);
	printf("text: %s\n", printable(&v->tool->arena, answer->text));
	if (*answer->subject)
		printf("subject: %s\nissuer: %s\nserial: %s\n", printable(&v->tool->arena, answer->subject),
		       printable(&v->tool->arena, answer->issuer), answer->serial);
	print_path(v);
	for (const struct check_evidence *e = answer->evidence; e; e = e->next) {
		moment_text(e->time, when);
		moment_text(e->until, next);
		printf("revocation: %s%s%s%s%s%s%s%s%s\n", printable(&v->tool->arena, e->source), e->time ? " of " : "", e->time ? when : "",
		       e->until ? ", next " : "", e->until ? next : "", *e->number ? ", number " : "",
		       printable(&v->tool->arena, e->number), *e->about ? ", for serial " : "", e->about);
	}
}

static void print_json(struct verification *v)
{
	const struct check_answer *answer = &v->answer;
	struct json j = { 0 };
	struct description d;

	json_open(&j, NULL, '{');
	json_text(&j, "file", v->file);
	json_text(&j, "purpose", check_purpose_word(v->request.purpose));
	json_time(&j, "at", v->request.time);
	json_text(&j, "address", v->request.address);
	json_text(&j, "verdict", check_verdict_word(answer->verdict));
	json_text(&j, "reason", answer->reason);
	json_text(&j, "text", answer->text);
	json_text(&j, "subject", answer->subject);
	json_text(&j, "issuer", answer->issuer);
	json_text(&j, "serial", answer->serial);
	json_open(&j, "path", '[');
	for (size_t i = 0; i < answer->npath; i++) {
		json_open(&j, NULL, '{');
		describe(&v->tool->arena, answer->path[i], &d);
		describe_json(&j, &d);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "revocation", '[');
	for (const struct check_evidence *e = answer->evidence; e; e = e->next) {
		json_open(&j, NULL, '{');
		json_text(&j, "source", e->source);
		json_text(&j, "kind", e->kind);
		json_time(&j, "time", e->time);
		json_time(&j, "next", e->until);
		json_text(&j, "number", e->number);
		json_text(&j, "serial", e->about);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}

int run_verify(struct tool *t)
{
	static const int exits[] = { [CHECK_VALID] = EXIT_GOOD, [CHECK_INVALID] = EXIT_BAD, [CHECK_UNKNOWN] = EXIT_UNKNOWN };
	struct verification v = { .tool = t };
	struct error err = { 0 };
	int rc, code;

	if (read_question(&v, &err) < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	rc = make_config(t, &err);
	if (rc == 0)
		rc = read_inputs(&v, &err);
	if (rc == 0)
		rc = judge_it(&v, &err);
	if (rc < 0) {
		code = complain(&err);
		return v.ambiguous ? EXIT_USAGE : code;
	}
	if (t->json)
		print_json(&v);
	else
		print_text(&v);
	return exits[v.answer.verdict];
}
