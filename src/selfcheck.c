/* selfcheck.c - postern -check: configuration, keys, areas, modules, destinations, one line each */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver/destination.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/profile.h"
#include "module/ask.h"
#include "result.h"
#include "smime/open.h"
#include "subject.h"

#define PROBE_MS 10000
#define PASSPHRASE_MAX ((size_t)64 * 1024)
#define KEYS_MAX ((size_t)50) /* of our own keys, whose certificates are checked: each is a question to the check modules */

struct checking {
	const struct config *config;
	struct arena arena;
	int errors, warnings;
};

enum grade { OK, WARNING, ERROR };

static void say(struct checking *k, enum grade grade, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void say(struct checking *k, enum grade grade, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warning", "error" };
	va_list ap;

	k->errors += grade == ERROR;
	k->warnings += grade == WARNING;
	printf("%s: ", words[grade]);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* What modules log is what the operator wants to know: a file that is none, a key that others may read, an option of theirs. */
static void say_logged(void *arg, enum log_level level, const char *text)
{
	say(arg, level == LOG_LEVEL_ERROR ? ERROR : WARNING, "%s", text);
}

static void check_identity(struct checking *k)
{
	const struct config *c = k->config;

	say(k, *c->hostname ? OK : ERROR, "hostname %s", *c->hostname ? c->hostname : "is not set");
	say(k, c->local_domains.n ? OK : ERROR, "local_domains: %zu", c->local_domains.n);
}

/* ---- values that make no sense together ---- */

static bool has_scanner(const struct config *c)
{
	return *c->scanner && !ascii_caseeq(c->scanner, "none");
}

static bool scanner_without_clients(const struct config *c)
{
	return has_scanner(c) && !c->scanner_clients.n;
}

static bool clients_without_scanner(const struct config *c)
{
	return !has_scanner(c) && c->scanner_clients.n;
}

/* Whoever has addresses set aside for documentation (RFC 5737, 3849) among his clients has the whole world among them. */
static bool everybody_is_inside(const struct config *c)
{
	static const char *const nobodys[] = { "192.0.2.1", "203.0.113.1", "2001:db8::1" };

	for (size_t i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++) {
		struct net host;

		if (net_parse(nobodys[i], &host, NULL) == 0 &&
		    (netlist_contains(c->internal_clients.items, c->internal_clients.n, &host) ||
		     netlist_contains(c->scanner_clients.items, c->scanner_clients.n, &host)))
			return true;
	}
	return false;
}

static bool timeout_eats_deadline(const struct config *c)
{
	return c->module_timeout >= c->deadline;
}

static bool seals_without_modules(const struct config *c)
{
	return c->smime_engine == ENGINE_BOTH && !c->rules_modules.n;
}

static bool opens_without_modules(const struct config *c)
{
	return c->smime_engine != ENGINE_OFF && (!c->keys_modules.n || !c->check_modules.n);
}

static const struct {
	bool (*holds)(const struct config *c);
	enum grade grade;
	const char *text;
} conflicts[] = {
	{ scanner_without_clients, ERROR, "scanner without scanner_clients: what comes back from the scanner would be sent to it again" },
	{ clients_without_scanner, WARNING, "scanner_clients without scanner: what these clients send counts as scanned" },
	{ everybody_is_inside, ERROR, "internal_clients or scanner_clients holds the whole Internet: anybody may use the keys" },
	{ timeout_eats_deadline, WARNING, "module_timeout is not below deadline: one module that hangs costs the whole message its time" },
	{ seals_without_modules, ERROR, "rules_modules is empty: outgoing mail is deferred; set smime_engine = 1 if that is meant" },
	{ opens_without_modules, ERROR, "keys_modules or check_modules is empty: signed and encrypted mail is deferred" },
};

static void check_conflicts(struct checking *k)
{
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
		if (conflicts[i].holds(k->config))
			say(k, conflicts[i].grade, "%s", conflicts[i].text);
}

/* ---- what it names ---- */

static void check_destination(struct checking *k, const char *name, const char *text, bool needed)
{
	struct destination d;
	struct error err = { 0 };

	if (destination_parse(&k->arena, text, &d, &err) < 0)
		say(k, ERROR, "destination %s: %s", name, err.text);
	else if (d.kind == DESTINATION_NONE)
		say(k, needed ? ERROR : OK, "destination %s: none", name);
	else if (destination_probe(&d, k->config->hostname, deadline_in(PROBE_MS), &err) < 0)
		say(k, ERROR, "destination %s: %s", name, err.text);
	else
		say(k, OK, "destination %s: %s", name, text);
}

static void check_destinations(struct checking *k)
{
	const struct config *c = k->config;

	check_destination(k, "external", c->external, true);
	check_destination(k, "internal", c->internal, true);
	check_destination(k, "scanner", c->scanner, false);
	for (const struct config_pair *via = c->via; via; via = via->next)
		check_destination(k, via->name, via->value, true);
}

static void check_spool(struct checking *k)
{
	const char *tmp = arena_printf(&k->arena, "%s/tmp", k->config->spool);
	struct error err = { 0 };
	int fd = fs_make_directory(tmp, 0700, &err) < 0 ? -1 : fs_temporary(tmp, &err);

	if (fd < 0)
		say(k, ERROR, "spool %s", err.text);
	else
		say(k, OK, "spool %s", k->config->spool);
	if (fd >= 0)
		close(fd);
}

/* A log that cannot be written holds all mail up; a verify log that cannot be written is only missed. */
static void check_appendable(struct checking *k, enum grade grade, const char *name, const char *path)
{
	int fd = *path == '/' ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640) : -1;

	if (*path == '/')
		say(k, fd < 0 ? grade : OK, "%s %s%s%s", name, path, fd < 0 ? ": " : "", fd < 0 ? strerror(errno) : "");
	if (fd >= 0)
		close(fd);
}

static void check_patterns(struct checking *k)
{
	struct wishes wishes;
	const char *rest;
	struct error err = { 0 };

	if (subject_wishes(&k->arena, k->config, "", &wishes, &rest, &err) < 0)
		say(k, ERROR, "%s", err.text);
}

static void check_mac_key(struct checking *k)
{
	struct buf key = BUF_INIT;
	struct error err = { 0 };

	if (result_key(k->config->mac_key_file, &key, &err) < 0)
		say(k, ERROR, "%s", err.text);
	else
		say(k, OK, "mac_key_file %s", k->config->mac_key_file);
	buf_wipe(&key);
}

/* keys-file reads it when a key needs it: too late to hear that it may not. */
static void check_passphrase(struct checking *k)
{
	struct buf text = BUF_INIT;
	struct error err = { 0 };
	int rc = *k->config->passphrase_file == '/' ? fs_read_secret(k->config->passphrase_file, PASSPHRASE_MAX, &text, &err) : 0;

	if (rc < 0 && rc != E_NOTFOUND)
		say(k, ERROR, "passphrase_file %s", err.text);
	buf_wipe(&text);
}

static void check_areas(struct checking *k)
{
	static const char *const names[] = { "public", "trusted", "untrusted", "private", "ca", "crl", "seen" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = arena_printf(&k->arena, "%s/%s", k->config->areas, names[i]);
		struct stat st;

		if (stat(path, &st) < 0)
			say(k, WARNING, "area %s: %s", path, strerror(errno));
		else if (!S_ISDIR(st.st_mode))
			say(k, ERROR, "area %s: not a directory", path);
		else if (strcmp(names[i], "private") == 0 && (st.st_mode & 077))
			say(k, WARNING, "area %s: mode %04o lets others look into it; chmod 700", path, (unsigned)st.st_mode & 07777);
		else
			say(k, OK, "area %s", path);
	}
}

static void check_profile(struct checking *k)
{
	struct profile p;
	struct error err = { 0 };

	if (profile_find(&k->arena, k->config->profiles_file, k->config->profile, &p, &err) < 0)
		say(k, ERROR, "profile: %s", err.text);
	else
		say(k, OK, "profile %s", p.name);
}

static void check_rules(struct checking *k, struct modules *m)
{
	struct rules_problem *problems;
	struct error err = { 0 };
	size_t n;

	if (ask_check_rules(m, &k->arena, &problems, &n, &err) < 0) {
		say(k, ERROR, "rules: %s", err.text);
		return;
	}
	say(k, OK, "rules modules answer");
	for (size_t i = 0; i < n; i++)
		say(k, problems[i].error ? ERROR : WARNING, "%s: %s", problems[i].source, problems[i].text);
}

static void check_keys(struct checking *k, struct modules *m)
{
	const char *nobody = arena_printf(&k->arena, "postern-check@%s", k->config->hostname);
	struct found_certificate *found;
	struct error err = { 0 };
	size_t n;
	int rc = ask_certificates(m, &k->arena, &nobody, 1, &found, &n, &err);

	if (rc < 0 && rc != E_NOTFOUND)
		say(k, ERROR, "keys: %s", err.text);
	else
		say(k, OK, "keys modules answer");
}

/* "mail@behoerde.example (/etc/postern/certs/private/mail.pem)" */
static const char *key_text(struct checking *k, const struct own_key *key)
{
	const char **addresses;
	size_t n;

	certificate_addresses(&k->arena, key->certificate, &addresses, &n);
	return arena_printf(&k->arena, "%s (%s)", n ? addresses[0] : "of no address", key->source);
}

/* Whether the check modules answered. */
static bool check_own_key(struct checking *k, struct modules *m, const struct own_key *key)
{
	struct check_result check;
	struct error err = { 0 };
	const char *text = key_text(k, key);

	if (ask_check(m, &k->arena, key->certificate, NULL, "sign", time(NULL), "", &check, &err) < 0) {
		say(k, ERROR, "check: %s", err.text);
		return false;
	}
	if (check.verdict == VERDICT_VALID)
		say(k, OK, "key of %s: its certificate is valid", text);
	else
		say(k, WARNING, "key of %s: its certificate is %s (%s): %s", text, verdict_name(check.verdict), check.reason, check.text);
	return true;
}

/* With the keys the check modules are asked as well: whether partners can find our own signatures valid. */
static void check_own_keys(struct checking *k, struct modules *m)
{
	struct own_key *keys;
	struct error err = { 0 };
	size_t n, signing = 0;
	bool answered = true;

	if (ask_own_keys(m, &k->arena, &keys, &n, &err) < 0) {
		say(k, ERROR, "keys: %s", err.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		signing += keys[i].signs;
		if (keys[i].signs && signing <= KEYS_MAX && answered)
			answered = check_own_key(k, m, &keys[i]);
		X509_free(keys[i].certificate);
	}
	if (!signing)
		say(k, WARNING, "no keys module has a key of ours that signs");
	else if (signing > KEYS_MAX)
		say(k, OK, "%zu more keys of ours; their certificates were not checked", signing - KEYS_MAX);
}

static void check_modules(struct checking *k)
{
	static const char *const narrow[3] = { "decide check-rules", "find-certificates list-keys", "check-certificate" };
	struct modules m = { 0 };
	struct error err = { 0 };

	if (modules_start(&m, k->config, 7, narrow, "check", deadline_in(PROBE_MS), &err) < 0 || modules_greet(&m, &err) < 0) {
		say(k, ERROR, "modules: %s", err.text);
	} else {
		check_rules(k, &m);
		check_keys(k, &m);
		check_own_keys(k, &m);
	}
	modules_log(&m);
	modules_stop(&m, 1000);
}

int selfcheck_run(const struct config *c)
{
	struct checking k = { .config = c };
	struct error err = { 0 };

	log_divert(say_logged, &k);
	say(&k, OK, "configuration %s", c->file);
	check_identity(&k);
	check_conflicts(&k);
	if (fs_check_user(c->spool, &err) < 0) { /* the rest would leave files that the mail server's user cannot read */
		say(&k, ERROR, "spool %s", err.text);
		log_divert(NULL, NULL);
		return k.errors;
	}
	check_spool(&k);
	check_appendable(&k, ERROR, "log", c->log);
	check_destinations(&k);
	if (c->smime_engine != ENGINE_OFF) {
		check_mac_key(&k);
		check_passphrase(&k);
		check_areas(&k);
		check_profile(&k);
		check_patterns(&k);
		check_appendable(&k, WARNING, "verify_log", c->verify_log);
		check_modules(&k);
	}
	log_divert(NULL, NULL);
	printf("%d error%s, %d warning%s\n", k.errors, k.errors == 1 ? "" : "s", k.warnings, k.warnings == 1 ? "" : "s");
	arena_release(&k.arena);
	return k.errors;
}
