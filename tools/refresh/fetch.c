/* fetch.c - many small files from servers nobody vouches for, at once and within bounds */
#include "refresh/fetch.h"

#include "refresh/fetch_inside.h"
#include "refresh/http.h"
#include "refresh/ldap.h"

#define URL_MAX ((size_t)2000)
#define FAILURES_MAX 3                     /* of one server, running */
#define HELD_MAX ((uint64_t)512 << 20)     /* bytes of answers that are not finished */

/* ---- addresses ---- */

static const char *const schemes[] = { "http://", "https://", "ldap://", "ldaps://" };

static struct span host_of(const char *url)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	return span_from(p, strcspn(p, "/?#"));
}

static bool is_ldap(const char *url)
{
	return span_casestarts(span_of(url), "ldap");
}

int fetch_check_url(const char *url, struct error *err)
{
	size_t i = 0;

	if (strlen(url) > URL_MAX)
		return error_set(err, E_PERM, "longer than %zu bytes", URL_MAX);
	for (const unsigned char *p = (const unsigned char *)url; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return error_set(err, E_PERM, "has a blank or a character that must be escaped");
	while (i < sizeof(schemes) / sizeof(*schemes) && !span_casestarts(span_of(url), schemes[i]))
		i++;
	if (i == sizeof(schemes) / sizeof(*schemes))
		return error_set(err, E_PERM, "is neither http, https, ldap nor ldaps");
	if (!host_of(url).n)
		return error_set(err, E_PERM, "names no server");
	if (span_find(host_of(url), '@') >= 0)
		return error_set(err, E_PERM, "names a user");
	return 0;
}

/* ---- servers that do not answer ---- */

static struct server_record *server_of(struct fetcher *fr, const char *url)
{
	struct span host = host_of(url);
	struct server_record *s;

	for (s = fr->servers; s; s = s->next)
		if (span_caseeq(host, s->name))
			return s;
	s = arena_alloc(&fr->arena, sizeof(*s));
	s->name = arena_strndup(&fr->arena, host.p, host.n);
	s->next = fr->servers;
	return fr->servers = s;
}

/* ---- the end of a fetch ---- */

void fetch_finish(struct fetcher *fr, struct fetch *f, int rc)
{
	struct server_record *s = server_of(fr, f->url);

	f->rc = rc;
	s->failures = fr->no_answer ? s->failures + 1 : 0;
	fr->no_answer = false;
	if (rc < 0)
		buf_release(&f->body);
	fr->active--;
	f->done(f);
}

/* Without having begun. */
static void refuse(struct fetch *f, int rc)
{
	f->rc = rc;
	f->done(f);
}

void fetch_release(struct fetch *f)
{
	buf_release(&f->body);
	free(f->new_etag);
	free(f->new_modified);
	f->new_etag = f->new_modified = NULL;
}

bool fetch_take(struct fetcher *fr, struct fetch *f, const void *p, size_t n, struct error *err)
{
	size_t limit = f->limit ? f->limit : (size_t)fr->options->size_limit;

	if (n > limit - f->body.len)
		error_set(err, E_LIMIT, "more than %zu bytes", limit);
	else if (n > fr->options->total_limit - fr->bytes)
		error_set(err, E_LIMIT, "this run has fetched refresh_total_limit bytes");
	else if (fr->held + n > HELD_MAX)
		error_set(err, E_TEMP, "too many large answers at a time");
	if (err->code)
		return false;
	fr->bytes += n;
	fr->held += n;
	buf_add(&f->body, p, n);
	return true;
}

/* ---- the queue ---- */

int fetcher_new(const struct refresh_options *options, struct fetcher **out, struct error *err)
{
	struct fetcher *fr = mem_alloc(sizeof(*fr));
	int rc;

	*out = NULL;
	fr->options = options;
	rc = http_begin(fr, err);
	if (rc == 0)
		*out = fr;
	else
		free(fr);
	return rc;
}

void fetcher_free(struct fetcher *fr)
{
	if (!fr)
		return;
	http_end(fr);
	arena_release(&fr->arena);
	free(fr);
}

void fetcher_add(struct fetcher *fr, struct fetch *f)
{
	f->next = NULL;
	*(fr->queue ? &fr->last->next : &fr->queue) = f;
	fr->last = f;
}

static void start(struct fetcher *fr, struct fetch *f)
{
	const struct server_record *s = server_of(fr, f->url);

	if (fetch_check_url(f->url, &f->error) < 0)
		refuse(f, E_PERM);
	else if (++fr->started > fr->options->number_limit)
		refuse(f, error_set(&f->error, E_LIMIT, "this run has asked refresh_number_limit addresses"));
	else if (s->failures >= FAILURES_MAX)
		refuse(f, error_set(&f->error, E_TEMP, "its server did not answer %d times", FAILURES_MAX));
	else if (is_ldap(f->url))
		ldap_start(fr, f);
	else
		http_start(fr, f);
}

static void start_some(struct fetcher *fr, deadline until)
{
	while (fr->queue && fr->active < fr->options->parallel) {
		struct fetch *f = fr->queue;

		fr->queue = f->next;
		if (deadline_over(until))
			refuse(f, error_set(&f->error, E_TEMP, "no time was left for it in this run (refresh_deadline)"));
		else
			start(fr, f);
	}
}

void fetcher_run(struct fetcher *fr, deadline until, void (*each)(void *ctx), void *ctx)
{
	for (;;) {
		struct curl_waitfd others[LDAP_MAX];
		unsigned n;

		start_some(fr, until);
		if (!fr->active && !fr->queue)
			break;
		http_collect(fr);
		ldap_collect(fr);
		if (deadline_over(until)) {
			http_give_up(fr);
			ldap_give_up(fr);
		}
		if (each)
			each(ctx);
		if (fr->active < fr->options->parallel && fr->queue)
			continue;
		n = ldap_wait_for(fr, others);
		if (fr->active)
			http_wait(fr, others, n, deadline_left(deadline_earlier(until, deadline_in(250))));
	}
}

uint64_t fetcher_bytes(const struct fetcher *fr)
{
	return fr->bytes;
}
