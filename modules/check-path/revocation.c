/* revocation.c - from what CRLs and OCSP say to a verdict, by the policy for the issuer
 *
 * An answer that is there but cannot be used is never passed over in silence: then nobody knows, and the verdict is
 * "unknown".  What a source says in favour of a certificate counts as long as it is current, and then the others are only asked
 * whether what they have already speaks against it: that counts however old it is.
 */
#include "check-path/revocation.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "check-path/checking.h"
#include "common/crl.h"

/* ---- evidence ---- */

void revocation_add_evidence(struct checking *k, const char *kind, const struct revocation_answer *answer, X509 *about)
{
	struct check_evidence *e;

	for (e = k->evidence; e; e = e->next)
		if (strcmp(e->source, answer->source) == 0 && e->time == answer->produced)
			return;
	e = arena_alloc(k->arena, sizeof(*e));
	*e = (struct check_evidence){
		.next = k->evidence, .source = answer->source, .time = answer->produced, .kind = kind, .number = answer->number,
		.until = answer->next, .about = about ? serial_text(k->arena, X509_get0_serialNumber(about)) : "",
	};
	k->evidence = e;
}

/* Something the operator should know although the verdict stands. */
static bool pass_over(struct checking *k, const char **remark, const char *text)
{
	const struct revocation_answer answer = { .source = text, .number = "" };

	revocation_add_evidence(k, "remark", &answer, NULL);
	if (!**remark)
		*remark = text;
	return true;
}

/* ---- policy ---- */

static struct issuer_policy policy_for(struct checking *k, X509 *x)
{
	static const char *const wheres[] = {
		[CHECK_CRL_IF_PRESENT] = "check_path_crl = if-present", [CHECK_CRL_REQUIRE] = "check_path_crl = require",
		[CHECK_CRL_IGNORE] = "check_path_crl = ignore",
	};
	int mode = k->checker->policy->crl;
	const struct issuer_policy otherwise = { .mode = mode, .where = wheres[mode] };

	if (!k->checker->issuers)
		return otherwise;
	return issuers_find(k->checker->issuers, name_text(k->arena, X509_get_issuer_name(x)), &otherwise);
}

/* " (/etc/postern/issuers:3)" where a line of the table applied. */
static const char *by(struct checking *k, const struct issuer_policy *p)
{
	return strncmp(p->where, "check_path_crl", 14) == 0 ? "" : arena_printf(k->arena, " (%s)", p->where);
}

static const char *issuer_of(struct checking *k, X509 *x)
{
	return name_text(k->arena, X509_get_issuer_name(x));
}

static bool missing(struct checking *k, X509 *x, const struct issuer_policy *p, const struct revocation_answer *a,
		    const char **remark)
{
	const char *place = areas_place(k->checker->areas, k->arena, "crl"), *why = *a->text ? arena_printf(k->arena, "; %s", a->text) : "";

	if (p->mode == CHECK_CRL_IF_PRESENT || (p->mode == CHECK_CRL_SOFT && k->request->time < p->until))
		return pass_over(k, remark, arena_printf(k->arena, "revocation not checked: no CRL of %s for this certificate in "
							 "%s%s%s", issuer_of(k, x), place, why, by(k, p)));
	return judge(&k->judgement, k->arena, REASON_CRL_MISSING, "there is no CRL of %s for %s%s%s%s", issuer_of(k, x),
		     subject_text(k->arena, x), areas_advice(k->checker->areas, k->arena, "crl"), why, by(k, p));
}

/* a->text says "FILE is out of date". */
static bool stale(struct checking *k, X509 *x, const struct issuer_policy *p, const struct revocation_answer *a, const char **remark)
{
	bool graced = p->mode == CHECK_CRL_SOFT && a->next && a->produced <= k->request->time &&
		      k->request->time - a->next <= p->grace;

	if (p->mode == CHECK_CRL_IF_PRESENT || graced)
		return pass_over(k, remark, arena_printf(k->arena, "revocation checked with a stale CRL: %s%s", a->text, by(k, p)));
	return judge(&k->judgement, k->arena, REASON_CRL_EXPIRED, "the CRL %s: replace it by the current one of %s%s",
		     a->text, issuer_of(k, x), by(k, p));
}

static const char *reason_name(int reason)
{
	static const char *const names[] = { "unspecified", "key compromise", "CA compromise", "affiliation changed", "superseded",
		"cessation of operation", "certificate hold", NULL, NULL, "privilege withdrawn", "AA compromise" };

	return reason >= 0 && reason < (int)(sizeof(names) / sizeof(*names)) ? names[reason] : NULL;
}

static bool revoked(struct checking *k, X509 *x, const struct revocation_answer *a)
{
	const char *why = reason_name(a->reason), *when = "";
	char stamp[32];
	struct tm tm;

	if (a->revoked_at && gmtime_r(&a->revoked_at, &tm) && strftime(stamp, sizeof(stamp), " at %Y-%m-%d %H:%M:%S UTC", &tm))
		when = stamp;
	return judge(&k->judgement, k->arena, REASON_REVOKED, "%s (serial %s) was revoked by its issuer, says %s%s%s%s%s: it must "
		     "not be used any more", subject_text(k->arena, x), serial_text(k->arena, X509_get0_serialNumber(x)),
		     a->source, when, why ? " (" : "", why ? why : "", why ? ")" : "");
}

/* ---- sources ---- */

static enum revocation_status ask(struct checking *k, int source, STACK_OF(X509) *path, int at, const struct issuer_policy *p,
				  bool known, struct revocation_answer *out)
{
	if (source == CHECK_SOURCE_CRL)
		return crls_consult(k, path, at, p, out);
	return ocsp_consult(k, sk_X509_value(path, at), sk_X509_value(path, at + 1), known, out);
}

/* Only a hold can be taken back, by who says later that all is well. */
static bool is_lifted(const struct revocation_answer *revoked, const struct revocation_answer *good)
{
	return revoked->reason == CRL_REASON_HOLD && good->produced > revoked->produced;
}

/* How much an answer is worth beside another one. */
static int worth(enum revocation_status status, const struct revocation_answer *a)
{
	if (status == REVOCATION_REVOKED)
		return 6;
	if (status == REVOCATION_GOOD)
		return a->stale ? 3 : 5;
	if (status == REVOCATION_UNKNOWN)
		return 4;
	return a->broken ? 2 : *a->text ? 1 : 0;
}

static bool is_better(enum revocation_status status, const struct revocation_answer *a, enum revocation_status before,
		      const struct revocation_answer *best)
{
	if (status == REVOCATION_REVOKED && worth(before, best) == 5)
		return !is_lifted(a, best);
	if (before == REVOCATION_REVOKED && worth(status, a) == 5)
		return is_lifted(best, a);
	return worth(status, a) > worth(before, best);
}

static enum revocation_status ask_all(struct checking *k, STACK_OF(X509) *path, int at, const struct issuer_policy *p,
				      struct revocation_answer *best)
{
	const struct checker *c = k->checker;
	enum revocation_status result = REVOCATION_NO_ANSWER;

	*best = (struct revocation_answer)REVOCATION_ANSWER_INIT;
	for (size_t i = 0; i < c->nsources && !k->error.code; i++) {
		struct check_evidence *evidence = k->evidence;
		bool known = worth(result, best) >= 5;
		struct revocation_answer a;
		enum revocation_status status = ask(k, c->sources[i], path, at, p, known, &a);

		if (is_better(status, &a, result, best)) {
			result = status;
			*best = a;
		} else if (known) {
			k->evidence = evidence;
		}
	}
	return result;
}

static bool check_one(struct checking *k, STACK_OF(X509) *path, int at, const char **remark)
{
	X509 *x = sk_X509_value(path, at);
	struct issuer_policy p = policy_for(k, x);
	struct revocation_answer a;
	enum revocation_status status;

	if (p.mode == CHECK_CRL_IGNORE)
		return pass_over(k, remark, arena_printf(k->arena, "revocation not checked: %s", p.where));
	status = ask_all(k, path, at, &p, &a);
	if (k->error.code)
		return false;
	switch (status) {
	case REVOCATION_REVOKED:
		return revoked(k, x, &a);
	case REVOCATION_GOOD:
		return !a.stale || stale(k, x, &p, &a, remark);
	case REVOCATION_UNKNOWN:
		return judge(&k->judgement, k->arena, REASON_STATUS_UNKNOWN, "%s does not know %s: ask its issuer%s", a.source,
			     subject_text(k->arena, x), by(k, &p));
	case REVOCATION_NO_ANSWER:
		break;
	}
	if (a.broken)
		return judge(&k->judgement, k->arena, REASON_CRL_INVALID, "%s: replace it%s", a.text, by(k, &p));
	return missing(k, x, &p, &a, remark);
}

/* That one is revoked is more than that nobody knows about another one. */
bool revocation_check(struct checking *k, STACK_OF(X509) *path, const char **remark)
{
	struct judgement first = { 0 };

	*remark = "";
	for (int i = 0; i < sk_X509_num(path) - 1; i++) {
		if (check_one(k, path, i, remark))
			continue;
		if (k->error.code || reason_verdict(k->judgement.reason) == CHECK_INVALID)
			return false;
		if (!first.reason)
			first = k->judgement;
	}
	k->judgement = first;
	return !first.reason;
}
