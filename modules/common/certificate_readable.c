/* certificate_readable.c - whether OpenSSL can read a certificate, without the cost of letting it
 *
 * What is given to others must be readable to them: what only looks like a certificate would be breakage to postern.  Here the
 * bytes are walked in the order of RFC 5280 section 4.1 and compared with what nearly all certificates are like; whatever is
 * written in another way is OpenSSL's to judge.
 */
#include <openssl/err.h>

#include "common/certificate.h"
#include "lib/address.h"
#include "lib/openssl.h"

#define NAME_MAX_BYTES ((size_t)1 << 20) /* OpenSSL's own bound */

enum {
	BOOLEAN = 0x01, INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, NO_VALUE = 0x05, OBJECT = 0x06, UTF8_STRING = 0x0c,
	PRINTABLE_STRING = 0x13, T61_STRING = 0x14, IA5_STRING = 0x16, UTC_TIME = 0x17, GENERALIZED_TIME = 0x18, SEQUENCE = 0x30,
	SET = 0x31, VERSION = 0xa0, EXTENSIONS = 0xa3,
};

static bool take(struct span *rest, unsigned char tag, struct span *content)
{
	return der_take(rest, tag, NULL, content);
}

static bool take_integer(struct span *rest)
{
	struct span n;

	if (!take(rest, INTEGER, &n) || n.n == 0)
		return false;
	return n.n == 1 || (n.p[0] == '\0' ? (n.p[1] & 0x80) != 0 : (unsigned char)n.p[0] != 0xff);
}

static bool take_bits(struct span *rest)
{
	struct span bits;

	return take(rest, BIT_STRING, &bits) && bits.n && (unsigned char)bits.p[0] <= 7;
}

static bool take_object(struct span *rest)
{
	struct span id;
	bool first = true;

	if (!take(rest, OBJECT, &id) || id.n == 0)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		if (first && (unsigned char)id.p[i] == 0x80)
			return false;
		first = !(id.p[i] & 0x80);
	}
	return first;
}

static bool take_algorithm(struct span *rest)
{
	struct span inside, value;

	if (!take(rest, SEQUENCE, &inside) || !take_object(&inside))
		return false;
	if (inside.n && !take(&inside, SEQUENCE, NULL) && !(take(&inside, NO_VALUE, &value) && value.n == 0) && !take_object(&inside))
		return false;
	return inside.n == 0;
}

static bool take_string(struct span *rest)
{
	struct span text;

	return take(rest, PRINTABLE_STRING, NULL) || take(rest, IA5_STRING, NULL) || take(rest, T61_STRING, NULL) ||
	       (take(rest, UTF8_STRING, &text) && utf8_valid(text));
}

static bool take_name(struct span *rest)
{
	struct span name, set, one;

	if (!take(rest, SEQUENCE, &name) || name.n >= NAME_MAX_BYTES)
		return false;
	while (name.n) {
		if (!take(&name, SET, &set) || set.n == 0)
			return false;
		while (set.n)
			if (!take(&set, SEQUENCE, &one) || !take_object(&one) || !take_string(&one) || one.n)
				return false;
	}
	return true;
}

static bool take_validity(struct span *rest)
{
	struct span times;

	if (!take(rest, SEQUENCE, &times))
		return false;
	for (int i = 0; i < 2; i++)
		if (!take(&times, UTC_TIME, NULL) && !take(&times, GENERALIZED_TIME, NULL))
			return false;
	return times.n == 0;
}

static bool take_key(struct span *rest)
{
	struct span inside;

	return take(rest, SEQUENCE, &inside) && take_algorithm(&inside) && take_bits(&inside) && inside.n == 0;
}

static bool take_extensions(struct span *rest)
{
	struct span outer, list, one, flag;

	if (!take(rest, EXTENSIONS, &outer) || !take(&outer, SEQUENCE, &list) || outer.n || list.n == 0)
		return false;
	while (list.n) {
		if (!take(&list, SEQUENCE, &one) || !take_object(&one))
			return false;
		if (take(&one, BOOLEAN, &flag) && flag.n != 1)
			return false;
		if (!take(&one, OCTET_STRING, NULL) || one.n)
			return false;
	}
	return true;
}

static bool is_usual(struct span der)
{
	struct span whole, tbs, version;

	if (!take(&der, SEQUENCE, &whole) || der.n || !take(&whole, SEQUENCE, &tbs))
		return false;
	if (take(&tbs, VERSION, &version) && (version.n != 3 || !take_integer(&version)))
		return false;
	return take_integer(&tbs) && take_algorithm(&tbs) && take_name(&tbs) && take_validity(&tbs) && take_name(&tbs) &&
	       take_key(&tbs) && (tbs.n == 0 || take_extensions(&tbs)) && tbs.n == 0 &&
	       take_algorithm(&whole) && take_bits(&whole) && whole.n == 0;
}

bool certificate_is_readable(struct span der)
{
	X509 *x;

	if (is_usual(der))
		return true;
	x = openssl_certificate(NULL, &der);
	X509_free(x);
	ERR_clear_error();
	return x && der.n == 0;
}
