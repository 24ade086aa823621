/* object.c - what is on a token: certificates, and the private key that belongs to one */
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "common/certificate.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/log.h"

#define ATTRIBUTES_AT_ONCE 2
#define SHORT_VALUE ((size_t)4 * 1024) /* most certificates, and all identifiers and numbers, are no longer */

/* ---- finding, reading ---- */

CK_RV objects_find(struct token *t, CK_ATTRIBUTE *wanted, CK_ULONG n, CK_OBJECT_HANDLE *out, size_t max, size_t *found)
{
	CK_FUNCTION_LIST *calls = t->provider->calls;
	CK_RV rv = calls->C_FindObjectsInit(t->session, wanted, n);

	*found = 0;
	if (rv != CKR_OK)
		return rv;
	while (*found < max) {
		CK_ULONG got = 0;

		rv = calls->C_FindObjects(t->session, out + *found, max - *found, &got);
		if (rv != CKR_OK || got == 0)
			break;
		*found += got;
	}
	calls->C_FindObjectsFinal(t->session);
	return rv;
}

/* Takes what a call has written behind each buffer's end, where there was room for so many bytes. */
static CK_RV take_values(const CK_ATTRIBUTE *a, size_t n, size_t room, struct buf *const out[])
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].ulValueLen > room) /* also CK_UNAVAILABLE_INFORMATION */
			return CKR_ATTRIBUTE_VALUE_INVALID;
		out[i]->len += a[i].ulValueLen;
	}
	return CKR_OK;
}

/* One call where the values are as short as most are: each is a round trip to an HSM in the network. */
static CK_RV get_short(struct token *t, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE_TYPE *types, size_t n, struct buf *const out[])
{
	CK_ATTRIBUTE a[ATTRIBUTES_AT_ONCE];
	CK_RV rv;

	for (size_t i = 0; i < n; i++) {
		buf_reserve(out[i], SHORT_VALUE + 1);
		a[i] = (CK_ATTRIBUTE){ types[i], out[i]->data + out[i]->len, SHORT_VALUE };
	}
	rv = t->provider->calls->C_GetAttributeValue(t->session, object, a, n);
	return rv == CKR_OK ? take_values(a, n, SHORT_VALUE, out) : rv;
}

static CK_RV get_long(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *out)
{
	CK_ATTRIBUTE a = { type, NULL, 0 };
	CK_RV rv = t->provider->calls->C_GetAttributeValue(t->session, object, &a, 1);
	size_t room;

	if (rv != CKR_OK)
		return rv;
	room = a.ulValueLen;
	if (room > ATTRIBUTE_MAX) /* also CK_UNAVAILABLE_INFORMATION */
		return CKR_ATTRIBUTE_VALUE_INVALID;
	buf_reserve(out, room + 1);
	a.pValue = out->data + out->len;
	rv = t->provider->calls->C_GetAttributeValue(t->session, object, &a, 1);
	return rv == CKR_OK ? take_values(&a, 1, room, &out) : rv;
}

CK_RV object_get(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *out)
{
	CK_RV rv = get_short(t, object, &type, 1, &out);

	return rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID || is_lost(rv) ? rv : get_long(t, object, type, out);
}

/* ---- certificates ---- */

static struct span keep(struct pkcs11 *p, const struct buf *b)
{
	return span_from(arena_memdup(&p->slots, buf_str(b), b->len), b->len);
}

static CK_RV read_certificate(struct pkcs11 *p, struct token *t, CK_OBJECT_HANDLE object, struct token_certificate ***last)
{
	struct buf der = BUF_INIT, id = BUF_INIT;
	struct certificate_parts parts;
	CK_RV rv = get_short(t, object, (const CK_ATTRIBUTE_TYPE[]){ CKA_VALUE, CKA_ID }, 2, (struct buf *const[]){ &der, &id });

	if (rv != CKR_OK && !is_lost(rv)) { /* a long one, or one without the other */
		buf_clear(&der);
		rv = object_get(t, object, CKA_VALUE, &der);
		object_get(t, object, CKA_ID, &id); /* need not have one */
	}
	if (rv == CKR_OK || rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_ATTRIBUTE_TYPE_INVALID) {
		if (certificate_parts(span_from(buf_str(&der), der.len), &parts)) {
			struct token_certificate *c = arena_alloc(&p->slots, sizeof(*c));

			c->der = keep(p, &der);
			c->id = keep(p, &id);
			**last = c;
			*last = &c->next;
		} else {
			log_warning("%s: a certificate on it is broken; it is passed over", t->name);
		}
		rv = CKR_OK;
	}
	buf_release(&der);
	buf_release(&id);
	return rv;
}

int token_certificates(struct pkcs11 *p, struct token *t, struct error *err)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_CERTIFICATE_TYPE, &type, sizeof(type) } };
	struct token_certificate **last = &t->certificates;
	CK_OBJECT_HANDLE *objects;
	size_t n = 0;
	CK_RV rv;

	if (t->certificates_read)
		return 0;
	if (token_session(t, err) < 0)
		return E_TEMP;
	t->certificates = NULL;
	objects = mem_array(TOKEN_CERTIFICATES_MAX, sizeof(*objects));
	rv = objects_find(t, wanted, 2, objects, TOKEN_CERTIFICATES_MAX, &n);
	if (n == TOKEN_CERTIFICATES_MAX)
		log_warning("%s: more than %d certificates; the others are not seen", t->name, TOKEN_CERTIFICATES_MAX - 1);
	for (size_t i = 0; i < n && rv == CKR_OK; i++)
		rv = read_certificate(p, t, objects[i], &last);
	free(objects);
	t->certificates_read = rv == CKR_OK;
	return rv == CKR_OK ? 0 : token_failed(t, "reading its certificates", rv, err);
}

/* ---- the private key of a certificate ---- */

#define LOOK_MAX 16

struct look {
	struct token *t;
	struct span certificate;
	EVP_PKEY *public;
	CK_KEY_TYPE type;
	CK_OBJECT_HANDLE handle;
	bool by_id;
	CK_RV rv;              /* the first thing that went wrong, and was more than "no such attribute" */
};

/* Not every token can be searched by every attribute. */
static size_t find(struct look *k, CK_ATTRIBUTE *wanted, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	size_t found = 0;
	CK_RV rv = objects_find(k->t, wanted, n, out, LOOK_MAX, &found);

	if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_VALUE_INVALID &&
	    rv != CKR_TEMPLATE_INCONSISTENT && k->rv == CKR_OK)
		k->rv = rv;
	return rv == CKR_OK ? found : 0;
}

/* Private keys with this attribute, and what the URI says about the object (id, object). */
static size_t find_private(struct look *k, CK_ATTRIBUTE_TYPE type, struct span value, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[5] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &k->type, sizeof(k->type) },
				   { type, (void *)(uintptr_t)value.p, value.n } };
	CK_ULONG n = 3;
	static const CK_ATTRIBUTE_TYPE named[] = { CKA_ID, CKA_LABEL };

	for (size_t i = 0; i < 2; i++) {
		CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(k->t->wanted->uri, named[i]);

		if (a)
			wanted[n++] = *a;
	}
	return value.n ? find(k, wanted, n, out) : 0;
}

static bool same_modulus(struct look *k, CK_OBJECT_HANDLE key, struct span modulus, bool *unsure)
{
	struct buf n = BUF_INIT;
	bool same;

	*unsure = object_get(k->t, key, CKA_MODULUS, &n) != CKR_OK || n.len == 0;
	same = !*unsure && n.len == modulus.n && memcmp(n.data, modulus.p, n.len) == 0;
	buf_release(&n);
	return same;
}

static void look_by_modulus(struct look *k, struct span modulus)
{
	CK_OBJECT_HANDLE found[LOOK_MAX];

	if (find_private(k, CKA_MODULUS, modulus, found) > 0)
		k->handle = found[0];
}

/* The private key whose CKA_ID this is.  modulus: of RSA, empty else. */
static void look_by_id(struct look *k, struct span id, struct span modulus)
{
	CK_OBJECT_HANDLE found[LOOK_MAX];
	size_t n = find_private(k, CKA_ID, id, found);
	bool unsure = true;

	for (size_t i = 0; i < n && k->handle == CK_INVALID_HANDLE; i++)
		if ((modulus.n && same_modulus(k, found[i], modulus, &unsure)) || unsure) {
			k->handle = found[i];
			k->by_id = unsure;
		}
}

/* The public key object with this point says by its CKA_ID which private key it is. */
static void look_by_point(struct look *k, struct span point)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &k->type, sizeof(k->type) },
				  { CKA_EC_POINT, (void *)(uintptr_t)point.p, point.n } };
	CK_OBJECT_HANDLE found[LOOK_MAX];
	size_t n = find(k, wanted, 3, found);

	for (size_t i = 0; i < n && k->handle == CK_INVALID_HANDLE; i++) {
		struct buf id = BUF_INIT;

		if (object_get(k->t, found[i], CKA_ID, &id) == CKR_OK)
			look_by_id(k, span_from(buf_str(&id), id.len), span_from(NULL, 0));
		k->by_id = false; /* the public key stands between */
		buf_release(&id);
	}
}

/* A DER OCTET STRING, as PKCS#11 wants it, or the bare point, as some tokens have it. */
static void look_by_points(struct look *k)
{
	unsigned char point[2 * 66 + 1], wrapped[sizeof(point) + 4];
	size_t n = 0, header = 2;

	if (EVP_PKEY_get_octet_string_param(k->public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) <= 0 || n == 0)
		return;
	wrapped[0] = 0x04;
	if (n > 127) {
		wrapped[1] = 0x81;
		header = 3;
	}
	wrapped[header - 1] = (unsigned char)n;
	memcpy(wrapped + header, point, n);
	look_by_point(k, span_from(wrapped, header + n));
	if (k->handle == CK_INVALID_HANDLE)
		look_by_point(k, span_from(point, n));
}

static void look_by_key_id(struct look *k, struct span modulus)
{
	struct certificate *c = certificate_parse(k->certificate);
	struct buf id = BUF_INIT;

	if (c) {
		certificate_key_id(c, &id);
		look_by_id(k, span_from(buf_str(&id), id.len), modulus);
	}
	certificate_free(c);
	buf_release(&id);
}

static struct span modulus_of(EVP_PKEY *public, unsigned char *bytes, size_t max)
{
	BIGNUM *n = NULL;
	int size = 0;

	if (EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_N, &n) > 0 && (size_t)BN_num_bytes(n) <= max)
		size = BN_bn2bin(n, bytes);
	BN_free(n);
	return span_from(bytes, (size_t)size);
}

int object_private_key(struct token *t, struct span certificate, EVP_PKEY *public, struct span id, CK_OBJECT_HANDLE *handle,
		       bool *by_id, struct error *err)
{
	bool rsa = EVP_PKEY_is_a(public, "RSA") || EVP_PKEY_is_a(public, "RSA-PSS");
	struct look k = { .t = t, .certificate = certificate, .public = public, .type = rsa ? CKK_RSA : CKK_EC,
			  .handle = CK_INVALID_HANDLE };
	struct span modulus = span_from(NULL, 0);
	unsigned char bytes[16384 / 8];

	*handle = CK_INVALID_HANDLE;
	*by_id = false;
	if (!rsa && !EVP_PKEY_is_a(public, "EC"))
		return 0; /* of a kind that nothing asks for */
	if (rsa) {
		modulus = modulus_of(public, bytes, sizeof(bytes));
		look_by_modulus(&k, modulus);
	} else {
		look_by_points(&k);
	}
	if (k.handle == CK_INVALID_HANDLE)
		look_by_id(&k, id, modulus);
	if (k.handle == CK_INVALID_HANDLE)
		look_by_key_id(&k, modulus);
	ERR_clear_error();
	*handle = k.handle;
	*by_id = k.by_id;
	return k.handle == CK_INVALID_HANDLE && k.rv != CKR_OK ? token_failed(t, "looking for a key", k.rv, err) : 0;
}
