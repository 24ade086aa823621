/* cms_check.c - what a CMS structure claims to be, before OpenSSL is asked (RFC 5652, 5083, 5084) */
#include <openssl/err.h>
#include <openssl/objects.h>

#include "smime/ber.h"
#include "smime/layer.h"

#define GCM_TAG_LEAST 12 /* RFC 5084 3.2 */
#define GCM_TAG_MOST 16
#define GCM_NONCE_MOST 16

enum use { USE_CBC, USE_LEGACY, USE_GCM, USE_AEAD };

/* Everything else is "unsupported: NAME". */
static const struct cipher {
	int nid;
	enum use use;
} ciphers[] = {
	{ NID_aes_128_cbc, USE_CBC },      { NID_aes_192_cbc, USE_CBC },      { NID_aes_256_cbc, USE_CBC },
	{ NID_des_ede3_cbc, USE_CBC },     { NID_camellia_128_cbc, USE_CBC }, { NID_camellia_192_cbc, USE_CBC },
	{ NID_camellia_256_cbc, USE_CBC }, { NID_rc2_cbc, USE_LEGACY },
	{ NID_aes_128_gcm, USE_GCM },      { NID_aes_192_gcm, USE_GCM },      { NID_aes_256_gcm, USE_GCM },
	{ NID_aes_128_ccm, USE_AEAD },     { NID_aes_192_ccm, USE_AEAD },     { NID_aes_256_ccm, USE_AEAD },
	{ NID_chacha20_poly1305, USE_AEAD },
};

/* Known to RFCs but not by OID to OpenSSL 3.0. */
static const struct {
	const char *oid, *name;
	enum use use;
} late_ciphers[] = {
	{ "1.2.840.113549.1.9.16.3.18", "chacha20-poly1305", USE_AEAD },
};

static void fail(struct cms_shape *out, enum layer_status status, const char *why)
{
	if (out->status != LAYER_OPEN)
		return;
	out->status = status;
	out->why = why;
}

/* NULL if it is none; nothing is left in OpenSSL's error queue */
static ASN1_OBJECT *object_of(const struct ber *oid)
{
	const unsigned char *p = (const unsigned char *)oid->whole.p;
	ASN1_OBJECT *object;

	if (oid->tag != BER_OID)
		return NULL;
	ERR_set_mark();
	object = d2i_ASN1_OBJECT(NULL, &p, (long)oid->whole.n);
	ERR_pop_to_mark();
	return object;
}

static int nid_of(const struct ber *oid)
{
	ASN1_OBJECT *object = object_of(oid);
	int nid = object ? OBJ_obj2nid(object) : NID_undef;

	ASN1_OBJECT_free(object);
	return nid;
}

static const char *name_of(struct arena *a, const struct ber *oid)
{
	ASN1_OBJECT *object = object_of(oid);
	const char *name = algorithm_name(a, object);

	ASN1_OBJECT_free(object);
	return name;
}

static bool find_cipher(struct cms_shape *out, const struct ber *oid, enum use *use)
{
	int nid = nid_of(oid);

	for (size_t i = 0; nid != NID_undef && i < sizeof(ciphers) / sizeof(*ciphers); i++)
		if (ciphers[i].nid == nid) {
			*use = ciphers[i].use;
			return true;
		}
	for (size_t i = 0; i < sizeof(late_ciphers) / sizeof(*late_ciphers); i++)
		if (strcmp(out->cipher, late_ciphers[i].oid) == 0) {
			out->cipher = late_ciphers[i].name;
			*use = late_ciphers[i].use;
			return true;
		}
	return false;
}

/* GCMParameters ::= SEQUENCE { nonce OCTET STRING, icvlen INTEGER DEFAULT 12 } */
static bool gcm_parameters(struct span rest, unsigned *tag)
{
	struct ber parameters, nonce, length;

	*tag = GCM_TAG_LEAST;
	if (!ber_expect(&rest, BER_SEQUENCE, &parameters) || rest.n)
		return false;
	rest = parameters.content;
	if (!ber_expect(&rest, BER_OCTETS, &nonce) || !nonce.content.n || nonce.content.n > GCM_NONCE_MOST)
		return false;
	if (!rest.n)
		return true;
	return ber_expect(&rest, BER_INTEGER, &length) && !rest.n && ber_number(&length, 255, tag);
}

/* encryptedContentInfo of either kind; *use and *parameters as found */
static void check_encrypted(struct arena *a, struct span info, struct cms_shape *out, enum use *use,
			    struct span *parameters)
{
	struct ber type, algorithm, oid, content;

	if (!ber_expect(&info, BER_OID, &type) || !ber_expect(&info, BER_SEQUENCE, &algorithm)) {
		fail(out, LAYER_MALFORMED, "malformed EncryptedContentInfo");
		return;
	}
	*parameters = algorithm.content;
	if (!ber_expect(parameters, BER_OID, &oid)) {
		fail(out, LAYER_MALFORMED, "malformed cipher");
		return;
	}
	out->cipher = name_of(a, &oid);
	if (!find_cipher(out, &oid, use))
		fail(out, LAYER_UNSUPPORTED, arena_printf(a, "unsupported: %s", out->cipher));
	if (!ber_optional(&info, BER_CONTEXT, &content))
		fail(out, LAYER_MALFORMED, "no encrypted content");
	else if (info.n)
		fail(out, LAYER_REFUSED, "something behind the encrypted content");
}

/* Skips version and originatorInfo, counts recipients, leaves the rest of the structure. */
static bool skip_recipients(struct span *rest, struct cms_shape *out)
{
	struct ber version, originator, recipients, one;
	int rc;

	if (!ber_expect(rest, BER_INTEGER, &version))
		return false;
	ber_optional(rest, BER_CONTEXT, &originator);
	if (!ber_expect(rest, BER_SET, &recipients))
		return false;
	while ((rc = ber_next(&recipients.content, &one)) == 1)
		out->recipients++;
	if (out->recipients > RECIPIENTS_MAX)
		fail(out, LAYER_REFUSED, "more than 10000 recipients");
	if (!out->recipients)
		fail(out, LAYER_MALFORMED, "no recipients");
	return rc == 0;
}

static void check_enveloped(struct arena *a, struct span rest, struct cms_shape *out)
{
	struct ber info, attributes;
	struct span parameters;
	enum use use = USE_CBC;

	if (!skip_recipients(&rest, out) || !ber_expect(&rest, BER_SEQUENCE, &info)) {
		fail(out, LAYER_MALFORMED, "malformed EnvelopedData");
		return;
	}
	check_encrypted(a, info.content, out, &use, &parameters);
	ber_optional(&rest, BER_CONTEXT + 1, &attributes);
	if (rest.n)
		fail(out, LAYER_REFUSED, "something behind the EnvelopedData's fields");
	if (use == USE_GCM || use == USE_AEAD)
		fail(out, LAYER_REFUSED, arena_printf(a, "%s in EnvelopedData: its tag would not be checked", out->cipher));
	out->legacy = use == USE_LEGACY;
}

static void check_tag(struct arena *a, const struct ber *mac, struct span parameters, struct cms_shape *out)
{
	unsigned tag;

	if (!gcm_parameters(parameters, &tag))
		fail(out, LAYER_REFUSED, arena_printf(a, "malformed parameters of %s", out->cipher));
	else if (tag < GCM_TAG_LEAST || mac->content.n < GCM_TAG_LEAST)
		fail(out, LAYER_REFUSED, arena_printf(a, "authentication tag of %zu bytes is too short", mac->content.n));
	else if (tag > GCM_TAG_MOST || mac->content.n != tag)
		fail(out, LAYER_REFUSED, arena_printf(a, "authentication tag of %zu bytes, announced are %u",
						      mac->content.n, tag));
}

static void check_authenveloped(struct arena *a, struct span rest, struct cms_shape *out)
{
	struct ber info, attributes, mac, unauthenticated;
	struct span parameters = { 0 };
	enum use use = USE_GCM;
	bool authenticated;

	if (!skip_recipients(&rest, out) || !ber_expect(&rest, BER_SEQUENCE, &info)) {
		fail(out, LAYER_MALFORMED, "malformed AuthEnvelopedData");
		return;
	}
	check_encrypted(a, info.content, out, &use, &parameters);
	authenticated = ber_optional(&rest, BER_CONTEXT + 1, &attributes);
	if (!ber_expect(&rest, BER_OCTETS, &mac)) {
		fail(out, LAYER_MALFORMED, "AuthEnvelopedData without authentication tag");
		return;
	}
	ber_optional(&rest, BER_CONTEXT + 2, &unauthenticated);
	if (rest.n)
		fail(out, LAYER_REFUSED, "something behind the AuthEnvelopedData's fields");
	if (use == USE_CBC || use == USE_LEGACY)
		fail(out, LAYER_REFUSED, arena_printf(a, "%s in AuthEnvelopedData has no tag", out->cipher));
	else if (use == USE_AEAD)
		fail(out, LAYER_UNSUPPORTED, arena_printf(a, "unsupported: %s", out->cipher));
	else
		check_tag(a, &mac, parameters, out);
	if (authenticated)
		fail(out, LAYER_UNSUPPORTED, "unsupported: authenticated attributes in AuthEnvelopedData");
	out->aead = true;
}

static void check_signed(struct arena *a, struct span rest, struct cms_shape *out)
{
	struct ber version, digests, info, type, content, more, one;
	bool ok = ber_expect(&rest, BER_INTEGER, &version) && ber_expect(&rest, BER_SET, &digests) &&
		  ber_expect(&rest, BER_SEQUENCE, &info) && ber_expect(&info.content, BER_OID, &type);
	struct span inner;
	int rc = 0;

	(void)a;
	if (!ok) {
		fail(out, LAYER_MALFORMED, "malformed SignedData");
		return;
	}
	if (ber_expect(&info.content, BER_CONTEXT_CONSTRUCTED, &content)) {
		inner = content.content;
		out->content = ber_optional(&inner, BER_OCTETS, &one);
		if (!out->content || inner.n)
			fail(out, LAYER_MALFORMED, "signed content is not an OCTET STRING");
	}
	if (info.content.n)
		fail(out, LAYER_REFUSED, "something behind the signed content");
	ber_optional(&rest, BER_CONTEXT_CONSTRUCTED, &more);
	if (ber_optional(&rest, BER_CONTEXT_CONSTRUCTED + 1, &more))
		out->crls = more.content;
	if (!ber_expect(&rest, BER_SET, &more) || rest.n) {
		fail(out, LAYER_MALFORMED, "malformed SignedData: no signer infos, or something behind them");
		return;
	}
	out->signer_infos = more.content;
	while ((rc = ber_next(&more.content, &one)) == 1)
		out->signers++;
	if (rc < 0)
		fail(out, LAYER_MALFORMED, "malformed signer infos");
	if (out->signers && !digests.content.n)
		fail(out, LAYER_MALFORMED, "no digest algorithms, but signers");
	if (!out->signers)
		out->kind = LAYER_CERTS_ONLY;
}

static void check_foreign(struct arena *a, const struct ber *type, struct cms_shape *out)
{
	static const struct {
		int nid;
		enum layer_kind kind;
		const char *why;
	} foreign[] = {
		{ NID_id_smime_ct_compressedData, LAYER_COMPRESSED, "unsupported: compressed-data" },
		{ NID_pkcs7_data, LAYER_UNKNOWN, "unsupported: data" },
		{ NID_pkcs7_digest, LAYER_UNKNOWN, "unsupported: digested-data" },
		{ NID_pkcs7_encrypted, LAYER_UNKNOWN, "unsupported: encrypted-data" },
		{ NID_pkcs7_signedAndEnveloped, LAYER_UNKNOWN, "unsupported: signed-and-enveloped" },
		{ NID_id_smime_ct_authData, LAYER_UNKNOWN, "unsupported: authenticated-data" },
	};
	int nid = nid_of(type);

	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (foreign[i].nid == nid) {
			out->kind = foreign[i].kind;
			fail(out, LAYER_UNSUPPORTED, foreign[i].why);
		}
	fail(out, LAYER_UNSUPPORTED, arena_printf(a, "unsupported: %s", name_of(a, type)));
}

static const struct {
	int nid;
	enum layer_kind kind;
	void (*check)(struct arena *a, struct span rest, struct cms_shape *out);
} kinds[] = {
	{ NID_pkcs7_signed, LAYER_OPAQUE_SIGNED, check_signed },
	{ NID_pkcs7_enveloped, LAYER_ENVELOPED, check_enveloped },
	{ NID_id_smime_ct_authEnvelopedData, LAYER_AUTHENVELOPED, check_authenveloped },
};

static void check_content(struct arena *a, const struct ber *type, struct span rest, struct cms_shape *out)
{
	struct ber wrapped, content;
	int nid = nid_of(type);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].nid != nid)
			continue;
		out->kind = kinds[i].kind;
		if (!ber_expect(&rest, BER_CONTEXT_CONSTRUCTED, &wrapped) || rest.n ||
		    !ber_expect(&wrapped.content, BER_SEQUENCE, &content) || wrapped.content.n)
			fail(out, LAYER_MALFORMED, "a CMS type without its content");
		else
			kinds[i].check(a, content.content, out);
		return;
	}
	check_foreign(a, type, out);
}

/* A body without transfer encoding has got a line break at its end on the way: that alone is no addition. */
static bool only_line_breaks(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			return false;
	return s.n <= 4;
}

void cms_check(struct arena *a, struct span bytes, struct cms_shape *out)
{
	struct ber info, type;
	struct span rest = bytes;

	*out = (struct cms_shape){ .kind = LAYER_UNKNOWN, .status = LAYER_OPEN, .why = "", .cipher = "" };
	if (!ber_expect(&rest, BER_SEQUENCE, &info) || !ber_expect(&info.content, BER_OID, &type)) {
		fail(out, LAYER_MALFORMED, bytes.n ? "not a CMS structure, or cut off" : "empty");
		return;
	}
	out->der = info.whole;
	check_content(a, &type, info.content, out);
	if (!only_line_breaks(rest))
		fail(out, LAYER_REFUSED, arena_printf(a, "%zu bytes behind the CMS structure", rest.n));
}

enum layer_kind cms_peek(struct span bytes)
{
	struct span rest = bytes;
	struct ber type;

	/* the outer length reaches beyond what is here: step over the head by hand */
	if (rest.n < 4 || (unsigned char)rest.p[0] != BER_SEQUENCE)
		return LAYER_UNKNOWN;
	rest = span_sub(rest, 2 + ((unsigned char)rest.p[1] & 0x80 ? (unsigned char)rest.p[1] & 0x7f : 0), rest.n);
	if (!ber_expect(&rest, BER_OID, &type))
		return LAYER_UNKNOWN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].nid == nid_of(&type))
			return kinds[i].kind;
	return nid_of(&type) == NID_id_smime_ct_compressedData ? LAYER_COMPRESSED : LAYER_UNKNOWN;
}
