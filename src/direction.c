/* direction.c - which way each recipient's copy goes */
#include "direction.h"

#include <string.h>

#include "module/module.h"

static const char *const names[ROUTES] = {
	[ROUTE_INCOMING] = "incoming",   [ROUTE_OUTGOING] = "outgoing",  [ROUTE_INSIDE] = "inside",
	[ROUTE_RETURNING] = "returning", [ROUTE_RELAYING] = "relaying",
};

/* By who sent it and whether the recipient is local. */
static const enum route routes[3][2] = {
	[ORIGIN_OUTSIDE] = { ROUTE_RELAYING, ROUTE_INCOMING },
	[ORIGIN_INSIDE] = { ROUTE_OUTGOING, ROUTE_INSIDE },
	[ORIGIN_SCANNER] = { ROUTE_OUTGOING, ROUTE_RETURNING },
};

#define READING "find-certificates find-keys unwrap agree"

/* What a route's conversation may ask of each role; an incoming message can never make us sign. */
static const struct {
	enum route route;
	int engine; /* from which smime_engine on */
	const char *narrow[3];
} needs[] = {
	{ ROUTE_INCOMING, ENGINE_INCOMING,
	  { [ROLE_KEYS] = READING, [ROLE_CHECK] = "check-certificate" } },
	{ ROUTE_RETURNING, ENGINE_INCOMING,
	  { [ROLE_KEYS] = "find-certificates", [ROLE_CHECK] = "check-certificate" } },
	{ ROUTE_OUTGOING, ENGINE_BOTH,
	  { [ROLE_RULES] = "decide", [ROLE_KEYS] = "find-certificates find-keys sign", [ROLE_CHECK] = "check-certificate" } },
};

enum route route_of(const struct config *c, enum origin origin, const char *recipient)
{
	return routes[origin][config_is_local(c, recipient)];
}

size_t route_recipients(const struct config *c, const struct envelope *e, enum route route, const char **out)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (route_of(c, e->origin, e->recipients[i]) == route)
			out[n++] = e->recipients[i];
	return n;
}

static bool has_route(const struct config *c, const struct envelope *e, enum route route)
{
	for (size_t i = 0; i < e->n; i++)
		if (route_of(c, e->origin, e->recipients[i]) == route)
			return true;
	return false;
}

/* What comes back is sealed again, for its recipients' own keys, unless users get all mail opened. */
static bool needs_modules(const struct config *c, const struct envelope *e, enum route route)
{
	return has_route(c, e, route) && (route != ROUTE_RETURNING || c->deliver_inside != DELIVER_DECRYPTED);
}

/* Incoming never meets another of these routes, and what is outgoing may ask all that is returning: the last match counts. */
unsigned route_roles(const struct config *c, const struct envelope *e, const char *narrow[3])
{
	unsigned roles = 0;

	memset(narrow, 0, 3 * sizeof(*narrow));
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (c->smime_engine < needs[i].engine || !needs_modules(c, e, needs[i].route))
			continue;
		for (int role = 0; role < 3; role++)
			if ((narrow[role] = needs[i].narrow[role]))
				roles |= 1u << role;
		if (needs[i].route == ROUTE_INCOMING && c->harvest != HARVEST_NO)
			narrow[ROLE_KEYS] = READING " store-certificate";
	}
	return roles;
}

bool must_not_return(const struct config *c, const struct envelope *e, const char *sender)
{
	return c->smime_engine != ENGINE_OFF && e->origin == ORIGIN_SCANNER && !config_is_local(c, sender);
}

const char *route_name(enum route r)
{
	return names[r];
}
