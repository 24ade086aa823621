/* work.c - one message in the child: its bytes, its output, its cryptography */
#include "work.h"

#include "lib/fs.h"
#include "module/ask.h"

void work_emit(struct work *w, struct plan_output *o, struct span bytes)
{
	if (!bytes.n)
		return;
	if (bytes.p >= w->file.p && bytes.p + bytes.n <= w->file.p + w->file.n) {
		plan_add_segment(w->plan, o, FROM_MESSAGE, (uint64_t)(bytes.p - w->file.p), bytes.n);
		return;
	}
	if (!w->problem.code && fs_write_all(w->output_fd, bytes.p, bytes.n, &w->problem) < 0)
		error_prefix(&w->problem, "spool %s", w->config->spool);
	plan_add_segment(w->plan, o, FROM_OUTPUT, w->output_size, bytes.n);
	w->output_size += bytes.n;
}

int work_crypto(struct work *w, OSSL_LIB_CTX **ctx, struct error *err)
{
	struct key_calls *calls;
	int rc = 0;

	if (!w->delegate) {
		calls = arena_alloc(w->arena, sizeof(*calls));
		ask_key_calls(w->modules, calls);
		rc = delegate_new(calls, &w->delegate, err);
		/* for all that names no context: a second one would be set up beside it, at the cost of a signature */
		if (rc == 0)
			OSSL_LIB_CTX_set0_default(delegate_context(w->delegate));
	}
	*ctx = w->delegate ? delegate_context(w->delegate) : NULL;
	return rc;
}

int work_profile(const struct work *w, const char *name, struct profile *out, struct error *err)
{
	return profile_parse(w->arena, w->config->profiles_file, w->profiles, name, out, err);
}

struct mime_limits work_mime_limits(const struct work *w)
{
	return (struct mime_limits){ .header = w->config->header_limit, .parts = w->config->part_limit,
				     .depth = w->config->depth_limit };
}
