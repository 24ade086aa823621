/* config_value.c - one value of the file as the type of its option wants it */
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/buf.h"
#include "lib/config_inside.h"

#define LIST_MAX ((size_t)10000)

char *config_expand(struct config *c, const char *value)
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

/* As the domain of an address: nothing that could end a header field or a command. */
static int check_domain(const char *domain, struct error *err)
{
	char address[ADDRESS_MAX + 1];
	int n = snprintf(address, sizeof(address), "x@%s", domain);

	return n < (int)sizeof(address) && address_check(address, NULL) == 0 ? 0 :
	       error_set(err, E_CONFIG, "\"%s\" is not a domain", domain);
}

static int parse_domain(const char *value, const char **out, struct error *err)
{
	*out = value;
	return *value ? check_domain(value, err) : 0;
}

static int parse_domains(struct config *c, const char *value, struct config_list *out, struct error *err)
{
	int rc = parse_list(c, value, out, err);

	for (size_t i = 0; i < out->n && rc == 0; i++)
		rc = check_domain(out->items[i] + (out->items[i][0] == '.'), err);
	return rc;
}

static int parse_mailbox(struct config *c, const char *value, const char **out, struct error *err)
{
	const char *address = strchr(value, '@') ? value : arena_printf(&c->arena, "%s@localhost", value);

	*out = value;
	return address_check(address, NULL) == 0 ? 0 : error_set(err, E_CONFIG, "\"%s\" is not an address", value);
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
	char *value = config_expand(c, text);

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
	case CONFIG_DOMAIN:
		return parse_domain(value, f, err);
	case CONFIG_DOMAINS:
		return parse_domains(c, value, f, err);
	case CONFIG_MAILBOX:
		return parse_mailbox(c, value, f, err);
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
