/* path-parts.h - what certificates and lists are made of: words of a line, keys, names, times, extensions, bytes */
#ifndef T_HELPER_PATH_PARTS_H
#define T_HELPER_PATH_PARTS_H

#include <openssl/x509v3.h>

#include "path-make.h"

#define ITEMS_MAX 24

struct items {
	char *list[ITEMS_MAX];
	size_t n;
};

/* ---- text ---- */

char *trim(char *s);
/* Cuts at `at'; the rest, or NULL. */
char *cut(char *s, char at);
/* Hexadecimal digits, or text with %HH. */
struct span bytes_of(struct maker *m, const char *s, bool hex);
/* What stands behind the first |. */
void split(char *line, struct items *out);
/* The value of "NAME=...", "" of "NAME"; NULL: there is none. */
const char *value_of(const struct items *items, const char *name);

/* ---- parts ---- */

/* Made when it is asked for first; the maker's. */
EVP_PKEY *key_of(struct maker *m, const char *name);
/* NULL: there is none of that name yet. */
struct node *node_of(struct maker *m, const char *name);
/* "/CN=Name/O:u=...": a letter for the kind of string; "/+CN=" joins the RDN before. */
X509_NAME *name_made(struct maker *m, const char *text);
/* As it stands there, so that it may be wrong: 13 characters or fewer are UTCTime. */
ASN1_TIME *time_made(const char *text);
ASN1_INTEGER *integer_made(const char *hex);
/* "name=value" as in OpenSSL's configuration, not "@..." or "-name". */
bool is_extension(const char *item);
X509_EXTENSION *extension_made(struct maker *m, X509V3_CTX *ctx, const char *item);

/* ---- bytes ---- */

/* "HEX>HEX", of one length: the last place changes. */
void patch(struct maker *m, struct span bytes, const char *what);
void add_tlv(struct buf *out, unsigned char tag, struct span content);
/* A copy in the arena; frees der. */
struct span taken(struct maker *m, unsigned char *der, int n);
/* SEQUENCE of what is signed, the algorithm and the signature. */
struct span signed_by(struct maker *m, struct span tbs, const X509_ALGOR *algorithm, EVP_PKEY *key, const EVP_MD *md);
/* What @flip and @patch ask for. */
void spoil(struct maker *m, struct span der, const struct items *items);
const EVP_MD *hash_of(const struct items *items);

#endif
