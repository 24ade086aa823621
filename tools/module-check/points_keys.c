/* points_keys.c - "Role keys" of postern-modules(7): asked for what nobody has, and for a partner's certificate */
#include <stdio.h>
#include <string.h>

#include "module-check/check.h"
#include "module-check/stranger.h"

#define ADDRESSES_AT_ONCE 50
#define RECIPIENTS_AT_ONCE 500
#define PASSPHRASE_TOO_LONG ((size_t)1026) /* bytes; in threes, for base64 */

static void free_found(struct found_certificate *found, size_t n)
{
	for (size_t i = 0; i < n; i++)
		X509_free(found[i].certificate);
}

static void free_keys(struct found_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		X509_free(keys[i].certificate);
		sk_X509_pop_free(keys[i].chain, X509_free);
	}
}

/* Asks for certificates of these addresses; *n of them were found. */
static enum outcome look_for(struct checker *c, const char *const *addresses, size_t naddresses, size_t *n)
{
	struct found_certificate *found = NULL;
	struct error err = { 0 };
	struct modules m;
	int rc;

	*n = 0;
	if (lacks(c, "find-certificates"))
		return NOT_ASKED;
	if (!ask_begin(c, &m, "find-certificates"))
		return FAILED;
	rc = ask_certificates(&m, &c->arena, addresses, naddresses, NULL, &found, n, &err);
	if (rc == 0)
		free_found(found, *n);
	return ask_end(c, &m, rc, &err);
}

static enum outcome nobody(struct checker *c)
{
	const char *const addresses[] = { "nobody@check.invalid" };
	size_t n;
	enum outcome o = look_for(c, addresses, 1, &n);

	return o == PASSED && n ? failed(c, "it has a certificate for nobody@check.invalid") : o;
}

static enum outcome many_nobodies(struct checker *c)
{
	const char **addresses = arena_array(&c->arena, ADDRESSES_AT_ONCE, sizeof(*addresses));
	size_t n;
	enum outcome o;

	for (int i = 0; i < ADDRESSES_AT_ONCE; i++)
		addresses[i] = arena_printf(&c->arena, "nobody%d@check.invalid", i);
	o = look_for(c, addresses, ADDRESSES_AT_ONCE, &n);
	return o == PASSED && n ? failed(c, "it has certificates for nobodies") : o;
}

/* What would find everybody if an address were put into a filter, a pattern, a path or a statement as it is. */
static enum outcome only_addresses(struct checker *c)
{
	static const char *const addresses[] = {
		"*@check.invalid", "*)(mail=*@check.invalid", "a@check.invalid)(|(mail=*)", "%@check.invalid", "_@check.invalid",
		"x'or'1'='1@check.invalid", "x\"or\"1@check.invalid", "../../x@check.invalid", "a/../b@check.invalid", "$(id)@check.invalid",
		"%s%n@check.invalid", "\\2a@check.invalid", "\xc3\xa4@check.invalid", "a;b@check.invalid", "a#b@check.invalid",
		"a?b&c=d@check.invalid",
	};
	size_t n;
	enum outcome o = look_for(c, addresses, sizeof(addresses) / sizeof(*addresses), &n);

	return o == PASSED && n ? failed(c, "%zu certificates were found for addresses that nobody has", n) : o;
}

static enum outcome unknown_identifier(struct checker *c)
{
	struct found_certificate *found = NULL;
	struct error err = { 0 };
	struct modules m;
	X509 *x;
	struct certificate_id id;
	size_t n = 0;
	enum outcome o;
	int rc;

	if (lacks(c, "find-certificates"))
		return NOT_ASKED;
	x = stranger();
	if (!x)
		return not_asked(c, "no certificate could be made to ask for");
	id = identifier_of(&c->arena, x);
	X509_free(x);
	if (!ask_begin(c, &m, "find-certificates"))
		return FAILED;
	rc = ask_certificate_by_id(&m, &c->arena, &id, &found, &n, &err);
	if (rc == 0)
		free_found(found, n);
	o = ask_end(c, &m, rc, &err);
	return o == PASSED && rc == 0 && n ? failed(c, "it has a certificate that was made a moment ago") : o;
}

static enum outcome nobody_signs(struct checker *c)
{
	struct found_key *keys = NULL;
	struct error err = { 0 };
	struct modules m;
	size_t n = 0;
	enum outcome o;
	int rc;

	if (lacks(c, "find-keys"))
		return NOT_ASKED;
	if (!ask_begin(c, &m, "find-keys"))
		return FAILED;
	rc = ask_signing_keys(&m, &c->arena, "nobody@check.invalid", &keys, &n, &err);
	if (rc == 0)
		free_keys(keys, n);
	o = ask_end(c, &m, rc, &err);
	return o == PASSED && rc == 0 ? failed(c, "it has a key for nobody@check.invalid") : o;
}

static enum outcome nobody_opens(struct checker *c)
{
	struct certificate_id *ids = arena_array(&c->arena, RECIPIENTS_AT_ONCE, sizeof(*ids));
	struct found_key *keys = NULL;
	struct error err = { 0 };
	struct modules m;
	X509 *x;
	size_t n = 0;
	enum outcome o;
	int rc;

	if (lacks(c, "find-keys"))
		return NOT_ASKED;
	x = stranger();
	if (!x)
		return not_asked(c, "no certificate could be made to ask for");
	for (int i = 0; i < RECIPIENTS_AT_ONCE; i++)
		ids[i] = identifier_of(&c->arena, x);
	X509_free(x);
	if (!ask_begin(c, &m, "find-keys"))
		return FAILED;
	rc = ask_decrypting_keys(&m, &c->arena, ids, RECIPIENTS_AT_ONCE, &keys, &n, &err);
	if (rc == 0)
		free_keys(keys, n);
	o = ask_end(c, &m, rc, &err);
	return o == PASSED && rc == 0 ? failed(c, "it has the key of a certificate that was made a moment ago") : o;
}

static enum outcome no_such_key(struct checker *c)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (lacks(c, "sign"))
		return NOT_ASKED;
	if (open_conversation(c, &v, NULL)) {
		conversation_say(&v, "<sign id=\"1\" key=\"check of unknown\" mechanism=\"ecdsa\" digest=\"sha256\">"
				     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</sign>");
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED && xml_is(xml_root(v.document), "result"))
		o = failed(c, "it signed with a key that it never named");
	else if (o == PASSED && strcmp(xml_attr_or(xml_root(v.document), "code", ""), "no-key") != 0)
		o = failed(c, "refused as %s, not as no-key", xml_attr_or(xml_root(v.document), "code", ""));
	conversation_end(&v);
	return o;
}

static enum outcome has_this_partner(struct checker *c)
{
	const char *addresses[] = { c->address };
	size_t n;
	enum outcome o;

	if (!c->address)
		return not_asked(c, "-address tells of whom it has a certificate");
	o = look_for(c, addresses, 1, &n);
	return o == PASSED && !n ? failed(c, "it found no certificate for %s", c->address) : o;
}

/* ---- since 1.1 ---- */

static enum outcome strange_passphrase(struct checker *c)
{
	static const char passphrase[] = "a passphrase of the check";
	struct error err = { 0 };
	struct modules m;

	if (lacks(c, "unlock"))
		return NOT_ASKED;
	if (!ask_begin(c, &m, "unlock"))
		return FAILED;
	return ask_end(c, &m, ask_unlock(&m, NULL, 0, span_of(passphrase), &err), &err);
}

/* Says the request, whose id is 1: it must be refused. */
static enum outcome is_refused(struct checker *c, const char *operation, const char *request)
{
	struct conversation v;
	enum outcome o = FAILED;

	if (lacks(c, operation))
		return NOT_ASKED;
	if (open_conversation(c, &v, arena_printf(&c->arena, "%s unlock", role_operations(ROLE_KEYS)))) {
		conversation_say(&v, request);
		o = hear_answer(c, &v, "1");
	}
	if (o == PASSED && !xml_is(xml_root(v.document), "refused"))
		o = failed(c, "it took it");
	conversation_end(&v);
	return o;
}

static enum outcome bad_passphrase(struct checker *c, const char *base64)
{
	return is_refused(c, "unlock", arena_printf(&c->arena, "<unlock id=\"1\"><passphrase>%s</passphrase></unlock>", base64));
}

static enum outcome empty_passphrase(struct checker *c)
{
	return bad_passphrase(c, "");
}

static enum outcome passphrase_with_nul(struct checker *c)
{
	return bad_passphrase(c, "YQBi");
}

static enum outcome long_passphrase(struct checker *c)
{
	char base64[PASSPHRASE_TOO_LONG / 3 * 4 + 1] = "";

	memset(base64, 'Y', sizeof(base64) - 1);
	return bad_passphrase(c, base64);
}

/* ---- what is to be kept ---- */

static enum outcome keeps_no_rubbish(struct checker *c)
{
	return is_refused(c, "store-certificate", "<store-certificate id=\"1\" area=\"seen\" address=\"nobody@check.invalid\">MAA="
			  "</store-certificate>");
}

static enum outcome keeps_nothing_elsewhere(struct checker *c)
{
	return is_refused(c, "store-certificate", "<store-certificate id=\"1\" area=\"cellar\" address=\"nobody@check.invalid\">MAA="
			  "</store-certificate>");
}

static enum outcome list_ends(struct checker *c)
{
	struct own_key *keys = NULL;
	struct error err = { 0 };
	struct modules m;
	size_t n = 0;
	int rc;

	if (lacks(c, "list-keys"))
		return NOT_ASKED;
	if (!ask_begin(c, &m, "list-keys"))
		return FAILED;
	rc = ask_own_keys(&m, &c->arena, &keys, &n, &err);
	for (size_t i = 0; i < n; i++)
		X509_free(keys[i].certificate);
	return ask_end(c, &m, rc, &err);
}

#define KEYS (1u << ROLE_KEYS)

static const struct point points[] = {
	{ "find-certificates", "for nobody there is none", MUST, nobody, KEYS },
	{ "find-certificates", "50 addresses in one request", MUST, many_nobodies, KEYS },
	{ "find-certificates", "an address is never a filter, a pattern, a path or a statement", MUST, only_addresses, KEYS },
	{ "find-certificates", "by an identifier that nobody has there is none", MUST, unknown_identifier, KEYS },
	{ "find-certificates", "a partner's certificate", MUST, has_this_partner, KEYS },
	{ "find-keys", "for nobody there is none", MUST, nobody_signs, KEYS },
	{ "find-keys", "500 recipient identifiers in one request, none of them ours", MUST, nobody_opens, KEYS },
	{ "unlock", "a passphrase that fits nothing is taken", MUST, strange_passphrase, KEYS },
	{ "unlock", "an empty passphrase is not", MUST, empty_passphrase, KEYS },
	{ "unlock", "nor one with a NUL byte", MUST, passphrase_with_nul, KEYS },
	{ "unlock", "nor one of more than 1024 bytes", MUST, long_passphrase, KEYS },
	{ "store-certificate", "what is no certificate is not kept", MUST, keeps_no_rubbish, KEYS },
	{ "store-certificate", "nothing is kept in an area that is none", MUST, keeps_nothing_elsewhere, KEYS },
	{ "list-keys", "its keys are listed, and the list ends", MUST, list_ends, KEYS },
	{ "sign", "with a key that was never named it does nothing", MUST, no_such_key, KEYS },
};

const struct chapter chapter_keys = { points, sizeof(points) / sizeof(*points) };
