/* policies.c - certificate policies of a path: RFC 5280 section 6.1 with the graph of RFC 9618
 *
 * OpenSSL 3.0 keeps a tree, which grows with every way in which CAs map policies to each other until it gives up, does not look
 * at mappings of a CA without policies, and lets a mapping of what anyPolicy stands for count where anyPolicy is inhibited.
 * In the graph a policy stands once for each certificate.  Of the graph only the last level is kept: whether a node leads
 * back to a policy that is wanted is known when it is made.
 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <string.h>

#include "check-path/checking.h"
#include "common/certificate.h"

#define POLICIES_MAX 256 /* in one certificate, and as many mappings; bridges have some dozens */
#define NODES_MAX 1024 /* below anyPolicy those of the certificates above are there, too */

struct mapping {
	struct span from, to;
};

/* Policies are the contents of their OIDs, in the bytes of the certificates. */
struct node {
	struct span policy;
	const struct mapping *mappings; /* expected of the next certificate: what the policy is mapped to here */
	size_t nmappings;               /* 0: itself */
	bool wanted;                    /* comes from a policy of the initial set (section 6.1.5 (g)) */
};

struct level {
	struct node *nodes; /* room for a power of two */
	size_t n;
};

struct policies {
	struct checking *k;
	const struct check_policies *initial;
	struct span *accepted;                /* initial->accepted as OIDs */
	struct level levels[2], *now, *next;
	long explicit_policy, mapping, any;   /* section 6.1.2 (d) to (f) */
	X509 *demands, *lost;                 /* whose constraint counts; with whom the last policy went; NULL: none's */
	bool full;                            /* a level had more than NODES_MAX */
};

static const struct span any_policy = { "\x55\x1d\x20\x00", 4 };

static bool is_any(struct span policy)
{
	return span_eq(policy, any_policy);
}

/* ---- extensions ---- */

static struct span extension(X509 *x, int nid)
{
	int at = X509_get_ext_by_NID(x, nid, -1);
	const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));

	return value ? span_from(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)) : span_from(NULL, 0);
}

static bool refuse(struct policies *p, X509 *x, const char *what)
{
	return judge(&p->k->judgement, p->k->arena, REASON_POLICY, "%s: %s", subject_text(p->k->arena, x), what);
}

/* Section 4.2.1.4: of a critical extension the qualifiers, too, must be understood. */
static bool knows_qualifiers(struct policies *p, X509 *x, struct span information)
{
	static const struct span known[] = { { "\x2b\x06\x01\x05\x05\x07\x02\x01", 8 }, /* CPS pointer */
					     { "\x2b\x06\x01\x05\x05\x07\x02\x02", 8 } }; /* user notice */
	struct span list, one, id;

	if (!X509_EXTENSION_get_critical(X509_get_ext(x, X509_get_ext_by_NID(x, NID_certificate_policies, -1))) ||
	    !der_take(&information, 0x30, NULL, &list))
		return true;
	while (der_take(&list, 0x30, NULL, &one))
		if (!der_take(&one, 0x06, NULL, &id) || (!span_eq(id, known[0]) && !span_eq(id, known[1])))
			return judge(&p->k->judgement, p->k->arena, REASON_CRITICAL_EXTENSION, "%s: its policies are critical, and have a "
				     "qualifier that is not understood here", subject_text(p->k->arena, x));
	return true;
}

/* false: judged. */
static bool read_policies(struct policies *p, X509 *x, struct span *out, size_t *n)
{
	struct span rest = extension(x, NID_certificate_policies), list, one;

	*n = 0;
	if (!rest.p || !der_take(&rest, 0x30, NULL, &list))
		return true;
	while (der_take(&list, 0x30, NULL, &one)) {
		if (*n == POLICIES_MAX)
			return refuse(p, x, "it has more policies than are supported here");
		if (!der_take(&one, 0x06, NULL, &out[*n]))
			return refuse(p, x, "its policies cannot be read");
		if (!knows_qualifiers(p, x, one))
			return false;
		for (size_t i = 0; i < *n; i++)
			if (span_eq(out[i], out[*n]))
				return refuse(p, x, "a policy stands twice in it");
		++*n;
	}
	return true;
}

/* Those of one policy stand together.  false: judged. */
static bool read_mappings(struct policies *p, X509 *x, struct mapping **out, size_t *n)
{
	struct span rest = extension(x, NID_policy_mappings), list, one;
	struct mapping m;

	*n = 0;
	if (!rest.p || !der_take(&rest, 0x30, NULL, &list))
		return true;
	*out = arena_array(p->k->arena, POLICIES_MAX, sizeof(**out));
	while (der_take(&list, 0x30, NULL, &one)) {
		size_t at = *n;

		if (*n == POLICIES_MAX)
			return refuse(p, x, "it has more policy mappings than are supported here");
		if (!der_take(&one, 0x06, NULL, &m.from) || !der_take(&one, 0x06, NULL, &m.to))
			return refuse(p, x, "its policy mappings cannot be read");
		if (is_any(m.from) || is_any(m.to)) /* section 6.1.4 (a) */
			return refuse(p, x, "it maps a policy to or from anyPolicy");
		while (at > 0 && !span_eq((*out)[at - 1].from, m.from))
			at--;
		at = at ? at : *n;
		memmove(*out + at + 1, *out + at, (*n - at) * sizeof(m));
		(*out)[at] = m;
		++*n;
	}
	return true;
}

/* A count of certificates; what is not there or endless is more than any path has. */
static long skip(const ASN1_INTEGER *i)
{
	int64_t n;

	return i && ASN1_INTEGER_get_int64(&n, i) && n >= 0 && n < INT_MAX ? (long)n : INT_MAX;
}

/* ---- the graph ---- */

static bool is_wanted(const struct policies *p, struct span policy)
{
	for (size_t i = 0; i < p->initial->naccepted; i++)
		if (span_eq(p->accepted[i], policy) || is_any(p->accepted[i]))
			return true;
	return p->initial->naccepted == 0;
}

static struct node *find(struct level *l, struct span policy)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(l->nodes[i].policy, policy))
			return &l->nodes[i];
	return NULL;
}

static bool expects(const struct node *node, struct span policy)
{
	for (size_t i = 0; i < node->nmappings; i++)
		if (span_eq(node->mappings[i].to, policy))
			return true;
	return !node->nmappings && span_eq(node->policy, policy);
}

static struct node *push(struct policies *p, struct level *l, struct span policy)
{
	if (l->n == NODES_MAX) {
		p->full = true;
		return NULL;
	}
	if ((l->n & (l->n - 1)) == 0) { /* full at each power of two */
		struct node *bigger = arena_array(p->k->arena, l->n ? l->n * 2 : 1, sizeof(*bigger));

		if (l->n)
			memcpy(bigger, l->nodes, l->n * sizeof(*bigger));
		l->nodes = bigger;
	}
	l->nodes[l->n] = (struct node){ .policy = policy };
	return &l->nodes[l->n++];
}

/* Below this parent, which may stand in the same level; a policy that is there gets one more parent. */
static void add(struct policies *p, struct level *l, struct span policy, const struct node *parent)
{
	/* the root of what is wanted is what comes right after anyPolicy */
	bool wanted = is_any(parent->policy) ? is_any(policy) || is_wanted(p, policy) : parent->wanted;
	struct node *node = find(l, policy);

	if (!node)
		node = push(p, l, policy);
	if (node)
		node->wanted = node->wanted || wanted;
}

/* Section 6.1.3 (d)(1). */
static void add_policy(struct policies *p, struct span policy)
{
	const struct node *any = find(p->now, any_policy);
	bool found = false;

	for (size_t i = 0; i < p->now->n; i++)
		if (expects(&p->now->nodes[i], policy)) {
			add(p, p->next, policy, &p->now->nodes[i]);
			found = true;
		}
	if (!found && any)
		add(p, p->next, policy, any);
}

/* Section 6.1.3 (d)(2): anyPolicy stands for all that was expected. */
static void add_expected(struct policies *p)
{
	for (size_t i = 0; i < p->now->n; i++) {
		const struct node *node = &p->now->nodes[i];

		if (!node->nmappings)
			add(p, p->next, node->policy, node);
		for (size_t j = 0; j < node->nmappings; j++)
			add(p, p->next, node->mappings[j].to, node);
	}
}

static void advance(struct policies *p, X509 *x)
{
	struct level *before = p->now;

	if (before->n && !p->next->n)
		p->lost = x;
	p->now = p->next;
	p->next = before;
	before->n = 0;
	before->nodes = NULL;
}

/* Section 6.1.4 (b).  What only anyPolicy stands for is below anyPolicy, too. */
static void map(struct policies *p, X509 *x, const struct mapping *mappings, size_t n)
{
	for (size_t i = 0, same; i < n; i += same) {
		const struct node *any = find(p->now, any_policy);
		struct node *node = find(p->now, mappings[i].from);

		for (same = 1; i + same < n && span_eq(mappings[i].from, mappings[i + same].from); same++)
			;
		if (p->mapping == 0) {
			if (node)
				*node = p->now->nodes[--p->now->n];
			p->lost = node && !p->now->n ? x : p->lost;
			continue;
		}
		if (!node && any)
			add(p, p->now, mappings[i].from, any);
		node = find(p->now, mappings[i].from);
		if (node) {
			node->mappings = mappings + i;
			node->nmappings = same;
		}
	}
}

/* ---- the path ---- */

static void tighten(struct policies *p, X509 *x)
{
	POLICY_CONSTRAINTS *constraints = X509_get_ext_d2i(x, NID_policy_constraints, NULL, NULL);
	ASN1_INTEGER *any = X509_get_ext_d2i(x, NID_inhibit_any_policy, NULL, NULL);
	long explicit_policy = constraints ? skip(constraints->requireExplicitPolicy) : INT_MAX;
	long mapping = constraints ? skip(constraints->inhibitPolicyMapping) : INT_MAX;

	if (!(X509_get_extension_flags(x) & EXFLAG_SI)) {
		p->explicit_policy -= p->explicit_policy > 0;
		p->mapping -= p->mapping > 0;
		p->any -= p->any > 0;
	}
	if (explicit_policy < p->explicit_policy) {
		p->explicit_policy = explicit_policy;
		p->demands = x;
	}
	p->mapping = mapping < p->mapping ? mapping : p->mapping;
	p->any = skip(any) < p->any ? skip(any) : p->any;
	POLICY_CONSTRAINTS_free(constraints);
	ASN1_INTEGER_free(any);
}

/* Section 6.1.5 (a) and (b): at the end of the path only what is demanded at once counts. */
static void tighten_last(struct policies *p, X509 *x)
{
	POLICY_CONSTRAINTS *constraints = X509_get_ext_d2i(x, NID_policy_constraints, NULL, NULL);

	p->explicit_policy -= p->explicit_policy > 0;
	if (constraints && constraints->requireExplicitPolicy && skip(constraints->requireExplicitPolicy) == 0 && p->explicit_policy) {
		p->explicit_policy = 0;
		p->demands = x;
	}
	POLICY_CONSTRAINTS_free(constraints);
}

static bool lacks_policy(struct policies *p)
{
	struct arena *a = p->k->arena;
	const char *demand = p->demands ? arena_printf(a, "%s requires a certificate policy", subject_text(a, p->demands))
					: "a certificate policy is required";

	if (p->lost)
		return judge(&p->k->judgement, a, REASON_POLICY, "%s: %s, and with %s none is left of those that all above it have",
			     subject_text(a, p->k->leaf), demand, subject_text(a, p->lost));
	return judge(&p->k->judgement, a, REASON_POLICY, "%s: %s, and it has none of those that are accepted", subject_text(a, p->k->leaf),
		     demand);
}

static bool any_wanted(const struct policies *p)
{
	for (size_t i = 0; i < p->now->n; i++)
		if (p->now->nodes[i].wanted)
			return true;
	return false;
}

/* Section 6.1.3 (d) to (f), then 6.1.4 or, for the last one, 6.1.5.  false: judged. */
static bool take(struct policies *p, X509 *x, bool last)
{
	struct span policies[POLICIES_MAX];
	struct mapping *mappings = NULL;
	bool any = false;
	size_t n, nmappings;

	if (!read_policies(p, x, policies, &n) || !read_mappings(p, x, &mappings, &nmappings))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_any(policies[i]))
			any = true;
		else
			add_policy(p, policies[i]);
	if (any && (p->any > 0 || (!last && X509_get_extension_flags(x) & EXFLAG_SI)))
		add_expected(p);
	advance(p, x);
	if (last)
		tighten_last(p, x);
	if (p->full)
		return refuse(p, x, "its issuers map more policies to each other than are supported here");
	if (p->explicit_policy == 0 && (last ? !any_wanted(p) : !p->now->n))
		return lacks_policy(p);
	if (!last) {
		map(p, x, mappings, nmappings);
		tighten(p, x);
	}
	return true;
}

static void read_accepted(struct policies *p)
{
	p->accepted = arena_array(p->k->arena, p->initial->naccepted + 1, sizeof(*p->accepted));
	for (size_t i = 0; i < p->initial->naccepted; i++) {
		ASN1_OBJECT *oid = OBJ_txt2obj(p->initial->accepted[i], 1);
		size_t n = oid ? OBJ_length(oid) : 0;

		p->accepted[i] = span_from(n ? arena_memdup(p->k->arena, OBJ_get0_data(oid), n) : "", n);
		ASN1_OBJECT_free(oid);
	}
}

bool policies_hold(struct checking *k, STACK_OF(X509) *path)
{
	static const struct check_policies none;
	/* who signs CRLs needs no policy but what CAs require of each other */
	const struct check_policies *initial = k->depth ? &none : k->request->policies ? k->request->policies : &k->checker->policies;
	long endless = sk_X509_num(path) + 1;
	struct policies p = { .k = k, .initial = initial, .now = &p.levels[0], .next = &p.levels[1],
			      .explicit_policy = initial->explicit_policy ? 0 : endless,
			      .mapping = initial->inhibit_mapping ? 0 : endless, .any = initial->inhibit_any ? 0 : endless };
	bool good = true;

	push(&p, p.now, any_policy)->wanted = true;
	read_accepted(&p);
	for (int i = sk_X509_num(path) - 2; i >= 0 && good; i--)
		good = take(&p, sk_X509_value(path, i), i == 0);
	return good;
}
