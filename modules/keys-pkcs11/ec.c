/* ec.c - elliptic curves on a token: ECDSA (RFC 5753, SEC 1 4.1) and ECDH (SEC 1 3.3.1), with the forms that PKCS#11 has for both */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/certificate.h"
#include "common/fast_key.h"
#include "common/key_request.h"
#include "keys-pkcs11/ecdsa.h"
#include "keys-pkcs11/keys_pkcs11.h"

/* ---- ECDSA ---- */

CK_RV ec_sign(struct operation *o)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	size_t order = o->key->order, n = o->request->input.len;
	struct buf raw = BUF_INIT;
	CK_RV rv;

	if (order && n > order)
		n = order; /* the leftmost bytes count; not every token cuts them off itself */
	rv = operate_sign(o, &m, span_from(o->request->input.data, n), &raw);
	if (rv == CKR_OK && !ecdsa_signature_der(span_from(raw.data, raw.len), &o->out))
		rv = CKR_SIGNATURE_INVALID;
	buf_release(&raw);
	return rv;
}

/* ---- ECDH ---- */

static CK_RV refuse_peer(struct operation *o, const char *why)
{
	o->told = true;
	o->s->code = "bad-request";
	error_set(o->err, E_PERM, "ecdh: %s", why);
	ERR_clear_error();
	return CKR_ARGUMENTS_BAD;
}

static bool same_curve(EVP_PKEY *a, EVP_PKEY *b)
{
	char name[2][80];
	size_t n;

	return EVP_PKEY_get_group_name(a, name[0], sizeof(name[0]), &n) > 0 &&
	       EVP_PKEY_get_group_name(b, name[1], sizeof(name[1]), &n) > 0 && strcmp(name[0], name[1]) == 0;
}

/* A point on the curve of our own key, which OpenSSL has ready: to look for a decoder and to set the curve up once more costs more than
 * the token's part.  NULL: it is something else. */
static EVP_PKEY *on_our_curve(EVP_PKEY *own, struct span der)
{
	struct key_info peer = { 0 };
	struct span spki;
	bool one = der_take(&der, 0x30, NULL, &spki) && !der.n && key_info_public(spki, &peer);
	const char *curve = one ? key_info_curve(&peer) : NULL;
	char name[80] = "";
	EVP_PKEY *key;

	if (!curve || EVP_PKEY_get_group_name(own, name, sizeof(name), NULL) <= 0 || strcmp(name, curve) != 0)
		return NULL;
	key = EVP_PKEY_new();
	if (key && EVP_PKEY_copy_parameters(key, own) > 0 &&
	    EVP_PKEY_set1_encoded_public_key(key, (const unsigned char *)peer.key.p, peer.key.n) > 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* The peer's public key; reading it has OpenSSL check that it is on the curve. */
static EVP_PKEY *read_peer(struct operation *o)
{
	struct span in = span_from(o->request->input.data, o->request->input.len);
	const unsigned char *p = (const unsigned char *)in.p;
	EVP_PKEY *peer = on_our_curve(o->key->public, in);

	if (peer)
		return peer;
	peer = d2i_PUBKEY(NULL, &p, (long)in.n);
	if (p == (const unsigned char *)in.p + in.n)
		return peer;
	EVP_PKEY_free(peer);
	return NULL;
}

/* The peer's point, uncompressed. */
static CK_RV peer_point(struct operation *o, unsigned char *point, size_t max, size_t *n)
{
	EVP_PKEY *peer = read_peer(o);
	CK_RV rv = CKR_OK;

	if (!peer || !EVP_PKEY_is_a(peer, "EC"))
		rv = refuse_peer(o, "the peer's public key is broken or of an unknown kind");
	else if (!same_curve(peer, o->key->public))
		rv = refuse_peer(o, "the peer's key does not fit ours");
	else if (EVP_PKEY_set_utf8_string_param(peer, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") <= 0 ||
		 EVP_PKEY_get_octet_string_param(peer, OSSL_PKEY_PARAM_PUB_KEY, point, max, n) <= 0)
		rv = refuse_peer(o, "the peer's public key cannot be written as a point");
	EVP_PKEY_free(peer);
	return rv;
}

static CK_RV derive(struct operation *o, struct span point, CK_OBJECT_HANDLE *secret)
{
	CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .ulPublicDataLen = point.n,
					  .pPublicData = (unsigned char *)(uintptr_t)point.p };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &params, sizeof(params) };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG length = o->key->size;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE wanted[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &type, sizeof(type) }, { CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &no, sizeof(no) }, { CKA_EXTRACTABLE, &yes, sizeof(yes) }, { CKA_VALUE_LEN, &length, sizeof(length) },
	};
	CK_ULONG n = sizeof(wanted) / sizeof(*wanted);
	struct token *t = o->key->token;
	CK_RV rv = t->provider->calls->C_DeriveKey(t->session, &m, o->key->handle, wanted, n, secret);

	if (rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_ATTRIBUTE_TYPE_INVALID)
		rv = t->provider->calls->C_DeriveKey(t->session, &m, o->key->handle, wanted, n - 1, secret);
	return rv;
}

/* The point itself, or inside a DER OCTET STRING: standards and tokens had it both ways. */
static CK_RV derive_either(struct operation *o, unsigned char *room, size_t n, CK_OBJECT_HANDLE *secret)
{
	unsigned char *point = room + 3, *wrapped = n > 127 ? room : room + 1;
	CK_RV rv = derive(o, span_from(point, n), secret);

	if (rv != CKR_MECHANISM_PARAM_INVALID && rv != CKR_ARGUMENTS_BAD && rv != CKR_DATA_INVALID && rv != CKR_DATA_LEN_RANGE)
		return rv;
	wrapped[0] = 0x04;
	wrapped[1] = 0x81;
	point[-1] = (unsigned char)n;
	return derive(o, span_from(wrapped, (size_t)(point - wrapped) + n), secret);
}

/* The x coordinate, as long as the field: some tokens leave out zeros in front. */
static CK_RV extract(struct operation *o, CK_OBJECT_HANDLE secret)
{
	static const char zeros[EC_FIELD_MAX];
	struct token *t = o->key->token;
	size_t field = o->key->size;
	struct buf value = BUF_INIT;
	CK_RV rv = object_get(t, secret, CKA_VALUE, &value);

	if (rv == CKR_OK && (value.len == 0 || value.len > field))
		rv = CKR_ATTRIBUTE_VALUE_INVALID;
	if (rv == CKR_OK) {
		buf_reserve(&o->out, field + 1);
		buf_add(&o->out, zeros, field - value.len);
		buf_add(&o->out, value.data, value.len);
	}
	buf_wipe(&value);
	t->provider->calls->C_DestroyObject(t->session, secret);
	return rv;
}

CK_RV ec_agree(struct operation *o)
{
	unsigned char room[3 + 2 * EC_FIELD_MAX + 1];
	CK_OBJECT_HANDLE secret = CK_INVALID_HANDLE;
	size_t n = 0;
	CK_RV rv = peer_point(o, room + 3, sizeof(room) - 3, &n);

	if (rv == CKR_OK && o->key->size > EC_FIELD_MAX)
		rv = CKR_KEY_SIZE_RANGE;
	if (rv == CKR_OK)
		rv = derive_either(o, room, n, &secret);
	return rv == CKR_OK ? extract(o, secret) : rv;
}
