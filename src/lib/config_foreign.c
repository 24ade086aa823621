/* config_foreign.c - options that are in no table of whoever reads: destinations of rules, modules' and tools' own, misspelled ones */
#include <string.h>

#include "lib/buf.h"
#include "lib/config_inside.h"

static int remember(struct config_reading *r, const char *name, const char *value, struct error *err)
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
	pair->value = config_expand(c, value);
	pair->next = c->via;
	c->via = pair;
}

int config_keep_foreign(struct config_reading *r, const char *name, const char *value, struct error *err)
{
	if (remember(r, name, value, err) < 0)
		return E_CONFIG;
	if (span_casestarts(span_of(name), via_prefix))
		add_via(r->config, name + sizeof(via_prefix) - 1, value);
	return 0;
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
static bool is_allowed(const struct config_reading *r, const char *name)
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
static bool keep_grouped(struct config_reading *r, size_t i)
{
	const struct config_target *own = &r->targets[1];
	struct config_grouped *g;

	if (r->ntargets < 2 || !config_is_grouped(own->options, own->n, own->base, r->foreign[i].name))
		return false;
	g = arena_alloc(&r->config->arena, sizeof(*g));
	*g = (struct config_grouped){ r->config->grouped, r->foreign[i].name, r->foreign[i].value, r->foreign[i].line };
	r->config->grouped = g;
	return true;
}

int config_judge_foreign(struct config_reading *r, struct error *err)
{
	for (size_t i = 0; i < r->nforeign; i++)
		if (!is_allowed(r, r->foreign[i].name) && !keep_grouped(r, i))
			return error_set(err, E_CONFIG, "%s:%u: unknown option \"%s\"", r->config->file, r->foreign[i].line,
					 r->foreign[i].name);
	return 0;
}
