/* list_keys.c - "list-keys": all our own keys, piece by piece, for who looks after their life */
#include "common/keys_answer.h"
#include "keys-file/keys_file.h"
#include "lib/log.h"

#define PIECE 100 /* of 2 KB each: far below a frame */

static const char *use_of(const struct area *a, const struct area_entry *e)
{
	return is_archived(a, e->file) || !e->may_sign ? "decrypt" : "sign";
}

int list_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct area_list list;
	struct area *a;
	uint64_t from;
	size_t i = 0;
	int rc;

	if (!span_number(span_of(xml_attr_or(request, "from", "0")), UINT32_MAX, &from))
		return error_set(err, E_PERM, "<list-keys from=\"...\"> is no number");
	rc = keys_area(s, IN_PRIVATE, &a, err);
	if (rc == 0)
		rc = area_find_some(a, &s->arena, (size_t)from, PIECE, &list, err);
	for (; rc == 0 && i < list.n && w->out.len < s->config->frame_limit / 2; i++) {
		const struct area_entry *e = &list.items[i];

		if (e->exposed) /* said when it was first read, which may be long ago */
			log_error("%s: others may read this private key; not used until it belongs to us with mode 0600",
				  keys_printable(s, e->file));
		if (!e->leaf || !e->has_keys || e->exposed || e->der.n > KEYS_CERTIFICATE_MAX)
			continue;
		xml_open(w, "own");
		xml_put(w, "source", keys_printable(s, e->file));
		xml_put(w, "use", use_of(a, e));
		xml_put_binary(w, e->der.p, e->der.n);
		xml_close(w);
	}
	if (rc == 0 && list.n) {
		xml_open(w, "more");
		xml_putf(w, "from", "%zu", (size_t)from + (i < list.n ? i : PIECE));
		xml_close(w);
	}
	return rc;
}
