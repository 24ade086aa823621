/* selfcheck_modules.c - postern -check: the modules start, answer, and do what they are for */
#include "selfcheck_inside.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>

#include "lib/log.h"
#include "module/ask.h"
#include "smime/open.h"

#define KEYS_MAX ((size_t)50) /* of our own keys are tried: each is some questions to the modules */

static void check_rules(struct checking *k, struct modules *m)
{
	struct rules_problem *problems;
	struct error err = { 0 };
	size_t n;

	if (ask_check_rules(m, &k->arena, &problems, &n, &err) < 0) {
		say(k, ERROR, "rules: %s", err.text);
		return;
	}
	say(k, OK, "rules modules answer");
	for (size_t i = 0; i < n; i++)
		say(k, problems[i].error ? ERROR : WARNING, "%s: %s", problems[i].source, problems[i].text);
}

static void check_keys(struct checking *k, struct modules *m)
{
	const char *nobody = arena_printf(&k->arena, "postern-check@%s", k->config->hostname);
	struct found_certificate *found;
	struct error err = { 0 };
	size_t n;
	int rc = ask_certificates(m, &k->arena, &nobody, 1, NULL, &found, &n, &err);

	if (rc < 0 && rc != E_NOTFOUND)
		say(k, ERROR, "keys: %s", err.text);
	else
		say(k, OK, "keys modules answer");
}

/* "mail@behoerde.example (/etc/postern/certs/private/mail.pem)" */
static const char *key_text(struct checking *k, const struct own_key *key)
{
	const char **addresses;
	size_t n;

	certificate_addresses(&k->arena, key->certificate, &addresses, &n);
	return arena_printf(&k->arena, "%s (%s)", n ? addresses[0] : "of no address", key->source);
}

/* Whether the check modules answered. */
static bool check_own_key(struct checking *k, struct modules *m, const struct own_key *key)
{
	struct check_result check;
	struct error err = { 0 };
	const char *text = key_text(k, key);

	if (ask_check(m, &k->arena, key->certificate, NULL, "sign", time(NULL), "", &check, &err) < 0) {
		say(k, ERROR, "check: %s", err.text);
		return false;
	}
	if (check.verdict == VERDICT_VALID)
		say(k, OK, "key of %s: its certificate is valid", text);
	else
		say(k, WARNING, "key of %s: its certificate is %s (%s): %s", text, verdict_name(check.verdict), check.reason, check.text);
	return true;
}

/* A certificate says nothing about its key: it signs a random value, as it would a message. */
static int sign_something(struct modules *m, const struct found_key *key, struct error *err)
{
	EVP_PKEY *public = X509_get0_pubkey(key->certificate);
	bool ec = public && EVP_PKEY_is_a(public, "EC"), pss = public && EVP_PKEY_is_a(public, "RSA-PSS");
	unsigned char value[32];
	struct key_request q = { .mechanism = ec ? KEY_ECDSA : pss ? KEY_RSA_PSS : KEY_RSA_PKCS1, .digest = "sha256", .mgf_digest = "sha256",
				 .salt_length = 32, .input = span_from(value, sizeof(value)) };
	struct key_calls calls;
	struct buf signature = BUF_INIT;
	int rc;

	if (!public || RAND_bytes(value, sizeof(value)) != 1)
		return 0;
	ask_key_calls(m, &calls);
	rc = calls.sign(calls.ctx, key->key_id, &q, &signature, err);
	buf_release(&signature);
	return rc;
}

static int use_own_key(struct checking *k, struct modules *m, const struct own_key *own, struct error *err)
{
	const char **addresses;
	struct found_key *keys = NULL;
	size_t naddresses, n = 0;
	int rc;

	certificate_addresses(&k->arena, own->certificate, &addresses, &naddresses);
	if (naddresses && *addresses[0] == '@') /* of a whole domain */
		addresses[0] = arena_printf(&k->arena, "postern-check%s", addresses[0]);
	rc = naddresses ? ask_signing_keys(m, &k->arena, addresses[0], &keys, &n, err) : 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (X509_cmp(keys[i].certificate, own->certificate) == 0)
			rc = sign_something(m, &keys[i], err);
	}
	for (size_t i = 0; i < n; i++) {
		X509_free(keys[i].certificate);
		sk_X509_pop_free(keys[i].chain, X509_free);
	}
	return rc == E_NOTFOUND ? 0 : rc; /* what does not sign now is judged by its certificate */
}

static void try_own_key(struct checking *k, struct modules *m, const struct own_key *key)
{
	struct error err = { 0 };
	int rc = use_own_key(k, m, key, &err);

	if (rc == E_LOCKED)
		say(k, WARNING, "key of %s: mail that needs it is held until somebody gives its passphrase: %s", key_text(k, key), err.text);
	else if (rc < 0)
		say(k, ERROR, "key of %s: it does not sign: %s", key_text(k, key), err.text);
}

/* With the keys the check modules are asked as well: whether partners can find our own signatures valid. */
static void check_own_keys(struct checking *k, struct modules *m)
{
	struct own_key *keys;
	struct error err = { 0 };
	size_t n, signing = 0;
	bool answered = true;

	if (ask_own_keys(m, &k->arena, &keys, &n, &err) < 0) {
		say(k, ERROR, "keys: %s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		signing += keys[i].signs;
		if (keys[i].signs && signing <= KEYS_MAX)
			try_own_key(k, m, &keys[i]);
		if (keys[i].signs && signing <= KEYS_MAX && answered)
			answered = check_own_key(k, m, &keys[i]);
		X509_free(keys[i].certificate);
	}
	if (!signing)
		say(k, WARNING, "no keys module has a key of ours that signs");
	else if (signing > KEYS_MAX)
		say(k, OK, "%zu more keys of ours; they were not checked", signing - KEYS_MAX);
}

void selfcheck_modules(struct checking *k)
{
	static const char *const narrow[3] = { "decide check-rules", "find-certificates list-keys find-keys sign", "check-certificate" };
	struct modules m = { 0 };
	struct error err = { 0 };

	if (modules_start(&m, k->config, 7, narrow, "check", deadline_in((int64_t)k->config->deadline), &err) < 0 || modules_greet(&m, &err) < 0) {
		say(k, ERROR, "modules: %s", err.text);
	} else {
		check_rules(k, &m);
		check_keys(k, &m);
		check_own_keys(k, &m);
	}
	modules_log(&m);
	modules_stop(&m, 1000);
}
