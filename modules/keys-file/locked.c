/* locked.c - PKCS#12 files that the central passphrase does not open: nobody knows what is in them
 *
 * A certificate beside it, in a file of the same name with another ending, says whose key it is; then only mail that needs this key
 * waits for its passphrase.  Without one any mail may need it for which no other key is found, but for mail to be signed if the file has the
 * name of another address.
 */
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "common/certfile.h"
#include "common/private_key.h"
#include "common/whose.h"
#include "keys-file/find_keys.h"
#include "lib/address.h"
#include "lib/fs.h"

#define KEY_FILE_MAX ((size_t)16 << 20)

/* The path without the ending of its last part. */
static struct span stem(const char *file)
{
	const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');

	return span_from(file, dot && (!slash || dot > slash + 1) ? (size_t)(dot - file) : strlen(file));
}

static bool same_stem(const char *a, const char *b)
{
	return span_eq(stem(a), stem(b));
}

static bool has_certificate_beside(struct search *q, const char *locked)
{
	static const char *const endings[] = { "crt", "cer", "pem", "der" };
	struct span s = stem(locked);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const char *path = arena_printf(&q->s->arena, "%.*s.%s", (int)s.n, s.p, endings[i]);

		if (strcmp(path, locked) != 0 && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* A file that has the name of an address does not sign for another one. */
static bool is_of_another(const struct search *q, const char *locked)
{
	const char *slash = strrchr(locked, '/'), *name = slash ? slash + 1 : locked;
	struct span s = span_sub(stem(locked), (size_t)(name - locked), SIZE_MAX);

	return q->address && span_find(s, '@') > 0 && !address_equal(arena_strndup(&q->s->arena, s.p, s.n), q->address);
}

static int needed(struct search *q, const char *file, const char *whose)
{
	const struct keys_file *state = q->s->state;

	q->s->code = "passphrase-needed";
	return error_set(q->err, E_CONFIG, "%s: %s, and %s", file,
			 whose ? arena_printf(&q->s->arena, "the private key of %s has a passphrase of its own", whose)
			       : "a file with keys of whom nobody knows has a passphrase of its own",
			 state->keys.given ? "the one that was given does not open it" : "nobody has given it");
}

int locked_refuse(struct search *q, bool known_only)
{
	const char *const *files, *unknown = NULL;
	struct area *a;
	size_t n;
	int rc = keys_area(q->s, IN_PRIVATE, &a, q->err);

	if (rc == 0)
		rc = area_find_locked(a, &q->s->arena, &files, &n, q->err);
	for (size_t i = 0; rc == 0 && i < n; i++) {

		for (size_t k = 0; k < q->nkeyless; k++)
			if (same_stem(files[i], q->keyless[k]->file))
				return needed(q, files[i], keys_whose(q->s, q->keyless[k]->der));
		if (!is_of_another(q, files[i]) && !has_certificate_beside(q, files[i]))
			unknown = files[i];
	}
	return rc == 0 && unknown && !known_only ? needed(q, unknown, NULL) : rc;
}

/* ---- with the passphrase ---- */

static struct known_key *remember(struct search *q, const char *file, struct span der, EVP_PKEY *key)
{
	struct known_key *k = keys_remember(q->s, file, der);

	if (k->key)
		EVP_PKEY_free(key);
	else
		k->key = key;
	return k;
}

static void chain_of(const struct certfile *f, const struct certfile_object *leaf, struct keys_chain *chain)
{
	struct span issuer;

	keys_chain_begin(chain, leaf->der);
	while (keys_chain_next(chain, &issuer))
		for (size_t i = 0; i < f->n; i++)
			if (f->items[i].type == CERTFILE_CERTIFICATE)
				keys_chain_add(chain, f->items[i].der, issuer);
}

static void offer(struct search *q, const char *file, struct span bytes, const struct certfile *f, const struct certfile_object *o,
		  size_t which)
{
	const struct keys_file *state = q->s->state;
	struct span der = o->der;
	struct keys_chain chain;
	const char *code = NULL;
	EVP_PKEY *key;

	if (private_key_find(bytes, file, der, state->keys.given, &key, &code, NULL) < 0)
		return;
	chain_of(f, o, &chain);
	keys_answer_key(q->s, q->w, &(struct keys_own){ remember(q, file, der, key)->id, file, which, der, &chain });
	q->found++;
}

static int open_file(struct search *q, const char *file, locked_fits *fits, const void *wanted)
{
	const struct keys_file *state = q->s->state;
	struct buf bytes = BUF_INIT;
	struct certfile f;
	struct span all;
	int rc = fs_read_secret(file, KEY_FILE_MAX, &bytes, q->err);

	if (rc < 0)
		return rc == E_NOTFOUND ? 0 : rc;
	all = span_from(buf_str(&bytes), bytes.len);
	certfile_read(all, state->keys.given, &f, NULL);
	for (size_t i = 0; i < f.n && !f.locked && q->found < KEYS_MAX; i++) {
		size_t which;

		if (f.items[i].type == CERTFILE_CERTIFICATE && fits(wanted, f.items[i].der, &which))
			offer(q, file, all, &f, &f.items[i], which);
	}
	certfile_release(&f);
	buf_wipe(&bytes);
	ERR_clear_error();
	return 0;
}

int locked_search(struct search *q, locked_fits *fits, const void *wanted)
{
	const struct keys_file *state = q->s->state;
	const char *const *files;
	struct area *a;
	size_t n;
	int rc = 0;

	if (!state->keys.given)
		return 0;
	rc = keys_area(q->s, IN_PRIVATE, &a, q->err);
	if (rc == 0)
		rc = area_find_locked(a, &q->s->arena, &files, &n, q->err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = open_file(q, files[i], fits, wanted);
	return rc;
}
