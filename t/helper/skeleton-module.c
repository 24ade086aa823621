/* skeleton-module.c - the least a module in C is, for tests of the module's side and for measuring what one costs
 *
 * It decides NS and NE for everybody.  The setting skeleton_mode of postern.conf makes it fail: start-config,
 * start-notfound, start-silent (fails without a word), text (writes what is no XML text), huge (more than
 * frame_limit), unclosed, code (refuses with a code of its own).
 */
#include <string.h>

#include "lib/server.h"

static struct {
	const char *mode;
} own;

static const struct config_option options[] = {
	{ "skeleton_mode", CONFIG_STRING, NULL, 0, NULL, 0, 0, "how it fails" },
};

static bool mode(const char *name)
{
	return strcmp(own.mode, name) == 0;
}

static int start(struct server *s, struct error *err)
{
	if (mode("start-config"))
		return error_set(err, E_CONFIG, "skeleton: nothing is configured");
	if (mode("start-notfound"))
		return error_set(err, E_NOTFOUND, "skeleton: no file");
	return mode("start-silent") ? E_PERM : 0;
}

static int decide(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *r;

	for (r = xml_first(request, "recipient"); r; r = xml_next(r, "recipient")) {
		xml_open(w, "decision");
		xml_put(w, "recipient", xml_attr(r, "address"));
		xml_put(w, "sign", "NS");
		xml_put(w, "encrypt", "NE");
		if (mode("text"))
			xml_put(w, "profile", "a\x01");
		xml_close(w);
	}
	for (size_t i = 0; mode("huge") && i < s->config->frame_limit / 4; i++)
		xml_put_text(w, "1234");
	if (mode("unclosed"))
		xml_open(w, "decision");
	if (mode("code")) {
		s->code = "weather";
		return error_set(err, E_TEMP, "it rains");
	}
	return 0;
}

static const struct server_operation operations[] = { { "decide", decide } };

int main(int argc, char **argv)
{
	static const struct server_role role = {
		.program = "skeleton",
		.role = "rules",
		.operations = operations,
		.noperations = 1,
		.start = start,
		.options = options,
		.noptions = 1,
		.options_base = &own,
		.help = "Decides that nothing is done.",
	};

	return server_main(&role, argc, argv);
}
