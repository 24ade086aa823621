/* check.c - from a certificate to a verdict; the order of the rules is the order of check-path(8) */
#include "check-path/check.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "check-path/checking.h"
#include "check-path/lists.h"
#include "check-path/ocsp.h"
#include "common/certificate.h"
#include "lib/openssl.h"

static const char *const crl_words[] = { "if-present", "require", "ignore", NULL };
static const char *const ocsp_words[] = { "no", "cached", "live", NULL };
static const char *const nonce_words[] = { "no", "optional", "require", NULL };
static const char *const source_words[CHECK_SOURCES] = { [CHECK_SOURCE_CRL] = "crl", [CHECK_SOURCE_OCSP] = "ocsp" };

const struct config_option check_options[] = {
	{ "check_path_floor", CONFIG_STRING, "default", offsetof(struct check_policy, floor), NULL, 0, 0,
	  "named set of demands on keys, hashes and lengths of validity" },
	{ "check_path_floors", CONFIG_PATH, NULL, offsetof(struct check_policy, floors), NULL, 0, 0,
	  "file of such sets, beside those that are built in" },
	{ "check_path_rsa_bits", CONFIG_NUMBER, NULL, offsetof(struct check_policy, rsa_bits), NULL, 512, 16384,
	  "least size of RSA (and DSA, DH) keys in every certificate of a path; unset: as the floor says" },
	{ "check_path_ec_bits", CONFIG_NUMBER, NULL, offsetof(struct check_policy, ec_bits), NULL, 112, 571,
	  "least size of elliptic curve keys in every certificate of a path; unset: as the floor says" },
	{ "check_path_hashes", CONFIG_LIST, NULL, offsetof(struct check_policy, hashes), NULL,
	  0, 0, "hashes with which certificates, CRLs, OCSP answers and messages may be signed; unset: as the floor says" },
	{ "check_path_crl", CONFIG_WORD, "if-present", offsetof(struct check_policy, crl), crl_words, 0, 0,
	  "CRLs of certs/crl: if-present, require (no verdict valid without), ignore" },
	{ "check_path_revocation", CONFIG_LIST, "crl ocsp", offsetof(struct check_policy, revocation), NULL, 0, 0,
	  "who is asked whether a certificate was revoked, in this order: crl, ocsp" },
	{ "check_path_ocsp", CONFIG_WORD, "cached", offsetof(struct check_policy, ocsp), ocsp_words, 0, 0,
	  "OCSP answers: no, cached (kept from before), live (a responder is asked, too)" },
	{ "check_path_budget", CONFIG_TIME, "3s", offsetof(struct check_policy, budget), NULL, 10, 600000,
	  "longest time that all questions to responders take for one message" },
	{ "check_path_ocsp_nonce", CONFIG_WORD, "optional", offsetof(struct check_policy, ocsp_nonce), nonce_words, 0, 0,
	  "a nonce is sent with live questions: no, optional (the answer may lack it), require" },
	{ "check_path_ocsp_nocheck", CONFIG_BOOLEAN, "yes", offsetof(struct check_policy, ocsp_nocheck), NULL, 0, 0,
	  "whether the certificate of a delegated responder must have ocsp-nocheck" },
	{ "check_path_ocsp_age", CONFIG_TIME, "1d", offsetof(struct check_policy, ocsp_age), NULL, 1000, 0,
	  "how long an OCSP answer without nextUpdate counts" },
	{ "check_path_ocsp_skew", CONFIG_TIME, "5m", offsetof(struct check_policy, ocsp_skew), NULL, 0, 86400000,
	  "by how much the clocks of responders may differ" },
	{ "check_path_issuers", CONFIG_PATH, NULL, offsetof(struct check_policy, issuers), NULL, 0, 0,
	  "file that says issuer by issuer how strictly revocation is taken" },
	{ "check_path_policies", CONFIG_LIST, NULL, offsetof(struct check_policy, policies), NULL, 0, 0,
	  "certificate policies (OIDs) of which a path must have one, where a policy is required; empty: any" },
	{ "check_path_require_policy", CONFIG_BOOLEAN, "no", offsetof(struct check_policy, require_policy), NULL, 0, 0,
	  "whether every path must have one of these policies" },
	{ "check_path_inhibit_mapping", CONFIG_BOOLEAN, "no", offsetof(struct check_policy, inhibit_mapping), NULL, 0, 0,
	  "whether CAs must not map policies of others to their own" },
	{ "check_path_inhibit_any_policy", CONFIG_BOOLEAN, "no", offsetof(struct check_policy, inhibit_any_policy), NULL, 0, 0,
	  "whether anyPolicy in a certificate stands for none" },
};
const size_t check_noptions = sizeof(check_options) / sizeof(check_options[0]);

static int read_floor(struct checker *c, struct error *err)
{
	const struct check_policy *p = c->policy;
	struct buf hashes = BUF_INIT;
	int rc = floor_find(&c->arena, p->floors ? p->floors : "", p->floor && *p->floor ? p->floor : "default", &c->floor, err);

	if (p->rsa_bits)
		c->floor.rsa_bits = p->rsa_bits;
	if (p->ec_bits)
		c->floor.ec_bits = p->ec_bits;
	for (size_t i = 0; i < p->hashes.n; i++)
		buf_addf(&hashes, "%s ", p->hashes.items[i]);
	if (rc == 0 && p->hashes.n) {
		c->floor.hashes = arena_strdup(&c->arena, buf_str(&hashes));
		if (floor_check_hashes(c->floor.hashes, err) < 0)
			rc = error_prefix(err, "check_path_hashes");
	}
	buf_release(&hashes);
	return rc;
}

static int read_sources(struct checker *c, struct error *err)
{
	const struct config_list *list = &c->policy->revocation;

	for (size_t i = 0; i < list->n; i++) {
		int source = 0;

		while (source < CHECK_SOURCES && !ascii_caseeq(list->items[i], source_words[source]))
			source++;
		for (size_t j = 0; j < c->nsources; j++)
			if (c->sources[j] == source)
				source = CHECK_SOURCES;
		if (source == CHECK_SOURCES)
			return error_set(err, E_CONFIG, "check_path_revocation: \"%s\" is neither crl nor ocsp, or stands twice",
					 list->items[i]);
		c->sources[c->nsources++] = source;
	}
	return 0;
}

static int read_policies(struct checker *c, struct error *err)
{
	const struct check_policy *p = c->policy;

	for (size_t i = 0; i < p->policies.n; i++)
		if (!check_is_policy(p->policies.items[i]))
			return error_set(err, E_CONFIG, "check_path_policies: \"%s\" is not an OID such as 1.2.276.0.76.4",
					 p->policies.items[i]);
	c->policies = (struct check_policies){ p->policies.items, p->policies.n, p->require_policy, p->inhibit_mapping,
					       p->inhibit_any_policy };
	return 0;
}

/* What the table of options cannot check. */
static int read_policy(struct checker *c, struct error *err)
{
	int rc = read_floor(c, err);

	if (rc == 0)
		rc = read_sources(c, err);
	if (rc == 0)
		rc = read_policies(c, err);
	if (rc < 0 && c->config)
		error_prefix(err, "%s", c->config->file);
	if (rc == 0 && c->policy->issuers && *c->policy->issuers)
		rc = issuers_read(c->policy->issuers, &c->issuers, err);
	return rc;
}

int checker_open(const struct config *config, const struct check_policy *policy, struct checker **out,
		 struct error *err)
{
	struct checker *c;
	int rc;

	*out = NULL;
	c = mem_alloc(sizeof(*c));
	/* no openssl.cnf: it costs a millisecond, and no file of the system may change what is valid here */
	openssl_load(NULL);
	openssl_start();
	c->policy = policy;
	c->config = config;
	c->areas = areas_open(config);
	rc = read_policy(c, err);
	if (rc < 0)
		checker_close(c);
	else
		*out = c;
	return rc;
}

void checker_close(struct checker *c)
{
	if (!c)
		return;
	areas_close(c->areas);
	issuers_free(c->issuers);
	ocsp_forget(c->ocsp);
	arena_release(&c->arena);
	free(c);
}

void checker_give(struct checker *c, const struct check_given *given)
{
	areas_give(c->areas, given);
}

bool check_is_policy(const char *text)
{
	ASN1_OBJECT *oid = ascii_digit(*text) ? OBJ_txt2obj(text, 1) : NULL;
	bool good = oid != NULL;

	ASN1_OBJECT_free(oid);
	ERR_clear_error();
	return good;
}

const char *check_purpose_word(enum check_purpose p)
{
	static const char *const words[] = { "sign", "encrypt", "any" };

	return words[p];
}

/* One DER certificate and nothing behind it; NULL otherwise.  OpenSSL would take BER, too. */
static X509 *parse(struct span der)
{
	X509 *x = der_is_strict(der) ? areas_certificate(&der) : NULL;

	if (x && der.n) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* A candidate that is no certificate is nobody's issuer: passed over. */
static void parse_candidates(struct checking *k)
{
	k->candidates = sk_X509_new_null();
	for (size_t i = 0; i < k->request->ncandidates && i < CHECK_CANDIDATES_MAX; i++) {
		X509 *x = parse(k->request->candidates[i]);

		if (x)
			sk_X509_push(k->candidates, x);
	}
}

/* What the operator said about this very certificate: true if that settles it. */
static bool operator_decides(struct checking *k)
{
	struct areas *areas = k->checker->areas;
	const char *file;

	if (areas_find_exact(areas, k->arena, AREAS_UNTRUSTED, k->leaf, &file, &k->error) < 0)
		return true;
	if (file)
		return !judge(&k->judgement, k->arena, REASON_UNTRUSTED, "marked as untrusted by the operator (%s)", file);
	if (areas_find_exact(areas, k->arena, AREAS_TRUSTED, k->leaf, &file, &k->error) < 0)
		return true;
	if (!file)
		return false;
	k->evidence = arena_alloc(k->arena, sizeof(*k->evidence));
	*k->evidence = (struct check_evidence){ .source = file, .kind = "area", .number = "", .about = "" };
	k->path = sk_X509_new_null();
	X509_up_ref(k->leaf);
	sk_X509_push(k->path, k->leaf);
	return !judge(&k->judgement, k->arena, REASON_NONE, "trusted by the operator (%s)", file);
}

/* Rules that need no path come first: they cost nothing, and what they say is clearer. */
static bool leaf_is_good(struct checking *k)
{
	X509 *x = k->leaf;

	return policy_structure(k, x) && policy_time(k, x) && policy_purpose(k, x) && policy_address(k, x) &&
	       policy_key(k, x) && (areas_self_signed(k->checker->areas, x) || policy_hash(k, x)) && policy_lifetime(k, x);
}

static void decide(struct checking *k)
{
	k->leaf = parse(k->request->certificate);
	if (!k->leaf) {
		judge(&k->judgement, k->arena, REASON_MALFORMED, "not a certificate: its DER cannot be read");
		return;
	}
	if (operator_decides(k) || !leaf_is_good(k))
		return;
	parse_candidates(k);
	path_check(k);
}

static void give_path(struct checking *k, struct check_answer *out)
{
	int n = k->path ? sk_X509_num(k->path) : 0;

	out->path = arena_array(k->arena, (size_t)n, sizeof(*out->path));
	for (int i = 0; i < n; i++) {
		unsigned char *der = NULL;
		int length = i2d_X509(sk_X509_value(k->path, i), &der);

		if (length > 0)
			out->path[out->npath++] = span_from(arena_memdup(k->arena, der, (size_t)length), (size_t)length);
		OPENSSL_free(der);
	}
}

static void give_names(struct checking *k, struct check_answer *out)
{
	out->subject = out->issuer = out->serial = "";
	if (!k->leaf)
		return;
	out->subject = subject_text(k->arena, k->leaf);
	out->issuer = name_text(k->arena, X509_get_issuer_name(k->leaf));
	out->serial = serial_text(k->arena, X509_get0_serialNumber(k->leaf));
}

int check_certificate(struct checker *c, const struct check_request *request, struct arena *arena,
		      struct check_answer *out, struct error *err)
{
	struct check_common common = { 0 };
	struct checking k = { .checker = c, .request = request, .arena = arena, .common = &common };

	*out = (struct check_answer){ .reason = "", .text = "" };
	areas_look_again(c->areas);
	decide(&k);
	if (!k.error.code && k.judgement.reason == REASON_NONE)
		policy_digest(&k);
	give_names(&k, out);
	if (!k.error.code) {
		out->verdict = reason_verdict(k.judgement.reason);
		out->reason = reason_word(k.judgement.reason);
		out->text = k.judgement.text;
		out->evidence = k.evidence;
		give_path(&k, out);
	}
	X509_free(k.leaf);
	sk_X509_pop_free(k.candidates, X509_free);
	sk_X509_pop_free(k.path, X509_free);
	lists_forget(common.read);
	signers_forget(common.signers);
	return k.error.code ? error_set(err, k.error.code, "%s", k.error.text) : 0;
}
