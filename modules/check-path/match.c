/* match.c - which mail addresses a certificate stands for
 *
 * subjectAltName rfc822Name (RFC 5280 4.2.1.6) and SmtpUTF8Mailbox (RFC 9598), and the legacy emailAddress in the
 * subject (RFC 8550 section 3).  OpenSSL's X509_check_email compares local parts case-sensitively, as RFC 5321
 * asks of mail servers; people write Alice@ and alice@ for one mailbox, so here ASCII case does not count.  A domain may be
 * written with A-labels here and U-labels there.
 * A certificate issued for "@partner.example" stands for every mailbox of that domain.
 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "check-path/checking.h"
#include "check-path/mailbox.h"
#include "lib/address.h"

/* Bytes with a NUL inside are nobody's address: they would read differently here and elsewhere. */
static bool is_address(const ASN1_STRING *s, const char *address)
{
	const char *p = (const char *)ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s);

	if (n <= 0 || memchr(p, '\0', (size_t)n))
		return false;
	if (*p == '@')
		return mailbox_same_domain(span_from(p + 1, (size_t)n - 1), span_of(address_domain(address)));
	return span_caseeq(span_from(p, (size_t)n), address) || mailbox_equal(span_from(p, (size_t)n), span_of(address));
}

/* An rfc822Name or emailAddress is ASCII (RFC 5280 section 4.2.1.6; RFC 9598 section 3 has a place for others); what is not
 * would have escaped the name constraints. */
static bool is_ascii_address(const ASN1_STRING *s, const char *address)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);

	for (int i = 0; i < ASN1_STRING_length(s); i++)
		if (p[i] >= 0x80)
			return false;
	return is_address(s, address);
}

static bool general_name_is(const GENERAL_NAME *name, const char *address)
{
	if (name->type == GEN_EMAIL)
		return is_ascii_address(name->d.rfc822Name, address);
	if (name->type == GEN_OTHERNAME && OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox &&
	    name->d.otherName->value->type == V_ASN1_UTF8STRING)
		return is_address(name->d.otherName->value->value.utf8string, address);
	return false;
}

static bool alternative_names_have(X509 *x, const char *address)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
		found = general_name_is(sk_GENERAL_NAME_value(names, i), address);
	GENERAL_NAMES_free(names);
	return found;
}

static bool subject_has(X509 *x, const char *address)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0)
		if (is_ascii_address(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), address))
			return true;
	return false;
}

bool policy_address(struct checking *k, X509 *x)
{
	const char *address = k->request->address;

	if (!*address || alternative_names_have(x, address) || subject_has(x, address))
		return true;
	return judge(&k->judgement, k->arena, REASON_ADDRESS_MISMATCH,
		     "the certificate %s is not for %s: it needs one that names this address",
		     subject_text(k->arena, x), address);
}
