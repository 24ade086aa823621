/* smimea.c - owner names and data of SMIMEA records (RFC 8162) */
#include "common/smimea.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/certificate.h"
#include "lib/address.h"
#include "lib/idn.h"

#define HASH_BYTES 28

static bool is_host_name(const char *domain)
{
	size_t label = 0, n = strlen(domain);

	if (!n || n > 180) /* with the hash and _smimecert it must stay below 255 */
		return false;
	for (const char *p = domain; *p; p++) {
		bool plain = ascii_alpha((unsigned char)*p) || ascii_digit((unsigned char)*p) || *p == '-' || *p == '_';

		label = *p == '.' ? 0 : label + 1;
		if ((!plain && *p != '.') || label > 63 || (*p == '.' && (p == domain || p[1] == '.')))
			return false;
	}
	return true;
}

/* "a b"@x and a\ b would be one mailbox: what is hashed is the local part without quotes (RFC 8162 section 3, 4). */
static void add_unquoted(struct buf *out, struct span local)
{
	if (local.n < 2 || local.p[0] != '"') {
		buf_add(out, local.p, local.n);
		return;
	}
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\' && i + 2 < local.n)
			i++;
		buf_addch(out, local.p[i]);
	}
}

int smimea_name(const char *address, struct buf *out, struct error *err)
{
	const char *domain = address_domain(address);
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf local = BUF_INIT, ascii = BUF_INIT;
	int rc = 0;

	if (!*domain || domain - address < 2)
		return error_set(err, E_PERM, "%s is no address", address);
	if (idn_plain(span_of(domain)))
		buf_addstr(&ascii, domain); /* in its own case: names in the DNS have none */
	else if (!idn_ascii(span_of(domain), &ascii))
		buf_clear(&ascii);
	if (!is_host_name(buf_str(&ascii)))
		rc = error_set(err, E_PERM, "%s: its domain is no name in the DNS", address);
	add_unquoted(&local, span_from(address, (size_t)(domain - address) - 1));
	if (rc == 0 && EVP_Digest(buf_str(&local), local.len, hash, NULL, EVP_sha256(), NULL) != 1)
		rc = error_set(err, E_TEMP, "SHA-256 is not there");
	for (size_t i = 0; rc == 0 && i < HASH_BYTES; i++)
		buf_addf(out, "%02x", hash[i]);
	if (rc == 0)
		buf_addf(out, "._smimecert.%s", buf_str(&ascii));
	buf_release(&ascii);
	buf_release(&local);
	return rc;
}

bool smimea_read(struct span record, struct smimea *out)
{
	const unsigned char *p = (const unsigned char *)record.p;

	*out = (struct smimea){ 0 };
	if (record.n < 4)
		return false;
	*out = (struct smimea){ p[0], p[1], p[2], span_sub(record, 3, record.n) };
	return out->usage < SMIMEA_USAGES && out->selector < SMIMEA_SELECTORS && out->matching < SMIMEA_MATCHINGS;
}

/* The whole SubjectPublicKeyInfo around its content; DER has one way to write the length. */
static bool whole_key(struct span content, struct span *out)
{
	size_t header = content.n < 0x80 ? 2 : content.n < 0x100 ? 3 : content.n < 0x10000 ? 4 : 5;

	*out = span_from(content.p - header, content.n + header);
	return *out->p == 0x30;
}

/* The part of the certificate that the selector names. */
static bool select_part(struct span certificate, unsigned selector, struct span *out)
{
	struct certificate_parts parts;

	*out = certificate;
	if (!certificate_parts(certificate, &parts))
		return false;
	return selector == SMIMEA_CERTIFICATE || whole_key(parts.public_key, out);
}

static bool apply(struct span part, unsigned matching, struct buf *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (matching == SMIMEA_EXACT) {
		buf_add(out, part.p, part.n);
		return true;
	}
	if (EVP_Digest(part.p, part.n, hash, &n, matching == SMIMEA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
		return false;
	buf_add(out, hash, n);
	return true;
}

int smimea_make(struct span certificate, unsigned usage, unsigned selector, unsigned matching, struct buf *out, struct error *err)
{
	const char head[3] = { (char)usage, (char)selector, (char)matching };
	struct span part;

	if (!select_part(certificate, selector, &part))
		return error_set(err, E_PERM, "not a certificate");
	buf_add(out, head, sizeof(head));
	return apply(part, matching, out) ? 0 : error_set(err, E_TEMP, "the hash is not there");
}
