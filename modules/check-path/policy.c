/* policy.c - our own rules for one certificate: RFC 8550, and what RFC 5280 asks but OpenSSL lets pass */
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "check-path/checking.h"
#include "common/certificate.h"

#define SERIAL_MAX 20      /* octets, RFC 5280 section 4.1.2.2 */
#define EXTENSIONS_MAX 64  /* no real certificate has half as many */

/* How texts name a certificate of the path. */
const char *policy_who(struct checking *k, X509 *x)
{
	return arena_printf(k->arena, "%s %s", x == k->leaf ? "the certificate" : "the issuing certificate",
			    subject_text(k->arena, x));
}

bool policy_malformed(struct checking *k, X509 *x, const char *what)
{
	return judge(&k->judgement, k->arena, REASON_MALFORMED, "%s is malformed: %s; its issuer must issue it again",
		     policy_who(k, x), what);
}

/* ---- structure ---- */

static bool serial_is_good(struct checking *k, X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		return policy_malformed(k, x, "negative serial number");
	/* twenty octets of DER content: a leading bit that is set costs one more */
	if (ASN1_STRING_length(serial) > SERIAL_MAX ||
	    (ASN1_STRING_length(serial) == SERIAL_MAX && ASN1_STRING_get0_data(serial)[0] & 0x80))
		return policy_malformed(k, x, "serial number of more than 20 octets");
	return true;
}

static bool version_is_good(struct checking *k, X509 *x)
{
	const ASN1_BIT_STRING *issuer_id, *subject_id;
	long version = X509_get_version(x);

	if (version < 0 || version > 2)
		return policy_malformed(k, x, "unknown X.509 version");
	if (version < 2 && X509_get_ext_count(x) > 0)
		return policy_malformed(k, x, "extensions in a certificate that is not version 3");
	X509_get0_uids(x, &issuer_id, &subject_id);
	if (version < 1 && (issuer_id || subject_id))
		return policy_malformed(k, x, "unique identifiers in a certificate of version 1");
	return true;
}

/* Its name, where OpenSSL knows one, or its OID. */
static const char *extension_name(struct checking *k, X509_EXTENSION *e)
{
	char text[128];

	OBJ_obj2txt(text, sizeof(text), X509_EXTENSION_get_object(e), 0);
	return arena_strdup(k->arena, text);
}

/* That policy processing counts by them: RFC 5280 sections 4.2.1.11 and 4.2.1.14 have SkipCerts from 0. */
static bool is_negative(const ASN1_INTEGER *i)
{
	return i && ASN1_STRING_type(i) == V_ASN1_NEG_INTEGER;
}

static bool counts_down(int nid, const void *value)
{
	const POLICY_CONSTRAINTS *p = value;

	if (nid == NID_inhibit_any_policy)
		return !is_negative(value);
	return nid != NID_policy_constraints || (!is_negative(p->requireExplicitPolicy) && !is_negative(p->inhibitPolicyMapping));
}

/* DER of the extension's own type and nothing behind it.  What only helps to find something (RFC 5280 section 4.2.2), and what
 * RFC 5280 does not know, may be anything. */
static bool is_readable(X509_EXTENSION *e)
{
	static const int nids[] = {
		NID_authority_key_identifier, NID_subject_key_identifier, NID_key_usage, NID_certificate_policies, NID_policy_mappings,
		NID_subject_alt_name, NID_issuer_alt_name, NID_basic_constraints, NID_name_constraints, NID_policy_constraints,
		NID_ext_key_usage, NID_crl_distribution_points, NID_inhibit_any_policy, NID_freshest_crl,
	};
	const ASN1_OCTET_STRING *bytes = X509_EXTENSION_get_data(e);
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
	const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(nid);
	const unsigned char *p = ASN1_STRING_get0_data(bytes);
	bool known = false, good;
	ASN1_VALUE *value;

	for (size_t i = 0; i < sizeof(nids) / sizeof(*nids); i++)
		known = known || nids[i] == nid;
	if (!known || !method || !method->it)
		return true;
	if (!der_is_strict(span_from(p, (size_t)ASN1_STRING_length(bytes)))) /* OpenSSL takes BER, too */
		return false;
	value = ASN1_item_d2i(NULL, &p, ASN1_STRING_length(bytes), ASN1_ITEM_ptr(method->it));
	good = value && p == ASN1_STRING_get0_data(bytes) + ASN1_STRING_length(bytes) && counts_down(nid, value);
	ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	ERR_clear_error();
	return good;
}

/* RFC 5280 section 4.2: an extension stands once; some are critical wherever they stand, and others never. */
static bool extensions_are_good(struct checking *k, X509 *x)
{
	static const struct { int nid, critical; const char *problem; } criticality[] = {
		{ NID_name_constraints, 1, "name constraints that are not critical" },
		{ NID_policy_constraints, 1, "policy constraints that are not critical" },
		{ NID_inhibit_any_policy, 1, "inhibitAnyPolicy that is not critical" },
		{ NID_authority_key_identifier, 0, "an authority key identifier that is critical" },
		{ NID_subject_key_identifier, 0, "a subject key identifier that is critical" },
		{ NID_info_access, 0, "an authority information access that is critical" },
		{ NID_sinfo_access, 0, "a subject information access that is critical" },
		{ NID_freshest_crl, 0, "a freshest CRL that is critical" },
	};
	int n = X509_get_ext_count(x);

	if (n > EXTENSIONS_MAX)
		return policy_malformed(k, x, "too many extensions");
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *e = X509_get_ext(x, i);

		if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(e), i) >= 0)
			return policy_malformed(k, x, arena_printf(k->arena, "the extension %s stands twice", extension_name(k, e)));
		if (!is_readable(e))
			return policy_malformed(k, x, arena_printf(k->arena, "the extension %s cannot be read", extension_name(k, e)));
	}
	for (size_t i = 0; i < sizeof(criticality) / sizeof(*criticality); i++) {
		int at = X509_get_ext_by_NID(x, criticality[i].nid, -1);

		if (at >= 0 && !!X509_EXTENSION_get_critical(X509_get_ext(x, at)) != criticality[i].critical)
			return policy_malformed(k, x, criticality[i].problem);
	}
	if (X509_get_ext_by_NID(x, NID_name_constraints, -1) >= 0 && X509_check_ca(x) != 1)
		return policy_malformed(k, x, "name constraints in a certificate that is no CA");
	/* section 4.2.1.9: the one needs the other; of an issuer policy_ca() says so */
	if (x == k->leaf && n && !(X509_get_extension_flags(x) & EXFLAG_CA) && X509_get_extension_flags(x) & EXFLAG_KUSAGE &&
	    X509_get_key_usage(x) & KU_KEY_CERT_SIGN)
		return policy_malformed(k, x, "key usage keyCertSign in a certificate that is no CA");
	return true;
}

/* For the text: the first critical extension that OpenSSL does not handle. */
static const char *foreign_extension(struct checking *k, X509 *x)
{
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *e = X509_get_ext(x, i);

		if (X509_EXTENSION_get_critical(e) && !X509_supported_extension(e))
			return extension_name(k, e);
	}
	return "of a kind";
}

static bool is_empty(const X509_NAME *name)
{
	return X509_NAME_entry_count(name) == 0;
}

/* Whether one of those is a sequence of nothing that must not be (sections 4.2.1.4 to 4.2.1.6, 4.2.1.10 to 4.2.1.13). */
static bool has_empty(X509 *x)
{
	static const int nids[] = { NID_certificate_policies, NID_policy_mappings, NID_subject_alt_name, NID_name_constraints,
				    NID_policy_constraints, NID_ext_key_usage, NID_crl_distribution_points };

	for (size_t i = 0; i < sizeof(nids) / sizeof(*nids); i++) {
		int at = X509_get_ext_by_NID(x, nids[i], -1);
		const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));

		if (value && ASN1_STRING_length(value) == 2 && ASN1_STRING_get0_data(value)[1] == 0)
			return true;
	}
	return false;
}

/* RFC 5280 sections 4.1.2.4 and 4.1.2.6: who issues has a name, and a subject without one has critical names elsewhere. */
static bool names_are_there(struct checking *k, X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);

	if (is_empty(X509_get_issuer_name(x)))
		return policy_malformed(k, x, "no name of its issuer");
	if (is_empty(X509_get_subject_name(x)) && X509_check_ca(x))
		return policy_malformed(k, x, "a CA without a name");
	if (is_empty(X509_get_subject_name(x)) && (at < 0 || !X509_EXTENSION_get_critical(X509_get_ext(x, at))))
		return policy_malformed(k, x, "neither a subject nor critical alternative names");
	if (has_empty(x))
		return policy_malformed(k, x, "an extension that says nothing");
	return true;
}

static bool times_are_good(struct checking *k, X509 *x)
{
	return (asn1_time_is_plain(X509_get0_notBefore(x)) && asn1_time_is_plain(X509_get0_notAfter(x))) ||
	       policy_malformed(k, x, "its validity is not written to the second in UTC");
}

/* Upper bounds of RFC 5280 appendix A, in characters. */
static bool name_is_good(struct checking *k, X509 *x, const X509_NAME *name)
{
	static const struct { int nid, most; } bounds[] = {
		{ NID_commonName, 64 }, { NID_serialNumber, 64 }, { NID_countryName, 2 }, { NID_localityName, 128 },
		{ NID_stateOrProvinceName, 128 }, { NID_organizationName, 64 }, { NID_organizationalUnitName, 64 },
		{ NID_title, 64 }, { NID_pseudonym, 128 }, { NID_pkcs9_emailAddress, 255 },
	};

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
		unsigned char *utf8 = NULL;
		int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry)), characters = 0;

		for (int j = 0; j < n; j++)
			characters += (utf8[j] & 0xc0) != 0x80;
		OPENSSL_free(utf8);
		if (n < 0)
			return policy_malformed(k, x, "a name that is no text");
		for (size_t j = 0; j < sizeof(bounds) / sizeof(*bounds); j++)
			if (bounds[j].nid == nid && characters > bounds[j].most)
				return policy_malformed(k, x, arena_printf(k->arena, "%s of more than %d characters in a name",
								    OBJ_nid2ln(nid), bounds[j].most));
	}
	return true;
}

bool policy_structure(struct checking *k, X509 *x)
{
	X509_check_purpose(x, -1, 0); /* reads all extensions that OpenSSL knows */
	if (!version_is_good(k, x) || !serial_is_good(k, x) || !extensions_are_good(k, x))
		return false;
	if (X509_get_extension_flags(x) & EXFLAG_INVALID)
		return policy_malformed(k, x, "an extension cannot be read");
	if (X509_get_extension_flags(x) & EXFLAG_CRITICAL)
		return judge(&k->judgement, k->arena, REASON_CRITICAL_EXTENSION,
			     "%s has a critical extension %s that is not understood here", policy_who(k, x), foreign_extension(k, x));
	const X509_ALGOR *outer;
	X509_get0_signature(NULL, &outer, x);
	if (X509_ALGOR_cmp(X509_get0_tbs_sigalg(x), outer) != 0)
		return policy_malformed(k, x, "two different signature algorithms");
	return names_are_there(k, x) && times_are_good(k, x) && name_is_good(k, x, X509_get_subject_name(x)) &&
	       name_is_good(k, x, X509_get_issuer_name(x));
}

/* ---- validity ---- */

bool policy_time(struct checking *k, X509 *x)
{
	time_t begins, ends;

	if (!asn1_time_read(X509_get0_notBefore(x), &begins) || !asn1_time_read(X509_get0_notAfter(x), &ends))
		return policy_malformed(k, x, "its validity cannot be read");
	if (begins > k->request->time)
		return judge(&k->judgement, k->arena, REASON_NOT_YET_VALID, "%s is valid from %s only", policy_who(k, x),
			     asn1_time_text(k->arena, X509_get0_notBefore(x)));
	if (ends < k->request->time) /* the second of notAfter is still within */
		return judge(&k->judgement, k->arena, REASON_EXPIRED, "%s expired at %s: a new one is needed", policy_who(k, x),
			     asn1_time_text(k->arena, X509_get0_notAfter(x)));
	return true;
}

/* ---- purpose ---- */

static bool serves_mail(X509 *x)
{
	/* without the extension X509_get_extended_key_usage() returns all bits */
	return X509_get_extended_key_usage(x) & (XKU_SMIME | XKU_ANYEKU);
}

static bool purpose_is_mail(struct checking *k, X509 *x)
{
	return serves_mail(x) ||
	       judge(&k->judgement, k->arena, REASON_WRONG_PURPOSE, "%s is not for mail: its extended key usage lacks "
		     "emailProtection", policy_who(k, x));
}

/* RFC 5280 section 4.2.1.3: with encipherOnly its owner agrees on keys to encrypt, not to decrypt. */
static bool only_enciphers(X509 *x, uint32_t needed)
{
	return needed == KU_KEY_AGREEMENT && X509_get_extension_flags(x) & EXFLAG_KUSAGE &&
	       X509_get_key_usage(x) & KU_ENCIPHER_ONLY;
}

bool policy_purpose(struct checking *k, X509 *x)
{
	bool sign = k->request->purpose == CHECK_SIGN;
	const struct key_kind *kind = key_kind_of(X509_get0_pubkey(x));
	uint32_t needed;

	if (k->request->purpose == CHECK_ANY)
		return true;
	if (!purpose_is_mail(k, x))
		return false;
	if (!kind)
		return true; /* policy_key() says so */
	needed = sign ? kind->sign : kind->encrypt;
	if (!needed)
		return judge(&k->judgement, k->arena, REASON_WRONG_KEY_USAGE, "%s: a key of kind %s cannot %s", policy_who(k, x),
			     kind->name, sign ? "sign" : "be encrypted to");
	if (!(X509_get_key_usage(x) & needed))
		return judge(&k->judgement, k->arena, REASON_WRONG_KEY_USAGE, "%s must not be used to %s: its key usage lacks "
			     "%s", policy_who(k, x), sign ? "sign" : "encrypt", sign ? "digitalSignature and nonRepudiation" :
			     needed == KU_KEY_ENCIPHERMENT ? "keyEncipherment" : "keyAgreement");
	if (only_enciphers(x, needed))
		return judge(&k->judgement, k->arena, REASON_WRONG_KEY_USAGE, "%s must not be used to encrypt: its key usage is "
			     "encipherOnly", policy_who(k, x));
	return true;
}

/* RFC 8550 section 4.4.4; who signs CRLs need not issue for mail. */
static bool issues_mail(struct checking *k, X509 *x)
{
	return k->depth || k->request->purpose == CHECK_ANY || purpose_is_mail(k, x);
}

bool policy_anchor(struct checking *k, X509 *x)
{
	enum { OF_VERSION_1 = 3 }; /* as X509_check_ca() says: self-signed, without extensions */
	int ca = X509_check_ca(x);

	if (ca != 1 && ca != OF_VERSION_1)
		return judge(&k->judgement, k->arena, REASON_NOT_A_CA, "%s must not issue certificates, although it is a trust "
			     "anchor: basic constraints or key usage forbid it", policy_who(k, x));
	return issues_mail(k, x);
}

bool policy_ca(struct checking *k, X509 *x)
{
	if (X509_check_ca(x) != 1)
		return judge(&k->judgement, k->arena, REASON_NOT_A_CA, "%s must not issue certificates: basic constraints or "
			     "key usage forbid it", policy_who(k, x));
	return issues_mail(k, x);
}
