/* config_text.c - the other way round: an option's value as text */
#include <string.h>

#include "lib/buf.h"
#include "lib/config.h"

const struct config_option *config_find(const char *name)
{
	for (size_t i = 0; i < config_noptions; i++)
		if (ascii_caseeq(config_options[i].name, name))
			return &config_options[i];
	return NULL;
}

static void list_text(const struct config_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_addf(out, "%s%s", i ? " " : "", list->items[i]);
}

static void networks_text(const struct config_networks *networks, struct buf *out)
{
	for (size_t i = 0; i < networks->n; i++) {
		char text[NET_TEXT];

		net_format(&networks->items[i], text);
		buf_addf(out, "%s%s", i ? " " : "", text);
	}
}

static void time_text(uint64_t ms, struct buf *out)
{
	if (ms % 1000)
		buf_addf(out, "%llums", (unsigned long long)ms);
	else
		buf_addf(out, "%llus", (unsigned long long)(ms / 1000));
}

void config_text(const struct config *c, const struct config_option *option, struct buf *out)
{
	const void *field = (const char *)c + option->offset;

	switch (option->type) {
	case CONFIG_STRING:
	case CONFIG_PATH:
	case CONFIG_SECRET:
	case CONFIG_DOMAIN:
	case CONFIG_MAILBOX:
	case CONFIG_QUEUE:
		buf_addstr(out, *(const char *const *)field);
		break;
	case CONFIG_LIST:
	case CONFIG_DOMAINS:
	case CONFIG_GROUPS:
		list_text(field, out);
		break;
	case CONFIG_NETWORKS:
		networks_text(field, out);
		break;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
		buf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
		break;
	case CONFIG_TIME:
		time_text(*(const uint64_t *)field, out);
		break;
	case CONFIG_BOOLEAN:
		buf_addstr(out, *(const bool *)field ? "yes" : "no");
		break;
	case CONFIG_WORD:
		buf_addstr(out, option->words[*(const int *)field]);
		break;
	}
}
