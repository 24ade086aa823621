/* selfcheck.c - postern -check: configuration, keys, areas, modules, destinations, one line each */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/destination.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/profile.h"
#include "result.h"
#include "selfcheck_inside.h"
#include "subject.h"

#define PROBE_MS 10000
#define PASSPHRASE_MAX ((size_t)4096) /* as the keys modules have it: SECRET_MAX */
#define SPOOL_ROOM ((off_t)1024 * 1024)

void selfcheck_say(struct checking *k, enum grade grade, const char *fmt, ...)
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
	int why = fd < 0 ? 0 : posix_fallocate(fd, 0, SPOOL_ROOM);

	if (fd < 0)
		say(k, ERROR, "spool %s", err.text);
	else if (why == ENOSPC || why == EDQUOT)
		say(k, ERROR, "spool %s: %s: there is not even 1 MB of room; all mail waits", k->config->spool, strerror(why));
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

/* keys-file reads it when a key needs it: too late to hear that it may not.  Where nobody has named one there need not be one. */
static void check_passphrase(struct checking *k)
{
	const char *source = k->config->passphrase_file;
	bool named = strcmp(source, arena_printf(&k->arena, "%s/passphrase", k->config->config_directory)) != 0;
	struct buf text = BUF_INIT;
	struct error err = { 0 };
	int rc = *source == '/' ? fs_read_secret(source, PASSPHRASE_MAX, &text, &err) : 0;

	if (rc < 0 && (rc != E_NOTFOUND || named))
		say(k, ERROR, "passphrase_file %s", err.text);
	else if (rc == 0 && *source == '/' && (!text.len || *text.data == '\n' || *text.data == '\r'))
		say(k, ERROR, "passphrase_file %s: its first line is empty", source);
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
		selfcheck_modules(&k);
	}
	log_divert(NULL, NULL);
	printf("%d error%s, %d warning%s\n", k.errors, k.errors == 1 ? "" : "s", k.warnings, k.warnings == 1 ? "" : "s");
	arena_release(&k.arena);
	return k.errors;
}
