/* areas.c - the areas of a conversation: opened when they are first needed, and what several questions ask of them */
#include "common/keys_order.h"
#include "keys-file/keys_file.h"

static const char *const area_names[KEYS_AREAS] = {
	[IN_PUBLIC] = "public", [IN_TRUSTED] = "trusted", [IN_PRIVATE] = "private", [IN_CA] = "ca", [IN_SEEN] = "seen",
};

int keys_area(struct server *s, enum keys_area which, struct area **out, struct error *err)
{
	struct keys_file *k = s->state;
	int rc = 0;

	if (!k->areas[which])
		rc = area_open(s->config, area_names[which], &k->areas[which], err);
	*out = k->areas[which];
	return rc;
}

int keys_area_if_any(struct server *s, enum keys_area which, struct area **out, struct error *err)
{
	struct keys_file *k = s->state;
	int rc = k->areas[which] ? 1 : area_occupied(&s->arena, s->config, area_names[which], err);

	*out = NULL;
	return rc > 0 ? keys_area(s, which, out, err) : rc;
}

int keys_find_identifier(struct server *s, enum keys_area which, const struct identifier *id, struct area_list *out,
			 struct error *err)
{
	struct area *a;
	int rc = keys_area(s, which, &a, err);

	*out = (struct area_list){ NULL, 0 };
	if (rc < 0)
		return rc;
	if (id->serial)
		return area_find_serial(a, &s->arena, id->issuer, id->serial, out, err);
	return area_find_key_id(a, &s->arena, span_from(buf_str(&id->key_id), id->key_id.len), out, err);
}

bool is_archived(const struct area *a, const char *file)
{
	return keys_archived(area_directory(a), file);
}
