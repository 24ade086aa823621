/* address.c - mail addresses and domains as the envelope has them */
#include "lib/address.h"

#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/idn.h"

#define LOCAL_MAX 64
#define DOMAIN_MAX 255

/* RFC 5321 atext, less what shells and old mail routers act on (` | $ stay out). */
static bool is_atom(unsigned char c)
{
	return ascii_alpha(c) || ascii_digit(c) || c >= 0x80 || (c && strchr("!#%&'*+-/=?^_{}~.", c));
}

/* Length of the well-formed UTF-8 sequence at s (1 to 4), 0 if it is none (RFC 3629). */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
	static const struct { unsigned char low, high, least2, most2; size_t len; } forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if (s[0] < forms[f].low || s[0] > forms[f].high)
			continue;
		if (forms[f].len > n)
			return 0;
		if (forms[f].len > 1 && (s[1] < forms[f].least2 || s[1] > forms[f].most2))
			return 0;
		for (size_t i = 2; i < forms[f].len; i++)
			if ((s[i] & 0xc0) != 0x80)
				return 0;
		return forms[f].len;
	}
	return 0;
}

bool utf8_valid(struct span s)
{
	for (size_t i = 0; i < s.n;) {
		uint64_t eight;
		size_t k;

		if (s.n - i >= sizeof(eight)) { /* most text is ASCII */
			memcpy(&eight, s.p + i, sizeof(eight));
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof(eight);
				continue;
			}
		}
		k = utf8_sequence((const unsigned char *)s.p + i, s.n - i);

		if (!k)
			return false;
		i += k;
	}
	return true;
}

static int check_local(struct span local, struct error *err)
{
	bool quoted = local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"';
	struct span inner = quoted ? span_sub(local, 1, local.n - 1) : local;

	if (!local.n)
		return error_set(err, E_PERM, "nothing before the @");
	if (local.n > LOCAL_MAX)
		return error_set(err, E_PERM, "more than %d bytes before the @", LOCAL_MAX);
	if (local.p[0] == '-')
		return error_set(err, E_PERM, "begins with \"-\"");
	for (size_t i = 0; i < inner.n; i++)
		if (!is_atom((unsigned char)inner.p[i]) && !(quoted && inner.p[i] == ' '))
			return error_set(err, E_PERM, "dangerous character 0x%02x before the @", (unsigned char)inner.p[i]);
	return 0;
}

const char *address_unquoted(struct arena *a, const char *address)
{
	const char *domain = address_domain(address);
	size_t n = *domain ? (size_t)(domain - address) - 1 : 0;
	struct span inner = n > 2 ? span_from(address + 1, n - 2) : span_from(NULL, 0);

	if (!inner.n || *address != '"' || address[n - 1] != '"' || *inner.p == '-')
		return address;
	for (size_t i = 0; i < inner.n; i++) {
		bool dot = inner.p[i] == '.', end = !i || i + 1 == inner.n || inner.p[i - 1] == '.';

		if (!is_atom((unsigned char)inner.p[i]) || strchr("!%", inner.p[i]) || (dot && end))
			return address;
	}
	return arena_printf(a, "%.*s@%s", (int)inner.n, inner.p, domain);
}

int address_to_ascii(struct arena *a, const char **address, struct error *err)
{
	struct span domain = span_of(address_domain(*address));
	struct buf out = BUF_INIT;
	bool good;

	if (idn_plain(domain))
		return 0;
	buf_add(&out, *address, (size_t)(domain.p - *address));
	good = idn_ascii(domain, &out);
	if (good)
		*address = arena_strdup(a, buf_str(&out));
	buf_release(&out);
	return good ? 0 : error_set(err, E_PERM, "domain \"%s\" has a label that cannot be one", domain.p);
}

static int check_label(struct span label, struct error *err)
{
	if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return error_set(err, E_PERM, "ill-formed domain");
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_' && c < 0x80)
			return error_set(err, E_PERM, "character 0x%02x in the domain", c);
	}
	return 0;
}

static int check_domain(struct span domain, struct error *err)
{
	if (!domain.n || domain.n > DOMAIN_MAX)
		return error_set(err, E_PERM, domain.n ? "domain too long" : "no domain");
	while (domain.n) {
		ptrdiff_t dot = span_find(domain, '.');
		size_t n = dot < 0 ? domain.n : (size_t)dot;

		if (check_label(span_sub(domain, 0, n), err) < 0)
			return E_PERM;
		if (dot >= 0 && n + 1 == domain.n)
			return error_set(err, E_PERM, "domain ends with a dot");
		domain = span_sub(domain, n + 1, domain.n);
	}
	return 0;
}

int address_check(const char *address, struct error *err)
{
	struct span whole = span_of(address);
	struct span domain = span_of(address_domain(address));

	if (!whole.n)
		return error_set(err, E_PERM, "empty address");
	if (whole.n > ADDRESS_MAX)
		return error_set(err, E_PERM, "address of more than %d bytes", ADDRESS_MAX);
	if (!utf8_valid(whole))
		return error_set(err, E_PERM, "address is not UTF-8");
	if (domain.n == 0)
		return error_set(err, E_PERM, "address \"%s\" has no domain", address);
	if (check_local(span_sub(whole, 0, whole.n - domain.n - 1), err) < 0 || check_domain(domain, err) < 0) {
		error_prefix(err, "address \"%s\"", address);
		return E_PERM;
	}
	return 0;
}

size_t utf8_invisible(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
		return 2;
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] >= 0xa8 ? p[2] <= 0xae : p[2] >= 0x8b && p[2] <= 0x8f))
		return 3;
	return p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf ? 3 : 0;
}

size_t utf8_plain(const char *text)
{
	unsigned char first = (unsigned char)*text;
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first < 0x20 || first == 0x7f || strnlen(text, n) < n || !utf8_valid(span_from(text, n)))
		return 0;
	return utf8_invisible(text) ? 0 : n;
}

const char *address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

void address_form(struct span address, struct buf *out)
{
	size_t start = out->len, at = address.n;
	struct span domain;

	while (at && address.p[at - 1] != '@')
		at--;
	domain = span_sub(address, at, address.n);
	for (size_t i = 0; i < at; i++)
		buf_addch(out, (char)ascii_lower((unsigned char)address.p[i]));
	if (at && !idn_plain(domain) && idn_ascii(domain, out))
		return;
	out->len = start + at; /* what cannot be one of the DNS is left as it is */
	for (size_t i = 0; i < domain.n; i++)
		buf_addch(out, (char)ascii_lower((unsigned char)domain.p[i]));
}

bool address_equal(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same = ascii_caseeq(a, b);

	if (same || (idn_plain(span_of(a)) && idn_plain(span_of(b))))
		return same;
	address_form(span_of(a), &x);
	address_form(span_of(b), &y);
	same = x.len == y.len && memcmp(buf_str(&x), buf_str(&y), x.len) == 0;
	buf_release(&x);
	buf_release(&y);
	return same;
}

static bool matches(const char *domain, const char *entry)
{
	size_t d = strlen(domain), e = strlen(entry);

	if (entry[0] != '.')
		return ascii_caseeq(domain, entry);
	return d > e && ascii_caseeq(domain + d - e, entry);
}

bool domain_matches(const char *domain, const char *entry)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool yes = matches(domain, entry);

	if (yes || (idn_plain(span_of(domain)) && idn_plain(span_of(entry))))
		return yes;
	yes = idn_ascii(span_of(domain), &x) && idn_ascii(span_of(entry), &y) && matches(buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	return yes;
}
