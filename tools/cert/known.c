/* known.c - whether an area holds a certificate already, under whatever name */
#include "cert/known.h"

#include <stdlib.h>

#include "cert/servant.h"
#include "common/area.h"
#include "common/owner.h"
#include "lib/log.h"
#include "lib/mem.h"

struct known {
	const struct config *config;
	const char *name;
	struct area *area;       /* NULL: the servant has it */
	struct servant servant;
};

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_FAILED };

static enum answer look(struct area *a, struct span der)
{
	struct arena arena = ARENA_INIT;
	struct area_list found;
	struct error err = { 0 };
	int rc = area_find_exact(a, &arena, der, &found, &err);
	enum answer answer = rc < 0 ? ANSWER_FAILED : found.n ? ANSWER_YES : ANSWER_NO;

	if (rc < 0)
		log_error("%s", err.text);
	arena_release(&arena);
	return answer;
}

static enum answer make_fresh(struct area *a)
{
	struct error err = { 0 };

	if (area_thaw(a, &err) < 0)
		log_warning("%s: the index will be made by the next message: %s", area_directory(a), err.text);
	return ANSWER_YES;
}

static int open_here(struct known *k, struct error *err)
{
	int rc = area_open(k->config, k->name, &k->area, err);

	return rc < 0 ? rc : area_freeze(k->area, err);
}

/* A question is a certificate; an empty one: the index is to be made fresh.  An answer is one byte. */
static void serve(void *ctx, int fd)
{
	struct known *k = ctx;
	struct buf der = BUF_INIT;
	struct error err = { 0 };
	char answer = ANSWER_YES;

	if (open_here(k, &err) < 0) {
		log_error("%s", err.text);
		answer = ANSWER_FAILED;
	}
	while (answer != ANSWER_FAILED && servant_receive(fd, &der)) {
		answer = (char)(der.len ? look(k->area, span_from(der.data, der.len)) : make_fresh(k->area));
		if (!servant_send(fd, span_from(&answer, 1)))
			break;
	}
	buf_release(&der);
	area_close(k->area);
}

int known_open(const struct config *config, const char *area, struct known **out, struct error *err)
{
	struct known *k = mem_alloc(sizeof(*k));
	int rc;

	*out = NULL;
	*k = (struct known){ .config = config, .name = area, .servant = { -1, -1 } };
	rc = owner_differs(config) ? servant_start(config, &k->servant, serve, k, err) : open_here(k, err);
	if (rc < 0)
		known_close(k);
	else
		*out = k;
	return rc;
}

static enum answer ask(struct known *k, struct span der)
{
	struct buf reply = BUF_INIT;
	enum answer answer = ANSWER_FAILED;

	if (k->area)
		return der.n ? look(k->area, der) : make_fresh(k->area);
	if (servant_send(k->servant.fd, der) && servant_receive(k->servant.fd, &reply) && reply.len == 1)
		answer = (enum answer)reply.data[0];
	buf_release(&reply);
	return answer;
}

int known_is(struct known *k, struct span der, bool *is, struct error *err)
{
	enum answer answer = ask(k, der);

	*is = answer == ANSWER_YES;
	return answer == ANSWER_FAILED ? error_set(err, E_TEMP, "%s/%s cannot be looked at", k->config->areas, k->name) : 0;
}

void known_finish(struct known *k)
{
	ask(k, span_from("", 0));
}

void known_close(struct known *k)
{
	if (!k)
		return;
	area_close(k->area);
	servant_end(&k->servant);
	free(k);
}
