/* config.h - postern.conf: one table names, types, defaults and documents every option
 *
 * name = value, '#' comments, continuation lines start with white space, lists separated by commas or
 * white space, names case-insensitive, ${config_directory} expands (postern.conf(5)).
 */
#ifndef POSTERN_LIB_CONFIG_H
#define POSTERN_LIB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/netlist.h"

enum config_type {
	CONFIG_STRING,   /* const char * ; "" when unset */
	CONFIG_PATH,     /* const char * ; absolute after expansion */
	CONFIG_SECRET,   /* const char * ; where a secret is: a path, "credential:NAME" or "program:/PATH ARG..." (common/secret_file.h) */
	CONFIG_LIST,     /* struct config_list */
	CONFIG_NETWORKS, /* struct config_networks */
	CONFIG_NUMBER,   /* uint64_t */
	CONFIG_SIZE,     /* uint64_t bytes: 100M, 256K, 1G */
	CONFIG_TIME,     /* uint64_t milliseconds: 30s, 5m, 2h, 7d, 500ms */
	CONFIG_BOOLEAN,  /* bool: yes no */
	CONFIG_WORD,     /* int: index into words */
	CONFIG_DOMAIN,   /* const char * : "mx.example.org" */
	CONFIG_DOMAINS,  /* struct config_list of such, each perhaps with a dot in front (subdomains) */
	CONFIG_MAILBOX,  /* const char * : an address, or what stands before the @ of one of ours */
	CONFIG_QUEUE,    /* const char *: "postfix:/DIR", "sendmail:/CF" or "none" */
	CONFIG_GROUPS,   /* struct config_list: names for each of which the options behind it in the table may be set, config_group() */
};

struct config_list {
	const char **items;
	size_t n;
};

struct config_networks {
	struct net *items;
	size_t n;
};

struct config_pair {
	struct config_pair *next;
	const char *name, *value;
};

/* An assignment to an option of a group, "keys_ldap_NAME_uri". */
struct config_grouped {
	struct config_grouped *next;
	const char *name, *value;
	unsigned line;
};

struct config_option {
	const char *name;
	enum config_type type;
	const char *initial;       /* as one would write it; NULL: none, "" or empty list */
	size_t offset;             /* of the field in the struct this table fills */
	const char *const *words;  /* CONFIG_WORD: NULL-terminated */
	uint64_t least, most;      /* CONFIG_NUMBER, _SIZE, _TIME; most 0: no bound */
	const char *meaning;       /* one line for postern -help=config and the manual page's test */
};

enum { ENGINE_OFF, ENGINE_INCOMING, ENGINE_BOTH };
enum { DELIVER_DECRYPTED, DELIVER_ORIGINAL, DELIVER_REENCRYPTED };
enum { ON_DELIVER, ON_HOLD, ON_REFUSE };
enum { HARVEST_NO, HARVEST_SEEN, HARVEST_PUBLISH };
enum { SEVERAL_ALL, SEVERAL_NEWEST };

struct config {
	const char *file;            /* as given with -c */
	const char *config_directory;/* absolute directory of file */
	/* who we are */
	const char *hostname;
	const char *admin;
	struct config_list local_domains;
	struct config_networks internal_clients, scanner_clients;
	/* what is done */
	int smime_engine;            /* ENGINE_... */
	int deliver_inside;          /* DELIVER_... */
	bool partial;
	uint64_t hold_lifetime;      /* milliseconds */
	int on_undecryptable, on_invalid_signature; /* ON_... */
	int harvest;                 /* HARVEST_... */
	int several_certificates;    /* SEVERAL_... */
	const char *subject_sign, *subject_encrypt, *subject_plain;
	const char *tag_signed, *tag_encrypted, *tag_invalid;
	const char *profile;
	const char *profiles_file;
	/* where things go */
	const char *external, *scanner, *internal; /* destinations as written; "" : none */
	const char *carrier_queue, *external_queue, *scanner_queue, *internal_queue; /* CONFIG_QUEUE */
	struct config_pair *via;     /* via_NAME = destination, for the rule word VIA=NAME; see config_via() */
	const char *spool;
	const char *log, *log_level;
	const char *verify_log;
	bool verify_log_pseudonyms;
	uint64_t log_privacy_days;
	const char *mac_key_file;
	/* modules */
	struct config_list rules_modules, keys_modules, check_modules;
	const char *module_directory;
	uint64_t module_timeout, deadline;
	uint64_t frame_limit;
	const char *areas;
	const char *rules_file, *passphrase_file;
	/* limits */
	uint64_t message_size_limit, layer_limit, part_limit, depth_limit, header_limit, recipient_limit;
	/* notices */
	uint64_t notice_limit, notice_window;

	struct config_grouped *grouped; /* of the module's own table, where it has CONFIG_GROUPS */
	struct arena arena;          /* everything above lives here */
};

/* Reads and checks the file; on failure E_CONFIG with "FILE:LINE: reason".  Names that begin with the
 * name of a configured module ("keys_ldap_uri") or of a tool ("refresh_proxy") or of the table `own` are allowed; own (may be NULL) is filled
 * into *own_base like the core's table.  *out is freed with config_free(). */
int config_read(const char *path, const struct config_option *own, size_t nown, void *own_base,
		struct config **out, struct error *err);
/* The same from text instead of a file: name is what errors call it, directory what ${config_directory} becomes. */
struct span;
int config_parse(struct span text, const char *name, const char *directory, const struct config_option *own, size_t nown,
		 void *own_base, struct config **out, struct error *err);
void config_free(struct config *c); /* NULL is fine */

/* The options of one group: own is a table with a CONFIG_GROUPS option, say "keys_ldap_directories = a b".  Every option behind that
 * one, say "keys_ldap_uri", may be set for group a alone as "keys_ldap_a_uri".  *base, a copy of the struct that config_read has
 * filled, gets what the file says for the group: what it does not say is the same for all.  E_CONFIG: a bad value, or name and
 * underscore do not tell the group's options from others. */
int config_group(struct config *c, const struct config_option *own, size_t nown, const char *name, void *base, struct error *err);

/* The core's table, for documentation and its tests. */
extern const struct config_option config_options[];
extern const size_t config_noptions;

/* The core's option of this name (case-insensitive); NULL: there is none. */
const struct config_option *config_find(const char *name);

/* Adds an option's value as one could write it into the file, on one line: defaults and ${config_directory} resolved, bytes
 * without a unit, times in s or ms, lists with one blank between. */
struct buf;
void config_text(const struct config *c, const struct config_option *option, struct buf *out);

/* The destination text for VIA=name: external, scanner, internal or a via_NAME; NULL if unknown. */
const char *config_via(const struct config *c, const char *name);

/* Whether domain is one of local_domains. */
bool config_is_local(const struct config *c, const char *address);

#endif
