/* ask_use.c - private keys at work in the keys module: the questions "sign", "unwrap" and "agree"
 *
 * Answers hold signatures, content keys and shared secrets; every buffer on their way is overwritten.
 */
#include <stdlib.h>
#include <string.h>

#include "module/ask.h"
#include "module/parts.h"

static const char *const mechanism_names[] = {
	[KEY_RSA_PKCS1] = "rsa-pkcs1",
	[KEY_RSA_PSS] = "rsa-pss",
	[KEY_RSA_OAEP] = "rsa-oaep",
	[KEY_ECDSA] = "ecdsa",
	[KEY_ECDH] = "ecdh",
};

struct use {
	const char *key;
	const struct key_request *q;
	bool sign;
};

static int write_use(struct xml_writer *w, void *arg)
{
	const struct use *u = arg;
	const struct key_request *q = u->q;
	bool pss = q->mechanism == KEY_RSA_PSS, oaep = q->mechanism == KEY_RSA_OAEP;

	xml_put(w, "key", u->key);
	xml_put(w, "mechanism", mechanism_names[q->mechanism]);
	xml_put(w, "digest", u->sign || oaep ? q->digest : NULL);
	xml_put(w, "mgf-digest", pss || oaep ? q->mgf_digest : NULL);
	if (pss)
		xml_putf(w, "salt-length", "%d", q->salt_length);
	if (oaep)
		request_put_base64(w, "label", q->label);
	xml_put_binary(w, q->input.p, q->input.n);
	return 0;
}

static int read_use(const struct answer *n, const struct xml *result, const char *element, struct buf *out)
{
	const struct xml *e;
	size_t before = out->len;

	if (answer_only(n, result, element, &e) < 0)
		return E_TEMP;
	if (xml_binary(e, out, NULL) < 0 || out->len == before) {
		out->len = before;
		return answer_wrong(n, "<%s> is empty or not base64", element);
	}
	return 0;
}

/* key_id: "MODULE id". */
static int use_key(struct modules *m, const char *operation, const char *element, const char *key_id,
		   const struct key_request *q, struct buf *out, struct error *err)
{
	const char *blank = strchr(key_id, ' ');
	struct use u = { .q = q, .sign = strcmp(operation, "sign") == 0 };
	struct xml_document *doc = NULL;
	char *module = NULL;
	int rc;

	if (!blank || blank == key_id || !blank[1] || (unsigned)q->mechanism > KEY_ECDH)
		return error_set(err, E_TEMP, "%s: no key or no mechanism of ours", operation);
	module = mem_strdup(key_id);
	module[blank - key_id] = '\0';
	u.key = blank + 1;
	rc = modules_ask_one(m, module, operation, write_use, &u, &doc, err);
	if (rc == E_LIMIT) /* here nothing can be asked for in pieces */
		rc = E_PERM;
	if (rc == 0) {
		struct answer n = { .m = m, .module = module, .operation = operation, .err = err };

		rc = read_use(&n, xml_root(doc), element, out);
	}
	xml_free(doc);
	free(module);
	return rc;
}

static int use_to_sign(void *ctx, const char *key_id, const struct key_request *q, struct buf *out, struct error *err)
{
	return use_key(ctx, "sign", "signature", key_id, q, out, err);
}

static int use_to_unwrap(void *ctx, const char *key_id, const struct key_request *q, struct buf *out, struct error *err)
{
	return use_key(ctx, "unwrap", "secret", key_id, q, out, err);
}

static int use_to_agree(void *ctx, const char *key_id, const struct key_request *q, struct buf *out, struct error *err)
{
	return use_key(ctx, "agree", "secret", key_id, q, out, err);
}

void ask_key_calls(struct modules *m, struct key_calls *out)
{
	*out = (struct key_calls){ .sign = use_to_sign, .unwrap = use_to_unwrap, .agree = use_to_agree, .ctx = m };
}
