/* options.h - keys_ldap_... of postern.conf: what is asked, where and how (keys-ldap(8)) */
#ifndef POSTERN_KEYS_LDAP_OPTIONS_H
#define POSTERN_KEYS_LDAP_OPTIONS_H

#include "lib/config.h"

enum { MODE_ORDER, MODE_PARALLEL };
enum { AWAY_DEFER, AWAY_SKIP };
enum { REFERRALS_NO, REFERRALS_FOLLOW, REFERRALS_IGNORE };

#define ATTRIBUTES_MAX 12 /* of one question */

/* One directory's, or what is the same for all of them. */
struct directory_options {
	const char *name;                   /* of the group; "" where there are none */
	struct config_list uri;             /* replicas, in the order in which they are tried */
	struct config_list domains;         /* asked for these only; empty: for all */
	const char *base, *filter, *serial_filter, *key_id_filter, *own_filter;
	int scope;                          /* LDAP_SCOPE_... by the order of the words */
	struct config_list attributes;
	bool private;                       /* own keys are looked for as well */
	const char *bind_dn, *password_file;
	bool sasl_external;
	bool starttls, tls_check;
	const char *tls_ca_file, *tls_certificate, *tls_key;
	int referrals;                      /* REFERRALS_... */
	uint64_t size_limit, answer_limit;
	uint64_t connect_timeout, search_timeout, absent_lifetime; /* milliseconds */
	int when_away;                      /* AWAY_... */
};

struct ldap_options {
	int mode;                           /* MODE_... */
	struct config_list directories;     /* names of groups */
	struct directory_options all;
};

extern const struct config_option ldap_options[];
extern const size_t ldap_noptions;

/* The directories in the order in which they are asked, each with its options, in config's arena.  E_CONFIG: what is said does
 * not go together, by name. */
int options_directories(struct config *c, const struct ldap_options *all, struct directory_options **out, size_t *n, struct error *err);

#endif
