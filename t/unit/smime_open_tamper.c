/* smime_open_tamper.c - one changed byte, anywhere: the content is never shown as another one, and never good */
#include "test.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "lib/fs.h"
#include "smime/open.h"

static const char entity[] = "Content-Type: text/plain\r\n\r\nThe quick brown fox jumps over the lazy dog, and what it\r\n"
			     "says is in this text of a few blocks, and nothing else.\r\n";

static struct party {
	EVP_PKEY *key;
	X509 *certificate;
} rsa, ec;

static OSSL_LIB_CTX *ctx;
static int scratch;
static size_t wrong_keys; /* that are given before the right one */

/* ---- keys */

static void make_party(struct party *p, EVP_PKEY *key, const char *name, long serial)
{
	X509_NAME *n;
	X509_EXTENSION *e;

	assert_non_null(key);
	p->key = key;
	p->certificate = X509_new_ex(ctx, NULL);
	n = X509_get_subject_name(p->certificate);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(p->certificate, n);
	ASN1_INTEGER_set(X509_get_serialNumber(p->certificate), serial);
	X509_set_version(p->certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(p->certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(p->certificate), 86400);
	X509_set_pubkey(p->certificate, key);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "email:a@example.org");
	X509_add_ext(p->certificate, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(p->certificate, key, EVP_sha256()) > 0);
}

static int set_up(void **state)
{
	OSSL_PROVIDER *p;

	ctx = OSSL_LIB_CTX_new();
	p = OSSL_PROVIDER_load(ctx, "default");
	assert_non_null(p);
	make_party(&rsa, EVP_PKEY_Q_keygen(ctx, NULL, "RSA", (size_t)2048), "rsa", 7);
	make_party(&ec, EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256"), "ec", 8);
	scratch = fs_temporary("/tmp", NULL);
	return 0;
}

/* ---- messages: the helper's own header in front of DER */

static const char mime[] = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";

static void finish(CMS_ContentInfo *cms, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	assert_true(n > 0);
	buf_addstr(out, mime);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
}

static void encrypt(const struct party *to, const char *cipher, bool oaep, struct buf *out)
{
	BIO *in = BIO_new_mem_buf(entity, sizeof(entity) - 1);
	EVP_CIPHER *c = EVP_CIPHER_fetch(ctx, cipher, NULL);
	CMS_ContentInfo *cms = CMS_encrypt_ex(NULL, in, c, CMS_BINARY | CMS_PARTIAL, ctx, NULL);
	CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, to->certificate, CMS_KEY_PARAM);

	if (oaep)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(CMS_RecipientInfo_get0_pkey_ctx(info), RSA_PKCS1_OAEP_PADDING) > 0);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	finish(cms, out);
	EVP_CIPHER_free(c);
	BIO_free(in);
}

static void sign(const struct party *by, unsigned flags, struct buf *out)
{
	BIO *in = BIO_new_mem_buf(entity, sizeof(entity) - 1);
	CMS_ContentInfo *cms = CMS_sign_ex(by->certificate, by->key, NULL, in, CMS_BINARY | flags, ctx, NULL);

	assert_non_null(cms);
	finish(cms, out);
	BIO_free(in);
}

/* ---- opening */

static int find_key(void *which_party, const struct certificate_id *ids, size_t n, size_t skip, size_t *which,
		    X509 **certificate, EVP_PKEY **key, struct error *err)
{
	struct party *p = skip < wrong_keys ? &rsa : which_party;

	if (skip > wrong_keys) /* the key fits whatever the identifier says: the worst case */
		return error_set(err, E_NOTFOUND, "no more");
	*which = 0;
	*certificate = p->certificate;
	*key = p->key;
	X509_up_ref(p->certificate);
	EVP_PKEY_up_ref(p->key);
	return 0;
}

static int find_certificate(void *which_party, const struct certificate_id *id, X509 **certificate, struct error *err)
{
	struct party *p = which_party;

	*certificate = p->certificate;
	X509_up_ref(p->certificate);
	return 0;
}

struct outcome {
	enum layer_status status;
	bool shown, same, good;
	char why[300];
};

static void open_message(struct span message, const struct party *p, struct outcome *out)
{
	const struct open_calls calls = { .find_key = find_key, .find_certificate = find_certificate, .ctx = (void *)p };
	const struct open_limits limits = { .layers = 8, .message = 1000000,
					    .mime = { .header = 100000, .parts = 100, .depth = 20 } };
	struct arena arena = ARENA_INIT;
	struct opened o;
	struct error err = { 0 };
	int rc = smime_open(&arena, ctx, message, &calls, &limits, scratch, &o, &err);

	*out = (struct outcome){ .status = LAYER_NOT_TRIED };
	if (rc == 0 && o.nlayers) {
		const struct layer *l = &o.layers[0];

		out->status = l->status;
		out->shown = o.unwrapped;
		out->same = span_eqstr(o.content, entity);
		out->good = l->nsigners == 1 && l->signers[0].status == SIGNATURE_GOOD;
		snprintf(out->why, sizeof(out->why), "%s", l->nsigners ? l->signers[0].why : l->why);
	}
	if (rc == 0)
		opened_release(&o);
	arena_release(&arena);
	assert_int_equal(ftruncate(scratch, 0), 0);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Each byte of the structure with each of some bits changed. */
static size_t flip_all(struct buf *message, const struct party *p, bool is_signed)
{
	static const unsigned char masks[] = { 0x01, 0x80 };
	struct outcome r;
	size_t refused = 0;

	open_message(span_from(message->data, message->len), p, &r);
	if (r.status != LAYER_OPEN || !r.same || r.good != is_signed)
		fail_msg("unchanged: status %d, \"%s\"", r.status, r.why);
	for (size_t i = sizeof(mime) - 1; i < message->len; i++)
		for (size_t m = 0; m < sizeof(masks); m++) {
			message->data[i] ^= (char)masks[m];
			open_message(span_from(message->data, message->len), p, &r);
			message->data[i] ^= (char)masks[m];
			if (is_signed ? r.good && !r.same : r.shown && !r.same)
				fail_msg("byte %zu of %zu, bit %02x: %s with other content", i, message->len, masks[m],
					 is_signed ? "good" : "opened");
			refused += is_signed ? !r.good : !r.shown;
		}
	return refused;
}

static void flip_encrypted(const struct party *p, const char *cipher, bool oaep)
{
	struct buf b = BUF_INIT;

	encrypt(p, cipher, oaep, &b);
	/* all of key, content and tag: at least the content's and the encrypted key's bits */
	assert_true(flip_all(&b, p, false) > 2 * (sizeof(entity) - 1));
	buf_release(&b);
}

static void cbc(void **state) { flip_encrypted(&ec, "AES-256-CBC", false); }
static void gcm(void **state) { flip_encrypted(&ec, "AES-256-GCM", false); }
static void cbc_oaep(void **state) { flip_encrypted(&rsa, "AES-128-CBC", true); }

static void flip_signed(const struct party *p, unsigned flags)
{
	struct buf b = BUF_INIT;

	sign(p, flags, &b);
	assert_true(flip_all(&b, p, true) > 2 * (sizeof(entity) - 1));
	buf_release(&b);
}

static void attributes(void **state) { flip_signed(&ec, CMS_NOCERTS); }
static void no_attributes(void **state) { flip_signed(&ec, CMS_NOATTR | CMS_NOCERTS); }
static void with_certificate(void **state) { flip_signed(&rsa, 0); }

/* ---- what is told */

/* The cipher's OID says another key length than the content key has (some old programs). */
static void other_length(const struct party *p, bool oaep, char oid, const char *why)
{
	static const char aes192[] = "\x60\x86\x48\x01\x65\x03\x04\x01\x16";
	struct buf b = BUF_INIT;
	struct outcome r;
	char *at;

	encrypt(p, "AES-192-CBC", oaep, &b);
	at = memmem(b.data, b.len, aes192, sizeof(aes192) - 1);
	assert_non_null(at);
	at[8] = oid;
	open_message(span_from(b.data, b.len), p, &r);
	assert_int_equal(r.status, LAYER_MALFORMED);
	if (!strstr(r.why, why))
		fail_msg("\"%s\", wanted \"%s\"", r.why, why);
	buf_release(&b);
}

static void key_length(void **state)
{
	other_length(&rsa, true, 0x2a, "the content key's length contradicts aes-256-cbc");
	other_length(&rsa, true, 0x02, "the content key's length contradicts aes-128-cbc");
	other_length(&ec, false, 0x2a, "the content key's length contradicts aes-256-cbc");
	other_length(&rsa, false, 0x2a, "damaged, altered or wrongly encrypted");
	other_length(&rsa, false, 0x02, "damaged, altered or wrongly encrypted");
}

/* With PKCS#1 v1.5 a bad padding, a key of another length and bad content sound alike, and so do CBC's bad last
 * block and bad content. */
static void same_answer(const char *cipher, const size_t *from_end, size_t n)
{
	struct buf b = BUF_INIT;
	struct outcome key, content;
	char *encrypted_key;

	encrypt(&rsa, cipher, false, &b);
	encrypted_key = memmem(b.data, b.len, "\x04\x82\x01\x00", 4);
	assert_non_null(encrypted_key);
	encrypted_key[40] ^= 1;
	open_message(span_from(b.data, b.len), &rsa, &key);
	encrypted_key[40] ^= 1;
	assert_int_equal(key.status, LAYER_MALFORMED);
	for (size_t i = 0; i < n; i++) {
		b.data[b.len - from_end[i]] ^= 1;
		open_message(span_from(b.data, b.len), &rsa, &content);
		b.data[b.len - from_end[i]] ^= 1;
		assert_int_equal(content.status, LAYER_MALFORMED);
		assert_string_equal(content.why, key.why);
	}
	buf_release(&b);
}

static void no_oracle(void **state)
{
	same_answer("AES-128-CBC", (const size_t[]){ 1, 17, 100 }, 3);
	same_answer("AES-128-GCM", (const size_t[]){ 1, 100 }, 2);
}

/* The signed content type is another one than the content's, in either place. */
static void content_type(void **state)
{
	static const char data[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
	struct buf b = BUF_INIT;
	struct outcome r;
	char *at = NULL;

	sign(&ec, CMS_NOCERTS, &b);
	at = memmem(b.data, b.len, data, sizeof(data) - 1);
	assert_non_null(at);
	at[10] = 6;
	open_message(span_from(b.data, b.len), &ec, &r);
	assert_false(r.good);
	assert_string_equal(r.why, "malformed: the signed content type is missing or another one");
	buf_release(&b);
}

/* How many keys are tried that do not fit. */
static void candidates(void **state)
{
	struct buf b = BUF_INIT;
	struct outcome r;

	encrypt(&ec, "AES-128-GCM", false, &b);
	for (wrong_keys = 14; wrong_keys <= 16; wrong_keys++) {
		open_message(span_from(b.data, b.len), &ec, &r);
		assert_int_equal(r.shown, wrong_keys <= 15);
	}
	wrong_keys = 0;
	buf_release(&b);
}

/* A block of the attacker's between two of the sender's, EFAIL's CBC gadget: swapped, repeated, dropped blocks. */
static void moved_blocks(void **state)
{
	struct buf b = BUF_INIT;
	struct outcome r;
	char block[16];

	encrypt(&ec, "AES-256-CBC", false, &b);
	for (size_t from = 2; from < 8; from++)
		for (size_t to = 2; to < 8; to++) {
			char *a = b.data + b.len - from * 16, *c = b.data + b.len - to * 16;

			if (from == to)
				continue;
			memcpy(block, c, 16);
			memcpy(c, a, 16);
			open_message(span_from(b.data, b.len), &ec, &r);
			assert_false(r.shown);
			memcpy(c, block, 16);
		}
	buf_release(&b);
}

/* Without signed attributes, another message's attributes must not pass as content. */
static void attributes_as_content(void **state)
{
	static const char set[] = "\x31\x05\x30\x03\x06\x01\x2a";
	BIO *in = BIO_new_mem_buf(set, sizeof(set) - 1);
	CMS_ContentInfo *cms = CMS_sign_ex(ec.certificate, ec.key, NULL, in, CMS_BINARY | CMS_NOATTR, ctx, NULL);
	struct buf b = BUF_INIT;
	struct outcome r;

	finish(cms, &b);
	open_message(span_from(b.data, b.len), &ec, &r);
	assert_false(r.good);
	assert_non_null(strstr(r.why, "signed attributes"));
	buf_release(&b);
	BIO_free(in);
}

static int tear_down(void **state)
{
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(ec.key);
	X509_free(rsa.certificate);
	X509_free(ec.certificate);
	close(scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cbc),        cmocka_unit_test(gcm),           cmocka_unit_test(cbc_oaep),
		cmocka_unit_test(attributes), cmocka_unit_test(no_attributes), cmocka_unit_test(with_certificate),
		cmocka_unit_test(key_length), cmocka_unit_test(no_oracle),     cmocka_unit_test(moved_blocks),
		cmocka_unit_test(attributes_as_content), cmocka_unit_test(content_type), cmocka_unit_test(candidates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
