/* verify.c - every signer of a SignedData by itself (RFC 5652 5.4 to 5.6, 11)
 *
 * OpenSSL's CMS_verify is all or nothing over the signers and wants a certificate path; here each SignerInfo has
 * its own outcome, weak digests are verified and named, and certificates are judged elsewhere.
 */
#include <openssl/err.h>
#include <time.h>

#include "smime/ber.h"
#include "smime/layer.h"

#define SIGNERS_MAX 64
#define WRITE_MAX ((size_t)1 << 30)

/* How the signed bytes may have stood where they were signed (OPENSSL: several products sign what is not canonical). */
enum form { FORM_CANONICAL, FORM_RAW, FORM_CANONICAL_HEADER, FORMS };

struct check {
	struct opening *o;
	CMS_ContentInfo *cms;
	CMS_SignerInfo *info;
	struct layer *l;
	struct found_signer *f;
	bool attributes;  /* the signature is over signed attributes */
	bool pending;     /* content not compared yet */
};

static void set(struct check *c, enum signature_status status, const char *why)
{
	c->f->status = status;
	c->f->why = why;
}

static const char *signature_name(struct arena *a, const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *oid = NULL;
	int nid, key = NID_undef;

	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	nid = OBJ_obj2nid(oid);
	if (!OBJ_find_sigid_algs(nid, NULL, &key))
		key = nid;
	switch (key) {
	case NID_rsaEncryption:
		return "rsa-pkcs1";
	case NID_rsassaPss:
		return "rsa-pss";
	case NID_X9_62_id_ecPublicKey:
		return "ecdsa";
	case NID_dsa:
	case NID_dsa_2:
		return "dsa";
	default:
		return algorithm_name(a, oid);
	}
}

static time_t signing_time(CMS_SignerInfo *info)
{
	ASN1_OBJECT *oid = OBJ_nid2obj(NID_pkcs9_signingTime);
	ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(info, oid, -3, V_ASN1_UTCTIME);
	struct tm tm = { 0 };

	if (!value)
		value = CMS_signed_get0_data_by_OBJ(info, oid, -3, V_ASN1_GENERALIZEDTIME);
	return value && ASN1_TIME_to_tm(value, &tm) ? timegm(&tm) : 0;
}

static struct span capabilities(struct arena *a, CMS_SignerInfo *info)
{
	ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_SMIMECapabilities), -3, V_ASN1_SEQUENCE);
	size_t n = value ? (size_t)ASN1_STRING_length(value) : 0;

	return n ? span_from(arena_memdup(a, ASN1_STRING_get0_data(value), n), n) : (struct span){ 0 };
}

/* ---- what stands in the SignerInfo and in the certificate */

static void describe(struct check *c)
{
	X509_ALGOR *digest = NULL, *signature = NULL;
	const ASN1_OBJECT *oid = NULL;

	CMS_SignerInfo_get0_algs(c->info, NULL, NULL, &digest, &signature);
	X509_ALGOR_get0(&oid, NULL, NULL, digest);
	c->f->digest = algorithm_name(c->o->arena, oid);
	c->f->algorithm = signature_name(c->o->arena, signature);
	c->f->signing_time = signing_time(c->info);
	c->f->capabilities = capabilities(c->o->arena, c->info);
	c->attributes = CMS_signed_get_attr_count(c->info) >= 0;
}

/* Several may have the same key identifier: rather the one that the signer has named. */
static X509 *choose_certificate(struct check *c, STACK_OF(X509) *inside)
{
	X509 *chosen = NULL;

	for (int i = 0; i < sk_X509_num(inside); i++) {
		X509 *x = sk_X509_value(inside, i);

		if (CMS_SignerInfo_cert_cmp(c->info, x) == 0 && (!chosen || signing_certificate_fits(c->o->ctx, c->info, x)))
			chosen = x;
	}
	if (chosen)
		X509_up_ref(chosen);
	return chosen;
}

/* From the message, else asked for.  A candidate of the message must match the identifier. */
static bool set_certificate(struct check *c, STACK_OF(X509) *inside)
{
	struct certificate_id id;
	ASN1_OCTET_STRING *key_id = NULL;
	X509_NAME *issuer = NULL;
	ASN1_INTEGER *serial = NULL;
	struct error trouble = { 0 };
	int rc = E_NOTFOUND;

	c->f->certificate = choose_certificate(c, inside);
	if (!c->f->certificate && c->o->calls->find_certificate &&
	    CMS_SignerInfo_get0_signer_id(c->info, &key_id, &issuer, &serial)) {
		identifier_make(c->o->arena, issuer, serial, key_id, &id);
		rc = c->o->calls->find_certificate(c->o->calls->ctx, &id, &c->f->certificate, &trouble);
	}
	if (!c->f->certificate) {
		set(c, SIGNATURE_NO_CERTIFICATE, "the signer's certificate is not at hand");
		if (rc < 0 && rc != E_NOTFOUND)
			layer_set(c->o, c->l, LAYER_TEMPORARY, "%s", trouble.text);
		return false;
	}
	certificate_addresses(c->o->arena, c->f->certificate, &c->f->addresses, &c->f->naddresses);
	CMS_SignerInfo_set1_signer_cert(c->info, c->f->certificate);
	return true;
}

/* Why OpenSSL makes no key of what is in the certificate. */
static const char *key_objection(struct check *c)
{
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *oid = NULL;
	int parameters = V_ASN1_UNDEF;

	X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(c->f->certificate));
	X509_ALGOR_get0(&oid, &parameters, NULL, algorithm);
	if (OBJ_obj2nid(oid) == NID_dsa && parameters == V_ASN1_UNDEF)
		return "unsupported: dsa-parameter-inheritance";
	return arena_printf(c->o->arena, "unsupported: %s", algorithm_name(c->o->arena, oid));
}

static bool supported(struct check *c)
{
	EVP_PKEY *key = X509_get0_pubkey(c->f->certificate);
	EVP_MD *md = EVP_MD_fetch(c->o->ctx, c->f->digest, NULL);
	int type = key ? EVP_PKEY_get_base_id(key) : NID_undef;
	bool digest = md != NULL;

	EVP_MD_free(md);
	if (!key)
		set(c, SIGNATURE_UNSUPPORTED, key_objection(c));
	else if (type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448)
		set(c, SIGNATURE_UNSUPPORTED, type == EVP_PKEY_ED25519 ? "unsupported: Ed25519 signature" :
						       "unsupported: Ed448 signature");
	else if (!digest)
		set(c, SIGNATURE_UNSUPPORTED, arena_printf(c->o->arena, "unsupported: %s", c->f->digest));
	else
		return true;
	return false;
}

/* ---- the signature over the attributes, and what these must say */

static bool content_type_matches(struct check *c)
{
	ASN1_OBJECT *said = CMS_signed_get0_data_by_OBJ(c->info, OBJ_nid2obj(NID_pkcs9_contentType), -3, V_ASN1_OBJECT);

	return said && OBJ_cmp(said, CMS_get0_eContentType(c->cms)) == 0;
}

static void check_attributes(struct check *c)
{
	if (!CMS_signed_get0_data_by_OBJ(c->info, OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING))
		set(c, SIGNATURE_BAD, "malformed: no message digest, or more than one, in the signed attributes");
	else if (!content_type_matches(c))
		set(c, SIGNATURE_BAD, "malformed: the signed content type is missing or another one");
	else if (!signing_certificate_fits(c->o->ctx, c->info, c->f->certificate))
		set(c, SIGNATURE_BAD, "the signer has named another certificate than the one the message points to");
	else if (CMS_SignerInfo_verify(c->info) > 0)
		c->pending = true;
	else if (ERR_GET_REASON(ERR_peek_last_error()) == CMS_R_ATTRIBUTE_ERROR)
		set(c, SIGNATURE_BAD, "malformed: a signed attribute is missing, doubled or ill-formed");
	else
		set(c, SIGNATURE_BAD, "the signature does not match the signer's key");
	ERR_clear_error();
}

/* Without attributes the content must be plain data (RFC 5652 5.3), and must not be a set of signed attributes
 * of another message, whose signature would fit then. */
static void check_without_attributes(struct check *c, struct span content)
{
	struct ber set_of;

	if (OBJ_obj2nid(CMS_get0_eContentType(c->cms)) != NID_pkcs7_data)
		set(c, SIGNATURE_BAD, "malformed: no signed attributes, but content of another type");
	else if (ber_expect(&content, BER_SET, &set_of) && !content.n)
		set(c, SIGNATURE_BAD, "the content looks like another message's signed attributes");
	else
		c->pending = true;
}

static void prepare(struct check *c, STACK_OF(X509) *inside, struct span content)
{
	set(c, SIGNATURE_BAD, "");
	describe(c);
	if (!set_certificate(c, inside) || !supported(c))
		return;
	set(c, SIGNATURE_BAD, c->attributes ? "the content was altered after signing" :
					      "the signature does not match the content and the signer's key");
	if (c->attributes)
		check_attributes(c);
	else
		check_without_attributes(c, content);
}

/* ---- digests of the content */

static BIO *digest_chain(struct check *checks, size_t n)
{
	BIO *chain = BIO_new(BIO_s_null());

	for (size_t i = 0; i < n; i++) {
		bool seen = !checks[i].pending;
		EVP_MD *md;
		BIO *filter;

		for (size_t j = 0; j < i && !seen; j++)
			seen = checks[j].pending && strcmp(checks[j].f->digest, checks[i].f->digest) == 0;
		if (seen)
			continue;
		md = EVP_MD_fetch(checks[i].o->ctx, checks[i].f->digest, NULL);
		filter = BIO_new(BIO_f_md());
		if (filter && md && BIO_set_md(filter, md) > 0)
			chain = BIO_push(filter, chain);
		else
			BIO_free(filter);
		EVP_MD_free(md);
	}
	return chain;
}

static void feed_raw(BIO *chain, struct span s)
{
	while (s.n) {
		size_t n = s.n < WRITE_MAX ? s.n : WRITE_MAX;

		BIO_write(chain, s.p, (int)n);
		s = span_sub(s, n, s.n);
	}
}

/* Every bare LF as CRLF. */
static void feed_canonical(BIO *chain, struct span s)
{
	size_t from = 0, at = 0;

	while (at < s.n) {
		ptrdiff_t lf = span_find(span_sub(s, at, s.n), '\n');

		if (lf < 0)
			break;
		at += (size_t)lf;
		if (at == 0 || s.p[at - 1] != '\r') {
			feed_raw(chain, span_sub(s, from, at));
			BIO_write(chain, "\r", 1);
			from = at;
		}
		at++;
	}
	feed_raw(chain, span_sub(s, from, s.n));
}

static void feed(BIO *chain, const struct signed_part *part, enum form form)
{
	size_t canonical = form == FORM_CANONICAL ? part->whole.n : form == FORM_RAW ? 0 : part->header;

	feed_canonical(chain, span_sub(part->whole, 0, canonical));
	feed_raw(chain, span_sub(part->whole, canonical, part->whole.n));
}

static bool all_done(const struct check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (checks[i].pending)
			return false;
	return true;
}

static void compare(struct check *checks, size_t n, const struct signed_part *part, enum form form)
{
	BIO *chain = digest_chain(checks, n);

	feed(chain, part, form);
	for (size_t i = 0; i < n; i++)
		if (checks[i].pending && CMS_SignerInfo_verify_content(checks[i].info, chain) > 0) {
			checks[i].pending = false;
			set(&checks[i], SIGNATURE_GOOD, "");
		}
	ERR_clear_error();
	BIO_free_all(chain);
}

static struct signed_part embedded(CMS_ContentInfo *cms)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(cms);
	struct signed_part part = { .whole = span_from("", 0) };

	if (content && *content)
		part.whole = span_from(ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content));
	return part;
}

void layer_verify(struct opening *o, CMS_ContentInfo *cms, const struct signed_part *detached, struct layer *l)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	size_t n = (size_t)sk_CMS_SignerInfo_num(infos);
	struct signed_part part = detached ? *detached : embedded(cms);
	struct check *checks;

	if (n > SIGNERS_MAX) {
		layer_set(o, l, LAYER_REFUSED, "more than %d signers", SIGNERS_MAX);
		return;
	}
	checks = arena_array(o->arena, n, sizeof(*checks));
	l->signers = arena_array(o->arena, n, sizeof(*l->signers));
	l->nsigners = n;
	for (size_t i = 0; i < n; i++) {
		checks[i] = (struct check){ .o = o, .cms = cms, .l = l, .f = &l->signers[i],
					    .info = sk_CMS_SignerInfo_value(infos, (int)i) };
		prepare(&checks[i], l->certificates, part.whole);
	}
	for (enum form form = detached ? FORM_CANONICAL : FORM_RAW; form < FORMS && !all_done(checks, n); form++) {
		compare(checks, n, &part, form);
		if (!detached)
			break;
	}
}
