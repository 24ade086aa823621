/* constraints.c - name constraints on internationalised mail addresses (RFC 9598 section 6)
 *
 * Constraints on rfc822Names hold for SmtpUTF8Mailbox names, too.  OpenSSL 3.0 compares them as RFC 8398 had it: A-labels in
 * names, which RFC 9598 demands, do not fit anything, and constraints on one mailbox are passed over.  So its verdict on
 * these names is put aside, and they are looked at here; all other names are OpenSSL's, as far as they are well formed (forms.c).
 */
#include <openssl/x509v3.h>

#include "check-path/checking.h"
#include "check-path/forms.h"
#include "check-path/mailbox.h"
#include "lib/idn.h"

static struct span utf8_mailbox(const GENERAL_NAME *name)
{
	const ASN1_TYPE *value;

	if (name->type != GEN_OTHERNAME || OBJ_obj2nid(name->d.otherName->type_id) != NID_id_on_SmtpUTF8Mailbox)
		return span_from(NULL, 0);
	value = name->d.otherName->value;
	if (value->type != V_ASN1_UTF8STRING)
		return span_from("", 1); /* nobody's mailbox, and so within no constraint */
	return span_from(ASN1_STRING_get0_data(value->value.utf8string), (size_t)ASN1_STRING_length(value->value.utf8string));
}

/* ---- our part ---- */

static bool any_within(const STACK_OF(GENERAL_SUBTREE) *trees, struct span mailbox, bool *any)
{
	bool within = false;

	*any = false;
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;

		if (base->type != GEN_EMAIL)
			continue;
		*any = true;
		within = within || mailbox_within(mailbox, span_from(ASN1_STRING_get0_data(base->d.rfc822Name),
								     (size_t)ASN1_STRING_length(base->d.rfc822Name)));
	}
	return within;
}

/* A mailbox whose domain cannot be read fits no constraint of either kind. */
static bool is_readable(struct span mailbox)
{
	struct buf domain = BUF_INIT;
	size_t at = mailbox.n;
	bool good;

	while (at > 0 && mailbox.p[at - 1] != '@')
		at--;
	good = at > 1 && idn_unicode(span_sub(mailbox, at, mailbox.n), &domain);
	buf_release(&domain);
	return good;
}

static bool allows(const NAME_CONSTRAINTS *nc, struct span mailbox)
{
	bool permits, excludes, within, without;

	within = any_within(nc->permittedSubtrees, mailbox, &permits);
	without = any_within(nc->excludedSubtrees, mailbox, &excludes);
	if (!permits && !excludes)
		return true;
	return is_readable(mailbox) && (!permits || within) && !without;
}

static bool refuse(struct checking *k, X509 *x, X509 *ca, const char *what)
{
	return judge(&k->judgement, k->arena, REASON_NAME_CONSTRAINTS, "%s: %s by the name constraints of %s", subject_text(k->arena, x),
		     what, subject_text(k->arena, ca));
}

/* For texts: a name that a stranger wrote. */
static const char *quoted(struct checking *k, struct span name)
{
	struct buf b = BUF_INIT;
	const char *text;

	for (size_t i = 0; i < name.n && i < 100; i++)
		buf_addch(&b, (unsigned char)name.p[i] > 0x20 && (unsigned char)name.p[i] < 0x7f ? name.p[i] : '?');
	text = arena_strdup(k->arena, buf_str(&b));
	buf_release(&b);
	return text;
}

static bool names_are_allowed(struct checking *k, X509 *x, X509 *ca, const NAME_CONSTRAINTS *nc)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *misfit = forms_misfit(x, names, nc);
	bool good = true;

	if (misfit)
		good = refuse(k, x, ca, arena_printf(k->arena, "its name \"%s\" cannot be judged",
						     quoted(k, span_from(ASN1_STRING_get0_data(misfit), (size_t)ASN1_STRING_length(misfit)))));
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && good; i++) {
		struct span mailbox = utf8_mailbox(sk_GENERAL_NAME_value(names, i));

		if (mailbox.p && !allows(nc, mailbox))
			good = refuse(k, x, ca, "an internationalised address of it is not allowed");
	}
	GENERAL_NAMES_free(names);
	return good;
}

/* RFC 5280 section 6.1.3 (b): names of self-issued certificates count in the last one of a path only. */
static bool counts(STACK_OF(X509) *path, int at)
{
	return at == 0 || !(X509_get_extension_flags(sk_X509_value(path, at)) & EXFLAG_SI);
}

bool constraints_hold(struct checking *k, STACK_OF(X509) *path)
{
	bool good = true;

	for (int ca = 1; ca < sk_X509_num(path) && good; ca++) {
		NAME_CONSTRAINTS *nc = X509_get_ext_d2i(sk_X509_value(path, ca), NID_name_constraints, NULL, NULL);

		for (int i = 0; nc && i < ca && good; i++)
			if (counts(path, i))
				good = names_are_allowed(k, sk_X509_value(path, i), sk_X509_value(path, ca), nc);
		NAME_CONSTRAINTS_free(nc);
	}
	return good;
}

/* ---- OpenSSL's part ---- */

/* The certificate without these names; NULL: it has none. */
static X509 *without_mailboxes(X509 *x)
{
	int critical, at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1), removed = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
	X509 *copy = NULL;

	for (int i = sk_GENERAL_NAME_num(names) - 1; i >= 0; i--)
		if (utf8_mailbox(sk_GENERAL_NAME_value(names, i)).p) {
			GENERAL_NAME_free(sk_GENERAL_NAME_delete(names, i));
			removed++;
		}
	if (removed && (copy = X509_dup(x)) != NULL) {
		X509_EXTENSION_free(X509_delete_ext(copy, at));
		if (sk_GENERAL_NAME_num(names))
			X509_add1_ext_i2d(copy, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT);
		X509_check_purpose(copy, -1, 0); /* reads the names */
	}
	GENERAL_NAMES_free(names);
	return copy;
}

bool constraints_excuse(STACK_OF(X509) *path, int at)
{
	X509 *x = at < 0 || at >= sk_X509_num(path) ? NULL : without_mailboxes(sk_X509_value(path, at));
	bool good = x != NULL;

	for (int ca = at + 1; good && ca < sk_X509_num(path); ca++) {
		NAME_CONSTRAINTS *nc = X509_get_ext_d2i(sk_X509_value(path, ca), NID_name_constraints, NULL, NULL);

		good = !nc || NAME_CONSTRAINTS_check(x, nc) == X509_V_OK;
		NAME_CONSTRAINTS_free(nc);
	}
	X509_free(x);
	return good;
}

X509 *constraints_culprit(STACK_OF(X509) *path, int at)
{
	X509 *culprit = NULL;

	for (int ca = at < 0 ? sk_X509_num(path) : at + 1; !culprit && ca < sk_X509_num(path); ca++) {
		NAME_CONSTRAINTS *nc = X509_get_ext_d2i(sk_X509_value(path, ca), NID_name_constraints, NULL, NULL);

		if (nc && NAME_CONSTRAINTS_check(sk_X509_value(path, at), nc) != X509_V_OK)
			culprit = sk_X509_value(path, ca);
		NAME_CONSTRAINTS_free(nc);
	}
	return culprit;
}
