/* token.c - what a message takes along to the scanner, so that we know it again (field X-Postern-Token) */
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/base64.h"
#include "lib/config.h"
#include "mac.h"

#define TAG_BYTES 9 /* 72 bits in 12 characters */
#define NODE_MAX 64

static const struct mac_kind token_kind = { "X-Postern-Token", "X-Postern-Token\n", TOKEN_MAX };
static const char tag_label[] = "X-Postern-Token recipient\n";

static const char *const inside_names[] = { [DELIVER_DECRYPTED] = "decrypted", [DELIVER_ORIGINAL] = "original",
					    [DELIVER_REENCRYPTED] = "reencrypted" };

bool token_is(const struct header_field *f)
{
	return span_caseeq(f->name, token_kind.field);
}

const char *token_inside(const struct token *t)
{
	return inside_names[t->inside];
}

const char *token_node(struct arena *a)
{
	struct utsname u;

	return uname(&u) < 0 ? "?" : arena_strndup(a, u.nodename, strnlen(u.nodename, NODE_MAX));
}

/* ---- what it is bound to ---- */

static void add_squeezed(struct digest *d, struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_space((unsigned char)value.p[i]))
			digest_add(d, value.p + i, 1);
	digest_add(d, "\n", 1);
}

static void add_folded(struct digest *d, const char *address)
{
	for (; *address; address++) {
		char c = (char)ascii_lower((unsigned char)*address);

		digest_add(d, &c, 1);
	}
	digest_add(d, "\n", 1);
}

/* The one address; mail servers write names and quotes anew.  Where there is not exactly one, all that is there. */
static void add_from(struct digest *d, const struct header *h)
{
	const struct header_field *f = NULL;
	struct arena a = ARENA_INIT;
	const char *address = header_from(&a, h);

	if (*address)
		add_folded(d, address);
	while (!*address && (f = header_find(h, "From", f)))
		add_squeezed(d, f->value);
	arena_release(&a);
}

/* A scanner or mail server may give a Message-ID to a message without one; it must not take another one's place. */
static void bind_to(const struct token_message *m, bool with_id, char out[DIGEST_HEX + 1])
{
	const struct header_field *f = NULL;
	struct digest d;

	digest_init(&d);
	add_folded(&d, m->sender);
	add_from(&d, m->header);
	digest_add(&d, "\n", 1);
	while (with_id && (f = header_find(m->header, "Message-ID", f)))
		add_squeezed(&d, f->value);
	digest_hex(&d, out);
}

static int make_tag(OSSL_LIB_CTX *ctx, struct span key, const char *id, const char *recipient, struct buf *out, struct error *err)
{
	unsigned char mac[MAC_BYTES];
	struct buf text = BUF_INIT;
	int rc;

	buf_addf(&text, "%s\n", id);
	for (; *recipient; recipient++)
		buf_addch(&text, (char)ascii_lower((unsigned char)*recipient));
	rc = mac_of(ctx, key, tag_label, span_from(text.data, text.len), mac, err);
	if (rc == 0)
		base64_encode(out, mac, TAG_BYTES, 0, "");
	buf_release(&text);
	return rc;
}

/* ---- writing ---- */

static int add_tags(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const char *id, const char *const *recipients, size_t n,
		    struct error *err)
{
	struct buf tags = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (i)
			buf_addch(&tags, ':');
		rc = make_tag(ctx, key, id, recipients[i], &tags, err);
	}
	mac_add_value(out, "to", buf_str(&tags));
	buf_release(&tags);
	return rc;
}

int token_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const struct token *t, const struct token_message *m,
		const char *const *recipients, size_t n, const char *eol, struct error *err)
{
	bool has_id = header_find(m->header, "Message-ID", NULL) != NULL;
	char message[DIGEST_HEX + 1], stamp[24];
	struct buf text = BUF_INIT;
	int rc;

	bind_to(m, has_id, message);
	snprintf(stamp, sizeof(stamp), "%" PRIu64, t->time);
	buf_addstr(&text, "v=1");
	mac_add_value(&text, "id", t->id);
	mac_add_value(&text, "host", t->host);
	mac_add_value(&text, "node", t->node);
	mac_add_value(&text, "time", stamp);
	mac_add_value(&text, "inside", inside_names[t->inside]);
	mac_add_value(&text, "message", message);
	mac_add_value(&text, "message-id", has_id ? "yes" : "no");
	mac_add_value(&text, "content", t->content);
	result_add_findings(&text, &t->result);
	rc = n > TOKEN_RECIPIENTS ? error_set(err, E_LIMIT, "a token for %zu recipients", n)
				  : add_tags(&text, ctx, key, t->id, recipients, n, err);
	if (rc == 0 && text.len > TOKEN_MAX)
		rc = error_set(err, E_TEMP, "the token is longer than %d bytes", TOKEN_MAX);
	if (rc == 0)
		rc = mac_write(out, ctx, key, &token_kind, buf_str(&text), eol, err);
	buf_release(&text);
	return rc;
}

/* ---- reading ---- */

/* It is ours, so all is well formed; but a later version of ours may have written it. */
static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static void split_tags(struct arena *a, char *list, struct token *out)
{
	const char **tags = arena_array(a, TOKEN_RECIPIENTS, sizeof(*tags));

	while (*list && out->ntags < TOKEN_RECIPIENTS) {
		size_t n = strcspn(list, ":");

		tags[out->ntags++] = arena_strndup(a, list, n);
		list += n + (list[n] == ':');
	}
	out->tags = tags;
}

static int understand(struct arena *a, const char *text, struct token *out, struct error *err)
{
	const char *inside = mac_value(a, text, "inside");
	int rc = result_findings(a, text, &out->result, err);

	if (rc < 0) {
		error_prefix(err, "X-Postern-Token");
		return rc;
	}
	out->id = mac_value(a, text, "id");
	out->host = mac_value(a, text, "host");
	out->node = mac_value(a, text, "node");
	out->content = mac_value(a, text, "content");
	out->inside = -1;
	for (int i = 0; i < (int)(sizeof(inside_names) / sizeof(inside_names[0])); i++)
		if (strcmp(inside, inside_names[i]) == 0)
			out->inside = i;
	split_tags(a, arena_strdup(a, mac_value(a, text, "to")), out);
	if (strcmp(mac_value(a, text, "v"), "1") != 0 || !is_hex(out->id, TOKEN_ID) || !is_hex(out->content, CONTENT_HEX) ||
	    out->inside < 0 || !span_number(span_of(mac_value(a, text, "time")), INT64_MAX, &out->time))
		return error_set(err, E_PERM, "X-Postern-Token is of another version");
	return 0;
}

int token_read(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const struct token_message *m, struct token *out, bool *fits,
	       struct error *err)
{
	char message[DIGEST_HEX + 1];
	const char *text;
	int rc = mac_read(a, ctx, key, &token_kind, m->header, &text, err);

	*out = (struct token){ .id = "", .host = "", .node = "", .content = "" };
	*fits = false;
	if (rc == 0)
		rc = understand(a, text, out, err);
	if (rc < 0)
		return rc;
	bind_to(m, strcmp(mac_value(a, text, "message-id"), "yes") == 0, message);
	*fits = strcmp(mac_value(a, text, "message"), message) == 0;
	if (!*fits)
		error_set(err, E_PERM, "X-Postern-Token belongs to another message");
	return 0;
}

int token_covers(OSSL_LIB_CTX *ctx, struct span key, const struct token *t, const char *recipient, bool *covers, struct error *err)
{
	struct buf tag = BUF_INIT;
	int rc = make_tag(ctx, key, t->id, recipient, &tag, err);

	*covers = false;
	for (size_t i = 0; i < t->ntags && rc == 0; i++)
		*covers = *covers || strcmp(t->tags[i], buf_str(&tag)) == 0;
	buf_release(&tag);
	return rc;
}
