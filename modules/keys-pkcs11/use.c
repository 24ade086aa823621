/* use.c - "sign", "unwrap" and "agree" with keys that never leave their token
 *
 * An unwrap that fails says so in one way only, whatever was wrong inside, in the answer and in the log: else a stranger could
 * have the token decrypt for him, one guess at a time (RFC 8017 section 7.2.2, RFC 3218).  What is told is only what does not
 * depend on the bytes that he sent.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "common/key_request.h"
#include "common/whose.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/log.h"

#define OUTPUT_MAX 2048

/* ---- one call ---- */

/* The PIN once more, for keys that want it (CKA_ALWAYS_AUTHENTICATE). */
static CK_RV give_pin(struct operation *o)
{
	struct token *t = o->key->token;

	if (!o->key->again || token_login_again(o->s, t, o->err) == 0)
		return CKR_OK;
	o->told = true;
	token_end_session(t); /* and with it the operation that was begun */
	o->key->generation = 0;
	return CKR_USER_NOT_LOGGED_IN;
}

CK_RV operate_sign(struct operation *o, CK_MECHANISM *m, struct span in, struct buf *out)
{
	struct token *t = o->key->token;
	CK_ULONG n = OUTPUT_MAX;
	CK_RV rv = t->provider->calls->C_SignInit(t->session, m, o->key->handle);

	o->begun = rv == CKR_OK;
	if (rv == CKR_OK)
		rv = give_pin(o);
	if (rv != CKR_OK)
		return rv;
	buf_reserve(out, n + 1);
	rv = t->provider->calls->C_Sign(t->session, (CK_BYTE *)(uintptr_t)in.p, in.n, (CK_BYTE *)out->data, &n);
	if (rv == CKR_OK)
		out->len = n;
	return rv;
}

CK_RV operate_decrypt(struct operation *o, CK_MECHANISM *m, struct span in, struct buf *out)
{
	struct token *t = o->key->token;
	CK_ULONG n = OUTPUT_MAX;
	CK_RV rv = t->provider->calls->C_DecryptInit(t->session, m, o->key->handle);

	o->begun = rv == CKR_OK;
	if (rv == CKR_OK)
		rv = give_pin(o);
	if (rv != CKR_OK)
		return rv;
	buf_reserve(out, n + 1);
	rv = t->provider->calls->C_Decrypt(t->session, (CK_BYTE *)(uintptr_t)in.p, in.n, (CK_BYTE *)out->data, &n);
	if (rv == CKR_OK)
		out->len = n;
	return rv;
}

/* The second kind is said of other things, too, once an operation has begun. */
bool is_unsupported(const struct operation *o, CK_RV rv)
{
	return rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID ||
	       (!o->begun && (rv == CKR_ARGUMENTS_BAD || rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_KEY_TYPE_INCONSISTENT));
}

/* ---- what failed ---- */

/* Some tokens say these of wrong data, some of themselves. */
static bool is_vague(CK_RV rv)
{
	return rv == CKR_DEVICE_ERROR || rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_DEVICE_MEMORY ||
	       rv == CKR_HOST_MEMORY;
}

static bool went_away(const struct operation *o, CK_RV rv)
{
	return is_lost(rv) || (is_vague(rv) && !token_alive(o->key->token));
}

/* What the key must be allowed to do, as the programs that put keys on tokens call it. */
static const char *permission(const struct operation *o, CK_RV rv)
{
	if (rv != CKR_KEY_FUNCTION_NOT_PERMITTED)
		return "the secret that it derives cannot be read (CKA_SENSITIVE, CKA_EXTRACTABLE)";
	return o->request->mechanism == KEY_ECDH ? "CKA_DERIVE is not set" : o->unwrap ? "CKA_DECRYPT is not set" : "CKA_SIGN is not set";
}

static int cannot(struct operation *o, CK_RV rv)
{
	const struct token *t = o->key->token;

	if (rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_KEY_UNEXTRACTABLE) {
		o->s->code = "configuration";
		return error_set(o->err, E_CONFIG, "%s: it does not allow %s with the private key of %s: %s", t->name, o->request->name,
				 keys_whose(o->s, o->key->der), permission(o, rv));
	}
	o->s->code = "bad-request";
	return error_set(o->err, E_PERM, "%s: %s with the private key of %s: %s", t->name, o->request->name,
			 keys_whose(o->s, o->key->der), p11_kit_strerror(rv));
}

static bool is_refused(const struct operation *o, CK_RV rv)
{
	return is_unsupported(o, rv) || rv == CKR_KEY_FUNCTION_NOT_PERMITTED || rv == CKR_KEY_SIZE_RANGE ||
	       rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_KEY_UNEXTRACTABLE;
}

static int judge(struct operation *o, CK_RV rv)
{
	if (o->told)
		return o->err->code;
	if (went_away(o, rv))
		return token_failed(o->key->token, o->request->name, rv, o->err);
	if (is_refused(o, rv))
		return cannot(o, rv);
	if (o->request->mechanism == KEY_RSA_OAEP || (o->request->mechanism == KEY_RSA_PKCS1 && o->unwrap)) {
		o->s->code = "unwrap-failed";
		return error_set(o->err, E_PERM, "%s: this key does not open it", o->request->name);
	}
	return token_failed(o->key->token, o->request->name, rv, o->err);
}

/* ---- attempts ---- */

static bool fits(const struct operation *o)
{
	bool ec = o->request->mechanism == KEY_ECDSA || o->request->mechanism == KEY_ECDH;

	if (ec)
		return EVP_PKEY_is_a(o->key->public, "EC");
	return EVP_PKEY_is_a(o->key->public, "RSA") ||
	       (o->request->mechanism == KEY_RSA_PSS && EVP_PKEY_is_a(o->key->public, "RSA-PSS"));
}

/* *again: the token went away, and a new look may find it. */
static int attempt(struct operation *o, CK_RV (*perform)(struct operation *), bool *again)
{
	CK_RV rv;
	int rc = own_key_get(o->s, o->request->key, &o->key, o->err);

	*again = rc == E_TEMP;
	if (rc < 0)
		return rc;
	if (!fits(o)) {
		o->s->code = "bad-request";
		return error_set(o->err, E_PERM, "%s: not with this kind of key", o->request->name);
	}
	rv = perform(o);
	ERR_clear_error();
	*again = rv != CKR_OK && !o->told && went_away(o, rv);
	return rv == CKR_OK ? 0 : judge(o, rv);
}

static int run(struct operation *o, CK_RV (*perform)(struct operation *))
{
	bool again;
	int rc = attempt(o, perform, &again);

	if (rc < 0 && again) {
		log_warning("%s; looking for the token once more", o->err->text);
		o->s->code = NULL;
		buf_wipe(&o->out);
		tokens_close(o->s->state);
		rc = attempt(o, perform, &again);
	}
	return rc;
}

/* ---- sign ---- */

static bool verifies(const struct operation *o)
{
	const struct key_request *r = o->request;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(o->key->public, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) > 0;

	if (good && r->mechanism != KEY_ECDSA)
		good = EVP_PKEY_CTX_set_rsa_padding(ctx, r->mechanism == KEY_RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_signature_md(ctx, r->digest) > 0;
	if (good && r->mechanism == KEY_RSA_PSS)
		good = EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, r->mgf) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)r->salt_length) > 0;
	good = good && EVP_PKEY_verify(ctx, (const unsigned char *)o->out.data, o->out.len, (const unsigned char *)r->input.data,
				       r->input.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* Where only an identifier says that key and certificate belong together, the first signature is looked at. */
static int prove(struct operation *o)
{
	if (!o->key->by_id)
		return 0;
	o->key->by_id = !verifies(o);
	if (!o->key->by_id)
		return 0;
	o->s->code = "configuration";
	return error_set(o->err, E_CONFIG, "%s: the private key with the CKA_ID of the certificate of %s is not that certificate's",
			 o->key->token->name, keys_whose(o->s, o->key->der));
}

int pkcs11_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	static CK_RV (*const perform[])(struct operation *) = {
		[KEY_RSA_PKCS1] = rsa_sign_pkcs1, [KEY_RSA_PSS] = rsa_sign_pss, [KEY_ECDSA] = ec_sign,
	};
	struct key_request r;
	struct operation o = { .s = s, .request = &r, .err = err };
	int rc = key_request_sign(s, request, &r, err);

	if (rc == 0)
		rc = run(&o, perform[r.mechanism]);
	if (rc == 0)
		rc = prove(&o);
	if (rc == 0)
		key_answer_signature(w, span_from(o.out.data, o.out.len));
	buf_wipe(&o.out);
	key_request_release(&r);
	return rc;
}

/* ---- unwrap, agree ---- */

static int answer_secret(struct operation *o, CK_RV (*perform)(struct operation *), struct xml_writer *w)
{
	int rc = run(o, perform);

	if (rc == 0 && o->out.len == 0) /* an empty content key opens nothing either */
		rc = judge(o, CKR_ENCRYPTED_DATA_INVALID);
	if (rc == 0)
		key_answer_secret(w, span_from(o->out.data, o->out.len));
	buf_wipe(&o->out);
	return rc;
}

int pkcs11_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct key_request r;
	struct operation o = { .s = s, .request = &r, .unwrap = true, .err = err };
	int rc = key_request_unwrap(s, request, &r, err);

	if (rc == 0)
		rc = answer_secret(&o, r.mechanism == KEY_RSA_OAEP ? rsa_unwrap_oaep : rsa_unwrap_pkcs1, w);
	key_request_release(&r);
	return rc;
}

int pkcs11_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct key_request r;
	struct operation o = { .s = s, .request = &r, .err = err };
	int rc = key_request_agree(s, request, &r, err);

	if (rc == 0)
		rc = answer_secret(&o, ec_agree, w);
	key_request_release(&r);
	return rc;
}
