/* smimea-bare.c - for bench/keys-smimea: what libunbound alone does with the same questions
 *
 * usage: smimea-bare RESOLVER ANCHOR AT-ONCE < NAMES     as many names at a time; exits 1 unless each has records that are proved
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#define SMIMEA 53
#define IN 1

static unsigned open_questions, proved;

static void on_answer(void *ctx, int failed, struct ub_result *result)
{
	(void)ctx;
	open_questions--;
	if (failed)
		return;
	proved += result->secure && result->havedata;
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
	unsigned at_once = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0, asked = 0;
	char name[300];

	if (!ctx || !at_once || ub_ctx_async(ctx, 1) || ub_ctx_set_option(ctx, "do-not-query-localhost:", "no") ||
	    ub_ctx_set_fwd(ctx, argv[1]) || ub_ctx_add_ta_file(ctx, argv[2]))
		return 64;
	while (fgets(name, sizeof(name), stdin)) {
		name[strcspn(name, "\n")] = '\0';
		if (ub_resolve_async(ctx, name, SMIMEA, IN, NULL, on_answer, NULL))
			return 1;
		open_questions++;
		if (++asked % at_once == 0)
			wait_for(ctx, 0);
	}
	wait_for(ctx, 0);
	ub_ctx_delete(ctx);
	return proved == asked ? 0 : 1;
}
