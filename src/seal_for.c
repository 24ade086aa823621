/* seal_for.c - certificates and keys for the people of a message, and the layers made with them */
#include "seal_for.h"

#include <string.h>
#include <time.h>

#include "lib/address.h"
#include "mime/canonical.h"
#include "module/ask.h"
#include "smime/open.h"

/* ---- recipients ---- */

static bool has_same_key(const struct target *t, X509 *certificate)
{
	for (size_t i = 0; i < t->n; i++)
		if (EVP_PKEY_eq(X509_get0_pubkey(t->certificates[i].certificate), X509_get0_pubkey(certificate)) == 1)
			return true;
	return false;
}

/* Takes the certificate into the target if it is valid; says why not otherwise. */
static int consider(struct work *w, struct target *t, struct found_certificate *f, struct error *err)
{
	struct check_result check;
	int rc = ask_check(w->modules, w->arena, f->certificate, NULL, "encrypt", time(NULL), f->domain ? "" : t->address, &check,
			   err);

	if (rc < 0)
		return rc;
	if (check.verdict != VERDICT_VALID) {
		if (!t->n)
			t->why = arena_printf(w->arena, "%s: %s", f->source, *check.text ? check.text : check.reason);
		return 0;
	}
	t->sources[t->n] = arena_strdup(w->arena, f->source);
	X509_up_ref(f->certificate);
	t->certificates[t->n].certificate = f->certificate;
	t->certificates[t->n++].capabilities = f->capabilities;
	return 0;
}

static int fill_target(struct work *w, struct target *t, struct found_certificate *found, size_t nfound, struct error *err)
{
	for (size_t i = 0; i < nfound && t->n < CERTIFICATES_CONSIDERED; i++) {
		int rc;

		if (!address_equal(found[i].address, t->address) || has_same_key(t, found[i].certificate))
			continue;
		if (found[i].domain && t->n)
			continue; /* the domain's certificate is the fallback */
		rc = consider(w, t, &found[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void target_drop(struct target *t, size_t i)
{
	X509_free(t->certificates[i].certificate);
	t->n--;
	memmove(&t->certificates[i], &t->certificates[i + 1], (t->n - i) * sizeof(t->certificates[i]));
	memmove(&t->sources[i], &t->sources[i + 1], (t->n - i) * sizeof(t->sources[i]));
}

/* The one whose validity began last. */
static size_t newest(const struct target *t)
{
	size_t best = 0;

	for (size_t i = 1; i < t->n; i++)
		if (ASN1_TIME_compare(X509_get0_notBefore(t->certificates[i].certificate),
				      X509_get0_notBefore(t->certificates[best].certificate)) > 0)
			best = i;
	return best;
}

static void keep_only(struct target *t, size_t which)
{
	for (size_t i = t->n; i-- > 0;)
		if (i != which)
			target_drop(t, i);
}

void target_choose(struct work *w, struct target *t)
{
	struct buf text = BUF_INIT;
	size_t had = t->n;

	if (t->n > 1 && w->config->several_certificates == SEVERAL_NEWEST)
		keep_only(t, newest(t));
	while (t->n > CERTIFICATES_PER_RECIPIENT)
		target_drop(t, t->n - 1);
	for (size_t i = 0; i < t->n; i++)
		buf_addf(&text, "%s%s", i ? ", " : "", t->sources[i]);
	if (t->n < had)
		buf_addf(&text, t->n == 1 ? ", the newest of %zu" : ", out of %zu", had);
	t->source = arena_strdup(w->arena, buf_str(&text));
	buf_release(&text);
}

static int wait_for(struct work *w, struct target *t, const char *why)
{
	while (t->n)
		target_drop(t, t->n - 1);
	t->later = true;
	t->why = arena_strdup(w->arena, why);
	return 0;
}

int find_targets(struct work *w, const char *const *addresses, size_t n, struct target **out, struct error *err)
{
	struct found_certificate *found = NULL;
	const char **later = arena_array(w->arena, n, sizeof(*later));
	OSSL_LIB_CTX *ctx;
	size_t nfound = 0;
	int rc = work_crypto(w, &ctx, err);

	*out = arena_array(w->arena, n, sizeof(**out));
	if (rc == 0)
		rc = ask_certificates(w->modules, w->arena, addresses, n, later, &found, &nfound, err);
	if (rc == E_NOTFOUND)
		rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		(*out)[i].address = addresses[i];
		(*out)[i].why = "no certificate of this recipient was found";
		(*out)[i].source = "";
		rc = later[i] ? wait_for(w, &(*out)[i], later[i]) : fill_target(w, &(*out)[i], found, nfound, err);
		if (rc == E_TEMP)
			rc = wait_for(w, &(*out)[i], err->text);
	}
	for (size_t i = 0; i < nfound; i++)
		X509_free(found[i].certificate);
	return rc;
}

void targets_release(struct target *targets, size_t n)
{
	for (size_t i = 0; targets && i < n; i++)
		for (size_t k = 0; k < targets[i].n; k++)
			X509_free(targets[i].certificates[k].certificate);
}

/* ---- signer ---- */

static int use_key(struct work *w, struct found_key *k, struct signer *out, struct error *err)
{
	int rc = delegate_key(w->delegate, k->certificate, arena_printf(w->arena, "%s %s", k->module, k->id), &out->key, err);

	if (rc < 0)
		return rc;
	out->certificate = k->certificate;
	out->chain = k->chain;
	X509_up_ref(k->certificate);
	k->chain = NULL;
	return 0;
}

/* ", key of the address" or of its domain: what the certificate says, or where it was put. */
static const char *key_of(struct work *w, X509 *certificate, const char *address)
{
	const char **addresses;
	size_t n;

	certificate_addresses(w->arena, certificate, &addresses, &n);
	for (size_t i = 0; i < n; i++)
		if (address_equal(addresses[i], address))
			return "key of the address";
	return "key of the domain";
}

static const char *by_time(const struct found_key *k)
{
	if (X509_cmp_current_time(X509_get0_notAfter(k->certificate)) < 0)
		return "expired";
	return X509_cmp_current_time(X509_get0_notBefore(k->certificate)) > 0 ? "not valid yet" : "not the first";
}

static void note_passed(struct work *w, const char *address, const struct passed_key *passed, size_t n)
{
	for (size_t i = 0; w->trial && i < n; i++)
		plan_note(w->plan, "signing for %s: passed over %s%s%s", address, passed[i].source, *passed[i].text ? ": " : "", passed[i].text);
}

/* Takes the key if its certificate is valid; E_NOTFOUND and the reason otherwise. */
static int consider_key(struct work *w, const char *address, struct found_key *k, struct signer *out, const char **source,
			struct error *err)
{
	struct check_result check;
	const char *why;
	int rc = ask_check(w->modules, w->arena, k->certificate, k->chain, "sign", time(NULL), "", &check, err);

	if (rc < 0)
		return rc;
	if (check.verdict == VERDICT_VALID) {
		*source = arena_printf(w->arena, "(%s), %s", k->source, key_of(w, k->certificate, address));
		return use_key(w, k, out, err);
	}
	why = *check.text ? check.text : check.reason;
	note_passed(w, address, &(struct passed_key){ k->source, check.reason, why }, 1);
	return error_set(err, E_NOTFOUND, "the certificate that signs for %s is not valid: %s: %s", address, k->source, why);
}

int find_signer(struct work *w, const char *address, struct signer *out, const char **source, struct error *err)
{
	struct found_key *keys = NULL;
	struct passed_key *passed = NULL;
	size_t n = 0, npassed = 0, i = 0;
	OSSL_LIB_CTX *ctx;
	int rc = work_crypto(w, &ctx, err);

	*out = (struct signer){ 0 };
	*source = "";
	if (rc == 0)
		rc = ask_signing_keys_explained(w->modules, w->arena, address, &keys, &n, &passed, &npassed, err);
	note_passed(w, address, passed, npassed);
	if (rc == E_NOTFOUND && w->trial)
		plan_note(w->plan, "signing for %s: %s", address, err->text);
	if (rc == E_NOTFOUND || (rc == 0 && !n))
		return error_set(err, E_NOTFOUND, "there is no key that signs for %s", address);
	for (rc = rc < 0 ? rc : E_NOTFOUND; i < n && rc == E_NOTFOUND; i++)
		rc = consider_key(w, address, &keys[i], out, source, err);
	for (; w->trial && rc == 0 && i < n; i++)
		note_passed(w, address, &(struct passed_key){ keys[i].source, "", by_time(&keys[i]) }, 1);
	for (i = 0; i < n; i++) {
		X509_free(keys[i].certificate);
		sk_X509_pop_free(keys[i].chain, X509_free);
	}
	return rc;
}

void signer_release(struct signer *s)
{
	X509_free(s->certificate);
	EVP_PKEY_free(s->key);
	sk_X509_pop_free(s->chain, X509_free);
	*s = (struct signer){ 0 };
}

/* ---- the message as an entity ---- */

static int no_key(void *arg, const struct certificate_id *ids, size_t n, size_t skip, size_t *which, X509 **certificate,
		  EVP_PKEY **key, struct error *err)
{
	return error_set(err, E_NOTFOUND, "outgoing mail is not decrypted");
}

static int no_certificate(void *arg, const struct certificate_id *id, X509 **certificate, struct error *err)
{
	return error_set(err, E_NOTFOUND, "not looked for");
}

/* Inside the sender's signatures, clear or opaque. */
static int unsigned_root(struct work *w, struct entity **root, struct error *err)
{
	static const struct open_calls calls = { .find_key = no_key, .find_certificate = no_certificate };
	struct mime_limits limits = work_mime_limits(w);
	struct open_limits open_limits = { w->config->layer_limit, limits, w->config->message_size_limit };
	struct opened *opened = arena_alloc(w->arena, sizeof(*opened)); /* the content lives as long as the message */
	OSSL_LIB_CTX *ctx;
	int rc = work_crypto(w, &ctx, err);

	if (rc == 0)
		rc = smime_open(w->arena, ctx, w->message, &calls, &open_limits, w->scratch_fd, opened, err);
	if (rc == 0)
		rc = entity_parse(w->arena, opened->content, &limits, root, err);
	while (rc == 0 && entity_is(*root, "multipart/signed") && (*root)->first)
		*root = (*root)->first;
	return rc;
}

int canonical_message(struct work *w, bool strip, struct span *out, bool *as_is, struct error *err)
{
	struct mime_limits limits = work_mime_limits(w);
	struct entity *root;
	struct buf b = BUF_INIT;
	int rc = strip ? unsigned_root(w, &root, err) : entity_parse(w->arena, w->message, &limits, &root, err);

	*out = span_from(NULL, 0);
	*as_is = false;
	if (rc < 0)
		return rc;
	if (canonical_entity(root, &b, err) < 0) {
		*as_is = true;
		buf_clear(&b);
		canonical_as_is(root, &b);
	}
	*out = span_from(arena_memdup(w->arena, b.data, b.len), b.len);
	buf_wipe(&b);
	return 0;
}

/* ---- encrypting again ---- */

int target_check(const struct target *t, struct error *err)
{
	return t->n ? 0 : error_set(err, t->later ? E_TEMP : E_CONFIG, "deliver_inside = reencrypted, but %s cannot be encrypted to: %s",
				    t->address, t->why);
}

static int gather(struct work *w, const struct target *targets, size_t n, struct sealed_for **out, size_t *count,
		  struct error *err)
{
	*count = 0;
	*out = arena_array(w->arena, n * CERTIFICATES_PER_RECIPIENT, sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		int rc = target_check(&targets[i], err);

		if (rc < 0)
			return rc;
		for (size_t k = 0; k < targets[i].n; k++)
			(*out)[(*count)++] = targets[i].certificates[k];
	}
	return 0;
}

static struct span entity_bytes(struct work *w, const struct replacement *r)
{
	struct buf b = BUF_INIT;
	struct span s;

	for (size_t i = 0; i < r->header.n; i++)
		if (span_casestarts(r->header.fields[i].name, "Content-"))
			convert_lines(r->header.fields[i].whole, "\r\n", &b);
	buf_addstr(&b, "\r\n");
	if (compose_is_binary(&r->header))
		buf_add(&b, r->body.p, r->body.n);
	else
		convert_lines(r->body, "\r\n", &b);
	s = span_from(arena_memdup(w->arena, b.data, b.len), b.len);
	buf_wipe(&b);
	return s;
}

int seal_again(struct work *w, const char *const *to, size_t n, const struct replacement *opened, struct replacement *out,
	       struct error *err)
{
	struct profile profile;
	struct target *targets = NULL;
	struct sealed_for *recipients;
	struct buf sealed = BUF_INIT;
	OSSL_LIB_CTX *ctx;
	size_t count;
	int rc = work_profile(w, w->config->profile, &profile, err);

	if (rc == 0)
		rc = work_crypto(w, &ctx, err);
	if (rc == 0)
		rc = find_targets(w, to, n, &targets, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		target_choose(w, &targets[i]);
	if (rc == 0)
		rc = gather(w, targets, n, &recipients, &count, err);
	if (rc == 0)
		rc = seal_encrypt(ctx, entity_bytes(w, opened), recipients, count, &profile, &sealed, NULL, err);
	if (rc == 0)
		rc = compose_replacement(w, w->arena, span_from(sealed.data, sealed.len), out, err);
	targets_release(targets, n);
	buf_release(&sealed);
	return rc;
}
