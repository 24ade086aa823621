/* smime_seal.c - sealed entities: their MIME, their algorithms, their refusals */
#include "test.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "../helper/softkey.h"
#include "lib/base64.h"
#include "smime/capabilities.h"
#include "smime/seal.h"

struct party {
	const char *type;
	unsigned bits;
	const char *curve, *usage;
	struct softkey soft;
	X509 *certificate;
	EVP_PKEY *key;
};

enum { RSA_ANY, RSA_SIGNS_ONLY, RSA_SMALL, PSS, EC_ANY, EC_SIGNS_ONLY, EC_384, NPARTIES };
static struct party parties[NPARTIES] = {
	[RSA_ANY] = { .type = "RSA", .bits = 2048 },
	[RSA_SIGNS_ONLY] = { .type = "RSA", .bits = 2048, .usage = "critical,digitalSignature" },
	[RSA_SMALL] = { .type = "RSA", .bits = 1024, .usage = "critical,keyEncipherment" },
	[PSS] = { .type = "RSA-PSS", .bits = 2048 },
	[EC_ANY] = { .type = "EC", .curve = "P-256" },
	[EC_SIGNS_ONLY] = { .type = "EC", .curve = "P-256", .usage = "critical,nonRepudiation" },
	[EC_384] = { .type = "EC", .curve = "brainpoolP384r1", .usage = "critical,keyAgreement" },
};

static struct softkeys keys;
static struct delegate *delegate;
static const char text[] = "Content-Type: text/plain; charset=us-ascii\r\n\r\nFrom here on nothing is secret.\r\n-- \r\nA\r\n";

static int setup(void **state)
{
	static char ids[NPARTIES][16];
	struct key_calls calls = softkey_calls(&keys);
	struct error err;

	if (delegate_new(&calls, &delegate, &err) < 0)
		return -1;
	for (size_t i = 0; i < NPARTIES; i++) {
		struct party *p = &parties[i];

		snprintf(ids[i], sizeof(ids[i]), "key-%zu", i);
		p->soft = (struct softkey){ keys.first, ids[i], softkey_generate(p->type, p->bits, p->curve) };
		keys.first = &p->soft;
		p->certificate = softkey_certify(p->soft.key, ids[i], (long)i + 1, p->usage);
		if (delegate_key(delegate, p->certificate, ids[i], &p->key, &err) < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < NPARTIES; i++) {
		EVP_PKEY_free(parties[i].key);
		EVP_PKEY_free(parties[i].soft.key);
		X509_free(parties[i].certificate);
	}
	delegate_free(delegate);
	return 0;
}

static void profile(const char *name, struct profile *out)
{
	static struct arena arena; /* built-in profiles need none */
	struct error err;

	assert_int_equal(profile_parse(&arena, "", span_of(""), name, out, &err), 0);
}

static struct signer signer_of(int i)
{
	return (struct signer){ parties[i].certificate, parties[i].key, NULL };
}

static int try_sign(int i, const struct profile *p, struct buf *out, struct error *err)
{
	struct signer s = signer_of(i);

	return seal_sign(delegate_context(delegate), span_of(text), &s, p, out, err);
}

static int try_encrypt(const int *who, size_t n, const struct profile *p, const char **used, struct buf *out, struct error *err)
{
	struct sealed_for to[NPARTIES] = { 0 };

	for (size_t i = 0; i < n; i++)
		to[i].certificate = parties[who[i]].certificate;
	return seal_encrypt(delegate_context(delegate), span_of(text), to, n, p, out, used, err);
}

/* The CMS structure between from and to (NULL: the end). */
static CMS_ContentInfo *structure(const char *from, const char *to)
{
	struct buf der = BUF_INIT;
	const unsigned char *p;
	CMS_ContentInfo *cms;

	from = strstr(from, "\r\n\r\n");
	assert_non_null(from);
	assert_int_equal(base64_decode(&der, span_from(from + 4, to ? (size_t)(to - from) - 4 : strlen(from + 4)), true), 0);
	p = (const unsigned char *)der.data;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	assert_non_null(cms);
	assert_ptr_equal(p, der.data + der.len);
	buf_release(&der);
	return cms;
}

static void lines_are_short_and_end_in_crlf(const struct buf *b)
{
	size_t start = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] == '\n') {
			assert_true(i > 0 && b->data[i - 1] == '\r');
			assert_true(i - 1 - start <= 78);
			start = i + 1;
		}
	assert_int_equal(start, b->len);
}

/* ---- signing ---- */

/* Takes a multipart/signed apart by hand and verifies it. */
static void check_signed(const struct buf *b, const char *micalg)
{
	char *mark, *boundary, *first, *second, *last;
	char line[100];
	CMS_ContentInfo *cms;
	BIO *content;

	snprintf(line, sizeof(line), "micalg=\"%s\"", micalg);
	assert_non_null(strstr(b->data, line));
	assert_memory_equal(b->data, "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n", 73);
	mark = strstr(b->data, "boundary=\"") + 10;
	boundary = strndup(mark, strcspn(mark, "\""));
	snprintf(line, sizeof(line), "\r\n--%s\r\n", boundary);
	first = strstr(b->data, line) + strlen(line);
	second = strstr(first, line);
	assert_non_null(second);
	assert_int_equal(second - first, sizeof(text) - 1);
	assert_memory_equal(first, text, sizeof(text) - 1);
	snprintf(line, sizeof(line), "\r\n--%s--\r\n", boundary);
	last = strstr(second, line);
	assert_non_null(last);
	assert_string_equal(last, line);
	cms = structure(second + strlen(line) - 2, last);
	content = BIO_new_mem_buf(first, (int)(second - first));
	assert_int_equal(CMS_verify(cms, NULL, NULL, content, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);
	BIO_free(content);
	CMS_ContentInfo_free(cms);
	free(boundary);
}

static void clear_signatures(void **state)
{
	static const int who[] = { RSA_ANY, RSA_SIGNS_ONLY, PSS, EC_ANY, EC_SIGNS_ONLY };
	static const char *const names[] = { "compatible", "bdew" };

	for (size_t i = 0; i < sizeof(who) / sizeof(*who); i++)
		for (size_t k = 0; k < 2; k++) {
			struct buf b = BUF_INIT;
			struct profile p;
			struct error err;

			profile(names[k], &p);
			if (k)
				p.digest = "sha512";
			assert_int_equal(try_sign(who[i], &p, &b, &err), 0);
			lines_are_short_and_end_in_crlf(&b);
			check_signed(&b, k ? "sha-512" : "sha-256");
			assert_int_equal(keys.last.mechanism, parties[who[i]].curve ? KEY_ECDSA :
							      k || who[i] == PSS      ? KEY_RSA_PSS : KEY_RSA_PKCS1);
			if (keys.last.mechanism == KEY_RSA_PSS)
				assert_int_equal(keys.last.salt_length, k ? 64 : 32);
			buf_release(&b);
		}
}

static void attributes_and_chain(void **state)
{
	STACK_OF(X509) *chain = sk_X509_new_null(), *found;
	struct signer s = signer_of(RSA_ANY);
	struct buf b = BUF_INIT;
	struct profile p;
	struct error err;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *si;
	X509_ATTRIBUTE *a;
	ASN1_TYPE *value;
	struct capabilities ours;

	/* a chain as careless callers make it: with the signer itself, and one twice */
	sk_X509_push(chain, parties[RSA_ANY].certificate);
	sk_X509_push(chain, parties[EC_ANY].certificate);
	sk_X509_push(chain, parties[EC_ANY].certificate);
	sk_X509_push(chain, parties[PSS].certificate);
	s.chain = chain;
	profile("bdew", &p);
	p.opaque = true;
	assert_int_equal(seal_sign(delegate_context(delegate), span_of(text), &s, &p, &b, &err), 0);
	assert_non_null(strstr(b.data, "application/pkcs7-mime; smime-type=signed-data;"));
	lines_are_short_and_end_in_crlf(&b);
	cms = structure(b.data, NULL);
	found = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(found), 3);
	sk_X509_pop_free(found, X509_free);
	assert_int_equal(CMS_verify(cms, NULL, NULL, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);

	si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	assert_true(CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1) >= 0);
	a = CMS_signed_get_attr(si, CMS_signed_get_attr_by_NID(si, NID_SMIMECapabilities, -1));
	assert_non_null(a);
	value = X509_ATTRIBUTE_get0_type(a, 0);
	assert_int_equal(value->type, V_ASN1_SEQUENCE);
	capabilities_read(span_from(value->value.sequence->data, (size_t)value->value.sequence->length), &ours);
	assert_int_equal(ours.ciphers, 15);
	assert_string_equal(ours.oaep_digest, "sha256");
	/* the profile's cipher comes first: SEQUENCE { SEQUENCE { OID aes128-CBC } ... */
	assert_memory_equal(value->value.sequence->data + 2, "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02", 13);
	CMS_ContentInfo_free(cms);
	sk_X509_free(chain);
	buf_release(&b);
}

static void boundaries_differ(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct profile p;
	struct error err;

	profile("compatible", &p);
	assert_int_equal(try_sign(EC_ANY, &p, &a, &err), 0);
	assert_int_equal(try_sign(EC_ANY, &p, &b, &err), 0);
	assert_memory_not_equal(strstr(a.data, "boundary="), strstr(b.data, "boundary="), 40);
	buf_release(&a);
	buf_release(&b);
}

static void signing_refusals(void **state)
{
	struct buf b = BUF_INIT;
	struct profile p;
	struct error err;
	struct signer s = signer_of(RSA_ANY);

	profile("compatible", &p);
	buf_addstr(&b, "before");
	assert_int_equal(try_sign(RSA_SMALL, &p, &b, &err), E_PERM);
	assert_non_null(strstr(err.text, "key usage"));
	assert_non_null(strstr(err.text, "CN = key-2"));
	assert_int_equal(try_sign(EC_384, &p, &b, &err), E_PERM);
	s.key = parties[PSS].key;
	assert_int_equal(seal_sign(delegate_context(delegate), span_of(text), &s, &p, &b, &err), E_PERM);
	p.digest = "md5";
	assert_int_equal(try_sign(RSA_ANY, &p, &b, &err), E_PERM);
	profile("compatible", &p);
	keys.fail = E_TEMP;
	keys.fail_text = "the key's host is away";
	assert_int_equal(try_sign(RSA_ANY, &p, &b, &err), E_TEMP);
	assert_non_null(strstr(err.text, "the key's host is away"));
	keys.fail = E_CONFIG;
	assert_int_equal(try_sign(EC_ANY, &p, &b, &err), E_CONFIG);
	keys.fail = 0;
	assert_string_equal(b.data, "before");
	assert_int_equal(ERR_peek_error(), 0);
	buf_release(&b);
}

/* ---- encrypting ---- */

static void decrypts(CMS_ContentInfo *cms, const struct party *p)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data;

	assert_int_equal(CMS_decrypt(cms, p->soft.key, p->certificate, NULL, out, CMS_BINARY), 1);
	assert_int_equal(BIO_get_mem_data(out, &data), sizeof(text) - 1);
	assert_memory_equal(data, text, sizeof(text) - 1);
	BIO_free(out);
}

static void every_profile_for_every_key(void **state)
{
	static const struct { const char *profile, *cipher, *type; } cases[] = {
		{ "compatible", "aes-256-cbc", "smime-type=enveloped-data;" },
		{ "rfc8551", "aes-256-gcm", "smime-type=authEnveloped-data;" },
		{ "bdew", "aes-128-cbc", "smime-type=enveloped-data;" },
		{ "bdew-gcm", "aes-128-gcm", "smime-type=authEnveloped-data;" },
		{ "bsi-tr-02102", "aes-256-gcm", "smime-type=authEnveloped-data;" },
	};
	static const int who[] = { RSA_ANY, EC_ANY, EC_384 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;
		struct profile p;
		struct error err;
		const char *used;
		size_t skip = i == 4; /* bsi: RSA-2048 is under its floor */

		profile(cases[i].profile, &p);
		assert_int_equal(try_encrypt(who + skip, 3 - skip, &p, &used, &b, &err), 0);
		assert_string_equal(used, cases[i].cipher);
		assert_non_null(strstr(b.data, cases[i].type));
		lines_are_short_and_end_in_crlf(&b);
		for (size_t k = skip; k < 3; k++) {
			CMS_ContentInfo *cms = structure(b.data, NULL);

			assert_int_equal(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 3 - skip);
			decrypts(cms, &parties[who[k]]);
			CMS_ContentInfo_free(cms);
		}
		buf_release(&b);
	}
}

static int transport_of(CMS_ContentInfo *cms)
{
	CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);
	X509_ALGOR *a;
	const ASN1_OBJECT *oid;

	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_TRANS)
		assert_int_equal(CMS_RecipientInfo_ktri_get0_algs(ri, NULL, NULL, &a), 1);
	else
		assert_int_equal(CMS_RecipientInfo_kari_get0_alg(ri, &a, NULL), 1);
	X509_ALGOR_get0(&oid, NULL, NULL, a);
	return OBJ_obj2nid(oid);
}

static void key_management_follows_the_key(void **state)
{
	static const struct { int who; const char *profile, *kdf; int nid; } cases[] = {
		{ RSA_ANY, "compatible", "sha256", NID_rsaEncryption },
		{ RSA_ANY, "bdew", "sha256", NID_rsaesOaep },
		{ EC_ANY, "bdew", "sha256", NID_dhSinglePass_stdDH_sha256kdf_scheme },
		{ EC_384, "compatible", "sha384", NID_dhSinglePass_stdDH_sha384kdf_scheme },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;
		struct profile p;
		struct error err;
		CMS_ContentInfo *cms;

		profile(cases[i].profile, &p);
		p.kdf_digest = cases[i].kdf;
		assert_int_equal(try_encrypt(&cases[i].who, 1, &p, NULL, &b, &err), 0);
		cms = structure(b.data, NULL);
		assert_int_equal(transport_of(cms), cases[i].nid);
		CMS_ContentInfo_free(cms);
		buf_release(&b);
	}
}

static void encryption_refusals(void **state)
{
	static const struct { int who; const char *profile, *why; } cases[] = {
		{ RSA_SIGNS_ONLY, "compatible", "key encipherment" },
		{ EC_SIGNS_ONLY, "compatible", "key agreement" },
		{ PSS, "compatible", "signatures only" },
		{ RSA_SMALL, "bdew", "RSA key of 1024 bits, profile bdew wants 2048" },
		{ RSA_ANY, "bsi-tr-02102", "RSA key of 2048 bits" },
	};
	struct buf b = BUF_INIT;
	struct profile p;
	struct error err;
	const char *used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const int both[] = { EC_ANY, cases[i].who };

		profile(cases[i].profile, &p);
		assert_int_equal(try_encrypt(both, 2, &p, &used, &b, &err), E_PERM);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_string_equal(used, "");
		assert_int_equal(b.len, 0);
		assert_int_equal(seal_check_recipient(parties[cases[i].who].certificate, &p, &err), E_PERM);
		assert_int_equal(seal_check_recipient(parties[EC_ANY].certificate, &p, &err), 0);
	}
	/* floors are met at their very value */
	profile("compatible", &p);
	p.rsa_bits_least = 2048;
	p.ec_bits_least = 256;
	assert_int_equal(seal_check_recipient(parties[RSA_ANY].certificate, &p, &err), 0);
	assert_int_equal(seal_check_recipient(parties[EC_ANY].certificate, &p, &err), 0);
	p.rsa_bits_least = 2049;
	p.ec_bits_least = 257;
	assert_int_equal(seal_check_recipient(parties[RSA_ANY].certificate, &p, &err), E_PERM);
	assert_int_equal(seal_check_recipient(parties[EC_ANY].certificate, &p, &err), E_PERM);
	assert_int_equal(try_encrypt(NULL, 0, &p, &used, &b, &err), E_PERM);
	p.adaptive = false;
	p.cipher = "des-ede3-cbc";
	assert_int_equal(try_encrypt((int[]){ EC_384 }, 1, &p, &used, &b, &err), E_PERM);
	buf_release(&b);
}

/* ---- capabilities ---- */

#define OID_GCM256 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e"
#define OID_CBC256 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a"
#define OID_CBC128 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02"
#define OID_3DES "\x30\x0a\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07"
#define OAEP_DEFAULT "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x00"
#define OAEP_SHA256 "\x30\x38\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x2b\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01" \
		    "\x65\x03\x04\x02\x01\xa1\x1a\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08\x30\x0b\x06\x09\x60" \
		    "\x86\x48\x01\x65\x03\x04\x02\x01"
/* label digest SHA-256, mask digest left at SHA-1 */
#define OAEP_MIXED "\x30\x1c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x0f\xa0\x0d\x30\x0b\x06\x09\x60\x86\x48\x01" \
		   "\x65\x03\x04\x02\x01"
#define LIST(n, bytes) { n bytes, sizeof(n bytes) - 1 }

static void partners_capabilities(void **state)
{
	static const struct {
		struct span first, second;
		const char *cipher;
	} cases[] = {
		/* one partner known, the second unknown: as both surely can */
		{ LIST("\x30\x0d", OID_CBC128), { NULL, 0 }, "aes-128-cbc" },
		{ LIST("\x30\x0d", OID_CBC256), { NULL, 0 }, "aes-256-cbc" },
		{ LIST("\x30\x0d", OID_GCM256), { NULL, 0 }, "aes-256-cbc" },
		{ LIST("\x30\x1a", OID_CBC128 OID_GCM256), LIST("\x30\x1a", OID_CBC128 OID_GCM256), "aes-256-gcm" },
		{ LIST("\x30\x1a", OID_CBC128 OID_GCM256), LIST("\x30\x0d", OID_CBC128), "aes-128-cbc" },
		{ LIST("\x30\x0d", OID_GCM256), LIST("\x30\x0d", OID_CBC128), "aes-256-cbc" },
		/* never weaker than we write: */
		{ LIST("\x30\x0c", OID_3DES), LIST("\x30\x0c", OID_3DES), "aes-256-cbc" },
		{ LIST("\x30\x0c", OID_3DES), LIST("\x30\x0d", OID_CBC128), "aes-128-cbc" },
		/* malformed is as unknown: too long, too short, behind the end, not a sequence, junk inside */
		{ LIST("\x30\x0e", OID_GCM256), LIST("\x30\x0d", OID_GCM256), "aes-256-cbc" },
		{ LIST("\x30\x0c", OID_GCM256), LIST("\x30\x0d", OID_GCM256), "aes-256-cbc" },
		{ LIST("\x30\x0d", OID_GCM256 "\x05"), LIST("\x30\x0d", OID_GCM256), "aes-256-cbc" },
		{ LIST("\x31\x0d", OID_GCM256), LIST("\x30\x0d", OID_GCM256), "aes-256-cbc" },
		{ LIST("\x30\x0f", OID_GCM256 "\x05\x00"), LIST("\x30\x0d", OID_GCM256), "aes-256-cbc" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sealed_for to[2] = { { parties[RSA_ANY].certificate, cases[i].first },
					    { parties[EC_ANY].certificate, cases[i].second } };
		struct buf b = BUF_INIT;
		struct profile p;
		struct error err;
		const char *used;

		profile("compatible", &p);
		assert_int_equal(seal_encrypt(delegate_context(delegate), span_of(text), to, 2, &p, &b, &used, &err), 0);
		if (strcmp(used, cases[i].cipher) != 0)
			fail_msg("case %zu: %s instead of %s", i, used, cases[i].cipher);
		buf_clear(&b);
		/* a profile that does not adapt does not care */
		profile("rfc8551", &p);
		assert_int_equal(seal_encrypt(delegate_context(delegate), span_of(text), to, 2, &p, &b, &used, &err), 0);
		assert_string_equal(used, "aes-256-gcm");
		buf_release(&b);
	}
}

static void oaep_capability(void **state)
{
	static const struct {
		struct span list;
		const char *digest;
	} cases[] = {
		{ LIST("\x30\x0f", OAEP_DEFAULT), "sha1" },
		{ LIST("\x30\x3a", OAEP_SHA256), "sha256" },
		{ LIST("\x30\x1e", OAEP_MIXED), NULL },
		{ LIST("\x30\x0d", "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"), "sha1" },
		{ LIST("\x30\x0f", "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x05\x00"), NULL },
		{ LIST("\x30\x0d", OID_CBC256), NULL },
		{ { NULL, 0 }, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sealed_for to = { parties[RSA_ANY].certificate, cases[i].list };
		struct capabilities c;
		struct buf b = BUF_INIT;
		struct profile p;
		struct error err;
		CMS_ContentInfo *cms;

		capabilities_read(cases[i].list, &c);
		if (cases[i].digest)
			assert_string_equal(c.oaep_digest, cases[i].digest);
		else
			assert_null(c.oaep_digest);
		profile("compatible", &p);
		assert_int_equal(seal_encrypt(delegate_context(delegate), span_of(text), &to, 1, &p, &b, NULL, &err), 0);
		cms = structure(b.data, NULL);
		assert_int_equal(transport_of(cms), cases[i].digest ? NID_rsaesOaep : NID_rsaEncryption);
		decrypts(cms, &parties[RSA_ANY]);
		CMS_ContentInfo_free(cms);
		buf_release(&b);
	}
}

static void number_of_capabilities(void **state)
{
	struct buf list = BUF_INIT, all = BUF_INIT;
	struct capabilities c;

	for (int n = 0; n < 201; n++) {
		buf_clear(&all);
		buf_add(&list, OID_CBC128, sizeof(OID_CBC128) - 1);
		buf_addf(&all, "\x30\x82%c%c", (int)(list.len >> 8), (int)(list.len & 255));
		buf_add(&all, list.data, list.len);
		capabilities_read(span_from(all.data, all.len), &c);
		if (n < 199 && n >= 19)
			assert_int_equal(c.ciphers, 8);
	}
	assert_int_equal(c.ciphers, 0); /* 201 */
	capabilities_read(span_from("\x30\x80\x00\x00", 4), &c);
	assert_int_equal(c.ciphers, 0);
	buf_release(&list);
	buf_release(&all);
}

static void empty_entity(void **state)
{
	struct sealed_for to = { parties[EC_ANY].certificate, { 0 } };
	struct signer s = signer_of(EC_ANY);
	struct buf b = BUF_INIT;
	struct profile p;
	struct error err;

	profile("compatible", &p);
	assert_int_equal(seal_sign(delegate_context(delegate), (struct span){ 0 }, &s, &p, &b, &err), 0);
	assert_int_equal(seal_encrypt(delegate_context(delegate), (struct span){ 0 }, &to, 1, &p, &b, NULL, &err), 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_signatures),
		cmocka_unit_test(attributes_and_chain),
		cmocka_unit_test(boundaries_differ),
		cmocka_unit_test(signing_refusals),
		cmocka_unit_test(every_profile_for_every_key),
		cmocka_unit_test(key_management_follows_the_key),
		cmocka_unit_test(encryption_refusals),
		cmocka_unit_test(partners_capabilities),
		cmocka_unit_test(oaep_capability),
		cmocka_unit_test(number_of_capabilities),
		cmocka_unit_test(empty_entity),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
