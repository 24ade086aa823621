/* config.c - reads postern.conf: lines, continuations, what was set twice, defaults */
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

static int set_option(struct config_reading *r, const char *name, const char *value, struct error *err)
{
	for (size_t t = 0; t < r->ntargets; t++) {
		const struct config_target *target = &r->targets[t];

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
	return config_keep_foreign(r, name, value, err); /* judged when the module lists are known */
}

/* "name = value", blanks around both cut away; line ends at n. */
static int take_assignment(struct config_reading *r, struct span text, struct error *err)
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

static int parse_file(struct config_reading *r, struct span rest, struct error *err)
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

static int check_log_level(const struct config *c, struct error *err)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < 4; i++)
		if (ascii_caseeq(c->log_level, names[i]))
			return 0;
	return error_set(err, E_CONFIG, "%s: log_level \"%s\" is none of %s", c->file, c->log_level, "error, warning, info or debug");
}

static int set_defaults(struct config_reading *r, struct error *err)
{
	for (size_t t = 0; t < r->ntargets; t++)
		for (size_t i = 0; i < r->targets[t].n; i++) {
			const struct config_option *o = &r->targets[t].options[i];

			if (r->targets[t].line_of[i])
				continue;
			if (!o->initial && o->type != CONFIG_STRING && o->type != CONFIG_PATH && o->type != CONFIG_SECRET &&
			    o->type != CONFIG_DOMAIN)
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
	struct config_reading r = { .config = c };
	struct buf bytes = BUF_INIT;
	int rc = 0;

	r.targets[r.ntargets++] = (struct config_target){ config_options, config_noptions, c,
		arena_array(&c->arena, config_noptions, sizeof(unsigned)) };
	if (nown)
		r.targets[r.ntargets++] = (struct config_target){ own, nown, own_base,
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
		rc = config_judge_foreign(&r, err);
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
