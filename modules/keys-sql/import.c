/* import.c - "keys-sql -import": files and folders, as the areas of keys-file have them, into the database
 *
 * A file that cannot be read or is none is named and passed over, and the exit status says so.
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/certfile.h"
#include "common/keys_answer.h"
#include "common/private_key.h"
#include "common/secret_file.h"
#include "keys-sql/command.h"
#include "lib/address.h"
#include "lib/fs.h"

#define FILE_MAX ((size_t)16 << 20)
#define ARCHIVE "decrypt-only" /* the folder in "private" */
#define BATCH 1000 /* certificates between two commits: each costs the disk a flush */

struct import {
	struct command *c;
	const char *area;
	bool with_keys;            /* into "private" */
	const char *protection;    /* of keys */
	char *seal, *passphrase;   /* NULL: none */
	size_t files, certificates, keys, failed, open; /* open: since the last commit */
	time_t told;
	struct arena arena;        /* of one file */
	struct error *err;         /* the database failed: the end */
};

/* ---- reporting ---- */

static void complain(struct import *i, const char *file, const struct error *why)
{
	fprintf(stderr, "keys-sql: %s: %s\n", file, why->text);
	i->failed++;
}

static void progress(struct import *i)
{
	time_t now = time(NULL);

	if (!i->told)
		i->told = now;
	if (now - i->told < 2)
		return;
	i->told = now;
	fprintf(stderr, "keys-sql: %zu files, %zu certificates so far\n", i->files, i->certificates);
}

static char *source_of(struct import *i, const char *file)
{
	char *copy = arena_strdup(&i->arena, file);
	bool utf8 = utf8_valid(span_of(file));

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (!utf8 && (unsigned char)*p >= 0x80))
			*p = '?';
	return copy;
}

/* ---- one file ---- */

/* What keys-file would not sign with must not sign because it moved here. */
static bool is_archived(const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t n = slash ? (size_t)(slash - file) : 0, length = strlen(ARCHIVE);

	return n >= length && strncmp(slash - length, ARCHIVE, length) == 0 && (n == length || slash[-1 - (ptrdiff_t)length] == '/');
}

static int add_key(struct import *i, const struct record *r, struct span bytes, const char *file, struct error *why)
{
	struct buf pem = BUF_INIT;
	const char *code;
	char now[RECORD_TIME];
	EVP_PKEY *key;
	int rc = private_key_find(bytes, file, r->der, i->passphrase, &key, &code, why);

	if (rc < 0 && strcmp(code, "no-key") == 0) {
		*why = (struct error){ 0 };
		return 0; /* the certificate of somebody above */
	}
	if (rc == 0)
		rc = own_key_seal(key, i->protection, i->seal, &pem, why);
	EVP_PKEY_free(key);
	record_time(time(NULL), now);
	if (rc == 0 && database_run(i->c->db, ADD_KEY, (const struct value[]){ value_text(r->public_key), value_text(buf_str(&pem)),
				    value_text(i->protection), value_text(i->c->decrypt_only || is_archived(file) ? "decrypt" : "any"),
				    value_text(source_of(i, file)), value_text(now) }, i->err) < 0)
		rc = i->err->code;
	i->keys += rc == 0;
	buf_wipe(&pem);
	return rc;
}

static int add_object(struct import *i, const struct certfile_object *o, struct span bytes, const char *file, const char *domain,
		      size_t *keys, struct error *why)
{
	size_t before = i->keys;
	struct record r;
	int rc = 0;

	if (o->der.n > KEYS_CERTIFICATE_MAX)
		return error_set(why, E_LIMIT, "a certificate bigger than %zu bytes", KEYS_CERTIFICATE_MAX);
	rc = record_read(&i->arena, o->der, domain, &r, why);
	if (rc == 0 && record_add(i->c->db, &r, i->area, source_of(i, file), i->err) < 0)
		return i->err->code;
	if (rc == 0 && i->with_keys)
		rc = add_key(i, &r, bytes, file, why);
	i->certificates += rc == 0;
	i->open += rc == 0;
	*keys += i->keys - before;
	return rc;
}

static int commit(struct import *i, bool go_on)
{
	int rc = database_transaction(i->c->db, TRANSACTION_COMMIT, i->err);

	i->open = 0;
	return rc == 0 && go_on ? database_transaction(i->c->db, TRANSACTION_BEGIN, i->err) : rc;
}

static void import_bytes(struct import *i, struct span bytes, const char *file, const char *domain)
{
	struct error why = { 0 };
	struct certfile f;
	size_t keys = 0;

	if (certfile_read(bytes, i->passphrase, &f, &why) < 0)
		complain(i, file, &why);
	for (size_t k = 0; k < f.n && i->err->code == 0; k++) {
		why = (struct error){ 0 };
		if (f.items[k].type == CERTFILE_CERTIFICATE && add_object(i, &f.items[k], bytes, file, domain, &keys, &why) < 0 &&
		    i->err->code == 0)
			complain(i, file, &why);
		if (i->open >= BATCH)
			commit(i, true);
	}
	if (f.keys > 0 && !i->with_keys)
		fprintf(stderr, "keys-sql: %s: the private key in it stays where it is; -area private takes it\n", file);
	if (i->err->code == 0 && i->with_keys && f.keys > 0 && keys == 0) {
		error_set(&why, E_PERM, "holds a private key, and no certificate for it");
		complain(i, file, &why);
	}
	certfile_release(&f);
}

static void import_file(struct import *i, const char *file, const char *domain)
{
	struct buf bytes = BUF_INIT;
	struct error why = { 0 };

	i->files++;
	i->c->db->until = deadline_in(COMMAND_TIMEOUT_MS);
	if (fs_read(file, FILE_MAX, &bytes, &why) < 0)
		fprintf(stderr, "keys-sql: %s\n", why.text), i->failed++;
	else
		import_bytes(i, span_from(buf_str(&bytes), bytes.len), file, domain);
	buf_wipe(&bytes);
	arena_release(&i->arena);
	progress(i);
}

/* ---- folders ---- */

static void import_path(struct import *i, const char *path, const char *domain, int depth);

static void import_entry(struct import *i, const char *folder, const char *name, const char *domain, int depth)
{
	struct buf path = BUF_INIT;

	buf_addf(&path, "%s/%s", folder, name);
	import_path(i, buf_str(&path), name[0] == '@' ? name : domain, depth + 1);
	buf_release(&path);
}

/* The archive comes first: a key that a renewed certificate has as well goes on signing. */
static void import_folder(struct import *i, const char *folder, const char *domain, int depth)
{
	DIR *d = opendir(folder);
	struct error why = { 0 };
	struct dirent *entry;

	if (!d) {
		error_set(&why, E_TEMP, "%s", strerror(errno));
		complain(i, folder, &why);
		return;
	}
	for (int archive = 1; archive >= 0; archive--, rewinddir(d))
		while (i->err->code == 0 && fs_next(d, folder, &entry, i->err) == 0 && entry)
			if (entry->d_name[0] != '.' && (strcmp(entry->d_name, ARCHIVE) == 0) == archive)
				import_entry(i, folder, entry->d_name, domain, depth);
	closedir(d);
}

/* Two levels, like an area: "@partner.example" as a folder's name says whom its certificates serve. */
static void import_path(struct import *i, const char *path, const char *domain, int depth)
{
	struct error why = { 0 };
	struct stat st;

	if (stat(path, &st) < 0) {
		error_set(&why, E_TEMP, "%s", strerror(errno));
		complain(i, path, &why);
	} else if (!S_ISDIR(st.st_mode)) {
		import_file(i, path, domain);
	} else if (depth < 2) {
		import_folder(i, path, domain, depth);
	}
}

/* ---- all of it ---- */

/* Keys in clear only where the operator says so. */
static int prepare_keys(struct import *i)
{
	const struct config *config = i->c->config;
	int rc = secret_read(config->passphrase_file, &i->passphrase, i->err);

	if (rc == E_NOTFOUND) {
		*i->err = (struct error){ 0 };
		rc = 0;
	}
	i->protection = i->c->clear ? "none" : own_key_protection(config);
	if (rc == 0 && !i->protection)
		rc = error_set(i->err, E_CONFIG, "own keys are sealed, and there is neither keys_sql_key_file nor %s; -clear stores them as they are",
			       config->passphrase_file);
	return rc < 0 ? rc : own_key_secret(config, i->protection, &i->seal, i->err);
}

/* Until a server has counted what its tables hold, it may read all of them for each look-up; its own turn comes minutes later.
 * Who may write and not count does without. */
static void count_rows(struct import *i)
{
	static const char tables[] = "ANALYZE addresses; ANALYZE certificates; ANALYZE placements; ANALYZE own_keys";
	struct error why = { 0 };

	i->c->db->until = deadline_in(COMMAND_TIMEOUT_MS);
	if (i->certificates && database_script(i->c->db, tables, &why) < 0)
		fprintf(stderr, "keys-sql: all is imported; look-ups may be slow until the database has analyzed its tables: %s\n", why.text);
}

static int run(struct import *i)
{
	int rc = i->with_keys ? prepare_keys(i) : 0;

	if (rc == 0)
		rc = database_transaction(i->c->db, TRANSACTION_BEGIN, i->err);
	for (size_t k = 0; k < i->c->noperands && rc == 0 && i->err->code == 0; k++)
		import_path(i, i->c->operands[k], i->c->domain, 0);
	if (rc == 0 && i->err->code == 0)
		rc = commit(i, false);
	if (rc == 0 && i->err->code == 0)
		count_rows(i);
	return i->err->code ? i->err->code : rc;
}

int command_import(struct command *c)
{
	struct error err = { 0 };
	struct import i = { .c = c, .area = c->area ? c->area : "public", .err = &err };
	int rc;

	i.with_keys = strcmp(i.area, "private") == 0;
	rc = run(&i);
	secret_free(i.seal);
	secret_free(i.passphrase);
	if (rc < 0)
		return command_failed(EXIT_LATER, &err);
	printf("%s: %zu certificates and %zu keys of %zu files, %zu failures\n", i.area, i.certificates, i.keys, i.files, i.failed);
	return i.failed ? EXIT_SOME_FAILED : EXIT_FINE;
}
