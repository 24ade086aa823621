/* own_key.c - private keys, sealed: what stands in the database opens with a secret that does not
 *
 * PKCS#8 in PEM (RFC 5958, 7468), which every tool reads.  A passphrase that people thought of is stretched by many rounds of
 * PBKDF2; a key file holds more than can be guessed and needs none, which saves each message the time.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "common/passphrase.h"
#include "common/private_key.h"
#include "common/secret_file.h"
#include "keys-sql/keys_sql.h"
#include "lib/fs.h"
#include "lib/openssl.h"

#define SALT 16
#define KEY_FILE_ROUNDS 1000 /* the least that OpenSSL's tools write */
#define KEY_FILE_LEAST 32    /* characters: 24 random bytes in base64 */

static const char *path_of(const struct config *config, const char *protection)
{
	return strcmp(protection, "key-file") == 0 ? keys_sql.key_file : config->passphrase_file;
}

const char *own_key_protection(const struct config *config)
{
	char *secret;

	if (*keys_sql.key_file)
		return "key-file";
	if (secret_read(config->passphrase_file, &secret, NULL) == E_NOTFOUND)
		return NULL;
	secret_free(secret);
	return "passphrase";
}

int own_key_secret(const struct config *config, const char *protection, char **secret, struct error *err)
{
	const char *path = path_of(config, protection);
	size_t least = strcmp(protection, "key-file") == 0 ? KEY_FILE_LEAST : 1;
	int rc;

	*secret = NULL;
	if (strcmp(protection, "none") == 0)
		return 0;
	if (!*path)
		return error_set(err, E_CONFIG, "own keys are sealed with a key file, and keys_sql_key_file is not set");
	rc = secret_read(path, secret, err);
	if (rc == 0 && strlen(*secret) < least)
		rc = error_set(err, E_CONFIG, "%s: its first line has less than %zu characters", path, least);
	return rc == E_TEMP || rc == 0 ? rc : E_CONFIG;
}

/* ---- sealing ---- */

static int write_pem(PKCS8_PRIV_KEY_INFO *plain, X509_SIG *sealed, struct buf *pem)
{
	BIO *bio = BIO_new(sealed ? BIO_s_mem() : BIO_s_secmem());
	char *text = NULL;
	long n = 0;

	if (bio && (sealed ? PEM_write_bio_PKCS8(bio, sealed) : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, plain)) == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_add(pem, text, (size_t)n);
	BIO_free(bio);
	return n > 0 ? 0 : -1;
}

static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *plain, const char *protection, const char *secret)
{
	int rounds = strcmp(protection, "key-file") == 0 ? KEY_FILE_ROUNDS : (int)keys_sql.iterations;
	X509_ALGOR *how = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), rounds, NULL, SALT, NULL, NID_hmacWithSHA256);
	X509_SIG *sealed = how ? PKCS8_set0_pbe(secret, (int)strlen(secret), plain, how) : NULL;

	if (!sealed)
		X509_ALGOR_free(how);
	return sealed;
}

int own_key_seal(EVP_PKEY *key, const char *protection, const char *secret, struct buf *pem, struct error *err)
{
	PKCS8_PRIV_KEY_INFO *plain;
	X509_SIG *sealed = NULL;
	int rc = -1;

	openssl_complete(NULL);
	plain = EVP_PKEY2PKCS8(key);
	if (plain && secret)
		sealed = encrypt(plain, protection, secret);
	if (plain && (sealed || !secret))
		rc = write_pem(plain, sealed, pem);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(plain);
	if (rc < 0)
		rc = error_set(err, E_TEMP, "a key cannot be sealed: %s", ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	return rc;
}

/* ---- opening ---- */

/* A missing or wrong key file is for the operator to mend; a passphrase may be in somebody's head. */
static int not_opened(struct server *s, const struct known_key *k, const char *protection, bool central, struct error *err)
{
	const struct keys_sql_state *state = s->state;
	struct record r;
	bool whose = record_read(&s->arena, k->certificate, NULL, &r, NULL) == 0 && r.naddresses;

	s->code = strcmp(protection, "passphrase") == 0 ? "passphrase-needed" : "configuration";
	return error_set(err, E_CONFIG, "%s: the private key of %s is sealed, and %s", k->source, whose ? r.addresses[0] : "nobody",
			 strcmp(protection, "passphrase") != 0 ? "keys_sql_key_file does not open it"
			 : state->keys.given ? "the passphrase that was given does not open it"
			 : central ? "the central passphrase does not open it" : "there is no central passphrase");
}

static bool is_sealed(const struct server *s, int rc)
{
	return rc == E_CONFIG && s->code && strcmp(s->code, "passphrase-needed") == 0;
}

int own_key_open(struct server *s, struct known_key *k, struct span pem, const char *protection, struct error *err)
{
	const char *given = ((const struct keys_sql_state *)s->state)->keys.given;
	bool person = strcmp(protection, "passphrase") == 0;
	char *secret;
	int rc = person ? passphrase_read(s->config->passphrase_file, &secret, err) :
			  own_key_secret(s->config, protection, &secret, err);

	if (rc == 0)
		rc = private_key_find(pem, k->source, k->certificate, secret, &k->key, &s->code, err);
	if (is_sealed(s, rc) && person && given)
		rc = private_key_find(pem, k->source, k->certificate, given, &k->key, &s->code, err);
	if (is_sealed(s, rc))
		rc = not_opened(s, k, protection, secret != NULL, err);
	secret_free(secret);
	return rc;
}
