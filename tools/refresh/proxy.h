/* proxy.h - where an address leads when a proxy connects and not we
 *
 * The proxy resolves names, so all that can be seen here is an address that is written out.
 */
#ifndef POSTERN_REFRESH_PROXY_H
#define POSTERN_REFRESH_PROXY_H

#include "lib/config.h"
#include "lib/error.h"

/* Whether url, which may be relative to base (a redirection; NULL: base itself), names an internal address that is not allowed, or
 * localhost; in *err which. */
bool proxy_leads_inside(const struct config_networks *allow, const char *base, const char *url, struct error *err);

#endif
