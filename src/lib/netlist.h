/* netlist.h - client addresses and lists of networks */
#ifndef POSTERN_LIB_NETLIST_H
#define POSTERN_LIB_NETLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

struct net {
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;             /* 0..128, counted in the 16-byte form */
};

/* IPv4, IPv6, [IPv6], [IPv4], "IPv6:..." (Sendmail), each with optional /bits.  E_PERM if it is none. */
int net_parse(const char *text, struct net *out, struct error *err);

/* The -client argument: also "" (this machine: 127.0.0.1) and "unknown" (then *known = false
 * and it is in no list). */
int client_parse(const char *text, struct net *out, bool *known, struct error *err);

/* The shortest text that net_parse() reads back: "10.0.0.0/8", "::1". */
#define NET_TEXT 52
void net_format(const struct net *n, char out[NET_TEXT]);

bool net_contains(const struct net *network, const struct net *host);
bool netlist_contains(const struct net *list, size_t n, const struct net *host);

#endif
