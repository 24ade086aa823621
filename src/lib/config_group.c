/* config_group.c - options that can be set for several things of a kind: "keys_ldap_NAME_uri" beside "keys_ldap_uri" */
#include <string.h>

#include "lib/buf.h"
#include "lib/config_inside.h"

size_t config_prefix(const struct config_option *own, size_t nown)
{
	size_t n = strlen(own[0].name);

	for (size_t i = 1; i < nown; i++) {
		size_t k = 0;

		while (k < n && own[0].name[k] == own[i].name[k])
			k++;
		n = k;
	}
	while (n && own[0].name[n - 1] != '_')
		n--;
	return n;
}

/* Where the options of groups begin in the table; n: it has none. */
static size_t first_grouped(const struct config_option *own, size_t n)
{
	size_t i = 0;

	while (i < n && own[i].type != CONFIG_GROUPS)
		i++;
	return i < n ? i + 1 : n;
}

/* Takes word off the front of *name, whatever its case. */
static bool take(const char **name, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower((unsigned char)(*name)[i]) != ascii_lower((unsigned char)word[i]))
			return false;
	*name += n;
	return true;
}

/* The option that name sets for the group: PREFIX GROUP _ REST of it; NULL: none. */
static const struct config_option *find_option(const struct config_option *own, size_t n, const char *group, const char *name)
{
	size_t prefix = config_prefix(own, n);

	if (!take(&name, own[0].name, prefix) || !take(&name, group, strlen(group)) || !take(&name, "_", 1))
		return NULL;
	for (size_t i = first_grouped(own, n); i < n; i++)
		if (ascii_caseeq(name, own[i].name + prefix))
			return &own[i];
	return NULL;
}

bool config_is_grouped(const struct config_option *own, size_t n, const void *base, const char *name)
{
	size_t first = first_grouped(own, n);
	const struct config_list *groups;

	if (first == n)
		return false;
	groups = (const void *)((const char *)base + own[first - 1].offset);
	for (size_t i = 0; i < groups->n; i++)
		if (find_option(own, n, groups->items[i], name))
			return true;
	return false;
}

/* A group "tls" would make "keys_ldap_tls_key" mean two things, where there is an option "keys_ldap_key". */
static int check_name(const struct config *c, const struct config_option *own, size_t n, const char *group, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *list = own[first_grouped(own, n) - 1].name;

	if (strspn(group, letters) != strlen(group))
		return error_set(err, E_CONFIG, "%s: %s: \"%s\" is not made of letters, digits and underscores", c->file, list, group);
	for (size_t i = 0; i < n; i++)
		if (find_option(own, n, group, own[i].name))
			return error_set(err, E_CONFIG, "%s: %s: the name \"%s\" would make %s mean two things", c->file, list, group,
					 own[i].name);
	return 0;
}

int config_group(struct config *c, const struct config_option *own, size_t n, const char *name, void *base, struct error *err)
{
	int rc = check_name(c, own, n, name, err);

	for (const struct config_grouped *g = c->grouped; g && rc == 0; g = g->next) {
		const struct config_option *o = find_option(own, n, name, g->name);

		if (o && config_set(c, o, base, g->value, err) < 0)
			rc = error_prefix(err, "%s:%u: %s", c->file, g->line, g->name);
	}
	return rc;
}
