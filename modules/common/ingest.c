/* ingest.c - one file of an area into the index */
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "common/area_inside.h"
#include "common/certfile.h"
#include "common/passphrase.h"
#include "common/stamp.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/log.h"

/* Everything known of the file while it is taken in. */
struct ingest {
	struct area *area;
	struct meta_record *meta;
	const char *path;
	struct arena arena;
	struct buf bytes;
	struct stat st;
	struct file_record before, now;
	struct buf text_before;
	bool known;                /* before is filled */
	struct error why;          /* code 0: nothing wrong with the file */
};

/* ---- what the index said before ---- */

static void recall(struct ingest *in)
{
	struct record_key k;
	struct span value, text;

	file_key(&k, 'F', in->path);
	if (index_get(in->area->index, key_span(&k), &value) == 0 && file_parse(value, &in->before, &text)) {
		in->known = true;
		buf_add(&in->text_before, text.p, text.n);
	}
}

static int drop_marks(struct index *ix, struct span marks, uint64_t id)
{
	struct record_key k;
	struct span mark;

	while (marks_next(&marks, &mark)) {
		key_mark(&k, mark, id);
		if (index_delete(ix, key_span(&k)) < 0)
			return E_TEMP;
	}
	return 0;
}

static int drop_entry(struct index *ix, uint64_t id)
{
	struct record_key k;
	struct entry_view v;
	struct span value;
	struct buf marks = BUF_INIT;
	int rc = 0;

	key_entry(&k, id);
	if (index_get(ix, key_span(&k), &value) == 0 && entry_parse(value, &v)) {
		buf_add(&marks, v.marks.p, v.marks.n); /* the value moves when something is deleted */
		rc = drop_marks(ix, span_from(buf_str(&marks), marks.len), id);
		buf_release(&marks);
	}
	if (rc == 0)
		rc = index_delete(ix, key_span(&k));
	key_list(&k, id);
	return rc < 0 ? rc : index_delete(ix, key_span(&k));
}

static int forget(struct ingest *in, struct error *err)
{
	struct index *ix = in->area->index;
	struct record_key k;
	int rc = 0;

	if (!in->known)
		return 0;
	for (uint32_t i = 0; i < in->before.n && rc == 0; i++)
		rc = drop_entry(ix, in->before.first_id + i);
	file_key(&k, 'F', in->path);
	if (rc == 0)
		rc = index_delete(ix, key_span(&k));
	file_key(&k, 'W', in->path);
	if (rc == 0)
		rc = index_delete(ix, key_span(&k));
	in->meta->files--;
	return rc < 0 ? error_set(err, E_TEMP, "index of %s: cannot delete", in->area->directory) : 0;
}

/* ---- reading ---- */

/* Who may not read it is the operator's doing, and told to him; what the machine lacks is over soon, and until then nobody knows what
 * the file says. */
static int cannot_read(struct ingest *in, struct error *err)
{
	if (errno != EACCES && errno != EPERM && errno != ELOOP)
		return error_set(err, E_TEMP, "%s: %s", area_path(&in->arena, in->area, in->path), strerror(errno));
	error_set(&in->why, E_TEMP, "%s", strerror(errno));
	return 0;
}

static int read_whole(struct ingest *in, int fd, size_t max, struct error *err)
{
	for (;;) {
		ssize_t n;

		buf_reserve(&in->bytes, 65536);
		n = read(fd, in->bytes.data + in->bytes.len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot_read(in, err);
		if (n == 0)
			return 0;
		in->bytes.len += (size_t)n;
		if (in->bytes.len > max) {
			error_set(&in->why, E_LIMIT, "bigger than %zu bytes", max);
			return 0;
		}
	}
}

/* 0: read, or in->why says what is wrong.  E_NOTFOUND: there is no such file (any more), or it is none.  E_TEMP: not now. */
static int load(struct ingest *in, struct error *err)
{
	const char *path = area_path(&in->arena, in->area, in->path);
	size_t max = strcmp(in->area->name, "crl") == 0 ? AREA_CRL_MAX : AREA_FILE_MAX;
	int fd, rc;

	if (stat(path, &in->st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return E_NOTFOUND;
		memset(&in->st, 0, sizeof(in->st));
		return cannot_read(in, err);
	}
	if (!S_ISREG(in->st.st_mode))
		return E_NOTFOUND;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT)
			return E_NOTFOUND;
		return cannot_read(in, err);
	}
	rc = fstat(fd, &in->st) < 0 ? cannot_read(in, err) : S_ISREG(in->st.st_mode) ? 0 : E_NOTFOUND;
	if (rc == 0 && (uint64_t)in->st.st_size <= max) /* at once: growing would leave copies of what may be secret */
		buf_reserve(&in->bytes, (size_t)in->st.st_size + 65537);
	if (rc == 0)
		rc = read_whole(in, fd, max, err);
	close(fd);
	return rc;
}

/* ---- entries ---- */

static bool issued_another(const struct certfile *f, size_t i)
{
	const X509_NAME *name = certificate_subject(f->items[i].certificate);

	for (size_t k = 0; k < f->n; k++)
		if (k != i && f->items[k].certificate &&
		    X509_NAME_cmp(certificate_issuer(f->items[k].certificate), name) == 0)
			return true;
	return false;
}

/* Which certificates of a file are whose keys may be in it: the chain is there only to be sent along.  A self-signed
 * one that says it is a CA (openssl req -x509 writes such) is somebody's if there is no better. */
static void find_leaves(const struct certfile *f, bool *leaf)
{
	size_t found = 0;

	for (size_t i = 0; i < f->n; i++) {
		leaf[i] = f->items[i].certificate && !certificate_is_ca(f->items[i].certificate);
		found += leaf[i];
	}
	if (found || f->keys == 0 || f->n > 100)
		return;
	for (size_t i = 0; i < f->n; i++)
		leaf[i] = f->items[i].certificate && !issued_another(f, i);
}

static void describe(const struct certfile_object *o, const char *domain, struct entry_record *r, struct buf *marks)
{
	*r = (struct entry_record){ .hash = mark_hash(o->der.p, o->der.n), .offset = o->offset, .length = o->length,
				    .type = o->type, .form = o->form };
	if (o->certificate) {
		r->not_before = o->certificate->not_before;
		r->not_after = o->certificate->not_after;
		marks_of_certificate(o->certificate, o->der, domain, marks);
	} else {
		struct crl list;

		if (!crl_view(span_from(o->crl.data, o->crl.len), &list))
			return; /* it was seen to be one before */
		r->not_before = list.head.this_update;
		r->not_after = list.head.next_update;
		marks_of_crl(&list, o->der, marks);
	}
}

static int put_marks(struct index *ix, struct span marks, uint64_t id, struct error *err)
{
	struct record_key k;
	struct span mark;
	int rc = 0;

	while (rc == 0 && marks_next(&marks, &mark)) {
		key_mark(&k, mark, id);
		rc = index_put(ix, key_span(&k), span_from("", 0), err);
	}
	return rc;
}

/* "@partner.example" of "@partner.example/x.pem"; NULL elsewhere. */
static const char *domain_folder(struct ingest *in)
{
	const char *slash = strchr(in->path, '/');

	return slash && in->path[0] == '@' ? arena_strndup(&in->arena, in->path, (size_t)(slash - in->path)) : NULL;
}

static bool is_signer(const struct certificate *c)
{
	return !c || certificate_may_sign(c);
}

static int put_entry(struct ingest *in, const struct certfile *f, size_t i, bool leaf, struct error *err)
{
	struct index *ix = in->area->index;
	struct buf value = BUF_INIT, marks = BUF_INIT;
	struct span der = f->items[i].form == CERTFILE_INNER ? f->items[i].der : span_from(NULL, 0);
	struct entry_record r;
	struct record_key k;
	uint64_t id = in->meta->next_id++;
	int rc;

	describe(&f->items[i], domain_folder(in), &r, &marks);
	r.position = (uint32_t)i;
	r.flags = (leaf ? ENTRY_LEAF : 0) | (is_signer(f->items[i].certificate) ? ENTRY_MAY_SIGN : 0) |
		  (in->now.flags & FILE_KEYS ? ENTRY_KEYS : 0) |
		  (in->now.flags & FILE_EXPOSED ? ENTRY_EXPOSED : 0);
	r.path = (uint32_t)strlen(in->path);
	r.marks = (uint32_t)marks.len;
	r.der = (uint32_t)der.n;
	buf_add(&value, &r, sizeof(r));
	buf_addstr(&value, in->path);
	buf_add(&value, marks.data, marks.len);
	buf_add(&value, der.p, der.n);
	key_entry(&k, id);
	rc = index_put(ix, key_span(&k), span_from(value.data, value.len), err);
	if (rc == 0)
		rc = put_marks(ix, span_from(buf_str(&marks), marks.len), id, err);
	if (rc == 0 && f->items[i].type == CERTFILE_CRL) {
		key_list(&k, id);
		rc = index_put(ix, key_span(&k), span_from(f->items[i].crl.data, f->items[i].crl.len), err);
	}
	buf_release(&value);
	buf_release(&marks);
	return rc;
}

static int put_entries(struct ingest *in, const struct certfile *f, struct error *err)
{
	bool *leaf = arena_array(&in->arena, f->n + 1, sizeof(*leaf));
	int rc = 0;

	find_leaves(f, leaf);
	in->now.first_id = in->meta->next_id;
	in->now.n = (uint32_t)f->n;
	for (size_t i = 0; i < f->n && rc == 0; i++)
		rc = put_entry(in, f, i, leaf[i], err);
	return rc;
}

/* ---- the file ---- */

static bool is_exposed(const struct stat *st)
{
	return (st->st_mode & 077) || (st->st_uid != geteuid() && st->st_uid != 0);
}

static void judge_keys(struct ingest *in, size_t keys)
{
	const char *path = area_path(&in->arena, in->area, in->path);

	if (keys == 0)
		return;
	if (!in->area->is_private) {
		log_warning("%s: holds a private key, which has no business in this area", path);
		return;
	}
	in->now.flags |= FILE_KEYS;
	if (!is_exposed(&in->st))
		return;
	in->now.flags |= FILE_EXPOSED;
	log_error("%s: holds a private key and is not ours alone (mode %04o, uid %u); not used until it belongs to us with mode 0600",
		  path, (unsigned)in->st.st_mode & 07777, (unsigned)in->st.st_uid);
}

static int put_file(struct ingest *in, struct error *err)
{
	struct buf value = BUF_INIT;
	struct record_key k;
	int rc;

	if (in->why.code)
		in->now.flags |= FILE_FAILED;
	stamp_of(&in->st, &in->now.stamp);
	if (is_racy(&in->now.stamp, now_nanoseconds(), false))
		in->now.flags |= FILE_RACY;
	buf_add(&value, &in->now, sizeof(in->now));
	buf_addstr(&value, in->why.text);
	file_key(&k, 'F', in->path);
	rc = index_put(in->area->index, key_span(&k), span_from(value.data, value.len), err);
	buf_release(&value);
	if (rc < 0)
		return rc;
	file_key(&k, 'W', in->path);
	if (in->now.flags & (FILE_FAILED | FILE_LOCKED | FILE_RACY))
		return index_put(in->area->index, key_span(&k), span_from("", 0), err);
	return index_delete(in->area->index, key_span(&k));
}

static bool same_bytes(const struct ingest *in)
{
	return in->known && memcmp(in->before.digest, in->now.digest, sizeof(in->now.digest)) == 0;
}

/* A locked file is tried again now and then; once in the log is enough. */
static bool said_before(const struct ingest *in)
{
	return same_bytes(in) && strcmp(buf_str(&in->text_before), in->why.text) == 0;
}

static int take_contents(struct ingest *in, struct error *err)
{
	struct span bytes = span_from(buf_str(&in->bytes), in->bytes.len);
	struct certfile f = { 0 };
	int rc;

	if (!in->why.code) {
		certfile_read(bytes, in->area->is_private ? area_passphrase(in->area) : NULL, &f, &in->why);
		judge_keys(in, f.keys);
	}
	if (f.locked)
		in->now.flags |= FILE_LOCKED;
	if (in->why.code && !said_before(in))
		log_warning("%s: %s", area_path(&in->arena, in->area, in->path), in->why.text);
	rc = forget(in, err);
	if (rc == 0)
		rc = put_entries(in, &f, err);
	in->meta->files++;
	certfile_release(&f);
	return rc;
}

/* The same bytes say the same, unless who may read them or the passphrase decides. */
static bool says_the_same(const struct ingest *in)
{
	const struct file_record *b = &in->before;

	return same_bytes(in) && !in->why.code && !(b->flags & FILE_LOCKED) &&
	       !!(b->flags & FILE_EXPOSED) == (b->flags & FILE_KEYS && is_exposed(&in->st));
}

static void note_digest(struct ingest *in)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;

	digest_init(&d);
	digest_add(&d, in->bytes.data, in->bytes.len);
	digest_hex(&d, hex);
	memcpy(in->now.digest, hex, sizeof(in->now.digest));
}

static int take(struct ingest *in, struct error *err)
{
	int rc = 0;

	if (!in->why.code)
		note_digest(in);
	if (says_the_same(in)) {
		in->now.first_id = in->before.first_id;
		in->now.n = in->before.n;
		in->now.flags = in->before.flags & ~(uint32_t)FILE_RACY;
		if (in->before.flags & FILE_FAILED)
			error_set(&in->why, E_PERM, "%s", buf_str(&in->text_before));
	} else {
		rc = take_contents(in, err);
	}
	return rc < 0 ? rc : put_file(in, err);
}

int ingest_file(struct area *a, struct meta_record *m, const char *path, struct error *err)
{
	struct ingest in = { .area = a, .meta = m, .path = path };
	int rc;

	recall(&in);
	rc = load(&in, err);
	if (rc == E_NOTFOUND)
		rc = forget(&in, err);
	else if (rc == 0)
		rc = take(&in, err);
	if (a->is_private)
		buf_wipe(&in.bytes);
	else
		buf_release(&in.bytes);
	buf_release(&in.text_before);
	arena_release(&in.arena);
	return rc;
}
