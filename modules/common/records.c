/* records.c - what the keys and values of an area's index mean */
#include "common/records.h"

#define MAGIC "postern"
#define RECORD_SIZES ((uint32_t)(sizeof(struct meta_record) << 20 | sizeof(struct file_record) << 10 | sizeof(struct entry_record)))

/* ---- keys ---- */

struct span key_span(const struct record_key *k)
{
	return span_from(k->bytes, k->n);
}

/* Callers keep paths within PATH_KEY_MAX. */
static void key_set(struct record_key *k, char kind, const void *p, size_t n)
{
	if (n > PATH_KEY_MAX)
		n = PATH_KEY_MAX;
	k->bytes[0] = kind;
	memcpy(k->bytes + 1, p, n);
	k->n = 1 + n;
}

static void key_add_id(struct record_key *k, uint64_t id)
{
	for (int i = ID_SIZE - 1; i >= 0; i--)
		k->bytes[k->n++] = (char)(id >> (8 * i) & 0xff);
}

void key_path(struct record_key *k, char kind, const char *path)
{
	key_set(k, kind, path, strlen(path));
}

void key_entry(struct record_key *k, uint64_t id)
{
	key_set(k, 'C', "", 0);
	key_add_id(k, id);
}

void key_list(struct record_key *k, uint64_t id)
{
	key_set(k, 'R', "", 0);
	key_add_id(k, id);
}

/* The NUL keeps "a@b" apart from "a@b.c"; hashes have one length. */
void key_mark_prefix(struct record_key *k, struct span mark)
{
	key_set(k, 'K', mark.p, mark.n);
	k->bytes[k->n++] = '\0';
}

void key_mark(struct record_key *k, struct span mark, uint64_t id)
{
	key_mark_prefix(k, mark);
	key_add_id(k, id);
}

uint64_t key_id(struct span key)
{
	uint64_t id = 0;

	for (size_t i = key.n < ID_SIZE ? 0 : key.n - ID_SIZE; i < key.n; i++)
		id = id << 8 | (unsigned char)key.p[i];
	return id;
}

/* ---- values ---- */

bool entry_parse(struct span value, struct entry_view *out)
{
	const struct entry_record *r = &out->fixed;
	size_t at = sizeof(*r);

	if (value.n < at)
		return false;
	memcpy(&out->fixed, value.p, at);
	if ((uint64_t)at + r->path + r->marks + r->der != value.n)
		return false;
	out->path = span_sub(value, at, at + r->path);
	at += r->path;
	out->marks = span_sub(value, at, at + r->marks);
	at += r->marks;
	out->der = span_sub(value, at, at + r->der);
	return true;
}

bool file_parse(struct span value, struct file_record *out, struct span *text)
{
	if (value.n < sizeof(*out))
		return false;
	memcpy(out, value.p, sizeof(*out));
	if (text)
		*text = span_sub(value, sizeof(*out), value.n);
	return true;
}

bool dir_parse(struct span value, struct dir_record *out)
{
	if (value.n != sizeof(*out))
		return false;
	memcpy(out, value.p, sizeof(*out));
	return true;
}

bool meta_parse(struct span value, struct meta_record *out)
{
	if (value.n < sizeof(*out))
		return false;
	memcpy(out, value.p, sizeof(*out));
	return memcmp(out->magic, MAGIC, sizeof(out->magic)) == 0 && out->version == INDEX_VERSION &&
	       out->record_sizes == RECORD_SIZES;
}

bool meta_fits(struct span value, const char *directory)
{
	struct meta_record m;

	return meta_parse(value, &m) && span_eqstr(span_sub(value, sizeof(m), value.n), directory);
}

void meta_start(struct meta_record *m)
{
	*m = (struct meta_record){ MAGIC, INDEX_VERSION, RECORD_SIZES, 0, 1, 0, { 0 } };
}

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

void stamp_of(const struct stat *st, struct stamp *out)
{
	*out = (struct stamp){ nanoseconds(&st->st_mtim), nanoseconds(&st->st_ctim), (uint64_t)st->st_size,
			       (uint64_t)st->st_ino, (uint64_t)st->st_dev };
}

bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->modified == b->modified && a->changed == b->changed && a->size == b->size && a->inode == b->inode &&
	       a->device == b->device;
}

void file_key(struct record_key *k, char kind, const char *path)
{
	key_path(k, kind, path);
	if (!strchr(path, '/')) {
		memmove(k->bytes + 2, k->bytes + 1, k->n - 1);
		k->bytes[1] = '/';
		k->n++;
	}
}

char *file_key_path(struct arena *arena, struct span key)
{
	struct span path = span_sub(key, 1, key.n);

	if (path.n && path.p[0] == '/')
		path = span_sub(path, 1, path.n);
	return arena_strndup(arena, path.p, path.n);
}
