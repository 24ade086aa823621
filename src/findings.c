/* findings.c - what opening a message showed, judged: layers, signers, their certificates, From */
#include "findings.h"

#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "module/ask.h"

/* The certificate is the signer's own work; the record must fit the header (RESULT_ROOM). */
#define NAME_MAX_SHOWN 250
#define LAYERS_MAX_SHOWN 1000

/* ---- keys and certificates for smime_open ---- */

struct lookup {
	struct work *work;
	OSSL_LIB_CTX *ctx;
	const struct certificate_id *ids; /* the layer the keys below belong to */
	struct found_key *keys;           /* of one module */
	size_t first, nkeys;              /* first: how many the modules before it had */
};

/* The next keys to try, of the first module that has any, or of the next after those that have not opened it. */
static int find_keys(struct lookup *l, const struct certificate_id *ids, size_t n, size_t skip, struct error *err)
{
	const char *after = NULL;

	if (!skip || l->ids != ids)
		l->first = l->nkeys = 0;
	else
		after = l->keys[l->nkeys - 1].module;
	l->ids = ids;
	l->first += l->nkeys;
	l->nkeys = 0;
	return ask_further_keys(l->work->modules, l->work->arena, after, ids, n, &l->keys, &l->nkeys, err);
}

static int find_key(void *arg, const struct certificate_id *ids, size_t n, size_t skip, size_t *which, X509 **certificate,
		    EVP_PKEY **key, struct error *err)
{
	struct lookup *l = arg;
	struct found_key *k;
	int rc = 0;

	if (!skip || l->ids != ids || skip >= l->first + l->nkeys)
		rc = find_keys(l, ids, n, skip, err);
	if (rc < 0)
		return rc;
	if (skip - l->first >= l->nkeys)
		return error_set(err, E_NOTFOUND, "no further key of ours");
	k = &l->keys[skip - l->first];
	if (k->which >= n)
		return error_set(err, E_TEMP, "module %s answered with a recipient that was not asked for", k->module);
	*which = k->which;
	rc = delegate_key(l->work->delegate, k->certificate, arena_printf(l->work->arena, "%s %s", k->module, k->id), key, err);
	if (rc == 0) {
		X509_up_ref(k->certificate);
		*certificate = k->certificate;
	}
	return rc;
}

static int find_certificate(void *arg, const struct certificate_id *id, X509 **certificate, struct error *err)
{
	struct lookup *l = arg;
	struct found_certificate *found;
	size_t n;
	int rc = ask_certificate_by_id(l->work->modules, l->work->arena, id, &found, &n, err);

	if (rc == 0 && n == 0)
		rc = error_set(err, E_NOTFOUND, "the signer's certificate is neither in the message nor in an area");
	if (rc < 0)
		return rc;
	*certificate = found[0].certificate;
	for (size_t i = 1; i < n; i++)
		X509_free(found[i].certificate);
	return 0;
}

/* The library only says that decryption failed: if the keys module could not be asked, the message waits. */
static int key_trouble(void *arg, struct error *err)
{
	struct lookup *l = arg;
	const struct error *e = delegate_error(l->work->delegate);

	if (e->code == E_LOCKED)
		return error_set(err, E_LOCKED, "%s", e->text);
	return e->code == E_TEMP || e->code == E_CONFIG ? error_set(err, E_TEMP, "%s", e->text) : 0;
}

/* ---- From ---- */

/* A certificate for "@example.org" speaks for every address of the domain. */
static bool speaks_for(const struct found_signer *s, const char *from)
{
	if (!*from)
		return false;
	for (size_t i = 0; i < s->naddresses; i++) {
		const char *a = s->addresses[i];

		if (address_equal(a, from))
			return true;
		if (a[0] == '@' && ascii_caseeq(a + 1, address_domain(from)))
			return true;
	}
	return false;
}

/* ---- judging ---- */

struct opinion {
	enum result_word word;
	const char *reason, *text;
	const struct found_signer *signer;
	const char *verdict;
};

static const struct {
	enum signature_status status;
	enum result_word word;
	const char *reason;
} by_status[] = {
	{ SIGNATURE_BAD, RESULT_FAIL, "bad-signature" },
	{ SIGNATURE_NO_CERTIFICATE, RESULT_NEUTRAL, "no-certificate" },
	{ SIGNATURE_UNSUPPORTED, RESULT_NEUTRAL, "unsupported" },
};

/* Which digests are good the check module says; this one is not, whichever module it is. */
static bool has_collisions(const struct found_signer *s)
{
	return ascii_caseeq(s->digest, "md5");
}

static const struct span *stapled_of(struct work *w, const struct layer *l, enum stapled_kind kind, size_t *n)
{
	struct span *list = arena_array(w->arena, l->stapled.n, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < l->stapled.n; i++)
		if (l->stapled.items[i].kind == kind)
			list[(*n)++] = l->stapled.items[i].der;
	return list;
}

static int ask_about(struct work *w, const struct layer *l, const struct found_signer *s, const char *address,
		     struct check_result *out, struct error *err)
{
	struct check_question q = { .certificate = s->certificate, .candidates = l->certificates, .purpose = "sign",
				    .when = time(NULL), .address = address, .digest = s->digest };

	q.ocsp = stapled_of(w, l, STAPLED_OCSP, &q.nocsp);
	q.crls = stapled_of(w, l, STAPLED_CRL, &q.ncrls);
	return ask_checks(w->modules, w->arena, &q, 1, out, err);
}

static int judge_signer(struct work *w, const struct layer *l, const struct found_signer *s, const char *from,
			struct opinion *out, struct error *err)
{
	struct check_result check;
	bool matches = speaks_for(s, from);
	int rc;

	*out = (struct opinion){ .signer = s, .verdict = "" };
	for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
		if (s->status == by_status[i].status) {
			out->word = by_status[i].word;
			out->reason = by_status[i].reason;
			out->text = s->why;
			return 0;
		}
	rc = ask_about(w, l, s, matches ? from : "", &check, err);
	if (rc < 0)
		return rc;
	out->verdict = verdict_name(check.verdict);
	out->reason = check.reason;
	out->text = check.text;
	out->word = check.verdict == VERDICT_VALID ? RESULT_PASS :
		    check.verdict == VERDICT_INVALID ? RESULT_FAIL : RESULT_NEUTRAL;
	if (out->word == RESULT_PASS && has_collisions(s)) {
		out->word = RESULT_FAIL;
		out->reason = "weak-hash";
		out->text = arena_printf(w->arena, "the signature is over a %s digest, which another text can have as well", s->digest);
	}
	if (!matches) {
		out->word = RESULT_FAIL;
		out->reason = "address-mismatch";
		out->text = *from ? arena_printf(w->arena, "signed by %s, not by %s", s->naddresses ? s->addresses[0] :
						 "somebody without an address", from)
				  : "the message has not exactly one From address (a group is none)";
	}
	return 0;
}

/* What counts more when several signers or layers say different things. */
static bool outweighs(const struct opinion *a, const struct opinion *b)
{
	static const int weight[] = { [RESULT_NONE] = 0, [RESULT_NEUTRAL] = 1, [RESULT_PASS] = 2, [RESULT_FAIL] = 3 };

	return weight[a->word] > weight[b->word];
}

/* One good signer makes a layer good, unless another one's signature is false: then the content is not what was signed. */
static int judge_layer(struct work *w, const struct layer *l, const char *from, struct opinion *out, struct error *err)
{
	struct opinion best = { 0 }, o;
	bool passed = false;

	*out = (struct opinion){ .reason = "", .text = "", .verdict = "" };
	if (l->status == LAYER_MALFORMED && l->kind == LAYER_CLEAR_SIGNED) {
		*out = (struct opinion){ RESULT_FAIL, "malformed", l->why, NULL, "" };
		return 0;
	}
	for (size_t i = 0; i < l->nsigners; i++) {
		int rc = judge_signer(w, l, &l->signers[i], from, &o, err);

		if (rc < 0)
			return rc;
		if (l->signers[i].status == SIGNATURE_BAD) {
			*out = o;
			return 0;
		}
		if (o.word == RESULT_PASS && !passed)
			best = o;
		else if (!passed && outweighs(&o, &best))
			best = o;
		passed = passed || o.word == RESULT_PASS;
	}
	if (l->nsigners)
		*out = best;
	return 0;
}

static const char *layer_names[] = {
	[LAYER_ENVELOPED] = "enveloped", [LAYER_AUTHENVELOPED] = "authenveloped", [LAYER_OPAQUE_SIGNED] = "opaque-signed",
	[LAYER_CLEAR_SIGNED] = "clear-signed", [LAYER_CERTS_ONLY] = "certs-only", [LAYER_COMPRESSED] = "compressed",
	[LAYER_UNKNOWN] = "unknown", [LAYER_NESTED] = "nested",
};

/* "enveloped:aes-256-cbc:rsa,opaque-signed:sha256:rsa" */
static const char *describe_layers(struct work *w, const struct opened *o)
{
	struct buf text = BUF_INIT;
	const char *copy;

	for (size_t i = 0; i < o->nlayers; i++) {
		const struct layer *l = &o->layers[i];

		buf_addf(&text, "%s%s", i ? "," : "", layer_names[l->kind]);
		if (*l->cipher)
			buf_addf(&text, ":%s:%s", l->cipher, l->key_management);
		for (size_t s = 0; s < l->nsigners && text.len < LAYERS_MAX_SHOWN; s++)
			buf_addf(&text, ":%s:%s", l->signers[s].digest, l->signers[s].algorithm);
	}
	copy = arena_strdup(w->arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

static const char *name_text(struct work *w, X509_NAME *name)
{
	BIO *b = BIO_new(BIO_s_mem());
	const char *text = "";
	char *p;
	long n;

	if (b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0 && (n = BIO_get_mem_data(b, &p)) > 0)
		text = arena_strndup(w->arena, p, n > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : (size_t)n);
	BIO_free(b);
	return text;
}

static const char *serial_text(struct work *w, X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	struct buf hex = BUF_INIT;
	const char *copy;

	for (int i = 0; i < serial->length && i < 40; i++)
		buf_addf(&hex, "%02x", serial->data[i]);
	copy = arena_strdup(w->arena, buf_str(&hex));
	buf_release(&hex);
	return copy;
}

static void describe_signer(struct work *w, struct result *r, const struct opinion *o, const char *from)
{
	if (!o->signer)
		return;
	r->verdict = o->verdict;
	r->signer = speaks_for(o->signer, from) ? from : o->signer->naddresses ? o->signer->addresses[0] : "";
	if (strlen(r->signer) > ADDRESS_MAX)
		r->signer = arena_strndup(w->arena, r->signer, ADDRESS_MAX);
	if (!o->signer->certificate)
		return;
	r->subject = name_text(w, X509_get_subject_name(o->signer->certificate));
	r->issuer = name_text(w, X509_get_issuer_name(o->signer->certificate));
	r->serial = serial_text(w, o->signer->certificate);
}

/* Which layers keep us from the content. */
static int find_closed(struct findings *f, struct error *err)
{
	for (size_t i = 0; i < f->opened.nlayers; i++) {
		const struct layer *l = &f->opened.layers[i];

		if (l->status == LAYER_TEMPORARY)
			return error_set(err, E_TEMP, "%s", l->why);
		if (l->kind == LAYER_NESTED)
			f->nested = true;
		else if (l->status != LAYER_OPEN && l->kind != LAYER_CLEAR_SIGNED && !f->closed) {
			f->closed = true;
			f->closed_text = l->why;
			f->locked = l->status == LAYER_LOCKED;
		}
	}
	return 0;
}

static const char *closed_reason(const struct opened *o)
{
	static const char *const reasons[] = { [LAYER_OPEN] = "", [LAYER_NO_KEY] = "no-key", [LAYER_REFUSED] = "refused",
		[LAYER_UNSUPPORTED] = "unsupported", [LAYER_MALFORMED] = "malformed", [LAYER_TEMPORARY] = "temporary",
		[LAYER_LOCKED] = "locked", [LAYER_NOT_TRIED] = "nested" };

	for (size_t i = 0; i < o->nlayers; i++)
		if (o->layers[i].status != LAYER_OPEN && o->layers[i].kind != LAYER_NESTED)
			return reasons[o->layers[i].status];
	return "";
}

static int judge(struct work *w, struct findings *f, struct error *err)
{
	const char *from = header_from(w->arena, &w->header);
	struct opinion all = { .reason = "", .text = "", .verdict = "" }, o;
	int rc = find_closed(f, err);

	for (size_t i = 0; i < f->opened.nlayers && rc == 0; i++) {
		rc = judge_layer(w, &f->opened.layers[i], from, &o, err);
		if (rc == 0 && outweighs(&o, &all))
			all = o;
	}
	if (rc < 0)
		return rc;
	f->signer = all.signer;
	f->invalid_signature = all.word == RESULT_FAIL;
	f->result.word = all.word;
	f->result.reason = all.reason;
	f->result.text = all.text;
	f->result.encrypted = f->opened.encrypted;
	f->result.layers = describe_layers(w, &f->opened);
	describe_signer(w, &f->result, &all, from);
	if (f->closed) {
		f->result.word = RESULT_PERMERROR;
		f->result.reason = closed_reason(&f->opened);
		f->result.text = f->closed_text;
	}
	return 0;
}

int findings_make(struct work *w, struct findings *f, struct error *err)
{
	struct lookup l = { .work = w };
	struct open_calls calls = { .find_key = find_key, .find_certificate = find_certificate,
				    .key_trouble = key_trouble, .ctx = &l };
	struct open_limits limits = { .layers = w->config->layer_limit, .mime = work_mime_limits(w),
				      .message = w->config->message_size_limit };
	int rc;

	*f = (struct findings){ .closed_text = "" };
	f->result = (struct result){ .reason = "", .text = "", .layers = "", .signer = "", .subject = "", .issuer = "",
				     .serial = "", .verdict = "" };
	rc = work_crypto(w, &l.ctx, err);
	if (rc == 0)
		rc = smime_open(w->arena, l.ctx, w->message, &calls, &limits, w->scratch_fd, &f->opened, err);
	for (size_t i = 0; i < l.nkeys; i++) {
		X509_free(l.keys[i].certificate);
		sk_X509_pop_free(l.keys[i].chain, X509_free);
	}
	return rc < 0 ? rc : judge(w, f, err);
}

void findings_release(struct findings *f)
{
	opened_release(&f->opened);
}
