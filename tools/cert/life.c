/* life.c - postern-cert publish, trust, distrust, forget: a certificate from one area to another
 *
 * All of it is what an operator could do with cp and mv: files appear in areas and go from them, whole and at once.  What is
 * taken out of an area is kept in its hidden folder .forgotten.
 */
#include <stdio.h>
#include <string.h>

#include "cert/describe.h"
#include "cert/site.h"
#include "common/certfile.h"
#include "common/place.h"
#include "lib/fs.h"

static const char *const seen[] = { "seen", NULL };
static const char *const public[] = { "public", NULL };
static const char *const untrusted[] = { "untrusted", NULL };
static const char *const not_trusted_yet[] = { "public", "seen", NULL };
static const char *const in_use[] = { "trusted", "public", "seen", NULL };

struct life {
	struct tool *tool;
	const char *const *areas; /* where the words of the command line are looked for */
	struct json json;
	size_t done, refused;
	bool denied;             /* who runs this must not write there */
};

/* ---- what is said ---- */

static void tell(struct life *l, const char *what, const char *file)
{
	l->done++;
	if (l->tool->json) {
		json_open(&l->json, NULL, '{');
		json_text(&l->json, "done", what);
		json_text(&l->json, "file", file);
		json_close(&l->json, '}');
	} else {
		printf("%s: %s\n", what, printable(&l->tool->arena, file));
	}
}

static void refuse(struct life *l, const struct chosen *c, const char *why)
{
	struct description d;

	l->refused++;
	describe(&l->tool->arena, c->der, &d);
	fflush(stdout);
	fprintf(stderr, "postern-cert: %s (%s, serial %s): %s\n", printable(&l->tool->arena, c->file),
		printable(&l->tool->arena, d.subject), d.serial, why);
}

static int placed(struct life *l, int rc)
{
	l->denied |= rc == E_PERM;
	return rc;
}

/* ---- into an area ---- */

/* Copies it there, unless it is there under any name. */
static int put(struct life *l, const char *area, const struct chosen *c, struct error *err)
{
	struct tool *t = l->tool;
	const char *const one[] = { area, NULL };
	struct chosen_list there = { 0 };
	struct place *place = NULL;
	const char *path = NULL;
	bool known;
	int rc = site_find_exact(t, one, c->der, &there, err);

	if (rc == 0 && there.n) {
		tell(l, "known", there.items[0].file);
		return 0;
	}
	if (rc == 0)
		rc = placed(l, place_open(arena_printf(&t->arena, "%s/%s", t->config->areas, area), &place, err));
	if (rc == 0)
		rc = place_add(place, c->der, false, &known, &path, err);
	if (rc == 0) {
		path = arena_strdup(&t->arena, path);
		rc = place_commit(place, err);
	}
	place_close(place);
	if (rc == 0)
		tell(l, area, path);
	return rc;
}

/* ---- out of an area ---- */

/* Files with other certificates: these get files of their own first.  One with private keys is left to the operator. */
static int save_others(struct life *l, const struct chosen *c, struct error *err)
{
	struct tool *t = l->tool;
	struct buf bytes = BUF_INIT;
	struct certfile f = { 0 };
	struct place *place = NULL;
	bool known;
	int rc = fs_read(c->file, (size_t)16 << 20, &bytes, err);

	if (rc == 0)
		rc = certfile_read(span_from(buf_str(&bytes), bytes.len), NULL, &f, err);
	if (rc == 0 && f.keys)
		rc = error_set(err, E_CONFIG, "%s: holds a private key; move it yourself", c->file);
	if (rc == 0 && f.n > 1)
		rc = placed(l, place_open(arena_strndup(&t->arena, c->file, (size_t)(strrchr(c->file, '/') - c->file)), &place, err));
	for (size_t i = 0; i < f.n && place && rc == 0; i++)
		if (!span_eq(f.items[i].der, c->der))
			rc = place_add(place, f.items[i].der, f.items[i].type == CERTFILE_CRL, &known, NULL, err);
	if (rc == 0 && place)
		rc = place_commit(place, err);
	place_close(place);
	certfile_release(&f);
	buf_wipe(&bytes);
	return rc;
}

/* Every file of these areas that holds it. */
static int take_out(struct life *l, const char *const *areas, const struct chosen *c, struct error *err)
{
	struct chosen_list there = { 0 };
	int rc = site_find_exact(l->tool, areas, c->der, &there, err);

	for (size_t i = 0; i < there.n && rc == 0; i++) {
		rc = save_others(l, &there.items[i], err);
		if (rc == 0)
			rc = placed(l, place_forget(there.items[i].file, err));
		if (rc == 0)
			tell(l, "forgotten", there.items[i].file);
	}
	return rc;
}

/* ---- the four of them ---- */

static int replace_others(struct life *l, const struct chosen *c, struct error *err)
{
	struct tool *t = l->tool;
	struct description d;
	int rc = 0;

	describe(&t->arena, c->der, &d);
	for (size_t i = 0; i < d.naddresses && rc == 0; i++) {
		struct chosen_list others = { 0 };

		rc = site_find_address(t, public, d.addresses[i], false, &others, err);
		for (size_t k = 0; k < others.n && rc == 0; k++)
			if (!span_eq(others.items[k].der, c->der))
				rc = take_out(l, public, &others.items[k], err);
	}
	return rc;
}

static int publish(struct life *l, const struct chosen *c, struct error *err)
{
	const char *why = "";
	int rc = l->tool->unchecked ? 0 : site_check(l->tool, c->der, c->address, &why, err);

	if (rc == 0 && *why) {
		refuse(l, c, why);
		return 0;
	}
	if (rc == 0)
		rc = put(l, "public", c, err);
	if (rc == 0 && l->tool->replace)
		rc = replace_others(l, c, err);
	return rc < 0 ? rc : take_out(l, seen, c, err);
}

static int trust(struct life *l, const struct chosen *c, struct error *err)
{
	struct chosen_list there = { 0 };
	int rc = site_find_exact(l->tool, untrusted, c->der, &there, err);

	if (rc < 0)
		return rc;
	if (there.n == 0)
		return put(l, "trusted", c, err);
	refuse(l, c, arena_printf(&l->tool->arena, "it stands in untrusted, which beats trusted; if that is over: postern-cert forget -area "
				  "untrusted %s", there.items[0].file));
	return 0;
}

static int distrust(struct life *l, const struct chosen *c, struct error *err)
{
	return put(l, "untrusted", c, err);
}

static int forget(struct life *l, const struct chosen *c, struct error *err)
{
	size_t before = l->done;
	int rc = take_out(l, l->areas, c, err);

	if (rc == 0 && l->done == before)
		refuse(l, c, "it is not there");
	return rc;
}

/* ---- what they share ---- */

static bool several(const struct chosen_list *list)
{
	for (size_t i = 1; i < list->n; i++)
		if (!span_eq(list->items[i].der, list->items[0].der))
			return true;
	return false;
}

/* One word of the command line.  An address that means several certificates is a question, not an order. */
static int take_word(struct life *l, const char *word,
		     int (*act)(struct life *, const struct chosen *, struct error *), struct error *err)
{
	struct tool *t = l->tool;
	struct chosen_list chosen = { 0 };
	int rc = site_choose(t, l->areas, word, &chosen, err);

	if (rc < 0)
		return rc;
	if (chosen.n == 0) {
		l->refused++;
		fprintf(stderr, "postern-cert: %s: there is no certificate of it where %s looks\n", printable(&t->arena, word), t->command->name);
		return 0;
	}
	if (*chosen.items[0].address && several(&chosen) && !t->all) {
		for (size_t i = 0; i < chosen.n; i++)
			refuse(l, &chosen.items[i], "several certificates of this address: name one by its file, or say -all");
		return 0;
	}
	for (size_t i = 0; i < chosen.n && rc == 0; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= span_eq(chosen.items[k].der, chosen.items[i].der);
		if (!again)
			rc = act(l, &chosen.items[i], err);
	}
	return rc;
}

static int run(struct tool *t, const char *const *areas, int (*act)(struct life *, const struct chosen *, struct error *))
{
	struct life l = { .tool = t, .areas = areas };
	struct error err = { 0 };
	int rc = site_open(t, true, &err), code;

	if (t->json)
		json_open(&l.json, NULL, '[');
	for (size_t i = 0; i < t->narguments && rc == 0; i++)
		rc = take_word(&l, t->arguments[i], act, &err);
	if (t->json) {
		json_close(&l.json, ']');
		json_end(&l.json);
	}
	if (rc == 0)
		return l.refused ? EXIT_BAD : EXIT_GOOD;
	code = complain(&err);
	return l.denied ? EXIT_DENIED : code;
}

int run_publish(struct tool *t)
{
	return run(t, seen, publish);
}

int run_trust(struct tool *t)
{
	return run(t, not_trusted_yet, trust);
}

int run_distrust(struct tool *t)
{
	return run(t, in_use, distrust);
}

int run_forget(struct tool *t)
{
	static const char *const allowed[] = { "public", "trusted", "untrusted", "seen", "ca", NULL };
	static const char *const standard[] = { "public", "seen", NULL };
	const char *const *areas;
	struct error err = { 0 };

	if (site_areas(t, allowed, standard, &areas, &err) < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	return run(t, areas, forget);
}
