/* options.c - keys_ldap_... of postern.conf: what is asked, where and how (keys-ldap(8)) */
#include "keys-ldap/options.h"

#define LDAP_DEPRECATED 0
#include <ldap.h>
#include <string.h>

#include "keys-ldap/filter.h"
#include "lib/buf.h"

#define AT(field) offsetof(struct ldap_options, field)
#define DIRECTORIES_MAX 16

static const char *const mode_words[] = { "order", "parallel", NULL };
static const char *const scope_words[] = { "base", "one", "sub", NULL };
static const char *const referral_words[] = { "no", "yes", "ignore", NULL };
static const char *const away_words[] = { "defer", "skip", NULL };

const struct config_option ldap_options[] = {
	{ "keys_ldap_mode", CONFIG_WORD, "order", AT(mode), mode_words, 0, 0,
	  "several directories: order, the next one for what the one before has not; parallel, all at once" },
	{ "keys_ldap_directories", CONFIG_GROUPS, NULL, AT(directories), NULL, 0, 0,
	  "names of several directories; NAME's own options are keys_ldap_NAME_uri and so on" },
	{ "keys_ldap_uri", CONFIG_LIST, NULL, AT(all.uri), NULL, 0, 0,
	  "ldap://HOST, ldaps://HOST, ldapi://PATH; several are replicas, tried in order" },
	{ "keys_ldap_domains", CONFIG_LIST, NULL, AT(all.domains), NULL, 0, 0,
	  "domains for whose addresses it is asked; .example.org means all subdomains; none: for all" },
	{ "keys_ldap_base", CONFIG_STRING, NULL, AT(all.base), NULL, 0, 0,
	  "where the search begins" },
	{ "keys_ldap_scope", CONFIG_WORD, "sub", AT(all.scope), scope_words, 0, 0,
	  "how deep it goes: base, one, sub" },
	{ "keys_ldap_filter", CONFIG_STRING, "(mail=%s)", AT(all.filter), NULL, 0, 0,
	  "who has an address; %s the address, %u the part before the @, %d the domain" },
	{ "keys_ldap_serial_filter", CONFIG_STRING,
	  "(userCertificate:certificateExactMatch:={ serialNumber %n, issuer rdnSequence:\"%i\" })", AT(all.serial_filter), NULL, 0, 0,
	  "who has a certificate; %i its issuer, %n its serial number in decimal, %x in hexadecimal; empty: not asked" },
	{ "keys_ldap_key_id_filter", CONFIG_STRING, NULL, AT(all.key_id_filter), NULL, 0, 0,
	  "who has the certificate with a key identifier; %b its bytes, %x in hexadecimal; empty: not asked" },
	{ "keys_ldap_own_filter", CONFIG_STRING, "(userPKCS12=*)", AT(all.own_filter), NULL, 0, 0,
	  "all entries that may hold the key a message was encrypted to, where the two filters found none; empty: not asked" },
	{ "keys_ldap_attributes", CONFIG_LIST, "userCertificate;binary userCertificate userSMIMECertificate", AT(all.attributes), NULL,
	  0, 0, "which attributes hold certificates" },
	{ "keys_ldap_private", CONFIG_BOOLEAN, "no", AT(all.private), NULL, 0, 0,
	  "whether own keys (userPKCS12) are taken from it" },
	{ "keys_ldap_bind_dn", CONFIG_STRING, NULL, AT(all.bind_dn), NULL, 0, 0,
	  "who we are, for a simple bind; empty: anonymous" },
	{ "keys_ldap_password_file", CONFIG_SECRET, NULL, AT(all.password_file), NULL, 0, 0,
	  "password of bind_dn, mode 0600" },
	{ "keys_ldap_sasl_external", CONFIG_BOOLEAN, "no", AT(all.sasl_external), NULL, 0, 0,
	  "bind as whom the TLS client certificate or the ldapi socket says" },
	{ "keys_ldap_starttls", CONFIG_BOOLEAN, "yes", AT(all.starttls), NULL, 0, 0,
	  "whether ldap:// goes on with TLS" },
	{ "keys_ldap_tls_check", CONFIG_BOOLEAN, "yes", AT(all.tls_check), NULL, 0, 0,
	  "whether the server's certificate must be right" },
	{ "keys_ldap_tls_ca_file", CONFIG_PATH, "/etc/ssl/certs/ca-certificates.crt", AT(all.tls_ca_file), NULL, 0, 0,
	  "the CAs of servers' certificates, PEM" },
	{ "keys_ldap_tls_certificate", CONFIG_PATH, NULL, AT(all.tls_certificate), NULL, 0, 0,
	  "our certificate for TLS, PEM" },
	{ "keys_ldap_tls_key", CONFIG_PATH, NULL, AT(all.tls_key), NULL, 0, 0,
	  "its key, PEM, mode 0600" },
	{ "keys_ldap_referrals", CONFIG_WORD, "no", AT(all.referrals), referral_words, 0, 0,
	  "referrals to other servers: no, what they may have is not known; yes, they are asked, without a password; ignore" },
	{ "keys_ldap_size_limit", CONFIG_NUMBER, "100", AT(all.size_limit), NULL, 1, 100000,
	  "entries of one answer" },
	{ "keys_ldap_answer_limit", CONFIG_SIZE, "8M", AT(all.answer_limit), NULL, 4096, 268435456,
	  "bytes of one entry, and of all that is taken from one answer" },
	{ "keys_ldap_connect_timeout", CONFIG_TIME, "5s", AT(all.connect_timeout), NULL, 10, 3600000,
	  "longest wait for a connection, with TLS and bind" },
	{ "keys_ldap_search_timeout", CONFIG_TIME, "10s", AT(all.search_timeout), NULL, 10, 3600000,
	  "longest wait for an answer" },
	{ "keys_ldap_absent_lifetime", CONFIG_TIME, "1m", AT(all.absent_lifetime), NULL, 0, 86400000,
	  "how long it is remembered that an address has no certificate; 0: not at all" },
	{ "keys_ldap_when_away", CONFIG_WORD, "defer", AT(all.when_away), away_words, 0, 0,
	  "a directory that does not answer: defer the mail, or skip it and go on with the next source" },
};
const size_t ldap_noptions = sizeof(ldap_options) / sizeof(*ldap_options);

/* ---- what goes together ---- */

static bool starts(const char *uri, const char *scheme)
{
	return span_casestarts(span_of(uri), scheme);
}

/* Whether what is said there stays on this machine. */
static bool is_local(const char *uri)
{
	static const char *const hosts[] = { "ldap://127.0.0.1", "ldap://localhost", "ldap://[::1]" };

	if (starts(uri, "ldapi://"))
		return true;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (starts(uri, hosts[i]) && strchr(":/", uri[strlen(hosts[i])]))
			return true;
	return false;
}

/* Behind HOST[:PORT] an URL may name a base, a filter and more (RFC 4516), which would be passed over. */
static bool says_more(const char *uri)
{
	LDAPURLDesc *parts;
	bool more;

	if (ldap_url_parse(uri, &parts) != LDAP_URL_SUCCESS)
		return true;
	more = (parts->lud_dn && *parts->lud_dn) || parts->lud_attrs || parts->lud_filter || parts->lud_exts;
	ldap_free_urldesc(parts);
	return more;
}

static const char *problem_of(const struct directory_options *o, const char *uri)
{
	if (!starts(uri, "ldap://") && !starts(uri, "ldaps://") && !starts(uri, "ldapi://"))
		return "is none of ldap://HOST, ldaps://HOST, ldapi://PATH";
	if (says_more(uri))
		return starts(uri, "ldapi://") ? "names no socket: each / of its path is written %2F" :
			"is more than HOST and PORT: base, scope and filter have options of their own";
	if (*o->bind_dn && starts(uri, "ldap://") && !o->starttls && !is_local(uri))
		return "would see the password go in clear: starttls = no with bind_dn";
	return NULL;
}

/* p: what the names of its options begin with. */
static int check_uris(const struct directory_options *o, const char *p, struct error *err)
{
	if (!o->uri.n)
		return error_set(err, E_CONFIG, "%suri is missing", p);
	for (size_t i = 0; i < o->uri.n; i++) {
		const char *problem = problem_of(o, o->uri.items[i]);

		if (problem)
			return error_set(err, E_CONFIG, "%suri: %s %s", p, o->uri.items[i], problem);
	}
	return 0;
}

static int check_filters(const struct directory_options *o, const char *p, struct error *err)
{
	const struct {
		const char *name, *template, *letters;
	} filters[] = { { "filter", o->filter, "sud" }, { "serial_filter", o->serial_filter, "inx" }, { "key_id_filter", o->key_id_filter, "bx" } };

	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++)
		if (filter_check(filters[i].template, filters[i].letters, err) < 0)
			return error_prefix(err, "%s%s", p, filters[i].name);
	return 0;
}

static int check(const struct directory_options *o, const char *p, struct error *err)
{
	if (check_uris(o, p, err) < 0)
		return E_CONFIG;
	if (*o->bind_dn && o->sasl_external)
		return error_set(err, E_CONFIG, "%sbind_dn and %ssasl_external: only one of the two", p, p);
	if (!*o->bind_dn != !*o->password_file)
		return error_set(err, E_CONFIG, "%sbind_dn and %spassword_file: only both together", p, p);
	if (!*o->tls_certificate != !*o->tls_key)
		return error_set(err, E_CONFIG, "%stls_certificate and %stls_key: only both together", p, p);
	if (!*o->filter || !o->attributes.n)
		return error_set(err, E_CONFIG, "%sfilter and %sattributes must not be empty", p, p);
	if (o->attributes.n > ATTRIBUTES_MAX)
		return error_set(err, E_CONFIG, "%sattributes: more than %d", p, ATTRIBUTES_MAX);
	return check_filters(o, p, err);
}

int options_directories(struct config *c, const struct ldap_options *all, struct directory_options **out, size_t *n, struct error *err)
{
	size_t count = all->directories.n ? all->directories.n : 1;
	int rc = 0;

	*out = NULL;
	*n = 0;
	if (count > DIRECTORIES_MAX)
		return error_set(err, E_CONFIG, "%s: keys_ldap_directories: more than %d", c->file, DIRECTORIES_MAX);
	*out = arena_array(&c->arena, count, sizeof(**out));
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct ldap_options one = *all;
		const char *prefix;

		one.all.name = all->directories.n ? all->directories.items[i] : "";
		if (all->directories.n)
			rc = config_group(c, ldap_options, ldap_noptions, one.all.name, &one, err);
		prefix = arena_printf(&c->arena, "keys_ldap_%s%s", one.all.name, *one.all.name ? "_" : "");
		if (rc == 0 && check(&one.all, prefix, err) < 0)
			rc = error_prefix(err, "%s", c->file);
		(*out)[(*n)++] = one.all;
	}
	return rc;
}
