/* area.c - certificates in a folder, found in microseconds: the questions */
#include "common/area.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <unistd.h>

#include "common/area_inside.h"
#include "common/certfile.h"
#include "common/passphrase.h"

/* How often a question is asked again when files change under it. */
#define ATTEMPTS 4
/* Entries that have a mark: more are not looked at. */
#define CANDIDATES_MAX 4096

/* ---- opening ---- */

int area_open(const struct config *config, const char *name, struct area **out, struct error *err)
{
	struct area *a = mem_alloc(sizeof(*a));
	struct buf directory = BUF_INIT;
	int rc;

	*out = NULL;
	buf_addf(&directory, "%s/%s", config->areas, name);
	a->directory = directory.data;
	a->name = mem_strdup(name);
	a->config = config;
	a->is_private = strcmp(name, "private") == 0;
	rc = index_open(config->spool, name, a->directory, &a->index, err);
	if (rc < 0)
		area_close(a);
	else
		*out = a;
	return rc;
}

void area_close(struct area *a)
{
	if (!a)
		return;
	index_close(a->index);
	area_forget_passphrase(a);
	free(a->directory);
	free(a->name);
	free(a);
}

const char *area_name(const struct area *a)
{
	return a->name;
}

const char *area_directory(const struct area *a)
{
	return a->directory;
}

/* Whether a folder has a name that is not hidden; negative with errno.  The first few names say it: readdir(3) would fetch a
 * thousand, into 32 KB of fresh memory. */
static int has_names(int fd)
{
	_Alignas(struct dirent64) char names[512];
	ssize_t n;

	while ((n = getdents64(fd, names, sizeof(names))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(const void *)(names + at);

			if (e->d_name[0] != '.')
				return 1;
			at += e->d_reclen;
		}
	return (int)n;
}

int area_occupied(struct arena *arena, const struct config *config, const char *name, struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", config->areas, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	rc = has_names(fd);
	if (rc < 0)
		rc = error_set(err, E_CONFIG, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

/* ---- a question ---- */

struct candidate {
	uint64_t id;
	int64_t not_before;
	bool domain;
};

struct question {
	struct area *area;
	struct arena *arena;
	struct mark marks[2];      /* the second: the whole domain; n = 0: none */
	/* Whether the entry really is what was asked for: marks are hashes.  NULL: it is. */
	bool (*fits)(const struct question *q, const struct area_entry *e);
	const void *wanted[2];
	bool keep_copies;          /* the same certificate from several files */
	struct area_crls *crls;    /* where lists go; NULL: certificates are asked for */
	size_t max;
	size_t from, passed;       /* in a range: how many are left out, and have been */

	struct candidate *candidates;
	size_t ncandidates, cap;
	bool domain;               /* while collecting */
	char **changed;            /* files that are not what the index says */
	size_t nchanged;
	struct area_list *out;
	struct error *err;
};

static int collect(void *ctx, struct span key, struct span value)
{
	struct question *q = ctx;

	(void)value;
	if (q->ncandidates == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 16;
		q->candidates = mem_resize(q->candidates, q->cap * sizeof(*q->candidates));
	}
	q->candidates[q->ncandidates++] = (struct candidate){ key_id(key), 0, q->domain };
	return q->ncandidates >= CANDIDATES_MAX;
}

static int collect_range(void *ctx, struct span key, struct span value)
{
	struct question *q = ctx;

	if (q->passed < q->from)
		q->passed++;
	else
		collect(ctx, key, value);
	return q->ncandidates >= q->max;
}

static int collect_marks(struct question *q)
{
	struct record_key k;
	int rc = 0;

	for (int i = 0; i < 2 && rc >= 0; i++) {
		if (q->marks[i].n == 0)
			continue;
		q->domain = i == 1;
		key_mark_prefix(&k, span_from(q->marks[i].bytes, q->marks[i].n));
		rc = index_each(q->area->index, key_span(&k), collect, q, q->err);
	}
	return rc < 0 ? rc : 0;
}

static bool entry_of(struct question *q, uint64_t id, struct entry_view *v)
{
	struct record_key k;
	struct span value;

	key_entry(&k, id);
	return index_get(q->area->index, key_span(&k), &value) == 0 && entry_parse(value, v);
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain ? 1 : -1;
	if (x->not_before != y->not_before)
		return x->not_before > y->not_before ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void sort_candidates(struct question *q)
{
	struct entry_view v;

	for (size_t i = 0; i < q->ncandidates; i++)
		if (entry_of(q, q->candidates[i].id, &v))
			q->candidates[i].not_before = v.fixed.not_before;
	if (q->ncandidates)
		qsort(q->candidates, q->ncandidates, sizeof(*q->candidates), newest_first);
}

/* ---- fetching an entry from its file ---- */

/* The index remembers the file as it is. */
static bool unchanged(struct question *q, const char *path, const struct stat *st)
{
	struct file_record r;
	struct record_key k;
	struct span value;
	struct stamp now;

	stamp_of(st, &now);
	file_key(&k, 'F', path);
	return index_get(q->area->index, key_span(&k), &value) == 0 && file_parse(value, &r, NULL) && stamp_equal(&r.stamp, &now);
}

static bool read_part(int fd, const struct entry_record *r, struct buf *der)
{
	struct buf bytes = BUF_INIT;
	bool whole;

	if (r->length > AREA_CRL_MAX)
		return false;
	buf_reserve(&bytes, (size_t)r->length + 1);
	whole = pread(fd, bytes.data, (size_t)r->length, (off_t)r->offset) == (ssize_t)r->length;
	whole = whole && certfile_decode((enum certfile_form)r->form, span_from(bytes.data, (size_t)r->length), der) == 0;
	buf_release(&bytes);
	return whole;
}

/* The entry's DER, from the file itself; false: the file is not what the index says. */
static bool fetch(struct question *q, const struct entry_view *v, const char *path, const char *file, struct span *out)
{
	struct buf der = BUF_INIT;
	struct stat st;
	bool good = false;
	int fd = -1;

	if (v->fixed.form == CERTFILE_INNER) {
		good = stat(file, &st) == 0 && unchanged(q, path, &st);
		buf_add(&der, v->der.p, v->der.n);
	} else {
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		good = fd >= 0 && fstat(fd, &st) == 0 && unchanged(q, path, &st) && read_part(fd, &v->fixed, &der);
	}
	if (fd >= 0)
		close(fd);
	good = good && mark_hash(buf_str(&der), der.len) == v->fixed.hash;
	if (good)
		*out = span_from(arena_memdup(q->arena, buf_str(&der), der.len), der.len);
	buf_release(&der);
	return good;
}

static bool have_already(const struct question *q, struct span der)
{
	for (size_t i = 0; i < q->out->n && !q->keep_copies; i++)
		if (span_eq(q->out->items[i].der, der))
			return true;
	return false;
}

static void note_changed(struct question *q, char *path)
{
	for (size_t i = 0; i < q->nchanged; i++)
		if (strcmp(q->changed[i], path) == 0)
			return;
	q->changed = mem_resize(q->changed, (q->nchanged + 1) * sizeof(*q->changed));
	q->changed[q->nchanged++] = path;
}

static int take_candidate(struct question *q, const struct candidate *c)
{
	struct area_entry e = { .domain = c->domain };
	struct entry_view v;
	char *path;

	if (!entry_of(q, c->id, &v))
		return index_damaged(q->area->index, "an entry is missing", q->err);
	path = arena_strndup(q->arena, v.path.p, v.path.n);
	e.file = area_path(q->arena, q->area, path);
	if (!fetch(q, &v, path, e.file, &e.der)) {
		note_changed(q, path);
		return 0;
	}
	e.position = v.fixed.position;
	e.not_before = (time_t)v.fixed.not_before;
	e.not_after = (time_t)v.fixed.not_after;
	e.leaf = v.fixed.flags & ENTRY_LEAF;
	e.may_sign = v.fixed.flags & ENTRY_MAY_SIGN;
	e.has_keys = v.fixed.flags & ENTRY_KEYS;
	e.exposed = v.fixed.flags & ENTRY_EXPOSED;
	if (!have_already(q, e.der) && (!q->fits || q->fits(q, &e)))
		q->out->items[q->out->n++] = e;
	return 0;
}

/* As above, for a revocation list: the form in the index is what was made of the file, as long as that is the same. */
static int take_crl(struct question *q, const struct candidate *c)
{
	struct area_crl list = { .id = c->id };
	struct record_key k;
	struct entry_view v;
	struct span form;
	struct stat st;
	char *path;

	key_list(&k, c->id);
	if (!entry_of(q, c->id, &v) || index_get(q->area->index, key_span(&k), &form) < 0 || !crl_view(form, &list.list))
		return index_damaged(q->area->index, "a revocation list is missing or damaged", q->err);
	path = arena_strndup(q->arena, v.path.p, v.path.n);
	list.file = area_path(q->arena, q->area, path);
	if (stat(list.file, &st) < 0 || !unchanged(q, path, &st)) {
		note_changed(q, path);
		return 0;
	}
	if (!crl_issuer_is(&list.list, q->wanted[0]))
		return 0;
	form = span_sub(form, 0, (size_t)list.list.head.entries_at);
	crl_view(span_from(arena_memdup(q->arena, form.p, form.n), form.n), &list.list);
	q->crls->items[q->crls->n++] = list;
	q->out->n = q->crls->n;
	return 0;
}

static int take_crls(struct question *q)
{
	int rc = 0;

	q->crls->items = arena_array(q->arena, (q->ncandidates < q->max ? q->ncandidates : q->max) + 1, sizeof(*q->crls->items));
	q->crls->n = q->out->n = 0;
	for (size_t i = 0; i < q->ncandidates && q->crls->n < q->max && rc == 0; i++)
		rc = take_crl(q, &q->candidates[i]);
	return rc;
}

static int take_candidates(struct question *q)
{
	size_t room = q->ncandidates < q->max ? q->ncandidates : q->max;
	int rc = 0;

	q->out->items = arena_array(q->arena, room + 1, sizeof(*q->out->items));
	q->out->n = 0;
	for (size_t i = 0; i < q->ncandidates && q->out->n < q->max && rc == 0; i++)
		rc = take_candidate(q, &q->candidates[i]);
	return rc;
}

/* ---- asking until the answer is true ---- */

static int ask_index(struct question *q, int (*gather)(struct question *))
{
	int rc = index_begin(q->area->index, false, q->err);

	if (rc < 0)
		return rc;
	q->ncandidates = 0;
	q->nchanged = 0;
	q->passed = 0;
	rc = gather(q);
	if (rc == 0) {
		sort_candidates(q);
		rc = q->crls ? take_crls(q) : take_candidates(q);
	}
	index_abort(q->area->index);
	return rc;
}

static int ask(struct question *q, int (*gather)(struct question *))
{
	bool again = !q->area->frozen;
	int rc = again ? 0 : ask_index(q, gather);

	for (int i = 0; i < ATTEMPTS && again && rc == 0; i++) {
		again = false;
		rc = area_refresh(q->area, q->err);
		if (rc == 0)
			rc = ask_index(q, gather);
		if (rc == 0 && q->nchanged) {
			rc = area_reread(q->area, q->changed, q->nchanged, q->err);
			again = true;
		} else if (rc == 0 && q->out->n == 0 && i == 0) {
			rc = area_sweep(q->area, &again, q->err);
		}
	}
	free(q->candidates);
	free(q->changed);
	if (rc == 0 && again)
		rc = error_set(q->err, E_TEMP, "%s: files keep changing", q->area->directory);
	return rc;
}

static struct question question(struct area *a, struct arena *arena, struct area_list *out, struct error *err)
{
	*out = (struct area_list){ NULL, 0 };
	return (struct question){ .area = a, .arena = arena, .max = AREA_FOUND_MAX, .out = out, .err = err };
}

/* ---- the questions ---- */

int area_find_address(struct area *a, struct arena *arena, const char *address, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_address(&q.marks[0], address);
	if (*address != '@')
		mark_domain(&q.marks[1], address);
	return ask(&q, collect_marks);
}

static bool same_name(struct span der, const X509_NAME *name)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_NAME *other = d2i_X509_NAME(NULL, &p, (long)der.n);
	bool same = other && X509_NAME_cmp(other, name) == 0;

	X509_NAME_free(other);
	return same;
}

static bool same_serial(struct span der, const ASN1_INTEGER *serial)
{
	const unsigned char *p = (const unsigned char *)der.p;
	ASN1_INTEGER *other = d2i_ASN1_INTEGER(NULL, &p, (long)der.n);
	bool same = other && ASN1_INTEGER_cmp(other, serial) == 0;

	ASN1_INTEGER_free(other);
	return same;
}

static bool fits_serial(const struct question *q, const struct area_entry *e)
{
	struct certificate_parts parts;

	return certificate_parts(e->der, &parts) && same_name(parts.issuer, q->wanted[0]) &&
	       same_serial(parts.serial, q->wanted[1]);
}

int area_find_serial(struct area *a, struct arena *arena, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_serial(&q.marks[0], issuer, serial);
	q.wanted[0] = issuer;
	q.wanted[1] = serial;
	q.fits = fits_serial;
	return ask(&q, collect_marks);
}

static bool fits_key_id(const struct question *q, const struct area_entry *e)
{
	const struct span *wanted = q->wanted[0];
	struct certificate *certificate = certificate_parse(e->der);
	struct buf id = BUF_INIT;
	bool fits = false;

	if (certificate) {
		certificate_key_id(certificate, &id);
		fits = span_eq(span_from(buf_str(&id), id.len), *wanted);
	}
	buf_release(&id);
	certificate_free(certificate);
	return fits;
}

int area_find_key_id(struct area *a, struct arena *arena, struct span key_id, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_key_id(&q.marks[0], key_id);
	q.wanted[0] = &key_id;
	q.fits = fits_key_id;
	return ask(&q, collect_marks);
}

static bool fits_subject(const struct question *q, const struct area_entry *e)
{
	struct certificate_parts parts;

	return certificate_parts(e->der, &parts) && same_name(parts.subject, q->wanted[0]);
}

int area_find_subject(struct area *a, struct arena *arena, const X509_NAME *subject, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_name(&q.marks[0], MARK_SUBJECT, subject);
	q.wanted[0] = subject;
	q.fits = fits_subject;
	return ask(&q, collect_marks);
}

static bool fits_exact(const struct question *q, const struct area_entry *e)
{
	return span_eq(*(const struct span *)q->wanted[0], e->der);
}

int area_find_exact(struct area *a, struct arena *arena, struct span der, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_exact(&q.marks[0], der);
	q.wanted[0] = &der;
	q.fits = fits_exact;
	q.keep_copies = true;
	return ask(&q, collect_marks);
}

/* Entries with the mark number i. */
static int collect_mark(struct question *q, int i)
{
	struct record_key k;
	int rc;

	key_mark_prefix(&k, span_from(q->marks[i].bytes, q->marks[i].n));
	rc = index_each(q->area->index, key_span(&k), collect, q, q->err);
	return rc < 0 ? rc : 0;
}

/* Those that have the key identifier, which are few, and the name; if there are none, all with the name. */
static int collect_issuers(struct question *q)
{
	struct record_key k;
	struct span nothing;
	size_t kept = 0;
	int rc = q->marks[1].n ? collect_mark(q, 1) : 0;

	for (size_t i = 0; rc == 0 && i < q->ncandidates; i++) {
		key_mark(&k, span_from(q->marks[0].bytes, q->marks[0].n), q->candidates[i].id);
		if (index_get(q->area->index, key_span(&k), &nothing) == 0)
			q->candidates[kept++] = q->candidates[i];
	}
	q->ncandidates = kept;
	return rc < 0 || kept ? rc : collect_mark(q, 0);
}

int area_find_issuers(struct area *a, struct arena *arena, const X509_NAME *subject, struct span key_id,
		      struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	mark_name(&q.marks[0], MARK_SUBJECT, subject);
	if (key_id.n)
		mark_key_id(&q.marks[1], key_id);
	q.wanted[0] = subject;
	q.fits = fits_subject;
	return ask(&q, collect_issuers);
}

int area_find_crls(struct area *a, struct arena *arena, const X509_NAME *issuer, struct area_crls *out, struct error *err)
{
	struct area_list none;
	struct question q = question(a, arena, &none, err);

	*out = (struct area_crls){ NULL, 0 };
	mark_name(&q.marks[0], MARK_CRL, issuer);
	q.wanted[0] = issuer;
	q.crls = out;
	q.max = AREA_CRLS_MAX;
	return ask(&q, collect_marks);
}

int area_search_crl(struct area *a, const struct area_crl *in, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		    struct crl_entry *out, struct error *err)
{
	struct record_key k;
	struct span form;
	struct crl list;
	int rc = index_begin(a->index, false, err);

	if (rc < 0)
		return rc;
	key_list(&k, in->id);
	if (index_get(a->index, key_span(&k), &form) < 0 || !crl_view(form, &list) ||
	    memcmp(list.head.hash, in->list.head.hash, CRL_HASH_SIZE) != 0)
		rc = error_set(err, E_TEMP, "%s: replaced while it was looked at", in->file);
	else if ((rc = crl_find(&list, issuer, serial, out)) < 0)
		rc = index_damaged(a->index, "a revocation list is damaged", err);
	index_abort(a->index);
	return rc;
}

int area_warm(struct area *a, struct error *err)
{
	return area_refresh(a, err);
}

static int collect_all(struct question *q)
{
	int rc = index_each(q->area->index, span_from("C", 1), collect, q, q->err);

	if (rc < 0)
		return rc;
	return rc > 0 || q->ncandidates > q->max
		       ? error_set(q->err, E_LIMIT, "%s: more than %zu certificates", q->area->directory, q->max) : 0;
}

int area_find_all(struct area *a, struct arena *arena, size_t max, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	q.max = max < CANDIDATES_MAX - 1 ? max : CANDIDATES_MAX - 1;
	q.keep_copies = true;
	return ask(&q, collect_all);
}

/* ---- everything ---- */

struct walk {
	struct area *area;
	struct buf file;
	int (*fn)(void *ctx, const struct area_record *r);
	void *ctx;
};

static int visit(void *ctx, struct span key, struct span value)
{
	struct walk *w = ctx;
	struct entry_view v;

	(void)key;
	if (!entry_parse(value, &v))
		return 0;
	buf_clear(&w->file);
	buf_addf(&w->file, "%s/%.*s", w->area->directory, (int)v.path.n, v.path.p);
	return w->fn(w->ctx, &(struct area_record){ .file = w->file.data, .position = v.fixed.position,
						    .not_before = (time_t)v.fixed.not_before, .not_after = (time_t)v.fixed.not_after,
						    .marks = v.marks, .certificate = v.fixed.type == CERTFILE_CERTIFICATE });
}

int area_each(struct area *a, int (*fn)(void *ctx, const struct area_record *r), void *ctx, struct error *err)
{
	struct walk w = { a, BUF_INIT, fn, ctx };
	bool changed;
	int rc = a->frozen ? 0 : area_refresh(a, err);

	if (rc == 0 && !a->frozen)
		rc = area_sweep(a, &changed, err);
	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc == 0) {
		rc = index_each(a->index, span_from("C", 1), visit, &w, err);
		index_abort(a->index);
	}
	buf_release(&w.file);
	return rc;
}

size_t area_files(struct area *a)
{
	struct meta_record m = { 0 };
	struct span value;

	if (index_begin(a->index, false, NULL) < 0)
		return 0;
	if (index_get(a->index, span_from("M", 1), &value) < 0 || !meta_parse(value, &m))
		m.files = 0;
	index_abort(a->index);
	return (size_t)m.files;
}

int area_freeze(struct area *a, struct error *err)
{
	int rc = area_refresh(a, err);

	a->frozen = rc == 0;
	return rc;
}

int area_thaw(struct area *a, struct error *err)
{
	a->frozen = false;
	return area_refresh(a, err);
}

/* ---- everything, with its bytes ---- */

struct tour {
	struct question q;
	int (*fn)(void *ctx, const struct area_entry *e);
	void *ctx;
};

static int show(void *ctx, struct span key, struct span value)
{
	struct tour *w = ctx;
	struct area_list found = { 0 };
	struct arena arena = ARENA_INIT;
	struct candidate c = { .id = key_id(key) };
	struct entry_view v;
	int rc;

	if (!entry_parse(value, &v) || v.fixed.type != CERTFILE_CERTIFICATE)
		return 0;
	found.items = arena_array(&arena, 1, sizeof(*found.items));
	w->q.arena = &arena;
	w->q.out = &found;
	rc = take_candidate(&w->q, &c);
	if (rc == 0 && found.n)
		rc = w->fn(w->ctx, &found.items[0]);
	w->q.nchanged = 0; /* their names go with the arena */
	arena_release(&arena);
	return rc;
}

int area_each_certificate(struct area *a, int (*fn)(void *ctx, const struct area_entry *e), void *ctx, struct error *err)
{
	struct tour w = { { .area = a, .max = 1, .keep_copies = true, .err = err }, fn, ctx };
	int rc = area_refresh(a, err);

	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc < 0)
		return rc;
	rc = index_each(a->index, span_from("C", 1), show, &w, err);
	index_abort(a->index);
	free(w.q.changed);
	return rc;
}

/* The candidates behind the first q->skip. */
static int collect_some(struct question *q)
{
	int rc = index_each(q->area->index, span_from("C", 1), collect_range, q, q->err);

	return rc < 0 ? rc : 0;
}

int area_find_some(struct area *a, struct arena *arena, size_t from, size_t most, struct area_list *out, struct error *err)
{
	struct question q = question(a, arena, out, err);

	q.from = from;
	q.max = most;
	q.keep_copies = true;
	return ask(&q, collect_some);
}

/* ---- what could not be read ---- */

struct lock_search {
	struct area *area;
	struct arena *arena;
	const char **files;
	size_t n;
};

static int find_locked(void *ctx, struct span key, struct span value)
{
	struct lock_search *l = ctx;
	const char *path = file_key_path(l->arena, key);
	struct file_record r;
	struct record_key k;
	struct span file;

	(void)value;
	file_key(&k, 'F', path);
	if (index_get(l->area->index, key_span(&k), &file) == 0 && file_parse(file, &r, NULL) && r.flags & FILE_LOCKED)
		l->files[l->n++] = area_path(l->arena, l->area, path);
	return l->n == AREA_LOCKED_MAX;
}

int area_find_locked(struct area *a, struct arena *arena, const char *const **files, size_t *n, struct error *err)
{
	struct lock_search l = { a, arena, arena_array(arena, AREA_LOCKED_MAX, sizeof(*l.files)), 0 };
	int rc = area_refresh(a, err);

	if (rc == 0)
		rc = index_begin(a->index, false, err);
	if (rc == 0) {
		rc = index_each(a->index, span_from("W", 1), find_locked, &l, err);
		index_abort(a->index);
	}
	*files = l.files;
	*n = l.n;
	return rc < 0 ? rc : 0;
}
