/* mac.c - header fields that nobody else can write: "name=value; name=value; ... mac=..." with a keyed MAC (RFC 2104) */
#include "mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/base64.h"

static const char mac_name[] = ";mac=";

/* ---- writing ---- */

void mac_add_value(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_addf(out, ";%s=", name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c > 0x20 && c < 0x7f && !strchr(";=%\"\\()<>,", c))
			buf_addch(out, (char)c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

int mac_of(OSSL_LIB_CTX *ctx, struct span key, const char *label, struct span text, unsigned char out[MAC_BYTES],
	   struct error *err)
{
	struct buf input = BUF_INIT;
	size_t n = 0;
	bool made;

	buf_addstr(&input, label);
	buf_add(&input, text.p, text.n);
	made = EVP_Q_mac(ctx, "HMAC", NULL, "SHA256", NULL, key.p, key.n, (const unsigned char *)buf_str(&input), input.len, out,
			 MAC_BYTES, &n) && n == MAC_BYTES;
	buf_release(&input);
	return made ? 0 : error_set(err, E_TEMP, "HMAC-SHA256 failed");
}

/* On several lines: a break after every value, which reading takes out again. */
int mac_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const struct mac_kind *kind, const char *text, const char *eol,
	      struct error *err)
{
	struct buf value = BUF_INIT;
	unsigned char mac[MAC_BYTES];
	int rc = mac_of(ctx, key, kind->label, span_of(text), mac, err);

	if (rc < 0)
		return rc;
	for (; *text; text++) {
		buf_addch(&value, *text);
		if (*text == ';')
			buf_addch(&value, ' ');
	}
	buf_addstr(&value, "; mac=");
	base64_encode(&value, mac, MAC_BYTES, 0, "");
	header_write_raw(out, kind->field, buf_str(&value), eol);
	buf_release(&value);
	return 0;
}

/* ---- reading ---- */

static char *without_blanks(struct arena *a, struct span s)
{
	char *copy = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (!ascii_space((unsigned char)s.p[i]))
			copy[n++] = s.p[i] ? s.p[i] : '?';
	return copy;
}

static bool is_good(OSSL_LIB_CTX *ctx, struct span key, const struct mac_kind *kind, const char *text, const char *claimed)
{
	unsigned char mac[MAC_BYTES];
	struct buf sent = BUF_INIT;
	bool good = base64_decode(&sent, span_of(claimed), true) == 0 && sent.len == MAC_BYTES &&
		    mac_of(ctx, key, kind->label, span_of(text), mac, NULL) == 0 && CRYPTO_memcmp(mac, sent.data, MAC_BYTES) == 0;

	buf_release(&sent);
	return good;
}

int mac_read(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const struct mac_kind *kind, const struct header *h,
	     const char **text, struct error *err)
{
	const struct header_field *f = header_find(h, kind->field, NULL);
	char *all, *mac;

	*text = "";
	if (!f)
		return error_set(err, E_NOTFOUND, "no %s field", kind->field);
	if (header_find(h, kind->field, f))
		return error_set(err, E_PERM, "more than one %s field", kind->field);
	all = without_blanks(a, f->value);
	mac = strstr(all, mac_name);
	if (!mac)
		return error_set(err, E_PERM, "%s has no MAC", kind->field);
	*mac = '\0';
	if (kind->longest && (size_t)(mac - all) > kind->longest)
		return error_set(err, E_PERM, "%s is longer than %zu bytes", kind->field, kind->longest);
	if (!is_good(ctx, key, kind, all, mac + strlen(mac_name)))
		return error_set(err, E_PERM, "the MAC of %s does not match: it is forged, or made with another key", kind->field);
	*text = all;
	return 0;
}

static int hex_digit(int c)
{
	return ascii_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *unescape(struct arena *a, struct span s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;

		if (low < 0) {
			out[n++] = s.p[i];
			continue;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	return out;
}

const char *mac_value(struct arena *a, const char *text, const char *name)
{
	size_t n = strlen(name);

	while (*text) {
		size_t length = strcspn(text, ";");

		if (length > n && memcmp(text, name, n) == 0 && text[n] == '=')
			return unescape(a, span_from(text + n + 1, length - n - 1));
		text += length + (text[length] == ';');
	}
	return "";
}
