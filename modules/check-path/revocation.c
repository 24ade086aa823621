/* revocation.c - which CRLs a path is checked against, and what becomes of the ones that are missing or stale
 *
 * OpenSSL decides whether a CRL fits and is genuine (complete, delta, indirect and partitioned lists: RFC 5280
 * sections 5 and 6.3).  This file finds the lists by the name of their issuer, and turns the complaints about them
 * into the operator's policy check_path_crl.  A CRL that is there but cannot be used is never passed over in
 * silence: then nobody knows, and the verdict is "unknown".
 */
#include <openssl/x509v3.h>

#include "check-path/checking.h"

struct revocation {
	struct checking *k;
	STACK_OF(X509) *path;
	STACK_OF(X509_CRL) *crls;   /* references of ours */
	struct areas_crl *items;    /* the same, with their files */
	size_t n;
	STACK_OF(X509_NAME) *asked; /* names already looked up, not owned: of the path's certificates or below */
	STACK_OF(GENERAL_NAMES) *keep;
	const char *remark;
};

static bool was_asked(const struct revocation *r, const X509_NAME *name)
{
	for (int i = 0; i < sk_X509_NAME_num(r->asked); i++)
		if (X509_NAME_cmp(sk_X509_NAME_value(r->asked, i), name) == 0)
			return true;
	return false;
}

/* Adds the CRLs of one issuer. */
static void collect(struct revocation *r, X509_NAME *issuer)
{
	struct areas_crl *found;
	size_t n;

	if (was_asked(r, issuer) || r->k->error.code)
		return;
	sk_X509_NAME_push(r->asked, issuer);
	if (areas_find_crls(r->k->checker->areas, r->k->arena, issuer, &found, &n, &r->k->error) < 0 || !n)
		return;
	struct areas_crl *all = arena_array(r->k->arena, r->n + n, sizeof(*all));
	if (r->n)
		memcpy(all, r->items, r->n * sizeof(*all));
	memcpy(all + r->n, found, n * sizeof(*all));
	r->items = all;
	r->n += n;
	for (size_t i = 0; i < n; i++)
		sk_X509_CRL_push(r->crls, found[i].crl);
}

/* Indirect CRLs: the distribution point names another issuer (RFC 5280 section 4.2.1.13). */
static void collect_indirect(struct revocation *r, X509 *x)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		DIST_POINT *point = sk_DIST_POINT_value(points, i);

		for (int j = 0; j < sk_GENERAL_NAME_num(point->CRLissuer); j++)
			if (sk_GENERAL_NAME_value(point->CRLissuer, j)->type == GEN_DIRNAME)
				collect(r, sk_GENERAL_NAME_value(point->CRLissuer, j)->d.directoryName);
		if (point->CRLissuer) { /* the names stay in use */
			sk_GENERAL_NAMES_push(r->keep, point->CRLissuer);
			point->CRLissuer = NULL;
		}
	}
	CRL_DIST_POINTS_free(points);
}

struct revocation *revocation_new(struct checking *k, STACK_OF(X509) *path)
{
	struct revocation *r = mem_alloc(sizeof(*r));

	r->k = k;
	r->path = path;
	r->remark = "";
	r->crls = sk_X509_CRL_new_null();
	r->asked = sk_X509_NAME_new_null();
	r->keep = sk_GENERAL_NAMES_new_null();
	if (k->checker->policy->crl == CHECK_CRL_IGNORE)
		return r;
	for (int i = 0; i < sk_X509_num(path); i++) {
		collect(r, X509_get_issuer_name(sk_X509_value(path, i)));
		collect_indirect(r, sk_X509_value(path, i));
	}
	return r;
}

void revocation_free(struct revocation *r)
{
	if (!r)
		return;
	sk_X509_CRL_pop_free(r->crls, X509_CRL_free);
	sk_X509_NAME_free(r->asked);
	sk_GENERAL_NAMES_pop_free(r->keep, GENERAL_NAMES_free);
	free(r);
}

static void push_signer(STACK_OF(X509) *to, X509 *x)
{
	for (int i = 0; i < sk_X509_num(to); i++)
		if (X509_cmp(sk_X509_value(to, i), x) == 0)
			return;
	X509_up_ref(x);
	sk_X509_push(to, x);
}

/* A CRL may be signed with another key than the certificates (RFC 5280 section 6.3.3 (f)). */
static void add_signers(struct revocation *r, const X509_NAME *issuer, STACK_OF(X509) *to)
{
	STACK_OF(X509) *found = sk_X509_new_null();

	areas_find_issuers(r->k->checker->areas, r->k->arena, issuer, found, &r->k->error);
	for (int i = 0; i < sk_X509_num(r->k->candidates); i++) {
		X509 *x = sk_X509_value(r->k->candidates, i);

		if (X509_NAME_cmp(X509_get_subject_name(x), issuer) == 0)
			push_signer(found, x);
	}
	for (int i = 0; i < sk_X509_num(found); i++)
		push_signer(to, sk_X509_value(found, i));
	sk_X509_pop_free(found, X509_free);
}

void revocation_apply(struct revocation *r, X509_STORE_CTX *ctx, STACK_OF(X509) *untrusted)
{
	if (r->k->checker->policy->crl == CHECK_CRL_IGNORE)
		return;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
				 X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS);
	for (int i = 0; i < sk_X509_NAME_num(r->asked) && r->n; i++)
		add_signers(r, sk_X509_NAME_value(r->asked, i), untrusted);
	X509_STORE_CTX_set0_crls(ctx, r->crls);
}

/* ---- what OpenSSL complains about ---- */

enum complaint { COMPLAINT_NONE, COMPLAINT_REVOKED, COMPLAINT_MISSING, COMPLAINT_STALE, COMPLAINT_UNUSABLE };

static const struct {
	int code;
	enum complaint kind;
	const char *problem;
} complaints[] = {
	{ X509_V_ERR_CERT_REVOKED, COMPLAINT_REVOKED, "" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, COMPLAINT_MISSING, "" },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE, COMPLAINT_MISSING, "" },
	{ X509_V_ERR_CRL_HAS_EXPIRED, COMPLAINT_STALE, "is out of date" },
	{ X509_V_ERR_CRL_NOT_YET_VALID, COMPLAINT_STALE, "is not valid yet" },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, COMPLAINT_UNUSABLE, "has a bad signature" },
	{ X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, COMPLAINT_UNUSABLE, "has a bad signature" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, COMPLAINT_UNUSABLE, "has a signer that is not known" },
	{ X509_V_ERR_CRL_PATH_VALIDATION_ERROR, COMPLAINT_UNUSABLE, "has a signer without a valid path" },
	{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, COMPLAINT_UNUSABLE, "has a signer whose key usage lacks cRLSign" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, COMPLAINT_UNUSABLE, "has a critical extension that is not understood" },
	{ X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, COMPLAINT_UNUSABLE, "has no readable thisUpdate" },
	{ X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, COMPLAINT_UNUSABLE, "has no readable nextUpdate" },
	{ X509_V_ERR_INVALID_EXTENSION, COMPLAINT_UNUSABLE, "has an extension that cannot be read" },
};

static size_t find_complaint(int code)
{
	size_t i = 0;

	while (i < sizeof(complaints) / sizeof(*complaints) && complaints[i].code != code)
		i++;
	return i;
}

bool revocation_is_about(int code)
{
	return find_complaint(code) < sizeof(complaints) / sizeof(*complaints);
}

static void add_evidence(struct revocation *r, const char *source, time_t time)
{
	struct check_evidence *e;

	for (e = r->k->evidence; e; e = e->next)
		if (strcmp(e->source, source) == 0)
			return;
	e = arena_alloc(r->k->arena, sizeof(*e));
	e->source = source;
	e->time = time;
	e->next = r->k->evidence;
	r->k->evidence = e;
}

/* Something the operator should know although the verdict stands. */
static bool pass_over(struct revocation *r, const char *remark)
{
	add_evidence(r, remark, 0);
	if (!*r->remark)
		r->remark = remark;
	return true;
}

static const char *file_of(const struct revocation *r, const X509_CRL *crl)
{
	for (size_t i = 0; crl && i < r->n; i++)
		if (r->items[i].crl == crl)
			return r->items[i].file;
	return "(unknown file)";
}

static bool has_any(const struct revocation *r, X509 *x)
{
	for (size_t i = 0; i < r->n; i++)
		if (X509_NAME_cmp(X509_CRL_get_issuer(r->items[i].crl), X509_get_issuer_name(x)) == 0)
			return true;
	return false;
}

static bool tolerate_missing(struct revocation *r, X509 *x, bool anchor, int code, struct judgement *j)
{
	struct arena *a = r->k->arena;
	const char *issuer = name_text(a, X509_get_issuer_name(x)), *dir = areas_place(r->k->checker->areas, a, "crl");

	if (anchor)
		return true; /* what an anchor's own CRL says is asked, but it need not be there (RFC 5280 section 6.1) */
	if (code == X509_V_ERR_UNABLE_TO_GET_CRL && has_any(r, x))
		return judge(j, a, REASON_CRL_INVALID, "no CRL of %s in %s can be used for %s: replace them",
			     issuer, dir, subject_text(a, x));
	if (r->k->checker->policy->crl == CHECK_CRL_IF_PRESENT)
		return pass_over(r, arena_printf(a, "revocation not checked: no CRL of %s for this certificate in %s",
						 issuer, dir));
	return judge(j, a, REASON_CRL_MISSING, "there is no CRL of %s for %s: copy it to %s", issuer,
		     subject_text(a, x), dir);
}

static bool tolerate_stale(struct revocation *r, X509_CRL *crl, const char *problem, struct judgement *j)
{
	struct arena *a = r->k->arena;
	const char *file = file_of(r, crl);

	if (r->k->checker->policy->crl == CHECK_CRL_IF_PRESENT)
		return pass_over(r, arena_printf(a, "revocation checked with a stale CRL: %s %s", file, problem));
	return judge(j, a, REASON_CRL_EXPIRED, "the CRL %s of %s %s: replace it by the current one", file,
		     name_text(a, X509_CRL_get_issuer(crl)), problem);
}

bool revocation_tolerates(struct revocation *r, X509_STORE_CTX *ctx, int code, struct judgement *j)
{
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);
	bool anchor = X509_STORE_CTX_get_error_depth(ctx) == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
	size_t i = find_complaint(code);

	if (anchor && !(X509_get_extension_flags(x) & EXFLAG_SS))
		return true; /* whoever issued it has no say any more */
	switch (complaints[i].kind) {
	case COMPLAINT_REVOKED:
		return judge(j, r->k->arena, REASON_REVOKED, "%s (serial %s) was revoked by its issuer, says %s: it must not "
			     "be used any more", subject_text(r->k->arena, x),
			     serial_text(r->k->arena, X509_get0_serialNumber(x)), file_of(r, crl));
	case COMPLAINT_MISSING:
		return tolerate_missing(r, x, anchor, code, j);
	case COMPLAINT_STALE:
		return tolerate_stale(r, crl, complaints[i].problem, j);
	default:
		return judge(j, r->k->arena, REASON_CRL_INVALID, "the CRL %s %s: replace it", file_of(r, crl),
			     complaints[i].problem);
	}
}

const char *revocation_report(struct revocation *r)
{
	if (r->k->checker->policy->crl == CHECK_CRL_IGNORE)
		pass_over(r, "revocation not checked: check_path_crl = ignore");
	for (size_t i = 0; i < r->n; i++)
		add_evidence(r, r->items[i].file, asn1_time_seconds(X509_CRL_get0_lastUpdate(r->items[i].crl)));
	return r->remark;
}
