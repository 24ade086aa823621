/* crls.c - whether a revocation list that came from somewhere may replace the one that is there
 *
 * The servers are nobody's: what counts is the signature of a CA whose certificate the operator has in area ca.  Everything that
 * check-path(8) would stumble over is found here, before the list that is there is given up for it.
 */
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "common/certfile.h"
#include "common/crl.h"
#include "lib/fs.h"
#include "refresh/place.h"
#include "refresh/run.h"

#define SKEW 300 /* seconds by which clocks may differ */
#define AREA_MAX ((size_t)128 << 20) /* bytes of a list in the area */

/* ---- what a list says of itself ---- */

struct list {
	struct crl crl;
	X509_EXTENSIONS *extensions; /* NULL: none */
	struct span der;
};

static bool open_list(const struct certfile_object *o, struct list *out)
{
	const unsigned char *p;

	*out = (struct list){ .der = o->der };
	if (o->type != CERTFILE_CRL || !crl_view(span_from(buf_str(&o->crl), o->crl.len), &out->crl))
		return false;
	p = (const unsigned char *)out->crl.extensions.p;
	out->extensions = out->crl.extensions.n ? d2i_X509_EXTENSIONS(NULL, &p, (long)out->crl.extensions.n) : NULL;
	return true;
}

static void close_list(struct list *l)
{
	sk_X509_EXTENSION_pop_free(l->extensions, X509_EXTENSION_free);
	l->extensions = NULL;
}

static bool is_delta(const struct list *l)
{
	return X509v3_get_ext_by_NID(l->extensions, NID_delta_crl, -1) >= 0;
}

static X509_NAME *issuer_of(const struct list *l)
{
	const unsigned char *p = (const unsigned char *)l->crl.issuer.p;

	return d2i_X509_NAME(NULL, &p, (long)l->crl.issuer.n);
}

static const char *issuer_text(const struct source *s, const struct list *l)
{
	X509_NAME *name = issuer_of(l);
	char text[300] = "";

	if (name)
		X509_NAME_oneline(name, text, sizeof(text));
	X509_NAME_free(name);
	return arena_strdup(&s->run->arena, text);
}

static int check_issuer(const struct source *s, const struct list *l, struct error *err)
{
	bool fits = !s->issuers;

	for (const struct name_list *n = s->issuers; n && !fits; n = n->next) {
		const unsigned char *p = (const unsigned char *)n->der.p;
		X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)n->der.n);

		fits = name && crl_issuer_is(&l->crl, name);
		X509_NAME_free(name);
	}
	return fits ? 0 : error_set(err, E_PERM, "a list of another issuer, %s", issuer_text(s, l));
}

static int check_extensions(const struct list *l, struct error *err)
{
	static const int known[] = { NID_issuing_distribution_point, NID_delta_crl, NID_authority_key_identifier, NID_crl_number,
				     NID_freshest_crl };

	if (l->crl.extensions.n && !l->extensions)
		return error_set(err, E_PERM, "its extensions cannot be read");
	if (l->crl.head.flags & CRL_TWO_ALGORITHMS)
		return error_set(err, E_PERM, "two different algorithms are named for its signature");
	if (l->crl.head.flags & CRL_CRITICAL_ENTRY)
		return error_set(err, E_PERM, "an entry has a critical extension that is not understood here");
	for (int i = 0; i < X509v3_get_ext_count(l->extensions); i++) {
		X509_EXTENSION *e = X509v3_get_ext(l->extensions, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
		bool understood = !X509_EXTENSION_get_critical(e);

		for (size_t j = 0; j < sizeof(known) / sizeof(*known) && !understood; j++)
			understood = nid == known[j];
		if (!understood)
			return error_set(err, E_PERM, "a critical extension that is not understood here");
	}
	return 0;
}

/* A common name of the list's distribution point and the certificate's (RFC 5280 section 6.3.3 (b) (2) (i)). */
static bool names_meet(const GENERAL_NAMES *a, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	GENERAL_NAMES *b = d2i_GENERAL_NAMES(NULL, &p, (long)der.n);
	bool meet = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(a) && !meet; i++)
		for (int j = 0; j < sk_GENERAL_NAME_num(b) && !meet; j++)
			meet = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0;
	sk_GENERAL_NAME_pop_free(b, GENERAL_NAME_free);
	return meet;
}

static int check_scope(const struct source *s, const struct list *l, struct error *err)
{
	int critical = -1, rc = 0;
	ISSUING_DIST_POINT *idp = X509V3_get_d2i(l->extensions, NID_issuing_distribution_point, &critical, NULL);

	if (!idp)
		return critical == -1 ? 0 : error_set(err, E_PERM, "its issuing distribution point cannot be read");
	if (idp->onlyattr > 0)
		rc = error_set(err, E_PERM, "a list of attribute certificates");
	else if (idp->onlyuser > 0 && s->for_cas && !s->for_users)
		rc = error_set(err, E_PERM, "a list of users' certificates, named by certificates of CAs");
	else if (idp->onlyCA > 0 && s->for_users && !s->for_cas)
		rc = error_set(err, E_PERM, "a list of CAs' certificates, named by certificates of users");
	else if (idp->distpoint && idp->distpoint->type == 0 && s->names.n && !names_meet(idp->distpoint->name.fullname, s->names))
		rc = error_set(err, E_PERM, "a list of another distribution point");
	ISSUING_DIST_POINT_free(idp);
	return rc;
}

static int check_times(const struct source *s, const struct list *l, struct error *err)
{
	int64_t from = l->crl.head.this_update, to = l->crl.head.next_update;

	if (from > s->run->now + SKEW)
		return error_set(err, E_PERM, "a list of the future: look at the clock");
	if (to && to < from)
		return error_set(err, E_PERM, "its end is before its beginning");
	return 0;
}

static int check_signature(const struct source *s, const struct list *l, struct error *err)
{
	X509_NAME *issuer = issuer_of(l);
	STACK_OF(X509) *signers = NULL;
	bool good = false, any = false;
	int rc = issuer ? signers_find(s->run, issuer, &signers, err) : error_set(err, E_PERM, "its issuer's name cannot be read");

	for (int i = 0; i < sk_X509_num(signers) && !good; i++) {
		X509 *x = sk_X509_value(signers, i);
		EVP_PKEY *key = X509_get0_pubkey(x);

		any = true;
		good = key && X509_get_key_usage(x) & KU_CRL_SIGN && crl_signature_is(&l->crl, key) == 1;
	}
	sk_X509_pop_free(signers, X509_free);
	X509_NAME_free(issuer);
	if (rc < 0 || good)
		return rc;
	return any ? error_set(err, E_PERM, "the signature is not its issuer's")
		   : error_set(err, E_PERM, "its issuer %s is not in area ca", issuer_text(s, l));
}

/* ---- against what is there ---- */

/* The first list of the kind that is wanted; to be closed. */
static bool first_list(const struct certfile *f, bool delta, struct list *out)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!open_list(&f->items[i], out))
			continue;
		if (is_delta(out) == delta)
			return true;
		close_list(out);
	}
	return false;
}

/* Whether old is newer than the list that is to replace it. */
static bool is_older(const struct list *l, const struct list *old)
{
	ASN1_INTEGER *a = X509V3_get_d2i(l->extensions, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *b = X509V3_get_d2i(old->extensions, NID_crl_number, NULL, NULL);
	X509_NAME *issuer = issuer_of(l);
	bool older = issuer && crl_issuer_is(&old->crl, issuer) &&
		     ((a && b && ASN1_INTEGER_cmp(a, b) < 0) || l->crl.head.this_update < old->crl.head.this_update);

	X509_NAME_free(issuer);
	ASN1_INTEGER_free(a);
	ASN1_INTEGER_free(b);
	return older;
}

static void remember_times(struct source *s, const struct list *l)
{
	s->this_update = l->crl.head.this_update;
	s->next_update = l->crl.head.next_update;
	s->there = true;
}

/* 0: nothing there is in the way; *unchanged: it is there already. */
static int compare_with_file(struct source *s, const char *path, const struct list *l, bool *unchanged, struct error *err)
{
	struct buf bytes = BUF_INIT;
	struct certfile f = { 0 };
	struct list old;
	int rc = 0;
	bool there = fs_read(path, AREA_MAX, &bytes, NULL) == 0;

	*unchanged = there && span_eq(span_from(bytes.data, bytes.len), l->der);
	if (there && !*unchanged && certfile_read(span_from(bytes.data, bytes.len), NULL, &f, NULL) == 0 &&
	    first_list(&f, is_delta(l), &old)) {
		if (is_older(l, &old)) {
			remember_times(s, &old);
			rc = error_set(err, E_PERM, "older than the list that is there");
		}
		close_list(&old);
	}
	certfile_release(&f);
	buf_release(&bytes);
	return rc;
}

/* "<html" and what else is no list, in one line. */
static int describe(struct span bytes, const struct error *why, struct error *err)
{
	struct span s = span_trim(bytes);

	if (s.n && s.p[0] == '<')
		return error_set(err, E_PERM, "a web page, not a revocation list");
	return error_set(err, E_PERM, "not a revocation list: %s", *why->text ? why->text : "something else");
}

/* Everything that can be said of it without what is there. */
static int check_list(const struct source *s, const struct list *l, struct error *err)
{
	static int (*const checks[])(const struct source *s, const struct list *l, struct error *err) = {
		check_issuer, check_scope, check_times, check_signature
	};
	int rc = check_extensions(l, err);

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks) && rc == 0; i++)
		rc = checks[i](s, l, err);
	return rc;
}

int crls_take(struct source *s, struct span bytes, const char *path, bool *unchanged, struct error *err)
{
	bool delta = s->kind == SOURCE_DELTA;
	struct error why = { 0 };
	struct certfile f;
	struct list l;
	int rc = certfile_read(bytes, NULL, &f, &why);

	*unchanged = false;
	if (rc == 0 && first_list(&f, !delta, &l)) {
		error_set(&why, E_PERM, delta ? "a complete list where a delta list belongs" : "a delta list where a complete one belongs");
		close_list(&l);
	}
	if (rc < 0 || !first_list(&f, delta, &l)) {
		rc = rc == 0 && why.code ? error_set(err, E_PERM, "%s", why.text) : describe(bytes, &why, err);
		certfile_release(&f);
		return rc;
	}
	rc = check_list(s, &l, err);
	if (rc == 0)
		rc = compare_with_file(s, path, &l, unchanged, err);
	if (rc == 0 && !*unchanged && !s->run->dry)
		rc = place_file(path, l.der, 0644, err);
	if (rc == 0)
		remember_times(s, &l);
	close_list(&l);
	certfile_release(&f);
	return rc;
}

bool crls_look(struct source *s)
{
	struct buf bytes = BUF_INIT;
	struct certfile f = { 0 };
	struct list l;
	struct stat st;

	if (stat(s->file, &st) < 0)
		return false;
	s->this_update = s->record->this_update;
	s->next_update = s->record->next_update;
	if (s->this_update)
		return true;
	/* put in place by a run that did not live to write it down: the file says it all, but for what the server calls it */
	if (fs_read(s->file, AREA_MAX, &bytes, NULL) == 0 && certfile_read(span_from(bytes.data, bytes.len), NULL, &f, NULL) == 0 &&
	    first_list(&f, s->kind == SOURCE_DELTA, &l)) {
		remember_times(s, &l);
		close_list(&l);
	}
	certfile_release(&f);
	buf_release(&bytes);
	return s->this_update != 0;
}

bool crls_elsewhere(struct source *s)
{
	bool found = false;

	for (const struct name_list *n = s->issuers; n && !found && s->kind == SOURCE_CRL; n = n->next) {
		const unsigned char *p = (const unsigned char *)n->der.p;
		X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)n->der.n);
		struct arena arena = ARENA_INIT;
		struct area_crls lists = { 0 };

		if (name && area_find_crls(s->run->crl, &arena, name, &lists, &s->error) == 0)
			for (size_t i = 0; i < lists.n; i++) {
				const struct crl_head *h = &lists.items[i].list.head;

				if (s->there && strcmp(lists.items[i].file, s->file) == 0)
					continue;
				found = found || !h->next_update || h->next_update > s->run->now;
				if (h->next_update > s->next_update)
					s->next_update = h->next_update;
			}
		X509_NAME_free(name);
		arena_release(&arena);
	}
	return found;
}
