/* work.c - a run from beginning to end: what is due is fetched, checked, put in place */
#include "common/ocsp_cache.h"
#include "refresh/place.h"
#include "refresh/run.h"
#include "refresh/tidy.h"

#define ISSUER_MAX ((size_t)1 << 20) /* bytes of a file with CA certificates */
#define ROUNDS 8                     /* a missing issuer above a missing issuer */

/* ---- whether it is time ---- */

static bool is_due(const struct source *s)
{
	const struct run *r = s->run;
	int64_t interval = (int64_t)r->options->interval / 1000, checked = s->record->checked;

	if (r->once || !s->there)
		return true;
	if (s->kind == SOURCE_OCSP) /* half of its life is over */
		return s->this_update + (s->next_update - s->this_update) / 2 <= r->now;
	if (checked + interval <= r->now || checked > r->now)
		return true;
	return s->next_update && s->next_update <= r->now + interval && checked + interval / 4 <= r->now;
}

/* What is decided without asking anybody; false: it is to be fetched. */
static bool decide(struct source *s)
{
	const struct run *r = s->run;

	if (s->error.code) {
		run_finished(s, OUTCOME_SKIPPED);
		return true;
	}
	if (!r->options->network) {
		bool elsewhere = s->kind == SOURCE_CRL && crls_elsewhere(s);

		if (!elsewhere && !s->there)
			error_set(&s->error, E_NOTFOUND, "not there, and no server is asked (refresh_network)");
		run_finished(s, elsewhere ? OUTCOME_ELSEWHERE : s->there ? OUTCOME_NOT_DUE : OUTCOME_FAILED);
		return true;
	}
	if (!r->once && s->record->retry > r->now && s->record->retry < r->now + 2 * 86400) {
		error_set(&s->error, E_TEMP, "failed %u times; asked again in %d minutes", s->record->failures,
			  (int)(s->record->retry - r->now) / 60 + 1);
		run_finished(s, OUTCOME_WAITS);
		return true;
	}
	if (!is_due(s)) {
		run_finished(s, OUTCOME_NOT_DUE);
		return true;
	}
	return false;
}

/* ---- one fetch after the other, until one is good ---- */

static void on_done(struct fetch *f);

static void ask(struct source *s)
{
	bool first = s->attempt == 0 && s->there;

	s->error = (struct error){ 0 };
	s->fetch = (struct fetch){ .url = s->urls[s->attempt], .of = s, .done = on_done };
	if (s->kind == SOURCE_OCSP) {
		s->fetch.post = s->request;
		s->fetch.post_type = "application/ocsp-request";
		s->fetch.accept = "application/ocsp-response";
		s->fetch.limit = OCSP_CACHE_ANSWER_MAX;
	} else if (s->kind == SOURCE_ISSUER) {
		s->fetch.limit = ISSUER_MAX < s->run->options->size_limit ? ISSUER_MAX : 0;
	} else if (first) {
		s->fetch.etag = *s->record->etag ? s->record->etag : NULL;
		s->fetch.modified = *s->record->modified ? s->record->modified : NULL;
	}
	fetcher_add(s->run->fetcher, &s->fetch);
}

static int take(struct source *s, bool *unchanged)
{
	struct span bytes = span_from(buf_str(&s->fetch.body), s->fetch.body.len);

	*unchanged = false;
	if (s->kind == SOURCE_ISSUER)
		return issuers_take(s, bytes, &s->error);
	if (s->kind == SOURCE_OCSP)
		return answers_take(s, bytes, s->fetch.url, &s->error);
	return crls_take(s, bytes, s->file, unchanged, &s->error);
}

static void succeed(struct source *s, bool unchanged)
{
	struct run *r = s->run;
	struct state_record *m = s->record;

	state_succeeded(m, r->now);
	m->this_update = s->this_update;
	m->next_update = s->next_update;
	if (!s->fetch.unchanged) {
		m->etag = s->attempt ? "" : state_text(&r->state, s->fetch.new_etag);
		m->modified = s->attempt ? "" : state_text(&r->state, s->fetch.new_modified);
	}
	run_finished(s, unchanged ? OUTCOME_UNCHANGED : OUTCOME_NEW);
}

static void on_done(struct fetch *f)
{
	struct source *s = f->of;
	bool unchanged = f->unchanged;
	int rc = f->rc;

	if (rc < 0)
		s->error = f->error;
	else if (!unchanged)
		rc = take(s, &unchanged);
	if (rc == 0)
		succeed(s, unchanged);
	fetch_release(f);
	if (rc == 0)
		return;
	if (s->attempt + 1 < s->nurls) {
		run_note(s->run, s->urls[s->attempt], s->error.text); /* no problem as long as another address serves */
		s->attempt++;
		ask(s);
		return;
	}
	state_failed(s->record, s->run->now);
	if (!s->there && s->kind == SOURCE_CRL)
		crls_elsewhere(s);
	run_finished(s, OUTCOME_FAILED);
}

/* ---- a run ---- */

static void show_progress(void *ctx)
{
	struct run *r = ctx;
	static size_t shown = SIZE_MAX;

	if (!r->progress || r->nfinished == shown)
		return;
	shown = r->nfinished;
	fprintf(stderr, "\r%zu of %zu", r->nfinished, r->nsources);
	if (r->nfinished == r->nsources)
		fputs("\r                    \r", stderr);
	fflush(stderr);
}

static bool is_wanted(const struct source *s, bool issuers)
{
	return !s->outcome && s->record && (s->kind == SOURCE_ISSUER) == issuers;
}

static void fetch_all(struct run *r, bool issuers)
{
	for (struct source *s = r->sources; s; s = s->next) {
		if (!is_wanted(s, issuers) || decide(s))
			continue;
		if (r->dry) {
			printf("would ask %s\n", s->urls[0]);
			run_finished(s, OUTCOME_NOT_DUE);
		} else {
			ask(s);
		}
	}
	fetcher_run(r->fetcher, r->until, show_progress, r);
}

static int fetch_issuers(struct run *r, struct error *err)
{
	for (int i = 0; i < ROUNDS && sources_missing(r, err); i++) {
		fetch_all(r, true);
		issuers_settle(r);
	}
	issuers_settle(r);
	issuers_end(r);
	return err->code;
}

int work(struct run *r, const char *import, struct error *err)
{
	int rc = sources_collect(r, err);

	if (rc < 0)
		return rc;
	sources_prepare(r);
	if (*import)
		rc = import_folder(r, import, err);
	if (rc == 0)
		rc = fetch_issuers(r, err);
	if (rc < 0)
		return rc;
	sources_prepare(r);
	fetch_all(r, false);
	if (!r->dry)
		tidy(r);
	return 0;
}
