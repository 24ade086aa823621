/* returning.c - plans mail that comes back from the scanner */
#include "returning.h"

#include "compose.h"

int returning_plan(struct work *w, const char *const *to, size_t n, struct error *err)
{
	struct edit e = { .keep_reserved = true };
	struct plan_output *o;
	struct error why = { 0 };
	OSSL_LIB_CTX *ctx;
	const char *record;
	int rc = work_crypto(w, &ctx, err);

	if (rc < 0)
		return rc;
	rc = result_verify(w->arena, ctx, w->mac_key, w->config->hostname, &w->header, span_sub(w->message, w->header.body, w->message.n), &record,
			   &why);
	if (rc == E_TEMP)
		return error_set(err, E_TEMP, "%s", why.text);
	if (rc == E_PERM) {
		e.keep_reserved = false;
		plan_note(w->plan, "result fields removed from scanned mail: %s", why.text);
	} else if (rc == E_NOTFOUND) {
		e.keep_reserved = false;
	}
	o = plan_add_output(w->plan, "mail", "internal", w->envelope->sender, to, n,
			    e.keep_reserved ? "back from the scanner, result record verified" : "from the scanner");
	compose_write(w, o, &e);
	return 0;
}
