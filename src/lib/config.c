/* config.c - postern.conf: one table names, types, defaults and documents every option */
#include "lib/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/buf.h"
#include "lib/config_inside.h"
#include "lib/fs.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define LIST_MAX ((size_t)10000)

static const char *const engine_words[] = { "0", "1", "2", NULL };
static const char *const inside_words[] = { "decrypted", "original", "reencrypted", NULL };
static const char *const harvest_words[] = { "no", "seen", "publish", NULL };
static const char *const several_words[] = { "all", "newest", NULL };
static const char *const on_words[] = { "deliver", "hold", "refuse", NULL };
static const char *const level_words = "error, warning, info or debug";

#define AT(field) offsetof(struct config, field)

const struct config_option config_options[] = {
	{ "smime_engine", CONFIG_WORD, "2", AT(smime_engine), engine_words, 0, 0,
	  "0 pass all mail through untouched, 1 open incoming only, 2 both directions" },
	{ "admin", CONFIG_STRING, "postmaster", AT(admin), NULL, 0, 0,
	  "gets notices about failed decryption, bad signatures, incidents" },
	{ "hostname", CONFIG_STRING, NULL, AT(hostname), NULL, 0, 0,
	  "our name in Authentication-Results and notices" },
	{ "local_domains", CONFIG_LIST, NULL, AT(local_domains), NULL, 0, 0,
	  "the domains behind us; .example.org means all subdomains" },
	{ "internal_clients", CONFIG_NETWORKS, "127.0.0.0/8 ::1", AT(internal_clients), NULL, 0, 0,
	  "addresses and networks whose mail may use our keys" },
	{ "scanner_clients", CONFIG_NETWORKS, NULL, AT(scanner_clients), NULL, 0, 0,
	  "addresses and networks of the virus scanner" },
	{ "external", CONFIG_STRING, NULL, AT(external), NULL, 0, 0,
	  "destination of mail to the outside" },
	{ "scanner", CONFIG_STRING, "none", AT(scanner), NULL, 0, 0,
	  "destination of opened mail that is to be scanned, or none" },
	{ "internal", CONFIG_STRING, NULL, AT(internal), NULL, 0, 0,
	  "destination of mail to the inside" },
	{ "carrier_queue", CONFIG_QUEUE, "none", AT(carrier_queue), NULL, 0, 0,
	  "the mail server that runs postern, for mailq-all and deliver-all: postfix:DIR, sendmail:CF, none" },
	{ "external_queue", CONFIG_QUEUE, "none", AT(external_queue), NULL, 0, 0,
	  "the mail server behind external, likewise" },
	{ "scanner_queue", CONFIG_QUEUE, "none", AT(scanner_queue), NULL, 0, 0,
	  "the mail server behind scanner, likewise" },
	{ "internal_queue", CONFIG_QUEUE, "none", AT(internal_queue), NULL, 0, 0,
	  "the mail server behind internal, likewise" },
	{ "deliver_inside", CONFIG_WORD, "decrypted", AT(deliver_inside), inside_words, 0, 0,
	  "what users get of an encrypted message: decrypted, original, reencrypted" },
	{ "partial", CONFIG_BOOLEAN, "yes", AT(partial), NULL, 0, 0,
	  "serve the recipients that can be served, tell the sender of the others" },
	{ "on_undecryptable", CONFIG_WORD, "deliver", AT(on_undecryptable), on_words, 0, 0,
	  "a message we cannot open: deliver as it came, hold, refuse" },
	{ "on_invalid_signature", CONFIG_WORD, "deliver", AT(on_invalid_signature), on_words, 0, 0,
	  "a message with a bad signature: deliver, hold, refuse" },
	{ "harvest", CONFIG_WORD, "seen", AT(harvest), harvest_words, 0, 0,
	  "certificates that come with good signatures: no, kept in the area seen, publish" },
	{ "several_certificates", CONFIG_WORD, "all", AT(several_certificates), several_words, 0, 0,
	  "of a recipient with several valid certificates: all (up to four keys) or the newest" },
	{ "hold_lifetime", CONFIG_TIME, "5d", AT(hold_lifetime), NULL, 1000, 0,
	  "how long a copy may be with the scanner; then the administrator is told, and its token is not believed any more" },
	{ "mac_key_file", CONFIG_PATH, "${config_directory}/mac.key", AT(mac_key_file), NULL, 0, 0,
	  "key of result records and tokens, mode 0600" },
	{ "rules_modules", CONFIG_LIST, "rules-file", AT(rules_modules), NULL, 0, 0,
	  "modules that decide, asked in order until one answers" },
	{ "keys_modules", CONFIG_LIST, "keys-file", AT(keys_modules), NULL, 0, 0,
	  "modules that find certificates and use private keys, asked in order" },
	{ "check_modules", CONFIG_LIST, "check-path", AT(check_modules), NULL, 0, 0,
	  "modules that check certificates, asked in order" },
	{ "module_directory", CONFIG_PATH, POSTERN_MODULE_DIRECTORY, AT(module_directory), NULL, 0, 0,
	  "where module names are looked up" },
	{ "module_timeout", CONFIG_TIME, "30s", AT(module_timeout), NULL, 10, 3600000,
	  "longest wait for one answer of a module" },
	{ "deadline", CONFIG_TIME, "300s", AT(deadline), NULL, 100, 86400000,
	  "longest time for one message; keep it below the mail server's own limit" },
	{ "frame_limit", CONFIG_SIZE, "1M", AT(frame_limit), NULL, 4096, 67108864,
	  "largest document of the module protocol" },
	{ "areas", CONFIG_PATH, "${config_directory}/certs", AT(areas), NULL, 0, 0,
	  "parent directory of the certificate areas" },
	{ "rules_file", CONFIG_PATH, "${config_directory}/rules", AT(rules_file), NULL, 0, 0,
	  "the rules of module rules-file" },
	{ "passphrase_file", CONFIG_SECRET, "${config_directory}/passphrase", AT(passphrase_file), NULL, 0, 0,
	  "central passphrase of module keys-file: a file with mode 0600, which need not exist; credential:NAME; program:PATH ARG ..." },
	{ "spool", CONFIG_PATH, POSTERN_SPOOL, AT(spool), NULL, 0, 0,
	  "temporary files, journal, holds, quarantine" },
	{ "log", CONFIG_STRING, "syslog", AT(log), NULL, 0, 0,
	  "syslog, stderr or the path of a file" },
	{ "log_level", CONFIG_STRING, "info", AT(log_level), NULL, 0, 0,
	  "error, warning, info or debug" },
	{ "verify_log", CONFIG_PATH, POSTERN_VERIFY_LOG, AT(verify_log), NULL, 0, 0,
	  "one line for every certificate checked" },
	{ "verify_log_pseudonyms", CONFIG_BOOLEAN, "no", AT(verify_log_pseudonyms), NULL, 0, 0,
	  "pseudonyms for addresses, names and serial numbers in the verify log" },
	{ "log_privacy_days", CONFIG_NUMBER, "90", AT(log_privacy_days), NULL, 1, 3650,
	  "after so many days nobody can tell any more what a pseudonym stood for" },
	{ "subject_sign", CONFIG_STRING, NULL, AT(subject_sign), NULL, 0, 0,
	  "pattern in the Subject by which a user asks for a signature" },
	{ "subject_encrypt", CONFIG_STRING, NULL, AT(subject_encrypt), NULL, 0, 0,
	  "pattern in the Subject by which a user asks for encryption" },
	{ "subject_plain", CONFIG_STRING, NULL, AT(subject_plain), NULL, 0, 0,
	  "pattern in the Subject by which a user asks for neither where the rules leave the choice" },
	{ "tag_signed", CONFIG_STRING, NULL, AT(tag_signed), NULL, 0, 0,
	  "put in front of the Subject of mail with a good signature" },
	{ "tag_encrypted", CONFIG_STRING, NULL, AT(tag_encrypted), NULL, 0, 0,
	  "put in front of the Subject of mail that came encrypted" },
	{ "tag_invalid", CONFIG_STRING, NULL, AT(tag_invalid), NULL, 0, 0,
	  "put in front of the Subject of mail with a bad signature or that could not be opened" },
	{ "message_size_limit", CONFIG_SIZE, "100M", AT(message_size_limit), NULL, 1, 0,
	  "largest message in bytes" },
	{ "layer_limit", CONFIG_NUMBER, "8", AT(layer_limit), NULL, 1, 64,
	  "S/MIME layers around one message" },
	{ "part_limit", CONFIG_NUMBER, "10000", AT(part_limit), NULL, 1, 1000000,
	  "MIME parts of one message" },
	{ "depth_limit", CONFIG_NUMBER, "100", AT(depth_limit), NULL, 1, 1000,
	  "nesting of MIME parts" },
	{ "header_limit", CONFIG_SIZE, "256K", AT(header_limit), NULL, 1, 0,
	  "bytes of one header section" },
	{ "recipient_limit", CONFIG_NUMBER, "10000", AT(recipient_limit), NULL, 1, 1000000,
	  "recipients of one message" },
	{ "notice_limit", CONFIG_NUMBER, "10", AT(notice_limit), NULL, 0, 1000000,
	  "notices to admin within notice_window; what is more becomes one digest" },
	{ "notice_window", CONFIG_TIME, "1h", AT(notice_window), NULL, 1000, 604800000,
	  "see notice_limit" },
	{ "profile", CONFIG_STRING, "compatible", AT(profile), NULL, 0, 0,
	  "algorithms of outgoing mail: a profile's name" },
	{ "profiles_file", CONFIG_PATH, POSTERN_PROFILES, AT(profiles_file), NULL, 0, 0,
	  "the profiles; built-in ones apply where the file does not exist" },
};
const size_t config_noptions = sizeof(config_options) / sizeof(config_options[0]);

/* One table and the struct it fills. */
struct target {
	const struct config_option *options;
	size_t n;
	void *base;
	unsigned *line_of; /* 0: not set in the file */
};

struct reading {
	struct config *config;
	struct target targets[2];
	size_t ntargets;
	struct { const char *name, *value; unsigned line; } *foreign;
	size_t nforeign;
	unsigned line;
};

/* Replaces ${config_directory}; any other ${...} stays (destinations have their own). */
static char *expand(struct config *c, const char *value)
{
	static const char variable[] = "${config_directory}";
	struct buf b = BUF_INIT;
	const char *hit;
	char *s;

	while ((hit = strstr(value, variable))) {
		buf_add(&b, value, (size_t)(hit - value));
		buf_addstr(&b, c->config_directory);
		value = hit + sizeof(variable) - 1;
	}
	buf_addstr(&b, value);
	s = arena_strdup(&c->arena, buf_str(&b));
	buf_release(&b);
	return s;
}

static bool is_separator(char c)
{
	return c == ',' || ascii_space((unsigned char)c);
}

static int parse_list(struct config *c, const char *value, struct config_list *out, struct error *err)
{
	size_t cap = 0;

	*out = (struct config_list){ 0 };
	for (const char *p = value; *p;) {
		while (*p && is_separator(*p))
			p++;
		size_t n = 0;
		while (p[n] && !is_separator(p[n]))
			n++;
		if (!n)
			break;
		if (out->n == LIST_MAX)
			return error_set(err, E_CONFIG, "more than %zu entries", LIST_MAX);
		if (out->n == cap) {
			const char **bigger = arena_array(&c->arena, cap = cap ? cap * 2 : 8, sizeof(*bigger));

			if (out->n)
				memcpy(bigger, out->items, out->n * sizeof(*bigger));
			out->items = bigger;
		}
		out->items[out->n++] = arena_strndup(&c->arena, p, n);
		p += n;
	}
	return 0;
}

static int parse_networks(struct config *c, const char *value, struct config_networks *out, struct error *err)
{
	struct config_list words;
	int rc = parse_list(c, value, &words, err);

	*out = (struct config_networks){ 0 };
	if (rc < 0)
		return rc;
	out->items = arena_array(&c->arena, words.n, sizeof(*out->items));
	for (; out->n < words.n; out->n++)
		if (net_parse(words.items[out->n], &out->items[out->n], err) < 0)
			return E_CONFIG;
	return 0;
}

struct unit { const char *name; uint64_t factor; };

static const struct unit size_units[] = {
	{ "", 1 }, { "K", 1024 }, { "M", 1024 * 1024 }, { "G", 1024 * 1024 * 1024 }, { NULL, 0 }
};
static const struct unit time_units[] = {
	{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static int parse_number(const struct config_option *o, const struct unit *units, const char *value,
			uint64_t *out, struct error *err)
{
	size_t digits = strspn(value, "0123456789");
	uint64_t v;

	*out = 0;
	for (; units->name; units++)
		if (ascii_caseeq(value + digits, units->name))
			break;
	if (!units->name || !span_number(span_from(value, digits), UINT64_MAX, &v) ||
	    __builtin_mul_overflow(v, units->factor, &v))
		return error_set(err, E_CONFIG, "\"%s\" is not a %s", value,
				 o->type == CONFIG_SIZE ? "size such as 100M" :
				 o->type == CONFIG_TIME ? "time such as 30s" : "number");
	if (v < o->least || (o->most && v > o->most))
		return error_set(err, E_CONFIG, "%s is out of range", value);
	*out = v;
	return 0;
}

static int parse_word(const struct config_option *o, const char *value, int *out, struct error *err)
{
	char choice[200] = "";

	for (int i = 0; o->words[i]; i++) {
		if (ascii_caseeq(value, o->words[i])) {
			*out = i;
			return 0;
		}
		snprintf(choice + strlen(choice), sizeof(choice) - strlen(choice), "%s%s", i ? ", " : "", o->words[i]);
	}
	return error_set(err, E_CONFIG, "\"%s\" is none of: %s", value, choice);
}

/* The kind of mail server, and the absolute path of what it is configured by. */
static int parse_queue(const char *value, const char **out, struct error *err)
{
	static const char *const kinds[] = { "postfix:/", "sendmail:/" };

	*out = value;
	if (ascii_caseeq(value, "none")) {
		*out = "none";
		return 0;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(value, kinds[i], strlen(kinds[i])) == 0)
			return 0;
	return error_set(err, E_CONFIG, "\"%s\" is none of: postfix:/DIR, sendmail:/CF, none", value);
}

/* A credential's name is a file name (systemd.exec(5)). */
static int parse_secret(const char *value, const char **out, struct error *err)
{
	static const char credential[] = "credential:", program[] = "program:/";

	*out = value;
	if (!*value || *value == '/' || strncmp(value, program, sizeof(program) - 1) == 0)
		return 0;
	if (strncmp(value, credential, sizeof(credential) - 1) != 0)
		return error_set(err, E_CONFIG, "\"%s\" is none of: an absolute path, credential:NAME, program:/PATH ARG ...", value);
	value += sizeof(credential) - 1;
	return *value && *value != '.' && !strchr(value, '/') ? 0 : error_set(err, E_CONFIG, "\"%s\" is not the name of a credential", value);
}

int config_set(struct config *c, const struct config_option *o, void *base, const char *text, struct error *err)
{
	void *f = (char *)base + o->offset;
	char *value = expand(c, text);

	switch (o->type) {
	case CONFIG_STRING:
		*(const char **)f = value;
		return 0;
	case CONFIG_PATH:
		if (*value && *value != '/')
			return error_set(err, E_CONFIG, "\"%s\" is not an absolute path", value);
		*(const char **)f = value;
		return 0;
	case CONFIG_SECRET:
		return parse_secret(value, f, err);
	case CONFIG_LIST:
	case CONFIG_GROUPS:
		return parse_list(c, value, f, err);
	case CONFIG_NETWORKS:
		return parse_networks(c, value, f, err);
	case CONFIG_NUMBER:
		return parse_number(o, no_units, value, f, err);
	case CONFIG_SIZE:
		return parse_number(o, size_units, value, f, err);
	case CONFIG_TIME:
		return parse_number(o, time_units, value, f, err);
	case CONFIG_WORD:
		return parse_word(o, value, f, err);
	case CONFIG_BOOLEAN:
		*(bool *)f = ascii_caseeq(value, "yes");
		if (!*(bool *)f && !ascii_caseeq(value, "no"))
			return error_set(err, E_CONFIG, "\"%s\" is neither yes nor no", value);
		return 0;
	case CONFIG_QUEUE:
		return parse_queue(value, f, err);
	}
	return error_set(err, E_CONFIG, "option of unknown type");
}

static int remember_foreign(struct reading *r, const char *name, const char *value, struct error *err)
{
	for (size_t i = 0; i < r->nforeign; i++)
		if (ascii_caseeq(r->foreign[i].name, name))
			return error_set(err, E_CONFIG, "\"%s\" was already set in line %u", name, r->foreign[i].line);
	r->foreign = mem_resize(r->foreign, (r->nforeign + 1) * sizeof(*r->foreign));
	r->foreign[r->nforeign].name = arena_strdup(&r->config->arena, name);
	r->foreign[r->nforeign].value = arena_strdup(&r->config->arena, value);
	r->foreign[r->nforeign++].line = r->line;
	return 0;
}

static const char via_prefix[] = "via_";

static void add_via(struct config *c, const char *name, const char *value)
{
	struct config_pair *pair = arena_alloc(&c->arena, sizeof(*pair));

	pair->name = arena_strdup(&c->arena, name);
	pair->value = expand(c, value);
	pair->next = c->via;
	c->via = pair;
}

static int set_option(struct reading *r, const char *name, const char *value, struct error *err)
{
	for (size_t t = 0; t < r->ntargets; t++) {
		const struct target *target = &r->targets[t];

		for (size_t i = 0; i < target->n; i++) {
			if (!ascii_caseeq(target->options[i].name, name))
				continue;
			if (target->line_of[i])
				return error_set(err, E_CONFIG, "\"%s\" was already set in line %u", name,
						 target->line_of[i]);
			target->line_of[i] = r->line;
			if (config_set(r->config, &target->options[i], target->base, value, err) < 0)
				return error_prefix(err, "%s", target->options[i].name);
			return 0;
		}
	}
	if (remember_foreign(r, name, value, err) < 0)
		return E_CONFIG;
	if (span_casestarts(span_of(name), via_prefix))
		add_via(r->config, name + sizeof(via_prefix) - 1, value);
	return 0; /* judged when the module lists are known */
}

/* "name = value", blanks around both cut away; line ends at n. */
static int take_assignment(struct reading *r, struct span text, struct error *err)
{
	ptrdiff_t equals = span_find(text, '=');
	struct span name = span_trim(span_sub(text, 0, equals < 0 ? text.n : (size_t)equals));
	char *n, *v;

	if (equals < 0)
		return error_set(err, E_CONFIG, "expected \"name = value\"");
	if (!name.n)
		return error_set(err, E_CONFIG, "no name before \"=\"");
	n = arena_strndup(&r->config->arena, name.p, name.n);
	text = span_trim(span_sub(text, (size_t)equals + 1, text.n));
	v = arena_strndup(&r->config->arena, text.p, text.n);
	if (strspn(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(n))
		return error_set(err, E_CONFIG, "\"%s\" is not an option's name", n);
	return set_option(r, n, v, err);
}

/* The next line without its break; a '#' at the start of a line (after blanks) makes it a comment. */
static struct span next_line(struct span *rest)
{
	ptrdiff_t end = span_find(*rest, '\n');
	size_t n = end < 0 ? rest->n : (size_t)end;
	struct span line = span_sub(*rest, 0, n);

	*rest = span_sub(*rest, n + (end >= 0), rest->n);
	return line;
}

static bool is_comment_or_empty(struct span line)
{
	line = span_trim(line);
	return !line.n || line.p[0] == '#';
}

static int parse_file(struct reading *r, struct span rest, struct error *err)
{
	struct buf logical = BUF_INIT;
	unsigned number = 0;
	int rc = 0;

	if (memchr(rest.n ? rest.p : "", '\0', rest.n))
		return error_set(err, E_CONFIG, "%s: contains a NUL byte", r->config->file);
	while (rest.n && rc == 0) {
		struct span line = next_line(&rest);

		number++;
		if (is_comment_or_empty(line))
			continue;
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			if (!logical.len) {
				r->line = number;
				rc = error_set(err, E_CONFIG, "a continuation line, but nothing before it");
				break;
			}
			buf_addch(&logical, ' ');
			buf_add(&logical, line.p, line.n);
			continue;
		}
		if (logical.len)
			rc = take_assignment(r, span_from(logical.data, logical.len), err);
		if (rc == 0) {
			buf_clear(&logical);
			buf_add(&logical, line.p, line.n);
			r->line = number;
		}
	}
	if (rc == 0 && logical.len)
		rc = take_assignment(r, span_from(logical.data, logical.len), err);
	buf_release(&logical);
	return rc < 0 ? error_prefix(err, "%s:%u", r->config->file, r->line) : 0;
}

/* "keys-ldap" owns keys_ldap_...: the length of the longest module name that owns this one, 0: none does. */
static size_t owner_length(const struct config_list *modules, const char *name)
{
	size_t longest = 0;

	for (size_t i = 0; i < modules->n; i++) {
		const char *m = strrchr(modules->items[i], '/');
		size_t k = 0;

		m = m ? m + 1 : modules->items[i];
		while (m[k] && name[k] && ascii_lower((unsigned char)name[k]) == (m[k] == '-' ? '_' : ascii_lower((unsigned char)m[k])))
			k++;
		if (!m[k] && name[k] == '_' && k > longest)
			longest = k;
	}
	return longest;
}

/* Programs beside the modules that find options of their own in the file: postern-refresh(8). */
static const char *tool_names[] = { "refresh" };
static const struct config_list tools = { tool_names, sizeof(tool_names) / sizeof(*tool_names) };

/* Another program's name is not ours to judge; one of our own that we do not know is misspelled. */
static bool is_allowed(const struct reading *r, const char *name)
{
	const struct config *c = r->config;
	size_t k, rules = owner_length(&c->rules_modules, name), keys = owner_length(&c->keys_modules, name),
	       check = owner_length(&c->check_modules, name), tool = owner_length(&tools, name);

	if (span_casestarts(span_of(name), via_prefix))
		return true;
	k = rules > keys ? rules : keys;
	k = k > check ? k : check;
	k = k > tool ? k : tool;
	if (k && r->ntargets > 1) {
		size_t n = config_prefix(r->targets[1].options, r->targets[1].n);

		return k + 1 != n || !span_caseeq(span_from(r->targets[1].options[0].name, n),
						  arena_strndup(&r->config->arena, name, n));
	}
	return k > 0;
}

/* An option of one of our own groups. */
static bool keep_grouped(struct reading *r, size_t i)
{
	const struct target *own = &r->targets[1];
	struct config_grouped *g;

	if (r->ntargets < 2 || !config_is_grouped(own->options, own->n, own->base, r->foreign[i].name))
		return false;
	g = arena_alloc(&r->config->arena, sizeof(*g));
	*g = (struct config_grouped){ r->config->grouped, r->foreign[i].name, r->foreign[i].value, r->foreign[i].line };
	r->config->grouped = g;
	return true;
}

static int judge_foreign(struct reading *r, struct error *err)
{
	for (size_t i = 0; i < r->nforeign; i++)
		if (!is_allowed(r, r->foreign[i].name) && !keep_grouped(r, i))
			return error_set(err, E_CONFIG, "%s:%u: unknown option \"%s\"", r->config->file, r->foreign[i].line,
					 r->foreign[i].name);
	return 0;
}

static int check_log_level(const struct config *c, struct error *err)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < 4; i++)
		if (ascii_caseeq(c->log_level, names[i]))
			return 0;
	return error_set(err, E_CONFIG, "%s: log_level \"%s\" is none of %s", c->file, c->log_level, level_words);
}

static int set_defaults(struct reading *r, struct error *err)
{
	for (size_t t = 0; t < r->ntargets; t++)
		for (size_t i = 0; i < r->targets[t].n; i++) {
			const struct config_option *o = &r->targets[t].options[i];

			if (r->targets[t].line_of[i])
				continue;
			if (!o->initial && o->type != CONFIG_STRING && o->type != CONFIG_PATH && o->type != CONFIG_SECRET)
				continue; /* zeroed: empty list, 0, no */
			if (config_set(r->config, o, r->targets[t].base, o->initial ? o->initial : "", err) < 0)
				return error_prefix(err, "default of %s", o->name);
		}
	return 0;
}

static int directory_of(struct config *c, struct error *err)
{
	char resolved[PATH_MAX];
	char *slash;

	if (!realpath(c->file, resolved))
		return error_set(err, E_CONFIG, "%s: %s", c->file, strerror(errno));
	slash = strrchr(resolved, '/');
	*(slash == resolved ? slash + 1 : slash) = '\0';
	c->config_directory = arena_strdup(&c->arena, resolved);
	return 0;
}

/* text: NULL, the file's. */
static int read_config(struct config *c, const struct span *text, const struct config_option *own, size_t nown, void *own_base,
		       struct error *err)
{
	struct reading r = { .config = c };
	struct buf bytes = BUF_INIT;
	int rc = 0;

	r.targets[r.ntargets++] = (struct target){ config_options, config_noptions, c,
		arena_array(&c->arena, config_noptions, sizeof(unsigned)) };
	if (nown)
		r.targets[r.ntargets++] = (struct target){ own, nown, own_base,
			arena_array(&c->arena, nown, sizeof(unsigned)) };
	if (!text)
		rc = directory_of(c, err);
	if (rc == 0 && !text && (rc = fs_read(c->file, FILE_MAX, &bytes, err)) < 0)
		rc = E_CONFIG;
	if (rc == 0)
		rc = parse_file(&r, text ? *text : span_from(bytes.data, bytes.len), err);
	if (rc == 0)
		rc = set_defaults(&r, err);
	if (rc == 0)
		rc = judge_foreign(&r, err);
	if (rc == 0)
		rc = check_log_level(c, err);
	free(r.foreign);
	buf_release(&bytes);
	return rc;
}

static int give_config(struct config *c, int rc, struct config **out, struct error *err)
{
	if (rc == 0) {
		*out = c;
		return 0;
	}
	config_free(c);
	if (err)
		err->code = E_CONFIG; /* whatever went wrong with it: the mail waits */
	return E_CONFIG;
}

int config_read(const char *path, const struct config_option *own, size_t nown, void *own_base,
		struct config **out, struct error *err)
{
	struct config *c = mem_alloc(sizeof(*c));

	*out = NULL;
	c->file = arena_strdup(&c->arena, path);
	return give_config(c, read_config(c, NULL, own, nown, own_base, err), out, err);
}

int config_parse(struct span text, const char *name, const char *directory, const struct config_option *own, size_t nown,
		 void *own_base, struct config **out, struct error *err)
{
	struct config *c = mem_alloc(sizeof(*c));

	*out = NULL;
	c->file = arena_strdup(&c->arena, name);
	c->config_directory = arena_strdup(&c->arena, directory);
	return give_config(c, read_config(c, &text, own, nown, own_base, err), out, err);
}

void config_free(struct config *c)
{
	struct arena arena;

	if (!c)
		return;
	arena = c->arena;
	arena_release(&arena);
	free(c);
}

const char *config_via(const struct config *c, const char *name)
{
	if (ascii_caseeq(name, "external"))
		return c->external;
	if (ascii_caseeq(name, "scanner"))
		return c->scanner;
	if (ascii_caseeq(name, "internal"))
		return c->internal;
	for (const struct config_pair *pair = c->via; pair; pair = pair->next)
		if (ascii_caseeq(pair->name, name))
			return pair->value;
	return NULL;
}

bool config_is_local(const struct config *c, const char *address)
{
	const char *domain = address_domain(address);

	for (size_t i = 0; i < c->local_domains.n; i++)
		if (domain_matches(domain, c->local_domains.items[i]))
			return true;
	return false;
}
