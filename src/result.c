/* result.c - what opening a message showed, told so that nobody else can tell it (RFC 8601, 7281) */
#include "result.h"

#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base64.h"
#include "lib/fs.h"
#include "lib/moment.h"
#include "mac.h"
#include "token.h"

#define DIGEST_BYTES 32
#define KEY_FILE_MAX 4096
#define KEY_BYTES_LEAST 16

static const struct mac_kind record_kind = { "X-Postern-Result", "", 0 };

static const char *const names[] = {
	[RESULT_NONE] = "none", [RESULT_PASS] = "pass", [RESULT_FAIL] = "fail",
	[RESULT_NEUTRAL] = "neutral", [RESULT_PERMERROR] = "permerror",
};

const char *result_name(enum result_word w)
{
	return names[w];
}

/* ---- what the record is bound to ---- */

static void hash_field(EVP_MD_CTX *md, const struct header *h, const char *name)
{
	struct arena a = ARENA_INIT;
	const struct header_field *f = NULL;

	while ((f = header_find(h, name, f))) {
		struct buf tidied = BUF_INIT;
		const char *value;

		header_tidy(f->value, &tidied); /* as it goes on above a new body */
		value = header_unfold(&a, span_from(buf_str(&tidied), tidied.len));
		buf_release(&tidied);
		EVP_DigestUpdate(md, name, strlen(name));
		EVP_DigestUpdate(md, ":", 1);
		EVP_DigestUpdate(md, value, strlen(value));
		EVP_DigestUpdate(md, "\n", 1);
	}
	arena_release(&a);
}

/* Mail servers fold anew: blanks count for nothing. */
static void hash_squeezed(EVP_MD_CTX *md, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_space((unsigned char)s.p[i]))
			EVP_DigestUpdate(md, s.p + i, 1);
	EVP_DigestUpdate(md, "\n", 1);
}

static bool has_mac(const struct header_field *f)
{
	return span_caseeq(f->name, record_kind.field) || token_is(f);
}

/* What else only we may write, so that nothing can be added beside a genuine record. */
static void hash_reserved(EVP_MD_CTX *md, const char *hostname, const struct header *h)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < h->n; i++)
		if (!has_mac(&h->fields[i]) && result_is_reserved(&a, hostname, &h->fields[i]))
			hash_squeezed(md, h->fields[i].value);
	arena_release(&a);
}

/* The body with LF line breaks and without line breaks at its end: what every mail server leaves alone. */
struct body_hash {
	EVP_MD_CTX *md;
	size_t breaks; /* seen, not yet hashed */
};

static void flush_breaks(struct body_hash *b)
{
	for (; b->breaks; b->breaks--)
		EVP_DigestUpdate(b->md, "\n", 1);
}

static void hash_body(struct body_hash *b, struct span s)
{
	while (s.n) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
			n++;
		if (n) {
			flush_breaks(b);
			EVP_DigestUpdate(b->md, s.p, n);
		}
		if (n < s.n && s.p[n] == '\n')
			b->breaks++;
		s = span_sub(s, n + 1, s.n);
	}
}

/* results: our Authentication-Results that is about to be written; NULL: as the header has it. */
static int bind_to(OSSL_LIB_CTX *ctx, const char *hostname, const char *results, const struct header *h,
		   const struct span *body, size_t nbody, struct buf *out, struct error *err)
{
	unsigned char digest[DIGEST_BYTES];
	EVP_MD *sha256 = EVP_MD_fetch(ctx, "SHA256", NULL);
	struct body_hash b = { .md = EVP_MD_CTX_new() };
	int rc = 0;

	if (!sha256 || !b.md || EVP_DigestInit_ex2(b.md, sha256, NULL) != 1) {
		rc = error_set(err, E_TEMP, "SHA-256 is not available");
		goto out;
	}
	hash_field(b.md, h, "From");
	hash_field(b.md, h, "Date");
	hash_field(b.md, h, "Message-ID");
	if (results)
		hash_squeezed(b.md, span_of(results));
	else
		hash_reserved(b.md, hostname, h);
	EVP_DigestUpdate(b.md, "\n", 1);
	for (size_t i = 0; i < nbody; i++)
		hash_body(&b, body[i]);
	if (EVP_DigestFinal_ex(b.md, digest, NULL) != 1)
		rc = error_set(err, E_TEMP, "SHA-256 failed");
	else
		base64_encode(out, digest, sizeof(digest), 0, "");
out:
	EVP_MD_CTX_free(b.md);
	EVP_MD_free(sha256);
	return rc;
}

/* ---- the record ---- */

/* The findings that are texts, by their names in the record. */
static const struct {
	const char *name;
	size_t at;
} texts[] = {
	{ "layers", offsetof(struct result, layers) },     { "signer", offsetof(struct result, signer) },
	{ "subject", offsetof(struct result, subject) },   { "issuer", offsetof(struct result, issuer) },
	{ "serial", offsetof(struct result, serial) },     { "verdict", offsetof(struct result, verdict) },
	{ "modified", offsetof(struct result, modified) },
};

void result_add_findings(struct buf *out, const struct result *r)
{
	mac_add_value(out, "result", result_name(r->word));
	mac_add_value(out, "reason", r->reason);
	mac_add_value(out, "encrypted", r->encrypted ? "yes" : "no");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *value = *(const char *const *)(const void *)((const char *)r + texts[i].at);

		mac_add_value(out, texts[i].name, value ? value : "");
	}
}

int result_findings(struct arena *a, const char *text, struct result *out, struct error *err)
{
	const char *word = mac_value(a, text, "result");
	size_t i = 0;

	*out = (struct result){ .text = "" };
	while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], word) != 0)
		i++;
	if (i == sizeof(names) / sizeof(names[0]))
		return error_set(err, E_PERM, "it has no result");
	out->word = (enum result_word)i;
	out->reason = mac_value(a, text, "reason");
	out->encrypted = strcmp(mac_value(a, text, "encrypted"), "yes") == 0;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*(const char **)(void *)((char *)out + texts[i].at) = mac_value(a, text, texts[i].name);
	return 0;
}

static void add_record(struct buf *out, const char *hostname, const char *queue_id, time_t now, const struct result *r,
		       const char *bound)
{
	char stamp[MOMENT_TEXT];

	moment_text(now, stamp);
	buf_addstr(out, "v=1");
	mac_add_value(out, "host", hostname);
	mac_add_value(out, "id", queue_id);
	mac_add_value(out, "time", stamp);
	result_add_findings(out, r);
	mac_add_value(out, "bound", bound);
}

/* A quoted-string (RFC 5322 3.2.4) of printable ASCII; anything else becomes '?'. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_addch(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addch(out, '\\');
		buf_addch(out, *text < 0x20 || *text > 0x7e ? '?' : *text);
	}
	buf_addch(out, '"');
}

/* A comment: no parentheses, backslashes or control characters inside. */
static void add_comment(struct buf *out, const char *text)
{
	if (!*text)
		return;
	buf_addstr(out, " (");
	for (; *text; text++)
		buf_addch(out, *text < 0x20 || *text > 0x7e || strchr("()\\", *text) ? ' ' : *text);
	buf_addch(out, ')');
}

static void authentication_results(struct buf *out, const char *hostname, const struct result *r)
{
	buf_addf(out, "%s; smime=%s", hostname, result_name(r->word));
	add_comment(out, *r->reason ? r->reason : r->encrypted ? "encrypted" : "");
	if (r->modified && *r->modified)
		add_comment(out, "changed by the scanner afterwards");
	if (*r->signer) {
		buf_addstr(out, " body.smime-identifier=");
		add_quoted(out, r->signer);
	}
	if (*r->serial)
		buf_addf(out, " body.smime-serial=%s", r->serial);
	if (*r->issuer) {
		buf_addstr(out, " body.smime-issuer=");
		add_quoted(out, r->issuer);
	}
}

int result_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const char *hostname, const char *queue_id, time_t now,
		 const struct result *r, const struct header *header, const struct span *body, size_t nbody, const char *eol,
		 struct error *err)
{
	struct buf results = BUF_INIT, bound = BUF_INIT, record = BUF_INIT;
	int rc;

	authentication_results(&results, hostname, r);
	rc = bind_to(ctx, hostname, buf_str(&results), header, body, nbody, &bound, err);
	if (rc == 0) {
		header_write_raw(out, "Authentication-Results", buf_str(&results), eol);
		add_record(&record, hostname, queue_id, now, r, buf_str(&bound));
		rc = mac_write(out, ctx, key, &record_kind, buf_str(&record), eol, err);
	}
	buf_release(&results);
	buf_release(&bound);
	buf_release(&record);
	return rc;
}

/* ---- verifying ---- */

int result_verify(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const char *hostname, const struct header *header,
		  struct span body, const char **record, struct error *err)
{
	struct buf bound = BUF_INIT;
	const char *text;
	int rc = mac_read(a, ctx, key, &record_kind, header, &text, err);

	*record = "";
	if (rc < 0)
		return rc;
	rc = bind_to(ctx, hostname, NULL, header, &body, 1, &bound, err);
	if (rc == 0) {
		if (strcmp(mac_value(a, text, "bound"), buf_str(&bound)) != 0)
			rc = error_set(err, E_PERM, "%s belongs to another message, or this one was changed", record_kind.field);
		else
			*record = text;
	}
	buf_release(&bound);
	return rc;
}

/* ---- reserved fields ---- */

/* The authserv-id: the first word of the value, encoded words decoded; comments, quotes, a final dot and what is not
 * ASCII count for nothing.  Whoever reads the field may be as tolerant, and no other host has such a name. */
static bool bears_name(struct arena *a, const char *hostname, struct span value)
{
	struct header_value v;
	struct buf name = BUF_INIT;
	bool ours;

	header_value_parse(a, span_of(header_decode(a, value)), &v);
	for (const char *p = span_trim(span_of(v.text)).p; *p && !strchr(" \t/,;", *p); p++) /* "host 1", "host/1" */
		if (*p > ' ' && *p < 0x7f && *p != '"' && *p != '\\')
			buf_addch(&name, *p);
	while (name.len && name.data[name.len - 1] == '.')
		name.data[--name.len] = '\0';
	ours = !name.len || ascii_caseeq(buf_str(&name), hostname);
	buf_release(&name);
	return ours;
}

static bool reserved(struct arena *a, const char *hostname, const struct header_field *f)
{
	if (span_casestarts(f->name, "X-Postern-") || span_caseeq(f->name, "X-Postern"))
		return true;
	return span_caseeq(f->name, "Authentication-Results") && bears_name(a, hostname, f->value);
}

/* A line behind a lone CR, as the few readers see it that end lines there.  Most are nothing like it, and there may be many. */
static bool hides_reserved(struct arena *a, const char *hostname, struct span line)
{
	struct header h;

	if (!span_casestarts(line, "X-Postern") && !span_casestarts(line, "Authentication-Results"))
		return false;
	return header_parse(a, line, line.n, &h, NULL) == 0 && h.n && reserved(a, hostname, &h.fields[0]);
}

bool result_is_reserved(struct arena *a, const char *hostname, const struct header_field *f)
{
	struct span rest = f->whole;
	ptrdiff_t cr;

	if (reserved(a, hostname, f))
		return true;
	while ((cr = span_find(rest, '\r')) >= 0) {
		size_t n = 0;

		rest = span_sub(rest, (size_t)cr + 1, rest.n);
		while (n < rest.n && rest.p[n] != '\r' && rest.p[n] != '\n')
			n++;
		if (hides_reserved(a, hostname, span_sub(rest, 0, n)))
			return true;
	}
	return false;
}

/* ---- the key ---- */

static int make_key(const char *path, struct error *err)
{
	unsigned char random[32];
	struct buf text = BUF_INIT;
	int rc = 0;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_set(err, E_TEMP, "no random bytes");
	base64_encode(&text, random, sizeof(random), 0, "");
	buf_addch(&text, '\n');
	rc = fs_create(path, text.data, text.len, 0600, err);
	mem_wipe(random, sizeof(random));
	buf_wipe(&text);
	return rc;
}

int result_key(const char *path, struct buf *key, struct error *err)
{
	int rc = fs_read_secret(path, KEY_FILE_MAX, key, err);

	if (rc == E_NOTFOUND) {
		rc = make_key(path, err);
		if (rc == 0)
			rc = fs_read_secret(path, KEY_FILE_MAX, key, err);
	}
	while (key->len && ascii_space((unsigned char)key->data[key->len - 1]))
		key->data[--key->len] = '\0';
	if (rc == 0 && key->len < KEY_BYTES_LEAST)
		rc = error_set(err, E_CONFIG, "%s: %zu bytes are too short for a key; remove the file and it is made anew", path,
			       key->len);
	if (rc < 0) {
		error_prefix(err, "mac_key_file");
		return E_CONFIG;
	}
	return 0;
}
