/* options.h - refresh_... of postern.conf (postern-refresh(8)) */
#ifndef POSTERN_REFRESH_OPTIONS_H
#define POSTERN_REFRESH_OPTIONS_H

#include "lib/config.h"

enum { NONCE_NO, NONCE_OPTIONAL, NONCE_REQUIRE };
enum { HASH_SHA1, HASH_SHA256 };

struct refresh_options {
	/* what is asked for */
	bool network;
	const char *import;
	struct config_list urls;
	uint64_t interval;          /* milliseconds */
	bool ocsp;
	int ocsp_nonce, ocsp_hash;  /* NONCE_..., HASH_... */
	/* how */
	const char *proxy;
	const char *ca_file;        /* "": the system's */
	const char *user_agent;
	struct config_networks allow;
	/* bounds */
	uint64_t timeout, deadline; /* milliseconds: of one fetch, of a run */
	uint64_t size_limit, total_limit; /* bytes: of one answer, of a run */
	uint64_t number_limit;
	uint64_t redirects, parallel, per_host;
};

extern const struct config_option refresh_table[];
extern const size_t refresh_noptions;

#endif
