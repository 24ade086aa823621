/* own_key.c - the keys that find-keys has named, and where they are at this moment
 *
 * A key is its certificate; on which token the private half is, and under which handle, is looked for again whenever what was
 * known of the slots has been thrown away.  So a token may come back in another slot, and a second one with the same key
 * stands in for the first.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/certificate.h"
#include "common/marks.h"
#include "common/whose.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/log.h"

/* ---- for people ---- */

const char *token_source(struct server *s, const struct token *t, const struct token_certificate *c)
{
	P11KitUri *uri = p11_kit_uri_new();
	CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(uri);
	const char *out = t->name;
	char *text = NULL;

	memcpy(info->label, t->info.label, sizeof(info->label));
	if (c && c->id.n) {
		CK_ATTRIBUTE id = { CKA_ID, (void *)(uintptr_t)c->id.p, c->id.n };

		p11_kit_uri_set_attribute(uri, &id);
	}
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) == P11_KIT_URI_OK)
		out = arena_strdup(&s->arena, text);
	free(text);
	p11_kit_uri_free(uri);
	return out;
}

/* ---- where it is ---- */

static const struct token_certificate *its_certificate(const struct token *t, struct span der)
{
	const struct token_certificate *c = t->certificates;

	while (c && !span_eq(c->der, der))
		c = c->next;
	return c;
}

static bool needs_login(const struct token *t)
{
	return (t->info.flags & CKF_LOGIN_REQUIRED) && !t->logged_in;
}

static int look_at(struct server *s, struct own_key *k, struct token *t, struct error *err)
{
	const struct token_certificate *c = its_certificate(t, k->der);
	struct buf again = BUF_INIT;
	int rc = token_login(s, t, err);

	if (rc == 0)
		rc = object_private_key(t, k->der, k->public, c ? c->id : span_from(NULL, 0), &k->handle, &k->by_id, err);
	if (rc < 0 || k->handle == CK_INVALID_HANDLE)
		return rc;
	k->again = object_get(t, k->handle, CKA_ALWAYS_AUTHENTICATE, &again) == CKR_OK && again.len && *again.data;
	buf_release(&again);
	k->token = t;
	k->generation = ((struct pkcs11 *)s->state)->generation;
	return 0;
}

/* The token that has the certificate first, then those that are open already, so that as few as possible are logged in to.  One
 * that cannot be asked is an error only if no other has the key. */
static int locate(struct server *s, struct own_key *k, struct error *err)
{
	struct pkcs11 *p = s->state;
	struct error first = { 0 };
	const char *code = NULL;

	k->generation = 0;
	for (int pass = 0; pass < 3; pass++)
		for (struct token *t = p->tokens; t && !k->generation; t = t->next) {
			struct error e = { 0 };

			if (pass != (its_certificate(t, k->der) ? 0 : needs_login(t) ? 2 : 1))
				continue;
			s->code = NULL;
			if (look_at(s, k, t, &e) < 0 && !first.code) {
				first = e;
				code = s->code;
			}
		}
	s->code = k->generation ? NULL : code;
	if (!k->generation && code && strcmp(code, "passphrase-needed") == 0)
		return error_set(err, first.code, "the private key of %s: %s", keys_whose(s, k->der), first.text);
	if (!k->generation && first.code)
		return error_set(err, first.code, "%s", first.text);
	if (k->generation && first.code)
		log_warning("%s", first.text);
	return 0;
}

/* ---- those that are known ---- */

static EVP_PKEY *public_key(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	EVP_PKEY *key = x ? X509_get_pubkey(x) : NULL;

	X509_free(x);
	ERR_clear_error();
	return key;
}

/* Asked for once: OpenSSL writes out the whole curve to tell the order. */
static void measure(struct own_key *k)
{
	BIGNUM *order = NULL;

	k->size = ((size_t)EVP_PKEY_get_bits(k->public) + 7) / 8;
	if (EVP_PKEY_is_a(k->public, "EC") && EVP_PKEY_get_bn_param(k->public, OSSL_PKEY_PARAM_EC_ORDER, &order) > 0)
		k->order = (size_t)BN_num_bytes(order);
	BN_free(order);
}

static struct own_key *remember(struct pkcs11 *p, struct span der)
{
	struct own_key *k = p->keys;
	EVP_PKEY *public;

	while (k && !span_eq(k->der, der))
		k = k->next;
	if (k)
		return k;
	public = public_key(der);
	if (!public)
		return NULL;
	k = arena_alloc(&p->arena, sizeof(*k));
	snprintf(k->id, sizeof(k->id), "p%u-%08x", ++p->nkeys, (unsigned)(mark_hash(der.p, der.n) & 0xffffffffu));
	k->der = span_from(arena_memdup(&p->arena, der.p, der.n), der.n);
	k->public = public;
	measure(k);
	k->next = p->keys;
	p->keys = k;
	return k;
}

int own_key_look(struct server *s, struct span der, struct own_key **out, struct error *err)
{
	struct pkcs11 *p = s->state;
	struct own_key *k = remember(p, der);
	int rc = 0;

	*out = NULL;
	if (k && k->generation != p->generation)
		rc = locate(s, k, err);
	if (rc == 0 && k && k->generation == p->generation)
		*out = k;
	return rc;
}

int own_key_get(struct server *s, const char *id, struct own_key **out, struct error *err)
{
	struct pkcs11 *p = s->state;
	struct own_key *k = p->keys;
	int rc;

	*out = NULL;
	while (k && strcmp(k->id, id) != 0)
		k = k->next;
	if (!k) {
		s->code = "no-key";
		return error_set(err, E_PERM, "no key \"%s\"; find-keys names them", id);
	}
	tokens_open(p);
	rc = own_key_look(s, k->der, out, err);
	if (rc == 0 && !*out)
		rc = error_set(err, E_TEMP, "the key is no longer there: %s", p->missing ? p->missing : "no token has it");
	return rc;
}

void own_keys_release(struct pkcs11 *p)
{
	for (struct own_key *k = p->keys; k; k = k->next)
		EVP_PKEY_free(k->public);
	p->keys = NULL;
}
