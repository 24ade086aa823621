/* path-parts.c - what certificates and lists are made of: see t/paths/README */
#include "path-parts.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("Bail out! ", stdout);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	ERR_print_errors_fp(stdout);
	exit(1);
}

/* ---- text ---- */

char *trim(char *s)
{
	size_t n;

	while (ascii_space(*s))
		s++;
	for (n = strlen(s); n && ascii_space(s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* Cuts at `at'; the rest, or NULL. */
char *cut(char *s, char at)
{
	char *p = strchr(s, at);

	if (p)
		*p++ = '\0';
	return p;
}

static int digit(char c)
{
	return ascii_digit(c) ? c - '0' : ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f' ? ascii_lower(c) - 'a' + 10 : -1;
}

static bool is_pair(const char *s)
{
	return digit(s[0]) >= 0 && digit(s[1]) >= 0;
}

/* Hexadecimal digits, or text with %HH. */
struct span bytes_of(struct maker *m, const char *s, bool hex)
{
	char *out = arena_alloc(&m->arena, strlen(s) + 1);
	size_t n = 0;

	while (*s) {
		bool escaped = !hex && *s == '%' && is_pair(s + 1);

		if (hex && !is_pair(s))
			give_up("\"%s\" is not hexadecimal", s);
		s += escaped;
		out[n++] = hex || escaped ? (char)(digit(s[0]) << 4 | digit(s[1])) : *s;
		s += hex || escaped ? 2 : 1;
	}
	return span_from(out, n);
}

void split(char *line, struct items *out)
{
	out->n = 0;
	for (char *rest = cut(line, '|'), *next; rest; rest = next) {
		next = cut(rest, '|');
		if (out->n == ITEMS_MAX)
			give_up("too many items: %s", rest);
		out->list[out->n++] = trim(rest);
	}
}

/* The value of "NAME=..."; NULL: there is none. */
const char *value_of(const struct items *items, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < items->n; i++)
		if (strncmp(items->list[i], name, n) == 0 && (items->list[i][n] == '=' || !items->list[i][n]))
			return items->list[i][n] ? items->list[i] + n + 1 : "";
	return NULL;
}

/* ---- keys ---- */

EVP_PKEY *key_of(struct maker *m, const char *name)
{
	struct named_key *k;

	for (k = m->keys; k; k = k->next)
		if (strcmp(k->name, name) == 0)
			return k->key;
	k = mem_alloc(sizeof(*k));
	*k = (struct named_key){ m->keys, mem_strdup(name), EVP_EC_gen("P-256") };
	m->keys = k;
	return k->key;
}

/* ---- parts ---- */

struct node *node_of(struct maker *m, const char *name)
{
	for (struct node *n = m->nodes; n; n = n->next)
		if (strcmp(n->name, name) == 0)
			return n;
	return NULL;
}

/* "/CN=Name/O:u=...": a letter for the kind of string; "+CN=" joins the RDN before. */
X509_NAME *name_made(struct maker *m, const char *text)
{
	static const struct { char letter; int type; } kinds[] = { { 'p', V_ASN1_PRINTABLESTRING }, { 'u', V_ASN1_UTF8STRING },
		{ 't', V_ASN1_T61STRING }, { 'b', V_ASN1_BMPSTRING }, { 'i', V_ASN1_IA5STRING } };
	X509_NAME *name = X509_NAME_new();
	char *part = arena_strdup(&m->arena, text), *next;

	for (part = part[0] && part[1] ? part + 1 : NULL; part; part = next) {
		char *value, *letter;
		int type = V_ASN1_PRINTABLESTRING, set = part[0] == '+' ? -1 : 0;
		struct span bytes;

		next = cut(part, '/');
		part -= set;
		value = cut(part, '=');
		letter = cut(part, ':');
		if (strcmp(part, "emailAddress") == 0 || strcmp(part, "DC") == 0)
			type = V_ASN1_IA5STRING;
		for (size_t i = 0; letter && i < sizeof(kinds) / sizeof(*kinds); i++)
			type = kinds[i].letter == *letter ? kinds[i].type : type;
		bytes = bytes_of(m, value ? value : "", false);
		if (!value || !X509_NAME_add_entry_by_txt(name, part, type, (const unsigned char *)bytes.p, (int)bytes.n, -1, set))
			give_up("the name %s: %s", text, part);
	}
	return name;
}

/* As it stands there, so that it may be wrong: 13 characters or fewer are UTCTime. */
ASN1_TIME *time_made(const char *text)
{
	ASN1_TIME *t = ASN1_STRING_type_new(strlen(text) <= 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);

	if (!t || !ASN1_STRING_set(t, text, -1))
		give_up("no time");
	return t;
}

ASN1_INTEGER *integer_made(const char *hex)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i = BN_hex2bn(&bn, hex) ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;

	BN_free(bn);
	if (!i)
		give_up("\"%s\" is no number", hex);
	return i;
}

void make_section(struct maker *m, char *line)
{
	char *rest = cut(line, ']');

	buf_addf(&m->sections, "%s]\n", line);
	for (char *next; rest; rest = next) {
		next = cut(rest, '|');
		buf_addf(&m->sections, "%s\n", trim(rest));
	}
}

/* All sections at once: a CONF is loaded one time only. */
static CONF *conf_of(struct maker *m)
{
	BIO *bio;
	long at = 0;

	if (m->conf)
		return m->conf;
	m->conf = NCONF_new(NULL);
	bio = BIO_new_mem_buf(buf_str(&m->sections), (int)m->sections.len);
	if (!bio || NCONF_load_bio(m->conf, bio, &at) <= 0)
		give_up("sections, line %ld: %s", at, buf_str(&m->sections));
	BIO_free(bio);
	return m->conf;
}

/* ---- extensions ---- */

/* "name=value" as in OpenSSL's configuration, not "@..." or "-name". */
bool is_extension(const char *item)
{
	return *item != '@' && *item != '-' && strchr(item, '=');
}

X509_EXTENSION *extension_made(struct maker *m, X509V3_CTX *ctx, const char *item)
{
	char *name = arena_strdup(&m->arena, item), *value = cut(name, '=');
	X509_EXTENSION *e;

	X509V3_set_nconf(ctx, conf_of(m));
	e = X509V3_EXT_nconf(conf_of(m), ctx, trim(name), trim(value));
	return e ? e : (give_up("the extension %s", item), NULL);
}

/* ---- bytes ---- */

/* "HEX>HEX", of one length: the last place changes. */
void patch(struct maker *m, struct span bytes, const char *what)
{
	char *from = arena_strdup(&m->arena, what), *to = cut(from, '>');
	struct span a = bytes_of(m, from, true), b = bytes_of(m, to ? to : "", true);

	for (size_t i = bytes.n - a.n + 1; a.n == b.n && i-- > 0;)
		if (memcmp(bytes.p + i, a.p, a.n) == 0) {
			memcpy((char *)(uintptr_t)bytes.p + i, b.p, b.n);
			return;
		}
	give_up("no place for %s", what);
}

void add_tlv(struct buf *out, unsigned char tag, struct span content)
{
	buf_addch(out, (char)tag);
	if (content.n >= 256)
		buf_addf(out, "\x82%c", (int)(content.n >> 8));
	else if (content.n >= 128)
		buf_addch(out, '\x81');
	buf_addch(out, (char)(content.n & 255));
	buf_add(out, content.p, content.n);
}

struct span taken(struct maker *m, unsigned char *der, int n)
{
	struct span s = span_from(arena_memdup(&m->arena, der, (size_t)n), (size_t)n);

	OPENSSL_free(der);
	return s;
}

/* SEQUENCE of what is signed, the algorithm and the signature. */
struct span signed_by(struct maker *m, struct span tbs, const X509_ALGOR *algorithm, EVP_PKEY *key, const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[600] = { 0 }, *der = NULL;
	size_t n = sizeof(signature) - 1;
	struct buf content = BUF_INIT, whole = BUF_INIT;
	struct span out;
	int length = i2d_X509_ALGOR(algorithm, &der);

	if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature + 1, &n, (const unsigned char *)tbs.p, tbs.n) != 1)
		give_up("no signature");
	EVP_MD_CTX_free(ctx);
	buf_add(&content, tbs.p, tbs.n);
	buf_add(&content, der, (size_t)length);
	OPENSSL_free(der);
	add_tlv(&content, 0x03, span_from(signature, n + 1));
	add_tlv(&whole, 0x30, span_from(content.data, content.len));
	out = span_from(arena_memdup(&m->arena, whole.data, whole.len), whole.len);
	buf_release(&content);
	buf_release(&whole);
	return out;
}

void spoil(struct maker *m, struct span der, const struct items *items)
{
	if (value_of(items, "@flip"))
		((char *)(uintptr_t)der.p)[der.n - 1] ^= 1;
	if (value_of(items, "@patch"))
		patch(m, der, value_of(items, "@patch"));
}

const EVP_MD *hash_of(const struct items *items)
{
	const char *name = value_of(items, "@hash");
	const EVP_MD *md = EVP_get_digestbyname(name ? name : "sha256");

	return md ? md : (give_up("no hash %s", name), NULL);
}
