/* key_request.c - "sign", "unwrap" and "agree" taken apart, whatever the key is (RFC 8017, RFC 5753) */
#include "common/key_request.h"

#include <string.h>

#include "lib/base64.h"
#include "lib/openssl.h"

#define INPUT_MAX ((size_t)64 * 1024)
#define SALT_MAX 1024

static int bad(struct server *s, const struct key_request *r, const char *what, struct error *err)
{
	s->code = "bad-request";
	return error_set(err, E_PERM, "%s: %s", r->name, what);
}

/* Those that sign or mask anything today; EVP_get_digestbyname would first register every algorithm there is. */
static const EVP_MD *digest_by_name(const char *name)
{
	static const struct {
		const char *name;
		const EVP_MD *(*digest)(void);
	} digests[] = {
		{ "sha256", EVP_sha256 }, { "sha384", EVP_sha384 }, { "sha512", EVP_sha512 }, { "sha224", EVP_sha224 },
		{ "sha1", EVP_sha1 }, { "sha512-224", EVP_sha512_224 }, { "sha512-256", EVP_sha512_256 },
		{ "sha3-224", EVP_sha3_224 }, { "sha3-256", EVP_sha3_256 }, { "sha3-384", EVP_sha3_384 },
		{ "sha3-512", EVP_sha3_512 }, { "md5", EVP_md5 }, { "ripemd160", EVP_ripemd160 },
	};

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		if (ascii_caseeq(name, digests[i].name)) {
			openssl_complete_for_digest(NULL, EVP_MD_get_type(digests[i].digest()));
			return digests[i].digest();
		}
	return NULL;
}

/* The digest an attribute names; dflt: where it is absent, may be NULL. */
static int digest_of(struct server *s, const struct xml *request, const char *attribute, const EVP_MD *dflt, const EVP_MD **out,
		     struct error *err)
{
	const char *name = xml_attr(request, attribute);

	*out = name ? digest_by_name(name) : dflt;
	if (*out)
		return 0;
	s->code = "bad-request";
	return error_set(err, E_PERM, "%s=\"%s\": unknown or missing", attribute, name ? name : "");
}

static int begin(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	int rc;

	*out = (struct key_request){ .name = xml_attr_or(request, "mechanism", ""), .key = xml_attr_or(request, "key", "") };
	rc = xml_binary(request, &out->input, err);
	if (rc == 0 && (out->input.len == 0 || out->input.len > INPUT_MAX))
		rc = bad(s, out, "no input, or too much", err);
	return rc;
}

/* ---- sign ---- */

static int read_pss(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	const char *text = xml_attr(request, "salt-length");
	uint64_t salt = (uint64_t)EVP_MD_get_size(out->digest);

	if (text && !span_number(span_of(text), SALT_MAX, &salt))
		return bad(s, out, "salt-length is no number up to 1024", err);
	out->salt_length = (size_t)salt;
	return digest_of(s, request, "mgf-digest", out->digest, &out->mgf, err);
}

int key_request_sign(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	static const struct {
		const char *name;
		enum key_mechanism mechanism;
	} mechanisms[] = { { "rsa-pkcs1", KEY_RSA_PKCS1 }, { "rsa-pss", KEY_RSA_PSS }, { "ecdsa", KEY_ECDSA } };
	enum { N = sizeof(mechanisms) / sizeof(*mechanisms) };
	size_t i = 0;
	int rc = begin(s, request, out, err);

	if (rc == 0)
		rc = digest_of(s, request, "digest", NULL, &out->digest, err);
	if (rc < 0)
		return rc;
	if ((size_t)EVP_MD_get_size(out->digest) != out->input.len)
		return bad(s, out, "the value has not the digest's length", err);
	while (i < N && strcmp(out->name, mechanisms[i].name) != 0)
		i++;
	if (i == N)
		return bad(s, out, "not a mechanism to sign", err);
	out->mechanism = mechanisms[i].mechanism;
	return out->mechanism == KEY_RSA_PSS ? read_pss(s, request, out, err) : 0;
}

/* ---- unwrap ---- */

static int read_oaep(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	const char *label = xml_attr_or(request, "label", "");

	if (digest_of(s, request, "digest", EVP_sha1(), &out->digest, err) < 0 ||
	    digest_of(s, request, "mgf-digest", out->digest, &out->mgf, err) < 0)
		return E_PERM;
	if (base64_decode(&out->label, span_of(label), true) < 0 || out->label.len > INPUT_MAX)
		return bad(s, out, "label is not base64", err);
	return 0;
}

int key_request_unwrap(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	int rc = begin(s, request, out, err);

	if (rc < 0)
		return rc;
	out->mechanism = strcmp(out->name, "rsa-oaep") == 0 ? KEY_RSA_OAEP : KEY_RSA_PKCS1;
	if (out->mechanism == KEY_RSA_OAEP)
		return read_oaep(s, request, out, err);
	return strcmp(out->name, "rsa-pkcs1") == 0 ? 0 : bad(s, out, "not a mechanism to unwrap", err);
}

/* ---- agree ---- */

int key_request_agree(struct server *s, const struct xml *request, struct key_request *out, struct error *err)
{
	int rc = begin(s, request, out, err);

	out->mechanism = KEY_ECDH;
	if (rc == 0 && strcmp(out->name, "ecdh") != 0)
		rc = bad(s, out, "not a mechanism to agree", err);
	return rc;
}

void key_request_release(struct key_request *r)
{
	buf_release(&r->label);
	buf_wipe(&r->input);
}

/* ---- answers ---- */

static void answer(struct xml_writer *w, const char *element, struct span value)
{
	xml_open(w, element);
	xml_put_binary(w, value.p, value.n);
	xml_close(w);
}

void key_answer_signature(struct xml_writer *w, struct span signature)
{
	answer(w, "signature", signature);
}

void key_answer_secret(struct xml_writer *w, struct span secret)
{
	answer(w, "secret", secret);
}
