/* looks.c - does a message claim to be signed or encrypted already?  From its type and its first bytes only */
#include "smime/layer.h"

#define PEEK 256

static enum layer_kind first_bytes(const struct entity *e)
{
	struct entity head = *e;
	struct buf decoded = BUF_INIT;
	struct span bytes;
	enum layer_kind kind = LAYER_UNKNOWN;

	head.body = span_sub(e->body, 0, PEEK);
	if (layer_bytes(&head, &decoded, &bytes, NULL) == 0)
		kind = cms_peek(bytes);
	buf_release(&decoded);
	return kind;
}

static const char *smime_type(const struct entity *e)
{
	const char *type = header_parameter(&e->type, "smime-type");

	return type ? type : "";
}

bool smime_is_sealed(const struct entity *root)
{
	enum layer_kind kind = layer_claimed(root) ? first_bytes(root) : LAYER_UNKNOWN;

	return kind == LAYER_ENVELOPED || kind == LAYER_AUTHENVELOPED;
}

void smime_looks(const struct entity *root, bool *is_signed, bool *is_encrypted)
{
	const char *type = smime_type(root);

	*is_signed = *is_encrypted = false;
	if (layer_clear_signed(root)) {
		*is_signed = true;
		return;
	}
	if (!layer_claimed(root))
		return;
	switch (first_bytes(root)) {
	case LAYER_OPAQUE_SIGNED:
		*is_signed = !ascii_caseeq(type, "certs-only");
		break;
	case LAYER_ENVELOPED:
	case LAYER_AUTHENVELOPED:
		*is_encrypted = true;
		break;
	case LAYER_COMPRESSED:
		break;
	default: /* unreadable: what it says; without a word it is taken for encrypted, as old senders meant it */
		*is_signed = ascii_caseeq(type, "signed-data") || entity_is(root, "application/pkcs7-signature") ||
			     entity_is(root, "application/x-pkcs7-signature");
		*is_encrypted = !*is_signed && !ascii_caseeq(type, "certs-only") && !ascii_caseeq(type, "compressed-data");
	}
}
