/* decrypt.c - one (auth)enveloped layer: the recipient first, then its content key, then the content
 *
 * OpenSSL's CMS_decrypt tries every recipient and hides what failed behind a random key.  Here the recipient is
 * chosen by its identifier before any private key is used, passwords and symmetric keys are never tried, and
 * what failed is known.  It is told only where telling is safe: with RSA PKCS#1 v1.5 a bad padding, a content key
 * of the wrong length and damaged content say the same in the layer (RFC 3218), and so do a bad last block of CBC
 * and content that is no MIME entity (an answer to either is an oracle).  The log has the details.
 */
#include <openssl/err.h>
#include <openssl/provider.h>

#include "lib/log.h"
#include "lib/openssl.h"
#include "smime/layer.h"

#define CANDIDATES_MAX 16
#define PIECE ((size_t)64 * 1024)

struct recipient {
	CMS_RecipientInfo *info;
	CMS_RecipientEncryptedKey *part; /* of a key agreement; NULL: key transport */
	const char *management;
	const char *unsupported;         /* NULL or a word */
	bool silent;                     /* PKCS#1 v1.5: say nothing about the content key */
};

struct recipients {
	struct recipient *r;
	struct certificate_id *ids;
	size_t n, cap;
	const char *other;               /* a kind we never try */
};

/* The one sentence for everything that must not be told apart. */
static const char *damaged(const struct cms_shape *shape)
{
	return shape->aead ? "cannot be decrypted: damaged, altered or wrongly encrypted" :
			     "does not decrypt to one well-formed MIME entity: damaged, altered or wrongly encrypted";
}

static void add(struct arena *a, struct recipients *rs, const struct recipient *r, const struct certificate_id *id)
{
	if (rs->n == rs->cap) {
		size_t cap = rs->cap ? rs->cap * 2 : 16;
		struct recipient *more = arena_array(a, cap, sizeof(*more));
		struct certificate_id *ids = arena_array(a, cap, sizeof(*ids));

		if (rs->n) {
			memcpy(more, rs->r, rs->n * sizeof(*more));
			memcpy(ids, rs->ids, rs->n * sizeof(*ids));
		}
		rs->r = more;
		rs->ids = ids;
		rs->cap = cap;
	}
	rs->r[rs->n] = *r;
	rs->ids[rs->n++] = *id;
}

static void add_transport(struct opening *o, struct recipients *rs, CMS_RecipientInfo *info)
{
	ASN1_OCTET_STRING *key_id = NULL;
	X509_NAME *issuer = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;
	struct certificate_id id;
	struct recipient r = { .info = info, .management = "" };

	if (!CMS_RecipientInfo_ktri_get0_signer_id(info, &key_id, &issuer, &serial) ||
	    !CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm))
		return;
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	switch (OBJ_obj2nid(oid)) {
	case NID_rsaEncryption:
		r.management = "rsa-pkcs1";
		r.silent = true;
		break;
	case NID_rsaesOaep:
		r.management = "rsa-oaep";
		break;
	default:
		r.management = algorithm_name(o->arena, oid);
		r.unsupported = r.management;
	}
	identifier_make(o->arena, issuer, serial, key_id, &id);
	add(o->arena, rs, &r, &id);
}

/* "ecdh", "dh", or what OpenSSL cannot do (RFC 8418, 5753) */
static void name_agreement(struct opening *o, CMS_RecipientInfo *info, struct recipient *r)
{
	X509_ALGOR *algorithm = NULL, *public_algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;
	ASN1_OCTET_STRING *ukm = NULL;
	int nid = NID_undef;

	r->management = "ecdh";
	if (CMS_RecipientInfo_kari_get0_orig_id(info, &public_algorithm, NULL, NULL, NULL, NULL) && public_algorithm) {
		X509_ALGOR_get0(&oid, NULL, NULL, public_algorithm);
		nid = OBJ_obj2nid(oid);
	}
	if (nid == NID_X25519 || nid == NID_X448) {
		r->management = algorithm_name(o->arena, oid);
		r->unsupported = nid == NID_X25519 ? "X25519 recipient" : "X448 recipient";
		return;
	}
	if (!CMS_RecipientInfo_kari_get0_alg(info, &algorithm, &ukm) || !algorithm)
		return;
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	nid = OBJ_obj2nid(oid);
	if (nid == NID_id_smime_alg_ESDH) {
		r->management = "dh";
	} else if (nid == NID_undef) { /* all of RFC 5753 are known */
		r->management = algorithm_name(o->arena, oid);
		r->unsupported = arena_printf(o->arena, "key agreement %s", r->management);
	}
}

static void add_agreement(struct opening *o, struct recipients *rs, CMS_RecipientInfo *info)
{
	STACK_OF(CMS_RecipientEncryptedKey) *parts = CMS_RecipientInfo_kari_get0_reks(info);
	struct recipient r = { .info = info };

	name_agreement(o, info, &r);
	for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(parts) && rs->n < RECIPIENTS_MAX; i++) {
		ASN1_OCTET_STRING *key_id = NULL;
		X509_NAME *issuer = NULL;
		ASN1_INTEGER *serial = NULL;
		struct certificate_id id;

		r.part = sk_CMS_RecipientEncryptedKey_value(parts, i);
		if (!CMS_RecipientEncryptedKey_get0_id(r.part, &key_id, NULL, NULL, &issuer, &serial))
			continue;
		identifier_make(o->arena, issuer, serial, key_id, &id);
		add(o->arena, rs, &r, &id);
	}
}

/* Only what a certificate can identify.  Passwords and key-encryption keys are never given to OpenSSL: a
 * PasswordRecipientInfo without key derivation would crash it. */
static void collect(struct opening *o, CMS_ContentInfo *cms, struct recipients *rs)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
		CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);

		switch (CMS_RecipientInfo_type(info)) {
		case CMS_RECIPINFO_TRANS:
			add_transport(o, rs, info);
			break;
		case CMS_RECIPINFO_AGREE:
			add_agreement(o, rs, info);
			break;
		case CMS_RECIPINFO_KEK:
			rs->other = "key-encryption-key recipient";
			break;
		case CMS_RECIPINFO_PASS:
			rs->other = "password recipient";
			break;
		default:
			rs->other = "recipient of another kind (key encapsulation)";
		}
	}
}

/* The content key goes into the CMS object.  OpenSSL is told to fail openly: we decide what is shown. */
static bool unwrap(CMS_ContentInfo *cms, const struct recipient *r, EVP_PKEY *key)
{
	bool ok;

	if (!CMS_decrypt(cms, NULL, NULL, NULL, NULL, CMS_DEBUG_DECRYPT))
		return false;
	if (r->part) {
		ok = CMS_RecipientInfo_kari_set0_pkey(r->info, key) &&
		     CMS_RecipientInfo_kari_decrypt(cms, r->info, r->part) > 0;
		CMS_RecipientInfo_kari_set0_pkey(r->info, NULL);
		return ok;
	}
	EVP_PKEY_up_ref(key);
	if (!CMS_RecipientInfo_set0_pkey(r->info, key)) {
		EVP_PKEY_free(key);
		return false;
	}
	return CMS_RecipientInfo_decrypt(cms, r->info) > 0;
}

/* Everything there is to read; > 0 on success, 0 when a block or the tag is bad. */
static int copy_content(struct opening *o, BIO *from, struct scratch_piece *piece)
{
	char *bytes = mem_alloc(PIECE);
	int rc = 1;

	for (;;) {
		int n = BIO_read(from, bytes, (int)PIECE);

		if (n <= 0) {
			if (n < 0 || (BIO_method_type(from) == BIO_TYPE_CIPHER && BIO_get_cipher_status(from) <= 0))
				rc = 0;
			break;
		}
		rc = scratch_add(o, piece, bytes, (size_t)n);
		if (rc < 0)
			break;
		rc = 1;
	}
	mem_wipe(bytes, PIECE);
	free(bytes);
	return rc;
}

static void log_failure(const char *what, const struct recipient *r)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = openssl_reason(code);

	log_info("decrypting (%s): %s: %s", r->management, what, reason ? reason : "no reason given");
}

/* What is said when no content came out. */
static void content_failed(struct opening *o, const struct cms_shape *shape, const struct recipient *r,
			   struct layer *l)
{
	unsigned long code = ERR_peek_last_error();
	bool length = ERR_GET_LIB(code) == ERR_LIB_CMS && ERR_GET_REASON(code) == CMS_R_INVALID_KEY_LENGTH;

	log_failure("content", r);
	if (!r->silent && length)
		layer_set(o, l, LAYER_MALFORMED, "the content key's length contradicts %s", shape->cipher);
	else if (!r->silent && shape->aead)
		layer_set(o, l, LAYER_MALFORMED, "the authentication tag is wrong: damaged or altered");
	else
		layer_set(o, l, LAYER_MALFORMED, "%s", damaged(shape));
}

static int decrypt_content(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape,
			   const struct recipient *r, struct layer *l, struct span *content)
{
	struct scratch_piece piece;
	const char *objection = NULL;
	BIO *from;
	int rc = scratch_begin(o, &piece);

	if (rc < 0)
		return rc;
	from = CMS_dataInit(cms, NULL);
	rc = from ? copy_content(o, from, &piece) : 0;
	BIO_free_all(from);
	if (rc > 0)
		rc = scratch_finish(o, &piece, content) < 0 ? E_TEMP : 1;
	if (rc == 0)
		content_failed(o, shape, r, l);
	if (rc > 0 && !shape->aead)
		objection = plaintext_objection(o, *content, &rc);
	if (rc > 0 && objection) {
		log_info("decrypted (%s): %s", shape->cipher, objection);
		layer_set(o, l, LAYER_MALFORMED, "%s", damaged(shape));
	} else if (rc > 0) {
		layer_set(o, l, LAYER_OPEN, "%s", "");
		return 0;
	}
	*content = span_from("", 0);
	scratch_drop(o, &piece);
	return rc < 0 ? rc : 0;
}

static enum layer_status waiting_status(int rc)
{
	return rc == E_LOCKED ? LAYER_LOCKED : LAYER_TEMPORARY;
}

static bool is_waiting(const struct layer *l)
{
	return l->status == LAYER_LOCKED || l->status == LAYER_TEMPORARY;
}

/* The first counts, but what may open later by itself need not wait for a person, who is told of each key that would do. */
static void note_waiting(struct opening *o, const struct layer *l, enum layer_status *waiting, const char **why)
{
	if (l->status == LAYER_LOCKED && *waiting == LAYER_LOCKED && strcmp(*why, l->why) != 0)
		*why = arena_printf(o->arena, "%s; or %s", *why, l->why);
	if (!is_waiting(l) || (*waiting != LAYER_OPEN && l->status != LAYER_TEMPORARY) || *waiting == LAYER_TEMPORARY)
		return;
	*waiting = l->status;
	*why = l->why;
}

/* *next: another recipient may do better, also where the content key could be had: if only a bad padding led to the next one, a
 * second recipient of ours would tell it from a key that fits nothing (RFC 3218). */
static int try_recipient(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape,
			 const struct recipient *r, EVP_PKEY *key, struct layer *l, struct span *content, bool *next)
{
	struct error trouble = { 0 };
	int waits, rc;

	*next = true;
	l->key_management = r->management;
	if (r->unsupported) {
		layer_set(o, l, LAYER_UNSUPPORTED, "unsupported: %s", r->unsupported);
		return 0;
	}
	ERR_clear_error();
	if (unwrap(cms, r, key)) {
		rc = decrypt_content(o, cms, shape, r, l, content);
		*next = l->status != LAYER_OPEN;
		return rc;
	}
	log_failure("content key", r);
	waits = o->calls->key_trouble ? o->calls->key_trouble(o->calls->ctx, &trouble) : 0;
	if (waits < 0)
		layer_set(o, l, waiting_status(waits), "%s", trouble.text);
	else if (r->silent)
		layer_set(o, l, LAYER_MALFORMED, "%s", damaged(shape));
	else
		layer_set(o, l, LAYER_MALFORMED, "the content key cannot be unwrapped (%s)", r->management);
	return 0;
}

static int try_candidates(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape,
			  const struct recipients *rs, struct layer *l, struct span *content)
{
	enum layer_status waiting = LAYER_OPEN; /* what an earlier candidate waits for: a later one may open, but not condemn */
	const char *why = "";
	bool next = true;

	layer_set(o, l, LAYER_NO_KEY, "it is not encrypted for a certificate of ours (recipients: %zu)", shape->recipients);
	for (size_t skip = 0; next && skip < CANDIDATES_MAX; skip++) {
		X509 *certificate = NULL;
		EVP_PKEY *key = NULL;
		struct error trouble = { 0 };
		size_t which = 0;
		int rc = o->calls->find_key(o->calls->ctx, rs->ids, rs->n, skip, &which, &certificate, &key, &trouble);

		if (rc < 0 && rc != E_NOTFOUND)
			layer_set(o, l, waiting_status(rc), "%s", trouble.text);
		if (rc == 0 && (which >= rs->n || !key))
			rc = E_NOTFOUND;
		next = rc == 0;
		rc = rc == 0 ? try_recipient(o, cms, shape, &rs->r[which], key, l, content, &next) : 0;
		EVP_PKEY_free(key);
		X509_free(certificate);
		if (rc < 0)
			return rc;
		note_waiting(o, l, &waiting, &why);
	}
	if (waiting != LAYER_OPEN && l->status != LAYER_OPEN)
		layer_set(o, l, waiting, "%s", why);
	return 0;
}

int layer_decrypt(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape, struct layer *l,
		  struct span *content)
{
	struct recipients rs = { 0 };
	OSSL_PROVIDER *legacy = NULL;
	int rc = 0;

	*content = span_from("", 0);
	collect(o, cms, &rs);
	if (!rs.n) {
		layer_set(o, l, rs.other ? LAYER_UNSUPPORTED : LAYER_MALFORMED, "%s%s", rs.other ? "unsupported: " : "",
			  rs.other ? rs.other : "no recipient can be read");
		return 0;
	}
	if (shape->legacy && !(legacy = OSSL_PROVIDER_try_load(o->ctx, "legacy", 1))) {
		layer_set(o, l, LAYER_UNSUPPORTED, "unsupported: %s", shape->cipher);
		goto out;
	}
	rc = try_candidates(o, cms, shape, &rs, l, content);
out:
	OSSL_PROVIDER_unload(legacy);
	ERR_clear_error();
	return rc;
}
