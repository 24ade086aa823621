/* internal.c - which network addresses are nobody's on the Internet */
#include "refresh/internal.h"

#include <netinet/in.h>
#include <string.h>

static const char *const internal[] = {
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::1", "::", "100::/64", "64:ff9b:1::/48", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
	"fec0::/10", "ff00::/8",
};

/* IPv6 networks whose addresses carry an IPv4 address, and where. */
static const struct {
	const char *network;
	size_t at;
} carriers[] = { { "::/96", 12 }, { "64:ff9b::/96", 12 }, { "2002::/16", 2 }, { "::ffff:0:0:0/96", 12 } };

static bool in_network(const char *network, const struct net *address)
{
	struct net n;

	return net_parse(network, &n, NULL) < 0 || net_contains(&n, address);
}

static struct net from_v4(const unsigned char v4[4])
{
	struct net n = { .address = { [10] = 0xff, [11] = 0xff }, .bits = 128 };

	memcpy(n.address + 12, v4, 4);
	return n;
}

bool internal_address(const struct net *address)
{
	for (size_t i = 0; i < sizeof(internal) / sizeof(*internal); i++)
		if (in_network(internal[i], address))
			return true;
	for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers); i++)
		if (in_network(carriers[i].network, address)) {
			struct net carried = from_v4(address->address + carriers[i].at);

			return internal_address(&carried);
		}
	return false;
}

static bool address_of(const struct sockaddr *address, struct net *out)
{
	*out = (struct net){ .bits = 128 };
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof(v4));
		*out = from_v4((const unsigned char *)&v4.sin_addr);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof(v6));
		memcpy(out->address, &v6.sin6_addr, sizeof(out->address));
		return true;
	}
	return false;
}

bool internal_may_connect(const struct config_networks *allow, const struct sockaddr *address, char text[NET_TEXT])
{
	struct net n;

	memcpy(text, "?", 2);
	if (!address_of(address, &n))
		return false;
	net_format(&n, text);
	return netlist_contains(allow->items, allow->n, &n) || !internal_address(&n);
}
