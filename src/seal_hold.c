/* seal_hold.c - what proves that this site has held a message, for whom, and from whom */
#include "seal_hold.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/openssl.h"
#include "mac.h"

/* Each value on a line of its own, as it stands in the record: without control characters, and without blanks around it. */
static void add(struct buf *text, const char *value)
{
	struct span v = span_trim(span_of(value));

	for (size_t i = 0; i < v.n; i++)
		buf_addch(text, (unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f ? ' ' : v.p[i]);
	buf_addch(text, '\n');
}

int hold_seal(struct arena *a, struct span key, const struct hold_seal *s, const char *recipient, const char **out, struct error *err)
{
	const char *const values[] = { s->id, s->digest, s->sender, s->client, s->reason, recipient };
	char hex[2 * MAC_BYTES + 1] = "";
	unsigned char mac[MAC_BYTES];
	struct buf text = BUF_INIT;
	int rc;

	*out = "";
	openssl_start();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		add(&text, values[i]);
	rc = mac_of(NULL, key, "postern hold 1", span_from(text.data, text.len), mac, err);
	for (size_t i = 0; rc == 0 && i < MAC_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	if (rc == 0)
		*out = arena_strdup(a, hex);
	buf_release(&text);
	return rc;
}

static bool has_seal(const struct held *h, const char *seal)
{
	for (size_t i = 0; i < h->nseals; i++)
		if (strlen(h->seals[i]) == strlen(seal) && CRYPTO_memcmp(h->seals[i], seal, strlen(seal)) == 0)
			return true;
	return false;
}

int hold_check_seals(struct arena *a, struct span key, const char *digest, const struct held *h, struct error *err)
{
	struct hold_seal s = { h->id, digest, h->sender, h->client, h->reason };

	for (size_t i = 0; i < h->n; i++) {
		const char *seal;

		if (h->served[i])
			continue;
		if (hold_seal(a, key, &s, h->recipients[i], &seal, err) < 0)
			return E_TEMP;
		if (!has_seal(h, seal))
			return error_set(err, E_PERM, "the hold is not as this site wrote it: changed, or of another site; read it in the "
					 "spool, and discard it");
	}
	return 0;
}
