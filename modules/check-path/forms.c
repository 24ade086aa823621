/* forms.c - whether a name and a name constraint are written so that they can be compared (RFC 5280 section 4.2.1.10)
 *
 * OpenSSL compares mailboxes, hosts and URIs byte by byte and passes over what it takes for another name: a user name in a
 * URI, a dot at the end of a host, a second @ in a mailbox are ways around an excluded subtree.  Here whatever
 * is not plainly a name of its kind is within no constraint.
 */
#include "check-path/forms.h"

#include <openssl/objects.h>
#include <string.h>

#include "check-path/mailbox.h"
#include "lib/buf.h"

/* ---- hosts, mailboxes, URIs ---- */

/* Labels of letters, digits, - and _ with dots between them. */
static bool is_host(struct span s)
{
	bool label = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '.' ? !label : !ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_')
			return false;
		label = c != '.';
	}
	return label;
}

/* A dot-atom or what stands in quotes; nothing at all before @ means the whole domain. */
static bool is_local(struct span s)
{
	bool quoted = s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"';

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f || (!quoted && (c == '@' || c == '"' || c == ' ')))
			return false;
	}
	return true;
}

/* Splits at the last @; false: there is none. */
static bool split(struct span mailbox, struct span *local, struct span *host)
{
	size_t at = mailbox.n;

	while (at > 0 && mailbox.p[at - 1] != '@')
		at--;
	*local = span_sub(mailbox, 0, at ? at - 1 : 0);
	*host = span_sub(mailbox, at, mailbox.n);
	return at > 0;
}

static bool is_mailbox(struct span s)
{
	struct span local, host;

	return split(s, &local, &host) && is_local(local) && is_host(host);
}

static bool is_dns_name(struct span s)
{
	return is_host(s.n > 2 && s.p[0] == '*' && s.p[1] == '.' ? span_sub(s, 2, s.n) : s);
}

/* With an authority that is a host name, and a port at most.  Not a number: what an address is a host of is not known. */
static bool is_uri(struct span s)
{
	const char *start = s.n ? memmem(s.p, s.n, "://", 3) : NULL, *end = s.p + s.n, *p;
	bool digits = true;

	if (!start)
		return false;
	for (p = start += 3; p < end && *p != '/' && *p != ':'; p++)
		digits = *p == '.' || (digits && ascii_digit((unsigned char)*p));
	s = span_from(start, (size_t)(p - start));
	while (p < end && (*p == ':' || ascii_digit((unsigned char)*p)))
		p++;
	return is_host(s) && !digits && (p == end || *p == '/');
}

/* ---- constraints ---- */

static struct span without(struct span s, char first)
{
	return s.n && s.p[0] == first ? span_sub(s, 1, s.n) : s;
}

static bool is_mailbox_constraint(struct span s)
{
	return is_mailbox(s) || is_host(without(s, '.'));
}

static bool is_dns_constraint(struct span s)
{
	return s.n == 0 || is_host(s);
}

static bool is_uri_constraint(struct span s)
{
	return is_host(without(s, '.'));
}

/* ---- by kind ---- */

static const struct form {
	int type;
	bool (*name)(struct span);
	bool (*constraint)(struct span);
} forms[] = {
	{ GEN_EMAIL, is_mailbox, is_mailbox_constraint },
	{ GEN_DNS, is_dns_name, is_dns_constraint },
	{ GEN_URI, is_uri, is_uri_constraint },
};

static struct span bytes_of(const ASN1_STRING *s)
{
	return span_from(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* Other domains than this mailbox's are none of its business; a name for a whole domain is for this mailbox, too. */
static bool hides_mailbox(struct span name, struct span constraint)
{
	struct span local[2], host[2];

	return split(name, &local[0], &host[0]) && split(constraint, &local[1], &host[1]) && local[0].n == 0 && local[1].n &&
	       mailbox_same_domain(host[0], host[1]);
}

static bool suit(const struct form *f, struct span name, const STACK_OF(GENERAL_SUBTREE) *trees, bool excluded)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;

		if (base->type != f->type)
			continue;
		if (!f->name(name) || !f->constraint(bytes_of(base->d.ia5)))
			return false;
		if (excluded && f->type == GEN_EMAIL && hides_mailbox(name, bytes_of(base->d.ia5)))
			return false;
	}
	return true;
}

static bool is_fit(int type, const ASN1_STRING *name, const NAME_CONSTRAINTS *nc)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (forms[i].type == type)
			return suit(&forms[i], bytes_of(name), nc->permittedSubtrees, false) &&
			       suit(&forms[i], bytes_of(name), nc->excludedSubtrees, true);
	return true;
}

const ASN1_STRING *forms_misfit(X509 *x, const GENERAL_NAMES *names, const NAME_CONSTRAINTS *nc)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = -1;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if ((name->type == GEN_EMAIL || name->type == GEN_DNS || name->type == GEN_URI) && !is_fit(name->type, name->d.ia5, nc))
			return name->d.ia5;
	}
	while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0) {
		const ASN1_STRING *address = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

		if (!is_fit(GEN_EMAIL, address, nc))
			return address;
	}
	return NULL;
}
