/* harvest.c - keeps the certificates that come with good signatures, for mail in the other direction
 *
 * Storing is the keys module's; what is stored is harmless until an operator, or `harvest = publish', takes it into use:
 * nobody is replaced, and a second certificate of an address waits for the administrator.
 */
#include "harvest.h"

#include "lib/address.h"
#include "module/ask.h"

#define OTHERS_MAX 4 /* certificates beside the signer's: one to encrypt to, and its successor */

struct crop {
	struct work *work;
	const char *address;
	const struct found_signer *signer;
};

/* The address itself: a certificate of the whole domain is nobody's own. */
static bool is_own(struct arena *a, X509 *certificate, const char *address)
{
	const char **addresses;
	size_t n;

	certificate_addresses(a, certificate, &addresses, &n);
	for (size_t i = 0; i < n; i++)
		if (address_equal(addresses[i], address))
			return true;
	return false;
}

static bool may_encrypt(const struct crop *c, X509 *certificate, STACK_OF(X509) *candidates)
{
	struct work *w = c->work;
	struct check_result check;
	struct error err = { 0 };

	return ask_check(w->modules, w->arena, certificate, candidates, "encrypt", time(NULL), c->address, &check, &err) == 0 &&
	       check.verdict == VERDICT_VALID;
}

static void tell_conflict(struct work *w, const char *address, const char *with)
{
	plan_add_notice(w->plan, "Another certificate of a partner",
			arena_printf(w->arena, "A message with a good signature came with another certificate of %s\n"
				     "than the one in use: %s\nIt was not published but stored in the area seen.  If it is the new one:\n"
				     "\tpostern-cert publish -replace %s\nMail to this partner is encrypted with the old one until then.\n",
				     address, *with ? with : "(not named)", address));
}

static void keep(const struct crop *c, X509 *certificate, const char *area)
{
	struct work *w = c->work;
	struct store_request q = { .area = area, .address = c->address, .certificate = certificate,
				   .capabilities = c->signer->capabilities, .signed_at = c->signer->signing_time };
	struct stored stored;
	struct error err = { 0 };

	int rc = ask_store_certificate(w->modules, w->arena, &q, &stored, &err);

	if (rc == E_NOTFOUND)
		return; /* no module keeps any */
	if (rc < 0)
		plan_note(w->plan, "the certificate of %s was not stored: %s", c->address, err.text);
	else if (stored.state == STORED_CONFLICT)
		tell_conflict(w, c->address, stored.with);
	else if (stored.state == STORED_NEW)
		plan_note(w->plan, "the certificate of %s was stored in the area %s", c->address, stored.area);
}

static void keep_if_usable(const struct crop *c, X509 *certificate, STACK_OF(X509) *candidates, bool also_others)
{
	bool usable = (c->work->config->harvest == HARVEST_PUBLISH || !also_others) && may_encrypt(c, certificate, candidates);

	if (usable || also_others)
		keep(c, certificate, usable && c->work->config->harvest == HARVEST_PUBLISH ? "public" : "seen");
}

static const struct layer *layer_of(const struct findings *f)
{
	for (size_t i = 0; i < f->opened.nlayers; i++) {
		const struct layer *l = &f->opened.layers[i];

		if (f->signer >= l->signers && f->signer < l->signers + l->nsigners)
			return l;
	}
	return NULL;
}

/* Some sign with one certificate and read with another (RFC 8551 2.5.3): it comes along. */
static void keep_others(const struct crop *c, const struct layer *l)
{
	size_t kept = 0;

	for (int i = 0; i < sk_X509_num(l->certificates) && kept < OTHERS_MAX; i++) {
		X509 *certificate = sk_X509_value(l->certificates, i);

		if (X509_cmp(certificate, c->signer->certificate) == 0 || !is_own(c->work->arena, certificate, c->address))
			continue;
		keep_if_usable(c, certificate, l->certificates, false);
		kept++;
	}
}

void harvest(struct work *w, const struct findings *f)
{
	struct crop c = { .work = w, .address = f->result.signer, .signer = f->signer };
	const struct layer *l;

	if (w->config->harvest == HARVEST_NO || f->result.word != RESULT_PASS || !f->signer || !(l = layer_of(f)) ||
	    !is_own(w->arena, f->signer->certificate, c.address))
		return;
	if (w->trial) {
		plan_note(w->plan, "the certificate of %s would be stored, if it is new", c.address);
		return;
	}
	keep_if_usable(&c, f->signer->certificate, l->certificates, true);
	keep_others(&c, l);
}
