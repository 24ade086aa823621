/* proxy.c - where an address leads when a proxy connects and not we */
#include "refresh/proxy.h"

#include <curl/curl.h>
#include <stdio.h>

#include "lib/buf.h"
#include "refresh/internal.h"

/* The host as libcurl understands it, which is how it will tell the proxy: 127.1 is 127.0.0.1, %31 is 1.  url may be relative to base;
 * NULL: that is the address.  NULL: none that libcurl could use either.  curl_free() it. */
static char *host_as_asked(const char *base, const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, base, 0) || (url && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME)) ||
	    curl_url_get(u, CURLUPART_HOST, &host, CURLU_URLDECODE))
		host = NULL;
	curl_url_cleanup(u);
	return host;
}

static bool is_localhost(struct span host)
{
	static const char name[] = "localhost";
	size_t n = sizeof(name) - 1;

	return span_caseeq(host, name) || (host.n > n && host.p[host.n - n - 1] == '.' &&
					   span_caseeq(span_sub(host, host.n - n, host.n), name));
}

bool proxy_leads_inside(const struct config_networks *allow, const char *base, const char *url, struct error *err)
{
	char *name = host_as_asked(base, url), text[NET_TEXT];
	struct span host = span_of(name ? name : "");
	bool inside;
	struct net n;

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	snprintf(text, sizeof(text), "%.*s", (int)(host.n < NET_TEXT ? host.n : NET_TEXT - 1), host.p);
	inside = is_localhost(host) || (net_parse(text, &n, NULL) == 0 && internal_address(&n) &&
					!netlist_contains(allow->items, allow->n, &n));
	curl_free(name);
	return inside && error_set(err, E_PERM, "%s is an internal address; see refresh_allow", text) != 0;
}
