/* scratch.c - decrypted bytes: written to an unlinked file, then mapped
 *
 * A decrypted message is as big as the message; in a file the kernel can take its pages back.  What turns
 * out damaged is cut off again and was never mapped.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fs.h"
#include "smime/layer.h"

struct opened_mapping {
	void *p;
	size_t n;
	struct opened_mapping *next;
};

int scratch_begin(struct opening *o, struct scratch_piece *piece)
{
	off_t page = (off_t)sysconf(_SC_PAGESIZE);
	off_t end = lseek(o->scratch, 0, SEEK_END);

	*piece = (struct scratch_piece){ 0 };
	if (end < 0)
		return error_set(o->err, E_TEMP, "scratch file: %s", strerror(errno));
	piece->at = (end + page - 1) / page * page; /* mappings start at pages */
	if (lseek(o->scratch, piece->at, SEEK_SET) < 0)
		return error_set(o->err, E_TEMP, "scratch file: %s", strerror(errno));
	return 0;
}

int scratch_add(struct opening *o, struct scratch_piece *piece, const void *p, size_t n)
{
	if (n > o->limits->message - piece->n)
		return error_set(o->err, E_LIMIT, "the content of an S/MIME layer has more than %zu bytes",
				 o->limits->message);
	piece->n += n;
	return fs_write_all(o->scratch, p, n, o->err) < 0 ? E_TEMP : 0;
}

int scratch_finish(struct opening *o, struct scratch_piece *piece, struct span *out)
{
	struct opened_mapping *m;
	void *p;

	*out = span_from("", 0);
	if (!piece->n)
		return 0;
	p = mmap(NULL, piece->n, PROT_READ, MAP_PRIVATE, o->scratch, piece->at);
	if (p == MAP_FAILED)
		return error_set(o->err, E_TEMP, "scratch file: %s", strerror(errno));
	m = arena_alloc(o->arena, sizeof(*m));
	m->p = p;
	m->n = piece->n;
	m->next = o->out->mappings;
	o->out->mappings = m;
	*out = span_from(p, piece->n);
	return 0;
}

void scratch_drop(struct opening *o, struct scratch_piece *piece)
{
	if (ftruncate(o->scratch, piece->at) < 0)
		piece->n = 0; /* the file is unlinked and ours alone: it goes with the process */
}

void opened_release(struct opened *o)
{
	for (struct opened_mapping *m = o->mappings; m; m = m->next)
		munmap(m->p, m->n);
	for (size_t i = 0; i < o->nlayers; i++) {
		struct layer *l = &o->layers[i];

		for (size_t j = 0; j < l->nsigners; j++)
			X509_free(l->signers[j].certificate);
		sk_X509_pop_free(l->certificates, X509_free);
	}
	*o = (struct opened){ 0 };
}
