/* given.c - a PIN that a person has given, and never a wrong one twice: what became of it at a token
 *
 * There is no file whose stamp says that it is another PIN, and each conversation gets its own.  So those that a token has refused are
 * remembered, each by a salted, slow hash that says nothing of the right one:
 *
 *   salt 0123...
 *   refused 4567...
 *   trying           an attempt is under way; who finds it knows that a process died over that
 */
#include "keys-pkcs11/given.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/fs.h"

#define REMEMBERED_MAX 4096 /* bytes: ninety wrong ones */
#define ROUNDS 100000
#define BYTES 16            /* of salt and hash */
#define TRYING "trying\n"

static const char salt_word[] = "salt ";

static void add_hex(struct buf *out, const unsigned char bytes[BYTES])
{
	for (size_t i = 0; i < BYTES; i++)
		buf_addf(out, "%02x", bytes[i]);
}

static int begin_file(struct given *g, struct error *err)
{
	unsigned char salt[BYTES];

	buf_clear(&g->text);
	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return error_set(err, E_TEMP, "no random numbers");
	buf_addstr(&g->text, salt_word);
	add_hex(&g->text, salt);
	buf_addch(&g->text, '\n');
	return 0;
}

static int read_file(struct given *g, struct error *err)
{
	int rc = fs_read(g->path, REMEMBERED_MAX, &g->text, err);

	if (rc == E_NOTFOUND)
		return begin_file(g, err);
	if (rc == E_LIMIT || (rc == 0 && !span_casestarts(span_from(buf_str(&g->text), g->text.len), salt_word)))
		return error_set(err, E_CONFIG, "%s is too long or broken; find out which PIN is right, then remove it", g->path);
	return rc;
}

static int hash_pin(struct given *g, const char *pin, struct error *err)
{
	size_t n = strcspn(g->text.data, "\n");
	unsigned char hash[BYTES];
	int good = PKCS5_PBKDF2_HMAC(pin, (int)strlen(pin), (const unsigned char *)g->text.data, (int)n, ROUNDS, EVP_sha256(), BYTES, hash);

	ERR_clear_error();
	if (good != 1)
		return error_set(err, E_TEMP, "a PIN cannot be hashed");
	buf_addstr(&g->line, "refused ");
	add_hex(&g->line, hash);
	buf_addch(&g->line, '\n');
	return 0;
}

static int write_file(const struct given *g, const char *more, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc;

	buf_add(&text, g->text.data, g->text.len);
	buf_addstr(&text, more);
	rc = fs_replace(g->path, text.data, text.len, 0600, err);
	buf_release(&text);
	return rc;
}

int given_begin(struct given *g, const char *path, const char *pin, struct error *err)
{
	int rc;

	*g = (struct given){ .path = path };
	rc = read_file(g, err);
	if (rc == 0)
		rc = hash_pin(g, pin, err);
	if (rc < 0)
		return rc;
	if (strstr(buf_str(&g->text), buf_str(&g->line)))
		return error_set(err, E_PERM, "it has refused this PIN before");
	if (strstr(buf_str(&g->text), TRYING))
		return error_set(err, E_CONFIG, "an attempt with a PIN that was given did not end, so that one may have been wrong; log in "
				 "once by hand (pkcs11-tool --login --test), then remove %s", path);
	return write_file(g, TRYING, err);
}

int given_end(struct given *g, bool refused, struct error *err)
{
	return write_file(g, refused ? buf_str(&g->line) : "", err);
}

void given_release(struct given *g)
{
	buf_wipe(&g->line);
	buf_release(&g->text);
}
