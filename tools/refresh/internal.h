/* internal.h - which network addresses are nobody's on the Internet
 *
 * A certificate is written by a stranger, and so are the addresses in it: without this a partner could make this machine send
 * requests to others behind the same firewall.
 */
#ifndef POSTERN_REFRESH_INTERNAL_H
#define POSTERN_REFRESH_INTERNAL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/config.h"

/* Loopback, private, link-local, multicast, reserved (IANA special-purpose registries, RFC 6890), also where an IPv6 address
 * carries such an IPv4 address (mapped, compatible, NAT64, 6to4). */
bool internal_address(const struct net *address);

/* Whether a socket may be opened to it; where not, text is the address. */
bool internal_may_connect(const struct config_networks *allow, const struct sockaddr *address, char text[NET_TEXT]);

#endif
