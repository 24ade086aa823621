/* scope.c - which certificates and which reasons a revocation list speaks of (RFC 5280 section 6.3.3 (b) and (d)) */
#include "check-path/lists.h"

/* ---- names of distribution points ---- */

static bool has_name(const GENERAL_NAMES *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);

		if (one->type == GEN_DIRNAME && X509_NAME_cmp(one->d.directoryName, name) == 0)
			return true;
	}
	return false;
}

static bool share_name(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(b); j++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0 ||
			    (sk_GENERAL_NAME_value(a, i)->type == GEN_DIRNAME &&
			     has_name(b, sk_GENERAL_NAME_value(a, i)->d.directoryName)))
				return true;
	return false;
}

/* Of the list's point: its full names, or the one that was made of its relative name. */
static bool is_named(const DIST_POINT_NAME *point, const GENERAL_NAMES *names)
{
	if (point->type == 0)
		return share_name(point->name.fullname, names);
	return point->dpname && has_name(names, point->dpname);
}

static bool is_called(const DIST_POINT_NAME *point, const X509_NAME *name)
{
	if (point->type == 0)
		return has_name(point->name.fullname, name);
	return point->dpname && X509_NAME_cmp(point->dpname, name) == 0;
}

/* A name relative to the CRL's issuer is completed with the one the point names, or with the certificate's issuer. */
static const X509_NAME *base_of(const DIST_POINT *point, X509 *x)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer); i++)
		if (sk_GENERAL_NAME_value(point->CRLissuer, i)->type == GEN_DIRNAME)
			return sk_GENERAL_NAME_value(point->CRLissuer, i)->d.directoryName;
	return X509_get_issuer_name(x);
}

static bool same_point(const DIST_POINT_NAME *of_list, const DIST_POINT *point, X509 *x)
{
	/* assumed: named after the issuer; but a certificate that has points of its own has not meant this one */
	if (!point)
		return X509_get_ext_by_NID(x, NID_crl_distribution_points, -1) < 0 &&
		       is_called(of_list, X509_get_issuer_name(x));
	if (!point->distpoint)
		return is_named(of_list, point->CRLissuer);
	if (point->distpoint->type == 0)
		return is_named(of_list, point->distpoint->name.fullname);
	return DIST_POINT_set_dpname(point->distpoint, base_of(point, x)) && point->distpoint->dpname &&
	       is_called(of_list, point->distpoint->dpname);
}

/* ---- the whole ---- */

/* (b) (1); that an indirect list says so matters only where somebody else issued it. */
static bool right_issuer(const struct list *l, X509 *x, const DIST_POINT *point)
{
	bool own = X509_NAME_cmp(l->issuer, X509_get_issuer_name(x)) == 0;

	if (!point || !point->CRLissuer)
		return own;
	return has_name(point->CRLissuer, l->issuer) && (own || (l->point && l->point->indirectCRL > 0));
}

bool scope_covers(const struct list *l, X509 *x, const DIST_POINT *point)
{
	const ISSUING_DIST_POINT *p = l->point;
	bool ca = X509_get_extension_flags(x) & EXFLAG_CA;

	if (!l->issuer || !right_issuer(l, x, point))
		return false;
	if (!p)
		return true;
	if (p->onlyattr > 0 || (p->onlyuser > 0 && ca) || (p->onlyCA > 0 && !ca))
		return false;
	return !p->distpoint || same_point(p->distpoint, point, x);
}

unsigned scope_reasons(const struct list *l, const DIST_POINT *point)
{
	unsigned mask = 0;

	if (!point || !point->reasons)
		return l->reasons;
	for (int i = 1; i <= 8; i++)
		if (ASN1_BIT_STRING_get_bit(point->reasons, i))
			mask |= 1u << i;
	return l->reasons & mask;
}
