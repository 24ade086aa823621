/* absent.c - who was asked for lately and has no certificate, remembered for all messages */
#include "keys-ldap/absent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/mem.h"

#define PLACES 8192 /* a power of two */
#define KEY_SIZE 32

struct table {
	char magic[8];
	unsigned char key[KEY_SIZE]; /* so that nobody outside can choose addresses that meet in one place */
	unsigned char unused[24];
	_Atomic uint64_t places[PLACES];
};

struct absent {
	struct table *table;
	const struct directory_options *o;
	struct digest asked; /* what is asked of which directory, so that a changed configuration begins anew */
};

static const char magic[8] = "absent1";

/* ---- the file ---- */

static int make_table(const char *path, struct error *err)
{
	struct table *t = mem_alloc(sizeof(*t));
	int rc;

	memcpy(t->magic, magic, sizeof(magic));
	if (getrandom(t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key))
		rc = error_set(err, E_TEMP, "no random numbers");
	else
		rc = fs_create(path, t, sizeof(*t), 0600, err);
	mem_wipe(t->key, sizeof(t->key));
	free(t);
	return rc;
}

/* Ours, whole, and of this version: others would be read as nonsense. */
static struct table *map_table(const char *path, bool *unusable)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *p = MAP_FAILED;

	*unusable = false;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)sizeof(struct table))
		p = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED && memcmp(p, magic, sizeof(magic)) == 0)
		return p;
	*unusable = true;
	if (p != MAP_FAILED)
		munmap(p, sizeof(struct table));
	return NULL;
}

static void add_list(struct digest *d, const struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		digest_add(d, list->items[i], strlen(list->items[i]) + 1);
}

static struct absent *absent_of(struct table *t, const struct directory_options *o)
{
	const char *const texts[] = { o->base, o->filter, o->bind_dn };
	const char numbers[2] = { (char)('0' + o->scope), (char)('0' + o->referrals) };
	struct absent *a = mem_alloc(sizeof(*a));
	struct digest *d = &a->asked;

	a->table = t;
	a->o = o;
	digest_init(d);
	digest_add(d, t->key, KEY_SIZE);
	add_list(d, &o->uri);
	digest_add(d, "", 1);
	add_list(d, &o->attributes);
	digest_add(d, numbers, sizeof(numbers));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		digest_add(d, texts[i], strlen(texts[i]) + 1);
	return a;
}

struct absent *absent_open(const char *spool, const struct directory_options *o)
{
	struct error why = { .text = "it cannot be opened" };
	struct buf path = BUF_INIT;
	struct table *t = NULL;
	bool unusable;

	if (o->absent_lifetime == 0)
		return NULL;
	buf_addf(&path, "%s/keys-ldap", spool);
	if (fs_make_directory(buf_str(&path), 0700, &why) == 0) {
		buf_addstr(&path, "/absent");
		t = map_table(buf_str(&path), &unusable);
		if (unusable)
			unlink(buf_str(&path));
		if (!t && make_table(buf_str(&path), &why) == 0)
			t = map_table(buf_str(&path), &unusable);
	}
	if (!t)
		log_info("%s: %s; who has no certificate is asked for again with every message", buf_str(&path), why.text);
	buf_release(&path);
	return t ? absent_of(t, o) : NULL;
}

void absent_close(struct absent *a)
{
	if (a)
		munmap(a->table, sizeof(*a->table));
	free(a);
}

/* ---- places ---- */

static uint64_t hash_of(const struct absent *a, const char *address)
{
	char hex[DIGEST_HEX + 1], first[17];
	struct buf form = BUF_INIT;
	struct digest d = a->asked;

	address_form(span_of(address), &form);
	digest_add(&d, buf_str(&form), form.len);
	buf_release(&form);
	digest_hex(&d, hex);
	memcpy(first, hex, 16);
	first[16] = '\0';
	return strtoull(first, NULL, 16);
}

/* The low bits choose the place, the high ones are kept in it. */
static _Atomic uint64_t *place_of(const struct absent *a, uint64_t hash)
{
	return &a->table->places[hash % PLACES];
}

static uint32_t now_seconds(void)
{
	return (uint32_t)time(NULL);
}

bool absent_is(const struct absent *a, const char *address)
{
	uint64_t hash, value;
	uint32_t until;

	if (!a)
		return false;
	hash = hash_of(a, address);
	value = atomic_load_explicit(place_of(a, hash), memory_order_relaxed);
	until = (uint32_t)value;
	/* a clock that was set back must not make it last */
	return value >> 32 == hash >> 32 && until > now_seconds() && until - now_seconds() <= a->o->absent_lifetime / 1000 + 1;
}

void absent_set(struct absent *a, const char *address)
{
	uint64_t hash, until;

	if (!a)
		return;
	hash = hash_of(a, address);
	until = now_seconds() + (a->o->absent_lifetime + 999) / 1000;
	atomic_store_explicit(place_of(a, hash), (hash >> 32 << 32) | (until & UINT32_MAX), memory_order_relaxed);
}
