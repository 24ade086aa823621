/* smimea-bare.c - for bench/keys-smimea: what libunbound alone does with the same questions
 *
 * usage: smimea-bare RESOLVER ANCHOR [-one] <FRAMES     all names of a request at once, or one after the other; exits 1 unless each has
 *                                                      records that are proved.  Names stand in <address> elements.
 */
#include <poll.h>
#include <unbound.h>

#include "bare.h"

#define SMIMEA 53
#define IN 1

static unsigned open_questions, proved;
static size_t bytes;

static void on_answer(void *ctx, int failed, struct ub_result *result)
{
	(void)ctx;
	open_questions--;
	if (failed)
		return;
	proved += result->secure && result->havedata;
	bytes += result->havedata ? (size_t)result->len[0] : 0;
	ub_resolve_free(result);
}

static void wait_for(struct ub_ctx *ctx, unsigned most)
{
	while (open_questions > most) {
		struct pollfd p = { .fd = ub_fd(ctx), .events = POLLIN };

		poll(&p, 1, -1);
		if (ub_process(ctx))
			exit(1);
	}
}

int main(int argc, char **argv)
{
	struct ub_ctx *ctx = ub_ctx_create();
	unsigned asked = 0, answered = 0;
	char *request, *name;

	if (argc < 3 || !ctx || ub_ctx_async(ctx, 1) || ub_ctx_set_option(ctx, "do-not-query-localhost:", "no") ||
	    ub_ctx_set_fwd(ctx, argv[1]) || ub_ctx_add_ta_file(ctx, argv[2]))
		return 64;
	for (; (request = bare_next()); answered = asked) {
		bytes = 0;
		for (; (name = bare_item(&request, "<address>")); asked++) {
			if (ub_resolve_async(ctx, name, SMIMEA, IN, NULL, on_answer, NULL))
				return 1;
			open_questions++;
			if (argc > 3)
				wait_for(ctx, 0);
		}
		wait_for(ctx, 0);
		bare_answer(bytes, asked - answered);
	}
	ub_ctx_delete(ctx);
	return proved == asked ? 0 : 1;
}
