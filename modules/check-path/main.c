/* main.c - check-path: the protocol's side of a check (postern-modules(7), check-path(8)) */
#include <string.h>

#include "check-path/check.h"
#include "check-path/question.h"
#include "check-path/reason.h"
#include "check-path/verify_log.h"
#include "common/mains.h"
#include "lib/server.h"

static struct check_policy policy;

static int start(struct server *s, struct error *err)
{
	struct checker *checker;
	int rc = checker_open(s->config, &policy, &checker, err);

	if (rc == 0)
		s->state = checker;
	return rc;
}

static void stop(struct server *s)
{
	checker_close(s->state);
}

/* To encrypt, "unknown" would mean: not at all where the rules leave the choice, and a refusal for good where they do not.  That a
 * CRL is late, or a responder silent, is neither's fault, and the operator's to mend: the message waits. */
static bool waits_for_revocation(const struct check_request *q, const struct check_answer *answer)
{
	static const enum reason reasons[] = { REASON_CRL_MISSING, REASON_CRL_EXPIRED, REASON_CRL_INVALID };

	for (size_t i = 0; q->purpose == CHECK_ENCRYPT && i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(answer->reason, reason_word(reasons[i])) == 0)
			return true;
	return false;
}

static int handle_check(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct check_request question;
	struct check_answer answer;
	int rc = question_read(s, request, &question, err);

	if (rc == 0)
		rc = check_certificate(s->state, &question, &s->arena, &answer, err);
	if (rc < 0)
		return rc;
	verify_log_add(s->config, s->queue_id, &question, &answer);
	if (waits_for_revocation(&question, &answer))
		return error_set(err, E_CONFIG, "%s: %s", answer.reason, answer.text);
	question_answer(&s->arena, w, &answer);
	return 0;
}

static const struct server_operation operations[] = {
	{ "check-certificate", handle_check },
};

int check_path_main(int argc, char **argv)
{
	struct server_role role = {
		.program = "check-path",
		.role = "check",
		.operations = operations,
		.noperations = sizeof(operations) / sizeof(*operations),
		.start = start,
		.stop = stop,
		.options = check_options,
		.noptions = check_noptions,
		.options_base = &policy,
		.help = "Checks a certificate for S/MIME: RFC 5280 path, RFC 8550 rules, CRL files, and the operator's\n"
			"areas trusted and untrusted; see check-path(8).",
	};

	return server_main(&role, argc, argv);
}
