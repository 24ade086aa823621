/* layer.c - one layer: is an entity one, what are its CMS bytes, and what is inside (RFC 8551 3.2 to 3.10) */
#include "smime/layer.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdarg.h>

#include "lib/base64.h"
#include "lib/openssl.h"

/* ---- layers of the result */

struct layer *layer_add(struct opening *o, enum layer_kind kind)
{
	struct opened *out = o->out;
	struct layer *more = arena_array(o->arena, out->nlayers + 1, sizeof(*more)); /* there are few */

	if (out->nlayers)
		memcpy(more, out->layers, out->nlayers * sizeof(*more));
	out->layers = more;
	more += out->nlayers++;
	*more = (struct layer){ .kind = kind, .status = LAYER_OPEN, .why = "", .cipher = "", .key_management = "" };
	return more;
}

void layer_set(struct opening *o, struct layer *l, enum layer_status status, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->status = status;
	l->why = arena_strdup(o->arena, text);
}

/* ---- recognising */

static bool is_one_of(const struct entity *e, const char *const *types)
{
	for (; *types; types++)
		if (entity_is(e, *types))
			return true;
	return false;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && ascii_caseeq(name + n - m, suffix);
}

static bool smime_file_name(const char *name)
{
	return ends_with(name, ".p7m") || ends_with(name, ".p7s") || ends_with(name, ".p7c") || ends_with(name, ".p7z");
}

static bool cms_part(const struct entity *e)
{
	static const char *const types[] = { "application/pkcs7-mime", "application/x-pkcs7-mime",
		"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pkcs7",
		"application/x-pkcs7", NULL };

	return is_one_of(e, types) || (entity_is(e, "application/octet-stream") && smime_file_name(e->filename));
}

static bool mentions_pkcs7(const char *s)
{
	for (; *s; s++)
		if (span_casestarts(span_of(s), "pkcs7"))
			return true;
	return false;
}

bool layer_clear_signed(const struct entity *e)
{
	const char *protocol;

	if (!entity_is(e, "multipart/signed"))
		return false;
	protocol = header_parameter(&e->type, "protocol");
	return (protocol && mentions_pkcs7(protocol)) || (e->first && e->first->next && cms_part(e->first->next));
}

bool layer_claimed(const struct entity *e)
{
	return cms_part(e) || layer_clear_signed(e);
}

/* Whether some reader shows it as another file than a signature. */
static bool has_other_name(struct arena *a, const struct entity *e, const char *field, const char *parameter)
{
	const struct header_field *f = header_find(&e->header, field, NULL);
	struct header_value v = { .text = "" };
	const char *name;

	if (f)
		header_value_parse(a, f->value, &v);
	name = header_parameter(&v, parameter);
	return v.duplicate || (name && !smime_file_name(header_decode(a, span_of(name))));
}

const char *layer_signature_objection(struct arena *a, const struct entity *e)
{
	if (e->ambiguous)
		return arena_printf(a, "ambiguous signature part: %s", e->why_ambiguous);
	if (!cms_part(e) || e->type.malformed || e->type.unusual)
		return arena_printf(a, "the signature part is %.80s", e->type.text);
	if (has_other_name(a, e, "Content-Type", "name") || has_other_name(a, e, "Content-Disposition", "filename"))
		return "the signature part has a name that is no signature's, or two";
	return NULL;
}

/* ---- the CMS bytes of a body */

/* BER begins with 0x30, the base64 of it with 'M'. */
static bool looks_binary(struct span s)
{
	return s.n && s.p[0] == 0x30;
}

/* "-----BEGIN CMS-----" and the like: what is between the lines */
static struct span without_armour(struct span s)
{
	ptrdiff_t at;

	if (!span_casestarts(s, "-----BEGIN "))
		return s;
	at = span_find(s, '\n');
	if (at < 0)
		return s;
	s = span_sub(s, (size_t)at, s.n);
	at = span_find(s, '-');
	return at < 0 ? s : span_sub(s, 0, (size_t)at);
}

/* Some products send raw DER under any transfer encoding, others base64 under none.  (Quoted-printable of DER begins
 * with the same octet as DER.) */
int layer_bytes(const struct entity *e, struct buf *decoded, struct span *bytes, struct error *err)
{
	int rc = 0;

	*bytes = e->body;
	if (e->encoding == ENCODING_QP)
		rc = entity_decode(e, decoded, err);
	else if (looks_binary(e->body))
		return 0;
	else
		rc = base64_decode(decoded, without_armour(span_trim(e->body)), false);
	*bytes = span_from(decoded->data, decoded->len);
	return rc;
}

/* ---- one structure */

static CMS_ContentInfo *parse(struct opening *o, struct span der)
{
	CMS_ContentInfo *cms;
	const unsigned char *p = (const unsigned char *)der.p;

	openssl_complete(o->ctx); /* who wrote it has chosen the algorithms */
	cms = CMS_ContentInfo_new_ex(o->ctx, NULL);
	if (!cms || der.n > LONG_MAX)
		return NULL;
	return d2i_CMS_ContentInfo(&cms, &p, (long)der.n); /* frees and clears cms when it fails */
}

/* The signed bytes outlive the structure. */
static int keep_content(struct opening *o, CMS_ContentInfo *cms, struct span *content)
{
	ASN1_OCTET_STRING **inside = CMS_get0_content(cms);
	struct scratch_piece piece;
	int rc = scratch_begin(o, &piece);

	if (rc == 0 && inside && *inside)
		rc = scratch_add(o, &piece, ASN1_STRING_get0_data(*inside), (size_t)ASN1_STRING_length(*inside));
	return rc == 0 ? scratch_finish(o, &piece, content) : rc;
}

static int open_signed(struct opening *o, CMS_ContentInfo *cms, const struct cms_shape *shape,
		       const struct signed_part *detached, struct layer *l, struct span *content)
{
	l->certificates = CMS_get1_certs(cms);
	if (!shape->signers)
		return 0;
	if (!detached && !shape->content) {
		layer_set(o, l, LAYER_MALFORMED, "a signature without the signed content");
		return 0;
	}
	layer_verify(o, cms, detached, l);
	if (l->status != LAYER_OPEN)
		return 0;
	if (!detached)
		return keep_content(o, cms, content);
	*content = detached->whole;
	return 0;
}

static bool acceptable(struct opening *o, const struct cms_shape *shape, const struct signed_part *detached,
		       struct layer *l)
{
	l->kind = detached ? LAYER_CLEAR_SIGNED : shape->kind;
	l->cipher = shape->cipher;
	l->recipients = shape->recipients;
	if (shape->status != LAYER_OPEN)
		layer_set(o, l, shape->status, "%s", shape->why);
	else if (detached && shape->kind != LAYER_OPAQUE_SIGNED)
		layer_set(o, l, LAYER_MALFORMED, shape->kind == LAYER_CERTS_ONLY ? "the signature has no signer" :
								   "the signature part is not SignedData");
	return l->status == LAYER_OPEN;
}

int layer_open_cms(struct opening *o, struct span bytes, struct buf *decoded, const struct signed_part *detached,
		   struct layer *l, struct span *content)
{
	struct cms_shape shape;
	CMS_ContentInfo *cms;
	int rc;

	*content = span_from("", 0);
	cms_check(o->arena, bytes, &shape);
	if (!acceptable(o, &shape, detached, l))
		return 0;
	ERR_clear_error();
	stapled_collect(o->arena, &shape, &l->stapled);
	cms = parse(o, shape.der);
	if (decoded)
		buf_release(decoded);
	if (!cms) {
		layer_set(o, l, LAYER_MALFORMED, "malformed inside the CMS structure");
		rc = 0;
	} else if (shape.kind == LAYER_ENVELOPED || shape.kind == LAYER_AUTHENVELOPED) {
		rc = layer_decrypt(o, cms, &shape, l, content);
	} else {
		rc = open_signed(o, cms, &shape, detached, l, content);
	}
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return rc;
}
