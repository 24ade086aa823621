/* stapled.c - what a signed message brings along about revocation: OCSP answers and revocation lists
 *
 * They stand among the CRLs of the SignedData (RFC 5652 section 10.2.1, RFC 5940), and in attributes of its signers: revocation
 * values of CAdES (RFC 5126 section 6.3.4) and Adobe's archive.  Here they are only found; whoever judges the signer's
 * certificate decides whether one of them says anything.  What is not as it should be, too long, or too much, is passed over.
 */
#include "smime/ber.h"
#include "smime/layer.h"

static const char ocsp_format[] = "\x06\x08\x2b\x06\x01\x05\x05\x07\x10\x02";                  /* id-ri-ocsp-response */
static const char revocation_values[] = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x18"; /* id-aa-ets-revocationValues */
static const char revocation_archive[] = "\x06\x09\x2a\x86\x48\x86\xf7\x2f\x01\x01\x08";        /* adbe-revocationInfoArchival */

static bool is_oid(const struct ber *e, const char *bytes, size_t n)
{
	return span_eq(e->whole, span_from(bytes, n));
}

static void put(struct arena *a, struct stapled *out, enum stapled_kind kind, struct span der)
{
	if (out->n < STAPLED_MAX && der.n && der.n <= STAPLED_SIZE_MAX)
		out->items[out->n++] = (struct stapled_item){ kind, span_from(arena_memdup(a, der.p, der.n), der.n) };
}

/* A length of always two octets, which BER allows. */
static void put_head(struct buf *out, unsigned char tag, size_t n)
{
	const char head[] = { (char)tag, (char)0x82, (char)(n >> 8), (char)n };

	buf_add(out, head, sizeof(head));
}

/* A BasicOCSPResponse in the OCSPResponse that all others are in (RFC 6960 section 4.2.1). */
static void put_basic(struct arena *a, struct stapled *out, struct span basic)
{
	static const char type[] = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"; /* id-pkix-ocsp-basic */
	enum { HEAD = 4, STATUS = 3, TYPE = sizeof(type) - 1 };
	struct buf whole = BUF_INIT;

	if (basic.n > STAPLED_SIZE_MAX - (4 * HEAD + STATUS + TYPE))
		return;
	put_head(&whole, BER_SEQUENCE, STATUS + HEAD + HEAD + TYPE + HEAD + basic.n);
	buf_add(&whole, "\x0a\x01\x00", STATUS); /* successful */
	put_head(&whole, BER_CONTEXT_CONSTRUCTED, HEAD + TYPE + HEAD + basic.n);
	put_head(&whole, BER_SEQUENCE, TYPE + HEAD + basic.n);
	buf_add(&whole, type, TYPE);
	put_head(&whole, BER_OCTETS, basic.n);
	buf_add(&whole, basic.p, basic.n);
	put(a, out, STAPLED_OCSP, span_from(whole.data, whole.len));
	buf_release(&whole);
}

/* RevocationInfoChoices: CertificateList, or [1] { format, value }. */
static void collect_choices(struct arena *a, struct span rest, struct stapled *out)
{
	struct ber choice, format, value;

	while (out->n < STAPLED_MAX && ber_next(&rest, &choice) == 1) {
		if (choice.tag == BER_SEQUENCE)
			put(a, out, STAPLED_CRL, choice.whole);
		else if (choice.tag == BER_CONTEXT_CONSTRUCTED + 1 && ber_expect(&choice.content, BER_OID, &format) &&
			 is_oid(&format, ocsp_format, sizeof(ocsp_format) - 1) && ber_expect(&choice.content, BER_SEQUENCE, &value))
			put(a, out, STAPLED_OCSP, value.whole);
	}
}

/* [0] { SEQUENCE OF CertificateList }, [1] { SEQUENCE OF answers }, each may be missing. */
static void collect_values(struct arena *a, struct span rest, bool basic, struct stapled *out)
{
	struct ber field, list, one;

	while (ber_next(&rest, &field) == 1) {
		if ((field.tag != BER_CONTEXT_CONSTRUCTED && field.tag != BER_CONTEXT_CONSTRUCTED + 1) ||
		    !ber_expect(&field.content, BER_SEQUENCE, &list))
			continue;
		while (out->n < STAPLED_MAX && ber_expect(&list.content, BER_SEQUENCE, &one)) {
			if (field.tag == BER_CONTEXT_CONSTRUCTED)
				put(a, out, STAPLED_CRL, one.whole);
			else if (basic)
				put_basic(a, out, one.whole);
			else
				put(a, out, STAPLED_OCSP, one.whole);
		}
	}
}

static void collect_attributes(struct arena *a, struct span rest, struct stapled *out)
{
	struct ber attribute, type, values, value;

	while (out->n < STAPLED_MAX && ber_expect(&rest, BER_SEQUENCE, &attribute)) {
		bool basic;

		if (!ber_expect(&attribute.content, BER_OID, &type))
			continue;
		basic = is_oid(&type, revocation_values, sizeof(revocation_values) - 1);
		if ((basic || is_oid(&type, revocation_archive, sizeof(revocation_archive) - 1)) &&
		    ber_expect(&attribute.content, BER_SET, &values) && ber_expect(&values.content, BER_SEQUENCE, &value))
			collect_values(a, value.content, basic, out);
	}
}

void stapled_collect(struct arena *a, const struct cms_shape *shape, struct stapled *out)
{
	struct span infos = shape->signer_infos, rest;
	struct ber info, field;

	*out = (struct stapled){ arena_array(a, STAPLED_MAX, sizeof(*out->items)), 0 };
	collect_choices(a, shape->crls, out);
	while (out->n < STAPLED_MAX && ber_expect(&infos, BER_SEQUENCE, &info)) {
		rest = info.content;
		while (ber_next(&rest, &field) == 1)
			if (field.tag == BER_CONTEXT_CONSTRUCTED || field.tag == BER_CONTEXT_CONSTRUCTED + 1)
				collect_attributes(a, field.content, out);
	}
}
