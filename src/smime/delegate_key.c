/* delegate_key.c - key objects of the delegating provider (OSSL_OP_KEYMGMT)
 *
 * A key is the public half, as a key of the default provider, and the name of the private half.  The
 * private half is never exported: that is also how OpenSSL learns that it must use our operations and
 * not the default provider's.
 */
#include "smime/delegate_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "lib/mem.h"

static struct delegated *delegated_new(struct provider *p, const char *type)
{
	struct delegated *key = mem_alloc(sizeof(*key));

	key->references = 1;
	key->provider = p;
	key->type = type;
	return key;
}

static void *new_rsa(void *provctx)
{
	return delegated_new(provctx, "RSA");
}

static void *new_rsa_pss(void *provctx)
{
	return delegated_new(provctx, "RSA-PSS");
}

static void *new_ec(void *provctx)
{
	return delegated_new(provctx, "EC");
}

struct delegated *delegated_hold(struct delegated *key)
{
	key->references++;
	return key;
}

void delegated_release(struct delegated *key)
{
	if (!key || --key->references > 0)
		return;
	EVP_PKEY_free(key->public);
	free(key->id);
	free(key);
}

static void key_free(void *keydata)
{
	delegated_release(keydata);
}

static int key_has(const void *keydata, int selection)
{
	const struct delegated *key = keydata;

	if (!key || !key->public)
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) && !key->id)
		return 0;
	return !(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) || key->has_point;
}

/* Also called by OpenSSL with the public half of other providers' keys, to compare them with ours. */
static int key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	struct delegated *key = keydata;
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, DELEGATE_PARAM_KEY_ID);
	bool with_point = selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
	const char *name = NULL;
	EVP_PKEY_CTX *ctx;
	int ok;

	if (!key || key->public || (id && !OSSL_PARAM_get_utf8_string_ptr(id, &name)))
		return 0;
	ctx = EVP_PKEY_CTX_new_from_name(key->provider->ctx, key->type, "provider=default");
	ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &key->public, with_point ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS,
			       (OSSL_PARAM *)(uintptr_t)params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return 0;
	key->has_point = with_point;
	if (name)
		key->id = mem_strdup(name);
	return 1;
}

static int key_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
	struct delegated *key = keydata;

	if (!key || !key->public || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return 0;
	return EVP_PKEY_export(key->public, selection, callback, arg);
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct delegated *one = a, *other = b;

	if (!one->public || !other->public)
		return 0;
	if (selection & OSSL_KEYMGMT_SELECT_KEYPAIR)
		return one->has_point && other->has_point && EVP_PKEY_eq(one->public, other->public) == 1;
	return EVP_PKEY_parameters_eq(one->public, other->public) == 1;
}

static int key_validate(const void *keydata, int selection, int checktype)
{
	const struct delegated *key = keydata;
	EVP_PKEY_CTX *ctx;
	int ok = 1;

	if (!key_has(keydata, selection))
		return 0;
	if (!(ctx = EVP_PKEY_CTX_new_from_pkey(key->provider->ctx, key->public, "provider=default")))
		return 0;
	if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
		ok = EVP_PKEY_public_check(ctx) == 1;
	else if (selection & OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS)
		ok = EVP_PKEY_param_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void *key_dup(const void *keydata, int selection)
{
	const struct delegated *from = keydata;
	struct delegated *key = delegated_new(from->provider, from->type);
	bool with_point = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) && from->has_point;

	if (!from->public)
		return key;
	if (with_point)
		key->public = EVP_PKEY_dup(from->public);
	else if ((key->public = EVP_PKEY_new()) && EVP_PKEY_copy_parameters(key->public, from->public) != 1) {
		EVP_PKEY_free(key->public);
		key->public = NULL;
	}
	if (!key->public) {
		delegated_release(key);
		return NULL;
	}
	key->has_point = with_point;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) && from->id)
		key->id = mem_strdup(from->id);
	return key;
}

static int key_get_params(void *keydata, OSSL_PARAM params[])
{
	struct delegated *key = keydata;

	return key && key->public && EVP_PKEY_get_params(key->public, params) == 1;
}

static const OSSL_PARAM *key_gettable(void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return gettable;
}

/* CMS makes the originator's key from our parameters when the message leaves them out (RFC 5753 7.2). */
static int ec_set_params(void *keydata, const OSSL_PARAM params[])
{
	struct delegated *key = keydata;

	if (!key || !key->public || key->id)
		return 0;
	if (EVP_PKEY_set_params(key->public, (OSSL_PARAM *)(uintptr_t)params) != 1)
		return 0;
	if (OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY))
		key->has_point = true;
	return 1;
}

static const OSSL_PARAM *ec_settable(void *provctx)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return settable;
}

static const OSSL_PARAM rsa_types[] = {
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	OSSL_PARAM_utf8_string(DELEGATE_PARAM_KEY_ID, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM ec_types[] = {
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	OSSL_PARAM_utf8_string(DELEGATE_PARAM_KEY_ID, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM *rsa_transfer(int selection)
{
	return rsa_types;
}

static const OSSL_PARAM *ec_transfer(int selection)
{
	return ec_types;
}

static const char *rsa_operation(int operation)
{
	return "RSA";
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : operation == OSSL_OP_KEYEXCH ? "ECDH" : NULL;
}

#define KEY_FUNCTIONS \
	{ OSSL_FUNC_KEYMGMT_FREE, FUNCTION(key_free) }, \
	{ OSSL_FUNC_KEYMGMT_HAS, FUNCTION(key_has) }, \
	{ OSSL_FUNC_KEYMGMT_IMPORT, FUNCTION(key_import) }, \
	{ OSSL_FUNC_KEYMGMT_EXPORT, FUNCTION(key_export) }, \
	{ OSSL_FUNC_KEYMGMT_MATCH, FUNCTION(key_match) }, \
	{ OSSL_FUNC_KEYMGMT_VALIDATE, FUNCTION(key_validate) }, \
	{ OSSL_FUNC_KEYMGMT_DUP, FUNCTION(key_dup) }, \
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, FUNCTION(key_get_params) }, \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, FUNCTION(key_gettable) }

#define RSA_FUNCTIONS \
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FUNCTION(rsa_transfer) }, \
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FUNCTION(rsa_transfer) }, \
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FUNCTION(rsa_operation) }

const OSSL_DISPATCH delegate_rsa_functions[] = {
	KEY_FUNCTIONS,
	RSA_FUNCTIONS,
	{ OSSL_FUNC_KEYMGMT_NEW, FUNCTION(new_rsa) },
	{ 0, NULL },
};

const OSSL_DISPATCH delegate_rsa_pss_functions[] = {
	KEY_FUNCTIONS,
	RSA_FUNCTIONS,
	{ OSSL_FUNC_KEYMGMT_NEW, FUNCTION(new_rsa_pss) },
	{ 0, NULL },
};

const OSSL_DISPATCH delegate_ec_functions[] = {
	KEY_FUNCTIONS,
	{ OSSL_FUNC_KEYMGMT_SET_PARAMS, FUNCTION(ec_set_params) },
	{ OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, FUNCTION(ec_settable) },
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FUNCTION(ec_transfer) },
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FUNCTION(ec_transfer) },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FUNCTION(ec_operation) },
	{ OSSL_FUNC_KEYMGMT_NEW, FUNCTION(new_ec) },
	{ 0, NULL },
};
