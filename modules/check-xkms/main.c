/* main.c - check-xkms: a central relay says whether a certificate is valid (check-xkms(8)) */
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check-path/areas.h"
#include "check-path/names.h"
#include "check-path/question.h"
#include "check-path/verify_log.h"
#include "check-xkms/xkms.h"
#include "common/keys_order.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "lib/server.h"

#define ID_BYTES 16

static struct xkms_options options;
static const char *const soap_words[] = { "1.1", "1.2", NULL };
static const char *const away_words[] = { "defer", "unknown", "next", NULL };

#define AT(field) offsetof(struct xkms_options, field)
static const struct config_option option_table[] = {
	{ "check_xkms_relays", CONFIG_LIST, NULL, AT(relays), NULL, 0, 0, "URLs of the relays, asked in this order until one answers" },
	{ "check_xkms_soap", CONFIG_WORD, "1.2", AT(soap), soap_words, 0, 0, "version of SOAP: 1.1 or 1.2" },
	{ "check_xkms_ca_file", CONFIG_PATH, NULL, AT(ca_file), NULL, 0, 0, "CAs of the relays' TLS certificates; empty: the system's" },
	{ "check_xkms_certificate", CONFIG_PATH, NULL, AT(certificate), NULL, 0, 0, "our TLS certificate, PEM; empty: none" },
	{ "check_xkms_key", CONFIG_PATH, NULL, AT(key), NULL, 0, 0, "its key, PEM, ours alone" },
	{ "check_xkms_signer", CONFIG_PATH, NULL, AT(signer), NULL, 0, 0, "certificate, PEM, with which answers must be signed; empty: none" },
	{ "check_xkms_send_candidates", CONFIG_BOOLEAN, "no", AT(send_candidates), NULL, 0, 0,
	  "send the other certificates of the message along, as possible issuers" },
	{ "check_xkms_timeout", CONFIG_TIME, "10s", AT(timeout), NULL, 10, 300000, "for the answer of one relay" },
	{ "check_xkms_sign_when_away", CONFIG_WORD, "unknown", AT(sign_when_away), away_words, 0, 0,
	  "where no relay answers about a signature: unknown, defer the message, or next, the next module decides" },
	{ "check_xkms_encrypt_when_away", CONFIG_WORD, "defer", AT(encrypt_when_away), away_words, 0, 0,
	  "the same for a certificate to encrypt to" },
};

struct state {
	struct relays *relays;
	struct areas *areas;
	size_t first; /* the relay that answered last */
};

/* ---- the relays ---- */

static const char *new_id(struct arena *a)
{
	unsigned char bytes[ID_BYTES];
	char *id = arena_alloc(a, 2 * ID_BYTES + 2);

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return "";
	id[0] = '_'; /* an XML name begins with no digit */
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(id + 1 + 2 * i, 3, "%02x", bytes[i]);
	return id;
}

static int ask_one(struct server *s, const char *url, const struct check_request *q, deadline until, struct xkms_result *out,
		   struct error *err)
{
	struct buf question = BUF_INIT, answer = BUF_INIT;
	const char *id = new_id(&s->arena);
	struct state *state = s->state;
	int rc = *id ? xkms_request(&options, url, id, q, &question, err) : error_set(err, E_TEMP, "no random numbers");

	if (rc == 0)
		rc = relay_ask(state->relays, url, span_from(question.data, question.len),
			       deadline_earlier(deadline_in((int64_t)options.timeout), until), &answer, err);
	if (rc == 0) {
		rc = xkms_response(&options, span_from(buf_str(&answer), answer.len), id, q->certificate, &s->arena, out, err);
		if (rc < 0)
			error_prefix(err, "%s", url);
	}
	buf_release(&question);
	buf_release(&answer);
	return rc;
}

/* The relay that answered last comes first; *url is the one that answered now. */
static int ask_relays(struct server *s, const struct check_request *q, struct xkms_result *out, const char **url, struct error *err)
{
	deadline until = server_answer_until(s);
	struct state *state = s->state;
	size_t n = options.relays.n;
	int rc = E_TEMP;

	for (size_t i = 0; i < n && rc == E_TEMP; i++) {
		size_t at = (state->first + i) % n;

		*url = options.relays.items[at];
		rc = ask_one(s, *url, q, until, out, err);
		if (rc == 0)
			state->first = at;
		else
			log_warning("%s", err->text);
	}
	return rc;
}

/* ---- what needs no relay ---- */

struct judged {
	X509 *x;
	struct check_answer *answer;
	struct arena *arena;
};

static bool settle(struct judged *j, enum check_verdict verdict, const char *reason, const char *text)
{
	j->answer->verdict = verdict;
	j->answer->reason = reason;
	j->answer->text = text;
	return true;
}

/* What the operator says of this very certificate, and whose it is, no relay decides.  1: settled; 0: not; negative: error. */
static int decide_here(struct server *s, const struct check_request *q, struct judged *j, struct error *err)
{
	struct state *state = s->state;
	struct keys_candidate parts;
	const char *file;

	if (!j->x)
		return settle(j, CHECK_INVALID, "malformed", "not a certificate: its DER cannot be read");
	if (areas_find_exact(state->areas, j->arena, AREAS_UNTRUSTED, j->x, &file, err) < 0)
		return err->code;
	if (file)
		return settle(j, CHECK_INVALID, "untrusted", arena_printf(j->arena, "marked as untrusted by the operator (%s)", file));
	if (areas_find_exact(state->areas, j->arena, AREAS_TRUSTED, j->x, &file, err) < 0)
		return err->code;
	if (file)
		return settle(j, CHECK_VALID, "", arena_printf(j->arena, "trusted by the operator (%s)", file));
	if (*q->address && !keys_candidate_read(q->certificate, q->address, &parts))
		return settle(j, CHECK_INVALID, "address-mismatch", arena_printf(j->arena, "the certificate is not for %s", q->address));
	return 0;
}

/* ---- a question ---- */

static int nobody_answers(struct server *s, const struct check_request *q, struct judged *j, struct error *err)
{
	int what = q->purpose == CHECK_ENCRYPT ? options.encrypt_when_away : options.sign_when_away;

	if (what == AWAY_NEXT)
		return error_set(err, E_NOTFOUND, "no relay answers; the last: %.300s", arena_strdup(&s->arena, err->text));
	if (what == AWAY_DEFER)
		return E_TEMP;
	settle(j, CHECK_UNKNOWN, "relay-away", arena_printf(j->arena, "no relay answers; the last: %.300s", err->text));
	return 0;
}

static void give_evidence(struct judged *j, const char *url)
{
	struct check_evidence *e = arena_alloc(j->arena, sizeof(*e));

	*e = (struct check_evidence){ .source = url, .kind = "relay", .number = "", .about = "", .time = time(NULL) };
	j->answer->evidence = e;
}

static int decide(struct server *s, const struct check_request *q, struct judged *j, struct error *err)
{
	struct xkms_result result;
	const char *url = "";
	int rc = decide_here(s, q, j, err);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = ask_relays(s, q, &result, &url, err);
	if (rc == E_TEMP)
		return nobody_answers(s, q, j, err);
	if (rc == 0) {
		settle(j, result.verdict, result.reason, result.text);
		give_evidence(j, url);
	}
	return rc;
}

static void give_names(struct judged *j)
{
	j->answer->subject = j->answer->issuer = j->answer->serial = "";
	if (!j->x)
		return;
	j->answer->subject = subject_text(j->arena, j->x);
	j->answer->issuer = name_text(j->arena, X509_get_issuer_name(j->x));
	j->answer->serial = serial_text(j->arena, X509_get0_serialNumber(j->x));
}

static int handle_check(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct check_request q;
	struct check_answer answer = { .reason = "", .text = "" };
	struct judged j = { .answer = &answer, .arena = &s->arena };
	int rc = question_read(s, request, &q, err);

	if (rc == 0) {
		struct span rest = q.certificate;

		j.x = areas_certificate(&rest);
		if (rest.n) {
			X509_free(j.x);
			j.x = NULL;
		}
		rc = decide(s, &q, &j, err);
		give_names(&j);
		X509_free(j.x);
	}
	if (rc < 0)
		return rc;
	verify_log_write(s->config->verify_log, s->queue_id, &q, &answer);
	question_answer(&s->arena, w, &answer);
	return 0;
}

/* ---- the module ---- */

static int start(struct server *s, struct error *err)
{
	struct state *state = mem_alloc(sizeof(*state));
	int rc;

	s->state = state;
	state->areas = areas_open(s->config);
	openssl_load(NULL);
	openssl_start();
	rc = relays_open(&options, &state->relays, err);
	if (rc == 0)
		rc = xkms_signatures_start(&options, err);
	return rc;
}

static void stop(struct server *s)
{
	struct state *state = s->state;

	areas_close(state->areas);
	relays_close(state->relays);
	xkms_signatures_stop();
	free(state);
}

static const struct server_operation operations[] = {
	{ "check-certificate", handle_check },
};

int main(int argc, char **argv)
{
	static const struct server_role role = {
		.program = "check-xkms",
		.role = "check",
		.operations = operations,
		.noperations = sizeof(operations) / sizeof(*operations),
		.start = start,
		.stop = stop,
		.options = option_table,
		.noptions = sizeof(option_table) / sizeof(*option_table),
		.options_base = &options,
		.help = "Asks a central relay (XKMS 2.0 Validate over SOAP) whether a certificate is valid;\n"
			"see check-xkms(8).",
	};

	return server_main(&role, argc, argv);
}
