/* options.c - refresh_... of postern.conf */
#include "refresh/options.h"

#include "build.h"

#define AT(field) offsetof(struct refresh_options, field)

static const char *const nonce_words[] = { "no", "optional", "require", NULL };
static const char *const hash_words[] = { "sha1", "sha256", NULL };

const struct config_option refresh_table[] = {
	{ "refresh_network", CONFIG_BOOLEAN, "yes", AT(network), NULL, 0, 0,
	  "servers are asked; no: only refresh_import is read" },
	{ "refresh_import", CONFIG_PATH, NULL, AT(import), NULL, 0, 0,
	  "folder with files to be taken in after the same checks" },
	{ "refresh_urls", CONFIG_LIST, NULL, AT(urls), NULL, 0, 0,
	  "addresses of CRLs that no certificate names" },
	{ "refresh_interval", CONFIG_TIME, "1h", AT(interval), NULL, 1000, 0,
	  "how often a server is asked whether there is something newer" },
	{ "refresh_ocsp", CONFIG_BOOLEAN, "yes", AT(ocsp), NULL, 0, 0,
	  "OCSP answers for certificates in use are fetched ahead of time" },
	{ "refresh_ocsp_nonce", CONFIG_WORD, "no", AT(ocsp_nonce), nonce_words, 0, 0,
	  "a nonce is sent: no, optional (its answer may lack it), require" },
	{ "refresh_ocsp_hash", CONFIG_WORD, "sha1", AT(ocsp_hash), hash_words, 0, 0,
	  "hash of the certificate identifiers that are asked about" },
	{ "refresh_proxy", CONFIG_STRING, NULL, AT(proxy), NULL, 0, 0,
	  "proxy for http and https, such as http://proxy.example.org:3128" },
	{ "refresh_ca_file", CONFIG_PATH, NULL, AT(ca_file), NULL, 0, 0,
	  "certificates (PEM) that https servers are checked with; empty: the system's" },
	{ "refresh_user_agent", CONFIG_STRING, "postern-refresh/" PACKAGE_VERSION, AT(user_agent), NULL, 0, 0,
	  "how it calls itself" },
	{ "refresh_allow", CONFIG_NETWORKS, NULL, AT(allow), NULL, 0, 0,
	  "internal addresses and networks that may be asked all the same" },
	{ "refresh_timeout", CONFIG_TIME, "30s", AT(timeout), NULL, 100, 3600000,
	  "longest time for one fetch" },
	{ "refresh_deadline", CONFIG_TIME, "10m", AT(deadline), NULL, 100, 86400000,
	  "longest time for a run" },
	{ "refresh_size_limit", CONFIG_SIZE, "64M", AT(size_limit), NULL, 1024, 134217728,
	  "most bytes of one answer" },
	{ "refresh_total_limit", CONFIG_SIZE, "2G", AT(total_limit), NULL, 1024, 0,
	  "most bytes of a run" },
	{ "refresh_number_limit", CONFIG_NUMBER, "20000", AT(number_limit), NULL, 1, 1000000,
	  "most addresses that a run asks" },
	{ "refresh_redirects", CONFIG_NUMBER, "3", AT(redirects), NULL, 0, 10,
	  "most redirections of one fetch" },
	{ "refresh_parallel", CONFIG_NUMBER, "32", AT(parallel), NULL, 1, 256,
	  "fetches at a time" },
	{ "refresh_per_host", CONFIG_NUMBER, "8", AT(per_host), NULL, 1, 256,
	  "connections to one server" },
};
const size_t refresh_noptions = sizeof(refresh_table) / sizeof(refresh_table[0]);
