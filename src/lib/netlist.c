/* netlist.c - client addresses and lists of networks */
#include "lib/netlist.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

static const unsigned char v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Cuts "[...]" and "IPv6:" away. */
static struct span bare(struct span s)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = span_sub(s, 1, s.n - 1);
	if (span_casestarts(s, "IPv6:"))
		s = span_sub(s, 5, s.n);
	return s;
}

static bool parse_host(struct span s, struct net *out, unsigned *family_bits)
{
	char text[INET6_ADDRSTRLEN + 1];

	s = bare(s);
	if (!s.n || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, out->address + 12) == 1) {
		memcpy(out->address, v4_mapped, sizeof(v4_mapped));
		*family_bits = 32;
		return true;
	}
	*family_bits = 128;
	return inet_pton(AF_INET6, text, out->address) == 1;
}

int net_parse(const char *text, struct net *out, struct error *err)
{
	struct span s = span_of(text);
	ptrdiff_t slash = span_find(s, '/');
	unsigned family_bits;
	uint64_t bits;

	memset(out, 0, sizeof(*out));
	if (!parse_host(span_sub(s, 0, slash < 0 ? s.n : (size_t)slash), out, &family_bits))
		return error_set(err, E_PERM, "\"%s\" is not an IP address or network", text);
	bits = family_bits;
	if (slash >= 0 && !span_number(span_sub(s, (size_t)slash + 1, s.n), family_bits, &bits))
		return error_set(err, E_PERM, "\"%s\": the part behind / must be 0 to %u", text, family_bits);
	out->bits = (unsigned)bits + (128 - family_bits);
	for (unsigned b = out->bits; b < 128; b++)
		if (out->address[b / 8] & (0x80 >> b % 8))
			return error_set(err, E_PERM, "\"%s\": bits are set behind the first %u", text, (unsigned)bits);
	return 0;
}

int client_parse(const char *text, struct net *out, bool *known, struct error *err)
{
	*known = true;
	if (!*text)
		return net_parse("127.0.0.1", out, err);
	if (ascii_caseeq(text, "unknown")) {
		*known = false;
		memset(out, 0, sizeof(*out));
		return 0;
	}
	if (strchr(text, '/'))
		return error_set(err, E_PERM, "\"%s\" is a network, not a client address", text);
	return net_parse(text, out, err);
}

void net_format(const struct net *n, char out[NET_TEXT])
{
	bool v4 = n->bits >= 96 && memcmp(n->address, v4_mapped, sizeof(v4_mapped)) == 0;
	char host[INET6_ADDRSTRLEN];

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, n->address + (v4 ? 12 : 0), host, sizeof(host)))
		host[0] = '\0'; /* cannot happen: the room is enough */
	if (n->bits == 128)
		snprintf(out, NET_TEXT, "%s", host);
	else
		snprintf(out, NET_TEXT, "%s/%u", host, n->bits - (v4 ? 96 : 0));
}

bool net_contains(const struct net *network, const struct net *host)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (memcmp(network->address, host->address, whole) != 0)
		return false;
	return !rest || ((network->address[whole] ^ host->address[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool netlist_contains(const struct net *list, size_t n, const struct net *host)
{
	for (size_t i = 0; i < n; i++)
		if (net_contains(&list[i], host))
			return true;
	return false;
}
