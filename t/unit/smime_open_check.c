/* smime_open_check.c - BER one element at a time, and what CMS structures may not claim */
#include "test.h"

#include <openssl/objects.h>

#include "smime/ber.h"
#include "smime/layer.h"

static struct arena arena;

static int clean(void **state)
{
	arena_release(&arena);
	return 0;
}

/* ---- BER */

static int next(const char *bytes, size_t n, struct ber *e, size_t *left)
{
	struct span rest = span_from(bytes, n);
	int rc = ber_next(&rest, e);

	*left = rest.n;
	return rc;
}
#define NEXT(s, e, left) next(s, sizeof(s) - 1, e, left)

static void elements(void **state)
{
	struct ber e;
	size_t left;

	assert_int_equal(NEXT("\x02\x01\x05rest", &e, &left), 1);
	assert_int_equal(e.tag, BER_INTEGER);
	assert_int_equal(e.content.n, 1);
	assert_int_equal(e.whole.n, 3);
	assert_int_equal(left, 4);
	assert_int_equal(NEXT("", &e, &left), 0);
	assert_int_equal(NEXT("\x04\x81\x02xy", &e, &left), 1); /* longer than needed is BER */
	assert_int_equal(e.content.n, 2);
	assert_int_equal(NEXT("\x30\x80\x04\x01x\x00\x00z", &e, &left), 1);
	assert_int_equal(e.content.n, 3);
	assert_int_equal(e.whole.n, 7);
	assert_int_equal(left, 1);
	assert_int_equal(NEXT("\x30\x80\x30\x80\x00\x00\x04\x02\x00\x00\x00\x00", &e, &left), 1);
	assert_int_equal(e.content.n, 8); /* zeros inside a definite length end nothing */
	assert_int_equal(NEXT("\xbf\x81\x01\x01x", &e, &left), 1);
	assert_int_equal(e.content.n, 1);
}

static void broken_elements(void **state)
{
	static const struct { const char *bytes; size_t n; } cases[] = {
		{ "\x02", 1 }, { "\x02\x02\x05", 3 }, { "\x04\x80xx\x00\x00", 6 }, { "\x30\x80", 2 }, { "\x30\x80\x00", 3 },
		{ "\x30\x80\x04\x05\x00\x00", 6 }, { "\x04\x84\xff\xff\xff\xff", 6 }, { "\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff", 10 },
		{ "\x04\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01x", 12 }, { "\x1f\x81\x81\x81\x81\x81\x81\x01x", 9 }, { "\x04\xff", 2 } };
	struct ber e;
	size_t left;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (next(cases[i].bytes, cases[i].n, &e, &left) != E_PERM)
			fail_msg("case %zu was taken for BER", i);
}

/* A million open levels: linear time, no recursion. */
static void deep_nesting(void **state)
{
	struct buf b = BUF_INIT;
	struct ber e;
	size_t left;

	for (int i = 0; i < 1000000; i++)
		buf_add(&b, "\x30\x80", 2);
	assert_int_equal(next(b.data, b.len, &e, &left), E_PERM);
	for (int i = 0; i < 1000000; i++)
		buf_add(&b, "\0\0", 2);
	assert_int_equal(next(b.data, b.len, &e, &left), 1);
	buf_release(&b);
}

static void numbers(void **state)
{
	static const struct { const char *bytes; size_t n; bool ok; unsigned value; } cases[] = {
		{ "\x02\x01\x10", 3, true, 16 }, { "\x02\x01\x11", 3, false, 0 }, { "\x02\x01\xff", 3, false, 0 }, { "\x02\x00", 2, false, 0 },
		{ "\x02\x05\x01\x00\x00\x00\x00", 7, false, 0 }, { "\x04\x01\x01", 3, false, 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ber e;
		size_t left;
		unsigned value;

		assert_int_equal(next(cases[i].bytes, cases[i].n, &e, &left), 1);
		assert_int_equal(ber_number(&e, 16, &value), cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(value, cases[i].value);
	}
}

/* ---- writing structures */

static struct span der(unsigned char tag, size_t n, const struct span *parts)
{
	struct buf b = BUF_INIT;
	size_t length = 0;
	struct span out;

	for (size_t i = 0; i < n; i++)
		length += parts[i].n;
	buf_addch(&b, (char)tag);
	if (length > 127)
		buf_add(&b, (const char[]){ (char)0x83, (char)(length >> 16), (char)(length >> 8) }, 3);
	buf_addch(&b, (char)length);
	for (size_t i = 0; i < n; i++)
		buf_add(&b, parts[i].p, parts[i].n);
	out = span_from(arena_memdup(&arena, b.data, b.len), b.len);
	buf_release(&b);
	return out;
}
#define DER(tag, ...) der(tag, sizeof((struct span[]){ __VA_ARGS__ }) / sizeof(struct span), (struct span[]){ __VA_ARGS__ })

static const struct span nothing;

static struct span bytes(size_t n)
{
	return span_from(arena_alloc(&arena, n), n);
}

static struct span oid(int nid)
{
	unsigned char *out = NULL;
	int n = i2d_ASN1_OBJECT(OBJ_nid2obj(nid), &out);
	struct span s = span_from(arena_memdup(&arena, out, (size_t)n), (size_t)n);

	OPENSSL_free(out);
	return s;
}

static struct span integer(unsigned char value)
{
	char c = (char)value;

	return DER(BER_INTEGER, span_from(arena_memdup(&arena, &c, 1), 1));
}

static struct span info(int type, struct span content)
{
	return DER(BER_SEQUENCE, oid(type), DER(BER_CONTEXT_CONSTRUCTED, content));
}

static struct span encrypted(int cipher, struct span parameters, struct span more)
{
	return DER(BER_SEQUENCE, oid(NID_pkcs7_data), DER(BER_SEQUENCE, oid(cipher), parameters), DER(BER_CONTEXT, bytes(32)), more);
}

static struct span recipients(void)
{
	return DER(BER_SET, DER(BER_SEQUENCE, integer(0)));
}

static struct span enveloped(int cipher, struct span more)
{
	return info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(0), recipients(),
					     encrypted(cipher, DER(BER_OCTETS, bytes(16)), nothing), more));
}

static struct span gcm(size_t nonce, struct span tag)
{
	return DER(BER_SEQUENCE, DER(BER_OCTETS, bytes(nonce)), tag);
}

static struct span authenveloped(int cipher, struct span parameters, struct span attributes, size_t tag, struct span more)
{
	return info(NID_id_smime_ct_authEnvelopedData, DER(BER_SEQUENCE, integer(0), recipients(),
		encrypted(cipher, parameters, nothing), attributes, DER(BER_OCTETS, bytes(tag)), more));
}

static struct span signed_data(struct span digests, struct span content, struct span signers)
{
	return info(NID_pkcs7_signed, DER(BER_SEQUENCE, integer(1), digests,
		DER(BER_SEQUENCE, oid(NID_pkcs7_data), content), signers));
}

static void expect(struct span s, enum layer_kind kind, enum layer_status status, const char *why)
{
	struct cms_shape shape;

	cms_check(&arena, s, &shape);
	if (shape.kind != kind || shape.status != status || !strstr(shape.why, why))
		fail_msg("kind %d status %d \"%s\", wanted %d %d \"%s\"", shape.kind, shape.status, shape.why, kind, status, why);
}

static void envelopes(void **state)
{
	expect(enveloped(NID_aes_128_cbc, nothing), LAYER_ENVELOPED, LAYER_OPEN, "");
	expect(enveloped(NID_aes_256_cbc, DER(BER_CONTEXT_CONSTRUCTED + 1, nothing)), LAYER_ENVELOPED, LAYER_OPEN, "");
	expect(enveloped(NID_rc2_cbc, nothing), LAYER_ENVELOPED, LAYER_OPEN, "");
	expect(enveloped(NID_aes_128_gcm, nothing), LAYER_ENVELOPED, LAYER_REFUSED, "aes-128-gcm in EnvelopedData");
	expect(enveloped(NID_aes_256_ccm, nothing), LAYER_ENVELOPED, LAYER_REFUSED, "aes-256-ccm in EnvelopedData");
	expect(enveloped(NID_des_cbc, nothing), LAYER_ENVELOPED, LAYER_UNSUPPORTED, "unsupported: des-cbc");
	expect(enveloped(NID_aes_128_ecb, nothing), LAYER_ENVELOPED, LAYER_UNSUPPORTED, "unsupported: aes-128-ecb");
	expect(enveloped(NID_aes_128_cbc, DER(BER_OCTETS, nothing)), LAYER_ENVELOPED, LAYER_REFUSED, "something behind");
	expect(info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(0), DER(BER_SET, nothing),
		encrypted(NID_aes_128_cbc, DER(BER_OCTETS, bytes(16)), nothing))), LAYER_ENVELOPED, LAYER_MALFORMED, "no recipients");
	expect(info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(0), recipients(),
		encrypted(NID_aes_128_cbc, nothing, DER(BER_CONTEXT, bytes(8))))), LAYER_ENVELOPED, LAYER_REFUSED, "something behind");
	expect(info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(0), recipients(), DER(BER_SEQUENCE, oid(NID_pkcs7_data),
		DER(BER_SEQUENCE, oid(NID_aes_128_cbc))))), LAYER_ENVELOPED, LAYER_MALFORMED, "no encrypted content");
}

static void recipient_limit(void **state)
{
	struct buf many = BUF_INIT;

	for (size_t n = 0; n < RECIPIENTS_MAX; n++)
		buf_add(&many, "\x30\x00", 2);
	for (int over = 0; over < 2; over++) {
		expect(info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(0), DER(BER_SET, span_from(many.data, many.len)),
			encrypted(NID_aes_128_cbc, DER(BER_OCTETS, bytes(16)), nothing))), LAYER_ENVELOPED,
			over ? LAYER_REFUSED : LAYER_OPEN, over ? "more than 10000 recipients" : "");
		buf_add(&many, "\x30\x00", 2);
	}
	buf_release(&many);
}

static void tags(void **state)
{
	const struct span sixteen = integer(16), none = nothing;

	expect(authenveloped(NID_aes_128_gcm, gcm(12, sixteen), none, 16, none), LAYER_AUTHENVELOPED, LAYER_OPEN, "");
	expect(authenveloped(NID_aes_256_gcm, gcm(12, none), none, 12, none), LAYER_AUTHENVELOPED, LAYER_OPEN, "");
	expect(authenveloped(NID_aes_256_gcm, gcm(16, sixteen), DER(BER_CONTEXT + 2, none), 16, none), LAYER_AUTHENVELOPED,
	       LAYER_MALFORMED, "without authentication tag");
	expect(authenveloped(NID_aes_256_gcm, gcm(16, sixteen), none, 16, DER(BER_CONTEXT_CONSTRUCTED + 2, none)),
	       LAYER_AUTHENVELOPED, LAYER_OPEN, "");
	for (unsigned char n = 0; n <= 20; n++) {
		bool good = n >= 12 && n <= 16;

		expect(authenveloped(NID_aes_128_gcm, gcm(12, integer(n)), none, n, none), LAYER_AUTHENVELOPED,
		       good ? LAYER_OPEN : LAYER_REFUSED, good ? "" : "authentication tag");
	}
	expect(authenveloped(NID_aes_128_gcm, gcm(12, integer(4)), none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "tag");
	expect(authenveloped(NID_aes_128_gcm, gcm(12, sixteen), none, 12, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "announced are 16");
	expect(authenveloped(NID_aes_128_gcm, gcm(12, none), none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "announced are 12");
	expect(authenveloped(NID_aes_128_gcm, gcm(17, sixteen), none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "parameters");
	expect(authenveloped(NID_aes_128_gcm, gcm(0, sixteen), none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "parameters");
	expect(authenveloped(NID_aes_128_gcm, none, none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "parameters");
	expect(authenveloped(NID_aes_128_gcm, DER(BER_OCTETS, bytes(12)), none, 16, none), LAYER_AUTHENVELOPED, LAYER_REFUSED, "param");
}

static void substituted_ciphers(void **state)
{
	static const int without_tag[] = { NID_aes_128_cbc, NID_aes_256_cbc, NID_des_ede3_cbc, NID_rc2_cbc };
	struct span parameters = gcm(12, integer(16));

	for (size_t i = 0; i < sizeof(without_tag) / sizeof(*without_tag); i++)
		expect(authenveloped(without_tag[i], parameters, nothing, 16, nothing), LAYER_AUTHENVELOPED, LAYER_REFUSED, "has no tag");
	expect(authenveloped(NID_aes_128_ofb128, parameters, nothing, 16, nothing), LAYER_AUTHENVELOPED, LAYER_UNSUPPORTED, "ofb");
	expect(authenveloped(NID_aes_128_ccm, parameters, nothing, 16, nothing), LAYER_AUTHENVELOPED, LAYER_UNSUPPORTED,
	       "unsupported: aes-128-ccm");
	expect(authenveloped(NID_aes_128_gcm, parameters, DER(BER_CONTEXT_CONSTRUCTED + 1, nothing), 16, nothing),
	       LAYER_AUTHENVELOPED, LAYER_UNSUPPORTED, "authenticated attributes");
}

static void signatures(void **state)
{
	struct span digests = DER(BER_SET, DER(BER_SEQUENCE, oid(NID_sha256)));
	struct span content = DER(BER_CONTEXT_CONSTRUCTED, DER(BER_OCTETS, bytes(3)));
	struct span one = DER(BER_SET, DER(BER_SEQUENCE, nothing));

	expect(signed_data(digests, content, one), LAYER_OPAQUE_SIGNED, LAYER_OPEN, "");
	expect(signed_data(DER(BER_SET, nothing), nothing, DER(BER_SET, nothing)), LAYER_CERTS_ONLY, LAYER_OPEN, "");
	expect(signed_data(DER(BER_SET, nothing), content, one), LAYER_OPAQUE_SIGNED, LAYER_MALFORMED, "no digest algorithms");
	expect(signed_data(digests, DER(BER_CONTEXT_CONSTRUCTED, DER(BER_SET, nothing)), one), LAYER_OPAQUE_SIGNED, LAYER_MALFORMED,
	       "not an OCTET STRING");
	expect(signed_data(digests, content, nothing), LAYER_OPAQUE_SIGNED, LAYER_MALFORMED, "no signer infos");
}

static void other_types(void **state)
{
	static const struct { int nid; const char *why; } cases[] = { { NID_pkcs7_data, "data" },
		{ NID_pkcs7_digest, "digested-data" }, { NID_pkcs7_encrypted, "encrypted-data" },
		{ NID_pkcs7_signedAndEnveloped, "signed-and-enveloped" }, { NID_id_smime_ct_authData, "authenticated-data" },
		{ NID_commonName, "commonname" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(info(cases[i].nid, DER(BER_SEQUENCE, nothing)), LAYER_UNKNOWN, LAYER_UNSUPPORTED, cases[i].why);
	expect(info(NID_id_smime_ct_compressedData, DER(BER_SEQUENCE, nothing)), LAYER_COMPRESSED, LAYER_UNSUPPORTED, "compressed-data");
	expect(DER(BER_SEQUENCE, oid(NID_pkcs7_signed)), LAYER_OPAQUE_SIGNED, LAYER_MALFORMED, "without its content");
	expect(nothing, LAYER_UNKNOWN, LAYER_MALFORMED, "empty");
}

/* Cut off anywhere, or with a byte more, nothing is as it should be; and nothing reads past the end. */
static void every_length(void **state)
{
	struct span good[] = { enveloped(NID_aes_128_cbc, nothing),
			       authenveloped(NID_aes_128_gcm, gcm(12, integer(16)), nothing, 16, nothing) };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		for (size_t n = 0; n <= good[i].n + 1; n++) {
			char *copy = mem_alloc(n);
			struct cms_shape shape;

			memcpy(copy, good[i].p, n < good[i].n ? n : good[i].n);
			cms_check(&arena, span_from(copy, n), &shape);
			assert_int_equal(shape.status == LAYER_OPEN, n == good[i].n);
			if (n > 20)
				assert_int_equal(cms_peek(span_from(copy, n)), i ? LAYER_AUTHENVELOPED : LAYER_ENVELOPED);
			else
				cms_peek(span_from(copy, n));
			free(copy);
		}
}

/* ---- recipients OpenSSL cannot serve, or must not be asked to */

static int any_key(void *made, const struct certificate_id *ids, size_t n, size_t skip, size_t *which, X509 **certificate,
		   EVP_PKEY **key, struct error *err)
{
	if (skip)
		return E_NOTFOUND;
	assert_int_equal(ids[0].serial.n, 1);
	assert_int_equal(ids[0].serial.p[0], 5);
	*which = 0;
	*key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return 0;
}

static void expect_opening(struct span recipient, enum layer_status status, const char *why)
{
	static const struct open_calls calls = { .find_key = any_key };
	static const struct open_limits limits = { .layers = 1, .message = 1000,
						   .mime = { .header = 1000, .parts = 10, .depth = 10 } };
	struct span cms = info(NID_pkcs7_enveloped, DER(BER_SEQUENCE, integer(2), DER(BER_SET, recipient),
		encrypted(NID_aes_128_cbc, DER(BER_OCTETS, bytes(16)), nothing)));
	struct buf message = BUF_INIT;
	struct opened o;

	buf_addstr(&message, "Content-Type: application/pkcs7-mime\n\n");
	buf_add(&message, cms.p, cms.n);
	assert_int_equal(smime_open(&arena, NULL, span_from(message.data, message.len), &calls, &limits, -1, &o, NULL), 0);
	assert_int_equal(o.nlayers, 1);
	if (o.layers[0].status != status || strcmp(o.layers[0].why, why) != 0)
		fail_msg("status %d \"%s\", wanted %d \"%s\"", o.layers[0].status, o.layers[0].why, status, why);
	opened_release(&o);
	buf_release(&message);
}

static struct span agreement(int curve, struct span algorithm)
{
	struct span bits = DER(0x03, bytes(33));
	struct span originator = DER(BER_CONTEXT_CONSTRUCTED + 1, DER(BER_SEQUENCE, oid(curve)), bits);
	struct span rid = DER(BER_SEQUENCE, DER(BER_SEQUENCE, nothing), integer(5));

	return DER(BER_CONTEXT_CONSTRUCTED + 1, integer(3), DER(BER_CONTEXT_CONSTRUCTED, originator),
		   DER(BER_SEQUENCE, algorithm, DER(BER_SEQUENCE, oid(NID_id_aes128_wrap))),
		   DER(BER_SEQUENCE, DER(BER_SEQUENCE, rid, DER(BER_OCTETS, bytes(24)))));
}

static void foreign_recipients(void **state)
{
	static const char hkdf[] = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x13"; /* RFC 8418 */
	struct span known = oid(NID_dhSinglePass_stdDH_sha256kdf_scheme), new = span_from(hkdf, sizeof(hkdf) - 1);
	struct span keys = DER(BER_SEQUENCE, oid(NID_id_aes128_wrap));

	expect_opening(agreement(NID_X25519, new), LAYER_UNSUPPORTED, "unsupported: X25519 recipient");
	expect_opening(agreement(NID_X448, known), LAYER_UNSUPPORTED, "unsupported: X448 recipient");
	expect_opening(agreement(NID_X9_62_id_ecPublicKey, new), LAYER_UNSUPPORTED,
		       "unsupported: key agreement 1.2.840.113549.1.9.16.3.19");
	expect_opening(agreement(NID_X9_62_id_ecPublicKey, known), LAYER_MALFORMED,
		       "the content key cannot be unwrapped (ecdh)");
	/* a password without key derivation, which would crash OpenSSL 3.0.19 */
	expect_opening(DER(BER_CONTEXT_CONSTRUCTED + 3, integer(0), keys, DER(BER_OCTETS, bytes(24))), LAYER_UNSUPPORTED,
		       "unsupported: password recipient");
	expect_opening(DER(BER_CONTEXT_CONSTRUCTED + 2, integer(4), DER(BER_SEQUENCE, DER(BER_OCTETS, bytes(3))), keys,
			   DER(BER_OCTETS, bytes(24))), LAYER_UNSUPPORTED, "unsupported: key-encryption-key recipient");
	expect_opening(DER(BER_CONTEXT_CONSTRUCTED + 4, oid(NID_commonName), integer(0)), LAYER_UNSUPPORTED,
		       "unsupported: recipient of another kind (key encapsulation)");
	expect_opening(DER(BER_CONTEXT_CONSTRUCTED + 5, integer(0)), LAYER_MALFORMED, "malformed inside the CMS structure");
}

/* ---- what stands among the CRLs */

/* One SEQUENCE of so many bytes, as an OCSP answer (or, with ocsp false, as a CRL) among the CRLs. */
static void add_choice(struct buf *out, bool ocsp, size_t whole)
{
	const unsigned char head[] = { 0x30, 0x83, (unsigned char)((whole - 5) >> 16), (unsigned char)((whole - 5) >> 8), (unsigned char)(whole - 5) };
	static const char oid[] = "\x06\x08\x2b\x06\x01\x05\x05\x07\x10\x02";
	size_t n = whole + sizeof(oid) - 1;
	const unsigned char choice[] = { 0xa1, 0x83, (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n };

	if (ocsp) {
		buf_add(out, choice, sizeof(choice));
		buf_add(out, oid, sizeof(oid) - 1);
	}
	buf_add(out, head, sizeof(head));
	for (size_t i = sizeof(head); i < whole; i++)
		buf_addch(out, 'x');
}

static size_t found_among(const struct buf *crls, struct stapled *out)
{
	const struct cms_shape shape = { .crls = span_from(crls->data, crls->len) };

	stapled_collect(&arena, &shape, out);
	return out->n;
}

static void stapled_limits(void **state)
{
	struct buf crls = BUF_INIT;
	struct stapled found;

	for (int ocsp = 0; ocsp < 2; ocsp++) {
		buf_clear(&crls);
		add_choice(&crls, ocsp, STAPLED_SIZE_MAX + 1);
		assert_int_equal(found_among(&crls, &found), 0);
		add_choice(&crls, ocsp, STAPLED_SIZE_MAX);
		assert_int_equal(found_among(&crls, &found), 1);
		assert_int_equal(found.items[0].kind, ocsp ? STAPLED_OCSP : STAPLED_CRL);
		assert_int_equal(found.items[0].der.n, STAPLED_SIZE_MAX);
		buf_clear(&crls);
		for (size_t i = 0; i < STAPLED_MAX + 1; i++) {
			add_choice(&crls, ocsp, 100);
			assert_int_equal(found_among(&crls, &found), i < STAPLED_MAX ? i + 1 : STAPLED_MAX);
		}
	}
	crls.len--; /* the last one is cut off */
	assert_int_equal(found_among(&crls, &found), STAPLED_MAX);
	buf_clear(&crls);
	buf_add(&crls, "\xa1\x02\x05\x00\xa1\x80\x31\x00", 8); /* neither */
	assert_int_equal(found_among(&crls, &found), 0);
	buf_release(&crls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements),        cmocka_unit_test(broken_elements), cmocka_unit_test(deep_nesting),
		cmocka_unit_test(numbers),         cmocka_unit_test(envelopes),       cmocka_unit_test(recipient_limit),
		cmocka_unit_test(tags),            cmocka_unit_test(substituted_ciphers),
		cmocka_unit_test(signatures),      cmocka_unit_test(other_types),     cmocka_unit_test(every_length),
		cmocka_unit_test(foreign_recipients), cmocka_unit_test(stapled_limits),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
