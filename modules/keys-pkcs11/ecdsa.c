/* ecdsa.c - an ECDSA signature as PKCS#11 has it, in the form that everybody else has
 *
 * Written here: OpenSSL makes and unmakes five objects of its heap for it, which is felt beside a token that signs in a tenth of a
 * millisecond.
 */
#include "keys-pkcs11/ecdsa.h"

/* A positive INTEGER, big-endian; false: zero, which is no part of a signature. */
static bool add_integer(struct span s, struct buf *out)
{
	bool sign;

	for (; s.n && *s.p == 0; s.n--)
		s.p++;
	if (s.n == 0)
		return false;
	sign = *s.p & 0x80;
	buf_addch(out, 0x02);
	buf_addch(out, (char)(s.n + sign));
	if (sign)
		buf_addch(out, 0);
	buf_add(out, s.p, s.n);
	return true;
}

bool ecdsa_signature_der(struct span raw, struct buf *out)
{
	size_t half = raw.n / 2;
	struct buf both = BUF_INIT;
	bool good = half && raw.n % 2 == 0 && half <= EC_FIELD_MAX && add_integer(span_sub(raw, 0, half), &both) &&
		    add_integer(span_sub(raw, half, raw.n), &both);

	if (good) {
		buf_addch(out, 0x30);
		if (both.len > 127)
			buf_addch(out, (char)0x81);
		buf_addch(out, (char)both.len); /* 138 at most */
		buf_add(out, both.data, both.len);
	}
	buf_release(&both);
	return good;
}
