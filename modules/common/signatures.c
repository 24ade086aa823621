/* signatures.c - signatures that were verified once need not be verified by every process
 *
 * Who checks certificates looks at the same signatures again and again: of the CAs in an area, and of their revocation lists.
 * Each costs more than finding both.  The index keeps which were good, by the hashes of what was signed and of
 * the signer's certificate; both are read from their files each time, so what is remembered cannot become untrue.  It
 * has a fixed number of places: what is new takes a place whose holder has stood there for a while, else it is verified the next time, too.
 */
#include <string.h>
#include <time.h>

#include "common/area_inside.h"

#define STAYS ((int64_t)7 * 86400)

/* The first bytes of both, mixed so that the self-signed do not meet: 2^18 places. */
void key_signature(struct record_key *k, const struct area_signature *s)
{
	k->n = 4;
	k->bytes[0] = 'S';
	k->bytes[1] = (char)(s->object[0] ^ s->signer[3]);
	k->bytes[2] = (char)(s->object[1] ^ s->signer[4]);
	k->bytes[3] = (char)((s->object[2] ^ s->signer[5]) & 3);
}

static bool read_place(struct area *a, const struct area_signature *s, struct signature_record *out)
{
	struct record_key k;
	struct span value;

	key_signature(&k, s);
	if (index_get(a->index, key_span(&k), &value) < 0 || value.n != sizeof(*out))
		return false;
	memcpy(out, value.p, sizeof(*out));
	return true;
}

static bool same(const struct area_signature *a, const struct area_signature *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool area_knows_signature(struct area *a, const struct area_signature *s)
{
	struct signature_record r;
	bool known;

	if (index_begin(a->index, false, NULL) < 0)
		return false;
	known = read_place(a, s, &r) && same(&r.is, s);
	index_abort(a->index);
	return known;
}

int area_learn_signature(struct area *a, const struct area_signature *s, struct error *err)
{
	struct signature_record r, now = { *s, (int64_t)time(NULL) };
	struct record_key k;
	int rc = index_begin(a->index, true, err);

	if (rc < 0)
		return rc;
	if (!read_place(a, s, &r) || now.since - r.since > STAYS || now.since < r.since) {
		key_signature(&k, s);
		rc = index_put(a->index, key_span(&k), span_from((const char *)&now, sizeof(now)), err);
		if (rc == 0)
			return index_commit(a->index, err);
	}
	index_abort(a->index);
	return rc;
}
