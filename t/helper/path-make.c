/* path-make.c - certificates and revocation lists made from a line of text each: see t/paths/README */
#include <stdlib.h>
#include <string.h>

#include "path-parts.h"

/* ---- extensions ---- */

/* Those that every CA or end entity has, unless the line has its own or says -name. */
static bool is_overruled(const struct items *items, const char *item)
{
	size_t n = strcspn(item, "=");

	for (size_t i = 0; i < items->n; i++) {
		const char *own = items->list[i] + (items->list[i][0] == '-');

		if (*own != '@' && strncmp(own, item, n) == 0 && (own[n] == '=' || !own[n]))
			return true;
	}
	return false;
}

static void add_extensions(struct maker *m, X509 *x, X509 *issuer, bool ca, const struct items *items)
{
	static const char *const of_ca[] = { "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign" };
	static const char *const of_all[] = { "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid" };
	static const char *const of_end[] = { "keyUsage=critical,digitalSignature" };
	const char *all[ITEMS_MAX + 4];
	size_t n = 0;
	X509V3_CTX ctx;

	for (size_t i = 0; i < 4; i++) {
		const char *item = i < 2 ? of_all[i] : ca ? of_ca[i - 2] : i == 2 ? of_end[0] : NULL;

		if (item && !is_overruled(items, item))
			all[n++] = item;
	}
	for (size_t i = 0; i < items->n; i++)
		if (is_extension(items->list[i]))
			all[n++] = items->list[i];
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		X509_EXTENSION *e;

		if (all[i] == of_all[1] && !X509_get0_subject_key_id(issuer))
			continue;
		e = extension_made(m, &ctx, all[i]);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
}

/* ---- certificates ---- */

/* Unique identifiers come before the extensions. */
static struct span with_identifiers(struct maker *m, struct span tbs, const char *hex)
{
	const unsigned char *p = (const unsigned char *)tbs.p, *end = p + tbs.n, *start;
	struct span more = bytes_of(m, hex, true);
	struct buf content = BUF_INIT, whole = BUF_INIT;
	long length;
	int tag, class;

	ASN1_get_object(&p, &length, &tag, &class, (long)tbs.n);
	start = p;
	while (p < end) {
		const unsigned char *item = p;

		ASN1_get_object(&p, &length, &tag, &class, end - p);
		if (tag == 3 && class == V_ASN1_CONTEXT_SPECIFIC) {
			p = item;
			break;
		}
		p += length;
	}
	buf_add(&content, start, (size_t)(p - start));
	buf_add(&content, more.p, more.n);
	buf_add(&content, p, (size_t)(end - p));
	add_tlv(&whole, 0x30, span_from(content.data, content.len));
	more = span_from(arena_memdup(&m->arena, whole.data, whole.len), whole.len);
	buf_release(&content);
	buf_release(&whole);
	return more;
}

static void set_times(X509 *x, const struct items *items)
{
	const char *from = value_of(items, "@from"), *to = value_of(items, "@to");
	ASN1_TIME *begin = time_made(from ? from : "200101000000Z"), *end = time_made(to ? to : "350101000000Z");

	X509_set1_notBefore(x, begin);
	X509_set1_notAfter(x, end);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
}

static void set_names(struct maker *m, X509 *x, const struct node *issuer, const char *name, const struct items *items)
{
	const char *subject = value_of(items, "@subject"), *by = value_of(items, "@issuer");
	X509_NAME *n = subject && *subject != '/' && *subject ? X509_NAME_dup(X509_get_subject_name(node_of(m, subject)->x)) :
		       name_made(m, subject ? subject : arena_printf(&m->arena, "/O=Test/CN=%.*s", (int)strcspn(name, "."), name));

	X509_set_subject_name(x, n);
	X509_NAME_free(n);
	n = by ? name_made(m, by) : X509_NAME_dup(X509_get_subject_name(issuer ? issuer->x : x));
	X509_set_issuer_name(x, n);
	X509_NAME_free(n);
}

static struct span certificate_bytes(struct maker *m, X509 *x, EVP_PKEY *key, const struct items *items)
{
	unsigned char *der = NULL;
	const X509_ALGOR *algorithm;
	struct span tbs, out;
	int n;

	if (!X509_sign(x, key, hash_of(items)) || (n = i2d_re_X509_tbs(x, &der)) <= 0)
		give_up("cannot sign");
	tbs = taken(m, der, n);
	if (value_of(items, "@identifiers"))
		tbs = with_identifiers(m, tbs, value_of(items, "@identifiers"));
	if (value_of(items, "@tbs"))
		patch(m, tbs, value_of(items, "@tbs"));
	X509_get0_signature(NULL, &algorithm, x);
	out = signed_by(m, tbs, algorithm, key, hash_of(items));
	spoil(m, out, items);
	return out;
}

void make_certificate(struct maker *m, char *line)
{
	struct items items;
	struct node *n = arena_alloc(&m->arena, sizeof(*n)), *issuer;
	const char *key, *serial, *version;
	ASN1_INTEGER *number;
	char *by;

	split(line, &items);
	by = cut(line, '<');
	n->name = trim(line);
	if (!by || !*n->name || node_of(m, n->name))
		give_up("no certificate, or one that stands twice: %s", line);
	by = trim(by);
	if (strcmp(by, "Root") == 0 && strcmp(n->name, "Root") != 0 && !node_of(m, "Root"))
		make_certificate(m, arena_strdup(&m->arena, "Root < Root"));
	issuer = node_of(m, by);
	if (!issuer && strcmp(by, n->name) != 0)
		give_up("%s: there is no %s", n->name, by);
	n->x = X509_new();
	n->key = key_of(m, (key = value_of(&items, "@key")) ? key : n->name);
	version = value_of(&items, "@version");
	X509_set_version(n->x, version ? *version - '1' : 2);
	serial = value_of(&items, "@serial");
	number = integer_made(serial ? serial : arena_printf(&m->arena, "%X", ++m->serial));
	X509_set_serialNumber(n->x, number);
	ASN1_INTEGER_free(number);
	set_names(m, n->x, issuer, n->name, &items);
	set_times(n->x, &items);
	X509_set_pubkey(n->x, n->key);
	if (!version || *version == '3' || value_of(&items, "@extended"))
		add_extensions(m, n->x, issuer ? issuer->x : n->x, n->name[0] >= 'A' && n->name[0] <= 'Z', &items);
	key = value_of(&items, "@sign");
	n->der = certificate_bytes(m, n->x, key ? key_of(m, key) : issuer ? issuer->key : n->key, &items);
	n->anchor = value_of(&items, "@anchor") || strcmp(n->name, "Root") == 0;
	n->absent = value_of(&items, "@absent");
	n->target = value_of(&items, "@target") || n->name[0] >= 'a';
	*m->end = n;
	m->end = &n->next;
}

/* ---- lists ---- */

static void add_critical(X509_REVOKED *r, const char *oid)
{
	ASN1_OCTET_STRING *null = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(null, (const unsigned char *)"\5", 2);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, 1, null);
	X509_REVOKED_add_ext(r, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(null);
}

/* "revoked=NODE [reason number] [issuer's node]", "revoked=#HEX ..." */
static void add_revoked(struct maker *m, X509_CRL *list, char *what, const char *critical)
{
	char *reason = cut(what, ' '), *issuer = reason ? cut(reason, ' ') : NULL;
	const struct node *n = *what == '#' ? NULL : node_of(m, what);
	ASN1_INTEGER *serial = *what == '#' ? integer_made(what + 1) : n ? X509_get_serialNumber(n->x) : NULL;
	ASN1_TIME *when = time_made("250520000000Z");
	X509_REVOKED *r = X509_REVOKED_new();

	if (!serial)
		give_up("revoked: there is no %s", what);
	X509_REVOKED_set_serialNumber(r, serial);
	X509_REVOKED_set_revocationDate(r, when);
	ASN1_TIME_free(when);
	if (*what == '#')
		ASN1_INTEGER_free(serial);
	if (reason && *reason != '-') {
		ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();

		ASN1_ENUMERATED_set(code, strtol(reason, NULL, 10));
		X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, code, 0, 0);
		ASN1_ENUMERATED_free(code);
	}
	if (issuer) {
		GENERAL_NAMES *names = GENERAL_NAMES_new();
		GENERAL_NAME *name = GENERAL_NAME_new();

		if (!(n = node_of(m, issuer)))
			give_up("revoked: there is no %s", issuer);
		name->type = GEN_DIRNAME;
		name->d.directoryName = X509_NAME_dup(X509_get_subject_name(n->x));
		sk_GENERAL_NAME_push(names, name);
		X509_REVOKED_add1_ext_i2d(r, NID_certificate_issuer, names, 1, 0);
		GENERAL_NAMES_free(names);
	}
	if (critical)
		add_critical(r, critical);
	X509_CRL_add0_revoked(list, r);
}

static void add_number(X509_CRL *list, int nid, const char *hex, int critical)
{
	ASN1_INTEGER *i = integer_made(hex);

	X509_CRL_add1_ext_i2d(list, nid, i, critical, 0);
	ASN1_INTEGER_free(i);
}

static void add_list_extensions(struct maker *m, X509_CRL *list, X509 *signer, const struct items *items)
{
	const char *number = value_of(items, "@number"), *base = value_of(items, "@base");
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, signer, NULL, NULL, list, 0);
	if (!value_of(items, "-authorityKeyIdentifier")) {
		X509_EXTENSION *e = extension_made(m, &ctx, "authorityKeyIdentifier=keyid");

		X509_CRL_add_ext(list, e, -1);
		X509_EXTENSION_free(e);
	}
	if (!value_of(items, "-number"))
		add_number(list, NID_crl_number, number ? number : "1", 0);
	if (base)
		add_number(list, NID_delta_crl, base, 1);
	for (size_t i = 0; i < items->n; i++)
		if (is_extension(items->list[i]) && strncmp(items->list[i], "revoked=", 8) != 0) {
			X509_EXTENSION *e = extension_made(m, &ctx, items->list[i]);

			X509_CRL_add_ext(list, e, -1);
			X509_EXTENSION_free(e);
		}
}

static void set_list_times(X509_CRL *list, const struct items *items)
{
	const char *from = value_of(items, "@from"), *to = value_of(items, "@to");
	ASN1_TIME *begin = time_made(from ? from : "250525000000Z"), *end = time_made(to ? to : "250625000000Z");

	X509_CRL_set1_lastUpdate(list, begin);
	if (!value_of(items, "-to"))
		X509_CRL_set1_nextUpdate(list, end);
	ASN1_TIME_free(begin);
	ASN1_TIME_free(end);
}

void make_list(struct maker *m, char *line)
{
	struct list_made *made = arena_alloc(&m->arena, sizeof(*made));
	struct items items;
	struct node *issuer, *signer;
	X509_CRL *list = X509_CRL_new();
	const char *version;
	unsigned char *der = NULL;
	int n;

	split(line, &items);
	issuer = signer = node_of(m, trim(line + 4));
	if (value_of(&items, "@sign"))
		signer = node_of(m, value_of(&items, "@sign"));
	if (!issuer || !signer)
		give_up("%s: no such issuer or signer", line);
	version = value_of(&items, "@version");
	if (!version || *version != '1')
		X509_CRL_set_version(list, version ? *version - '1' : 1);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->x));
	set_list_times(list, &items);
	for (size_t i = 0; i < items.n; i++)
		if (strncmp(items.list[i], "revoked=", 8) == 0)
			add_revoked(m, list, items.list[i] + 8, value_of(&items, "@entry"));
	if (!version || *version != '1')
		add_list_extensions(m, list, signer->x, &items);
	if (!X509_CRL_sign(list, signer->key, hash_of(&items)) || (n = i2d_X509_CRL(list, &der)) <= 0)
		give_up("%s: cannot sign", line);
	made->der = taken(m, der, n);
	spoil(m, made->der, &items);
	X509_CRL_free(list);
	*m->lists_end = made;
	m->lists_end = &made->next;
}

/* ---- cases ---- */

static void forget(struct maker *m)
{
	for (struct node *n = m->nodes; n; n = n->next)
		X509_free(n->x);
	NCONF_free(m->conf);
	m->conf = NULL;
	buf_release(&m->sections);
	arena_release(&m->arena);
	m->nodes = NULL;
	m->lists = NULL;
}

void maker_begin(struct maker *m)
{
	forget(m);
	m->end = &m->nodes;
	m->lists_end = &m->lists;
	m->serial = 0x100;
}

void maker_end(struct maker *m)
{
	forget(m);
	for (struct named_key *k = m->keys, *next; k; k = next) {
		next = k->next;
		EVP_PKEY_free(k->key);
		free((char *)(uintptr_t)k->name);
		free(k);
	}
}
