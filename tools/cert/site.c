/* site.c - the areas of a site, and the certificates that somebody means */
#include "cert/site.h"

#include <string.h>
#include <unistd.h>

#include "cert/input.h"
#include "cert/servant.h"
#include "check-path/check.h"
#include "common/owner.h"
#include "lib/address.h"
#include "lib/digest.h"
#include "lib/log.h"

#define SITE_AREAS 8

int site_areas(struct tool *t, const char *const *allowed, const char *const *standard, const char *const **out,
	       struct error *err)
{
	const char **one;

	*out = standard;
	if (!t->area)
		return 0;
	for (; *allowed; allowed++)
		if (strcmp(*allowed, t->area) == 0) {
			one = arena_array(&t->arena, 2, sizeof(*one));
			one[0] = t->area;
			*out = one;
			return 0;
		}
	return error_set(err, E_PERM, "-area %s: not an area of %s", t->area, t->command->name);
}

static void add_chosen(struct tool *t, struct chosen_list *list, struct chosen c)
{
	if (list->n == list->cap) {
		struct chosen *bigger = arena_array(&t->arena, list->cap = list->cap ? list->cap * 2 : 8, sizeof(*bigger));

		if (list->n)
			memcpy(bigger, list->items, list->n * sizeof(*bigger));
		list->items = bigger;
	}
	list->items[list->n++] = c;
}

static void add_found(struct tool *t, const char *area, const char *address, bool domains, const struct area_list *found,
		      struct chosen_list *out)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct area_entry *e = &found->items[i];

		if (domains || !e->domain)
			add_chosen(t, out, (struct chosen){ e->der, e->file, area, address, e->domain });
	}
}

/* ---- areas of this process ---- */

struct site {
	struct tool *tool;
	struct { const char *name; struct area *area; } open[SITE_AREAS];
	struct checker *checker;
	struct servant servant;  /* fd -1: this process asks itself */
};

int site_open_area(struct tool *t, const char *name, struct area **out, struct error *err)
{
	struct site *s = t->site;
	size_t i = 0;
	int rc;

	while (i < SITE_AREAS && s->open[i].area && strcmp(s->open[i].name, name) != 0)
		i++;
	*out = i < SITE_AREAS ? s->open[i].area : NULL;
	if (*out)
		return 0;
	rc = area_occupied(&t->arena, t->config, name, err);
	if (rc > 0)
		rc = area_open(t->config, name, out, err);
	if (rc >= 0 && *out && i == SITE_AREAS) {
		area_close(*out);
		*out = NULL;
		return error_set(err, E_LIMIT, "more areas than there are");
	}
	if (*out) {
		s->open[i].name = name;
		s->open[i].area = *out;
	}
	return rc < 0 ? rc : 0;
}

static int find_here(struct tool *t, const char *area, const char *address, struct span der, bool domains,
		     struct chosen_list *out, struct error *err)
{
	struct area_list found = { 0 };
	struct area *a;
	int rc = site_open_area(t, area, &a, err);

	if (rc < 0 || !a)
		return rc;
	rc = *address ? area_find_address(a, &t->arena, address, &found, err) : area_find_exact(a, &t->arena, der, &found, err);
	add_found(t, area, address, domains || !*address, &found, out);
	return rc;
}

static int check_here(struct tool *t, struct span der, const char *address, const char **objection, struct error *err)
{
	struct check_request q = { .certificate = der, .purpose = CHECK_ENCRYPT, .time = time(NULL), .address = address };
	struct check_answer answer;
	int rc = t->site->checker ? 0 : checker_open(t->config, &t->policy, &t->site->checker, err);

	*objection = "";
	if (rc == 0)
		rc = check_certificate(t->site->checker, &q, &t->arena, &answer, err);
	if (rc == 0 && answer.verdict != CHECK_VALID)
		*objection = answer.text;
	return rc;
}

/* ---- areas of the spool's user ---- */

static void add_field(struct buf *out, const void *p, size_t n)
{
	uint32_t length = (uint32_t)n;

	buf_add(out, &length, sizeof(length));
	buf_add(out, p, n);
}

static struct span take_field(struct span *rest)
{
	uint32_t n = 0;
	struct span field;

	if (rest->n >= sizeof(n))
		memcpy(&n, rest->p, sizeof(n));
	field = span_sub(*rest, sizeof(n), sizeof(n) + (size_t)n);
	*rest = span_sub(*rest, sizeof(n) + (size_t)n, rest->n);
	return field;
}

static const char *take_text(struct arena *a, struct span *rest)
{
	struct span field = take_field(rest);

	return arena_strndup(a, field.p ? field.p : "", field.n);
}

/* A question: area ("": check), address, certificate, "d" for those of the domain, too.  An answer: the error or "", then either
 * the objection, or for each one found its file, its certificate and "d" if it is the domain's. */
static void answer_one(struct tool *t, struct span question, struct buf *out)
{
	const char *area = take_text(&t->arena, &question), *address = take_text(&t->arena, &question), *objection = "";
	struct span der = take_field(&question);
	bool domains = take_field(&question).n > 0;
	struct chosen_list found = { 0 };
	struct error err = { 0 };
	int rc = *area ? find_here(t, area, address, der, domains, &found, &err) : check_here(t, der, address, &objection, &err);

	add_field(out, err.text, rc < 0 ? strlen(err.text) : 0);
	if (!*area)
		add_field(out, objection, strlen(objection));
	for (size_t i = 0; i < found.n; i++) {
		add_field(out, found.items[i].file, strlen(found.items[i].file));
		add_field(out, found.items[i].der.p, found.items[i].der.n);
		add_field(out, "d", found.items[i].domain);
	}
}

static void serve(void *ctx, int fd)
{
	struct tool *t = ctx;
	struct buf question = BUF_INIT, answer = BUF_INIT;

	while (servant_receive(fd, &question)) {
		buf_clear(&answer);
		answer_one(t, span_from(buf_str(&question), question.len), &answer);
		if (!servant_send(fd, span_from(buf_str(&answer), answer.len)))
			break;
	}
	buf_release(&question);
	buf_release(&answer);
}

/* The answer behind its error; in the arena. */
static int ask_servant(struct tool *t, const char *area, const char *address, struct span der, bool domains, struct span *out,
		       struct error *err)
{
	struct buf question = BUF_INIT, answer = BUF_INIT;
	struct span why;
	int rc = 0;

	add_field(&question, area, strlen(area));
	add_field(&question, address, strlen(address));
	add_field(&question, der.p, der.n);
	add_field(&question, "d", domains);
	if (!servant_send(t->site->servant.fd, span_from(question.data, question.len)) || !servant_receive(t->site->servant.fd, &answer))
		rc = error_set(err, E_TEMP, "the process that reads %s ended", t->config->areas);
	*out = span_from(arena_memdup(&t->arena, buf_str(&answer), answer.len), answer.len);
	why = take_field(out);
	if (rc == 0 && why.n)
		rc = error_set(err, E_TEMP, "%.*s", (int)why.n, why.p);
	buf_release(&question);
	buf_release(&answer);
	return rc;
}

static int find(struct tool *t, const char *area, const char *address, struct span der, bool domains, struct chosen_list *out,
		struct error *err)
{
	struct span answer;
	int rc;

	if (t->site->servant.fd < 0)
		return find_here(t, area, address, der, domains, out, err);
	rc = ask_servant(t, area, address, der, domains, &answer, err);
	while (rc == 0 && answer.n) {
		const char *file = take_text(&t->arena, &answer);
		struct span found = take_field(&answer);

		add_chosen(t, out, (struct chosen){ found, file, area, address, take_field(&answer).n > 0 });
	}
	return rc;
}

/* ---- questions ---- */

int site_open(struct tool *t, bool changes, struct error *err)
{
	t->site = mem_alloc(sizeof(*t->site));
	t->site->tool = t;
	t->site->servant = (struct servant){ -1, -1 };
	if (access(t->config->spool, W_OK | X_OK) < 0)
		log_set_level(LOG_LEVEL_ERROR); /* that the index is made in memory is no news here */
	if (!owner_differs(t->config))
		return 0;
	return changes ? servant_start(t->config, &t->site->servant, serve, t, err) : owner_become(t->config, err);
}

void site_close(struct tool *t)
{
	struct site *s = t->site;

	if (!s)
		return;
	for (size_t i = 0; i < SITE_AREAS; i++)
		area_close(s->open[i].area);
	checker_close(s->checker);
	servant_end(&s->servant);
	free(s);
	t->site = NULL;
}

int site_find_address(struct tool *t, const char *const *areas, const char *address, bool domains, struct chosen_list *out,
		      struct error *err)
{
	int rc = 0;

	for (; *areas && rc == 0; areas++)
		rc = find(t, *areas, address, span_from("", 0), domains, out, err);
	return rc;
}

int site_find_exact(struct tool *t, const char *const *areas, struct span der, struct chosen_list *out, struct error *err)
{
	int rc = 0;

	for (; *areas && rc == 0; areas++)
		rc = find(t, *areas, "", der, true, out, err);
	return rc;
}

int site_check(struct tool *t, struct span der, const char *address, const char **objection, struct error *err)
{
	struct span answer;
	int rc;

	if (t->site->servant.fd < 0)
		return check_here(t, der, address, objection, err);
	rc = ask_servant(t, "", address, der, false, &answer, err);
	*objection = rc == 0 ? take_text(&t->arena, &answer) : "";
	return rc;
}

/* ---- what a word means ---- */

static bool is_fingerprint(const char *word)
{
	return strlen(word) == DIGEST_HEX && strspn(word, "0123456789abcdefABCDEF") == DIGEST_HEX;
}

bool site_may_have(const char *word)
{
	return (strchr(word, '@') || is_fingerprint(word)) && access(word, F_OK) < 0;
}

static int choose_file(struct tool *t, const char *file, const char *area, struct chosen_list *out, struct error *err)
{
	struct input in = { 0 };
	int rc = input_read(&t->arena, file, &in, err);

	for (size_t i = 0; rc == 0 && i < in.ncertificates; i++)
		add_chosen(t, out, (struct chosen){ in.certificates[i].der, file, area, "", false });
	if (rc == 0 && in.ncertificates == 0)
		rc = error_set(err, E_PERM, "%s: holds no certificate", file);
	return rc;
}

/* Flat, or in the sub-folder of its first two digits (common/place.h). */
static int choose_fingerprint(struct tool *t, const char *const *areas, const char *word, struct chosen_list *out, struct error *err)
{
	char *hex = arena_strdup(&t->arena, word);
	int rc = 0;

	for (char *p = hex; *p; p++)
		*p = (char)ascii_lower(*p);
	for (; *areas && rc == 0; areas++) {
		char *paths[] = { arena_printf(&t->arena, "%s/%s/%s.pem", t->config->areas, *areas, hex),
				  arena_printf(&t->arena, "%s/%s/%.2s/%s.pem", t->config->areas, *areas, hex, hex) };

		for (size_t i = 0; i < 2 && rc == 0; i++)
			if (access(paths[i], F_OK) == 0)
				rc = choose_file(t, paths[i], *areas, out, err);
	}
	return rc;
}

int site_choose(struct tool *t, const char *const *areas, const char *word, struct chosen_list *out, struct error *err)
{
	if (!t->config || !site_may_have(word))
		return choose_file(t, word, NULL, out, err);
	if (is_fingerprint(word))
		return choose_fingerprint(t, areas, word, out, err);
	return site_find_address(t, areas, word, false, out, err);
}
