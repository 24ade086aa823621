/* fetch.c - many small files from servers nobody vouches for, at once and within bounds */
#include "refresh/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <unistd.h>

#include "refresh/fetch_inside.h"
#include "refresh/internal.h"
#include "refresh/ldap.h"
#include "refresh/proxy.h"

#define URL_MAX ((size_t)2000)
#define FAILURES_MAX 3                     /* of one server, running */
#define HELD_MAX ((uint64_t)512 << 20)     /* bytes of answers that are not finished */
#define HEADER_MAX ((size_t)512)           /* of an ETag, a Last-Modified */

/* ---- addresses ---- */

static const char *const schemes[] = { "http://", "https://", "ldap://", "ldaps://" };

static struct span host_of(const char *url)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	return span_from(p, strcspn(p, "/?#"));
}

bool fetch_is_ldap(const char *url)
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

/* ---- libcurl ---- */

struct transfer {
	struct fetcher *fetcher;
	struct fetch *fetch;
	CURL *easy;
	struct curl_slist *headers;
	struct error error;        /* our own reason, before libcurl's */
	bool idle;
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	return fetch_take(t->fetcher, t->fetch, p, size * n, &t->error) ? size * n : 0;
}

static void keep_header(struct span line, const char *name, char **out)
{
	struct span value;

	if (!span_casestarts(line, name))
		return;
	value = span_trim(span_sub(line, strlen(name), line.n));
	free(*out);
	*out = NULL;
	if (!value.n || value.n > HEADER_MAX)
		return;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			return;
	*out = memcpy(mem_alloc(value.n + 1), value.p, value.n);
}

/* libcurl follows it when the header is at its end, unless we stop it here. */
static bool redirected_inside(struct transfer *t, struct span line)
{
	const char *from = NULL;
	long status = 0;
	char *to = NULL;

	if (!*t->fetcher->options->proxy || !span_casestarts(line, "location:"))
		return false;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &from);
	if (status / 100 != 3 || !from)
		return false;
	line = span_trim(span_sub(line, sizeof("location:") - 1, line.n));
	to = arena_strndup(&t->fetcher->arena, line.p, line.n);
	return proxy_leads_inside(&t->fetcher->options->allow, from, to, &t->error);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	struct span line = span_from(p, size * n);

	if (redirected_inside(t, line))
		return 0;
	if (span_casestarts(line, "HTTP/")) { /* of the answer after a redirection */
		free(t->fetch->new_etag);
		free(t->fetch->new_modified);
		t->fetch->new_etag = t->fetch->new_modified = NULL;
	}
	keep_header(line, "etag:", &t->fetch->new_etag);
	keep_header(line, "last-modified:", &t->fetch->new_modified);
	return size * n;
}

/* The address libcurl is about to connect to: after names were resolved, after each redirection. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	char text[NET_TEXT];

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	/* what the operator named as the proxy may stand anywhere */
	if (!*t->fetcher->options->proxy && !internal_may_connect(&t->fetcher->options->allow, &a->addr, text)) {
		error_set(&t->error, E_PERM, "%s is an internal address; see refresh_allow", text);
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void add_header(struct transfer *t, const char *name, const char *value)
{
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s:%s%s", name, *value ? " " : "", value);
	t->headers = curl_slist_append(t->headers, line.data);
	buf_release(&line);
}

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void set_bounds(CURL *easy, const struct refresh_options *o, const struct fetch *f)
{
	set_protocols(easy);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)o->redirects);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)o->timeout);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(f->limit ? f->limit : o->size_limit));
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_PROXY, o->proxy); /* empty: none, whatever the environment says */
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* they are the proxy's */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
	if (*o->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

static void set_request(struct transfer *t)
{
	struct fetch *f = t->fetch;

	if (f->accept)
		add_header(t, "Accept", f->accept);
	if (f->etag)
		add_header(t, "If-None-Match", f->etag);
	if (f->modified)
		add_header(t, "If-Modified-Since", f->modified);
	if (f->post.n) {
		add_header(t, "Content-Type", f->post_type);
		add_header(t, "Expect", "");
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, f->post.p);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->post.n);
	}
	curl_easy_setopt(t->easy, CURLOPT_URL, f->url);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
}

static struct transfer *idle_transfer(struct fetcher *fr)
{
	for (size_t i = 0; i < fr->options->parallel; i++)
		if (fr->transfers[i].idle)
			return &fr->transfers[i];
	return NULL;
}

static void start_http(struct fetcher *fr, struct fetch *f)
{
	struct transfer *t = idle_transfer(fr);

	fr->active++;
	if (*fr->options->proxy && proxy_leads_inside(&fr->options->allow, f->url, NULL, &f->error)) {
		fetch_finish(fr, f, E_PERM);
		return;
	}
	t->fetch = f;
	t->error = (struct error){ 0 };
	if (t->easy)
		curl_easy_reset(t->easy);
	else
		t->easy = curl_easy_init();
	if (!t->easy) {
		fetch_finish(fr, f, error_set(&f->error, E_TEMP, "libcurl has no memory"));
		return;
	}
	t->idle = false;
	set_bounds(t->easy, fr->options, f);
	set_request(t);
	curl_multi_add_handle(fr->multi, t->easy);
}

/* What libcurl says becomes what we say. */
static int outcome_of(struct fetcher *fr, struct transfer *t, CURLcode code)
{
	struct fetch *f = t->fetch;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->error.code)
		return error_set(&f->error, t->error.code, "%s", t->error.text);
	switch (code) {
	case CURLE_OK:
		break;
	case CURLE_FILESIZE_EXCEEDED:
		return error_set(&f->error, E_LIMIT, "more than %zu bytes", f->limit ? f->limit : (size_t)fr->options->size_limit);
	case CURLE_TOO_MANY_REDIRECTS:
		return error_set(&f->error, E_LIMIT, "more than %lu redirections", (unsigned long)fr->options->redirects);
	case CURLE_UNSUPPORTED_PROTOCOL:
		return error_set(&f->error, E_PERM, "redirected to what is neither http nor https");
	case CURLE_URL_MALFORMAT:
		return error_set(&f->error, E_PERM, "is no address");
	case CURLE_OPERATION_TIMEDOUT:
		fr->no_answer = true;
		return error_set(&f->error, E_TEMP, "no answer in %lu ms", (unsigned long)fr->options->timeout);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		fr->no_answer = true;
		return error_set(&f->error, E_TEMP, "%s", curl_easy_strerror(code));
	default:
		return error_set(&f->error, E_TEMP, "%s", curl_easy_strerror(code));
	}
	f->unchanged = status == 304 && (f->etag || f->modified);
	if (status == 404 || status == 410)
		return error_set(&f->error, E_NOTFOUND, "the server has no such file (%ld)", status);
	if (status != 200 && !f->unchanged)
		return error_set(&f->error, E_TEMP, "the server answers %ld", status);
	return 0;
}

static void end_transfer(struct fetcher *fr, struct transfer *t, CURLcode code)
{
	int rc = outcome_of(fr, t, code);

	curl_multi_remove_handle(fr->multi, t->easy);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	t->idle = true;
	fr->held -= t->fetch->body.len;
	fetch_finish(fr, t->fetch, rc);
}

static void end_transfers(struct fetcher *fr)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(fr->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		end_transfer(fr, (struct transfer *)(void *)t, code);
	}
}

/* ---- the queue ---- */

int fetcher_new(const struct refresh_options *options, struct fetcher **out, struct error *err)
{
	struct fetcher *fr = mem_alloc(sizeof(*fr));

	*out = NULL;
	fr->options = options;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(fr->multi = curl_multi_init())) {
		free(fr);
		return error_set(err, E_CONFIG, "libcurl cannot start");
	}
	curl_multi_setopt(fr->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)options->per_host);
	curl_multi_setopt(fr->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->parallel);
	curl_multi_setopt(fr->multi, CURLMOPT_MAXCONNECTS, (long)options->parallel);
	fr->transfers = mem_array(options->parallel, sizeof(*fr->transfers));
	for (size_t i = 0; i < options->parallel; i++) {
		fr->transfers[i].fetcher = fr;
		fr->transfers[i].idle = true;
	}
	*out = fr;
	return 0;
}

void fetcher_free(struct fetcher *fr)
{
	if (!fr)
		return;
	for (size_t i = 0; i < fr->options->parallel; i++)
		curl_easy_cleanup(fr->transfers[i].easy);
	curl_multi_cleanup(fr->multi);
	curl_global_cleanup();
	arena_release(&fr->arena);
	free(fr->transfers);
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
	else if (fetch_is_ldap(f->url))
		ldap_start(fr, f);
	else
		start_http(fr, f);
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

static void give_up(struct fetcher *fr)
{
	for (size_t i = 0; i < fr->options->parallel; i++) {
		struct transfer *t = &fr->transfers[i];

		if (t->idle)
			continue;
		error_set(&t->error, E_TEMP, "not finished when the run had to end (refresh_deadline)");
		end_transfer(fr, t, CURLE_OPERATION_TIMEDOUT);
	}
	ldap_give_up(fr);
}

void fetcher_run(struct fetcher *fr, deadline until, void (*each)(void *ctx), void *ctx)
{
	int running;

	for (;;) {
		struct curl_waitfd others[LDAP_MAX];
		unsigned n;

		start_some(fr, until);
		if (!fr->active && !fr->queue)
			break;
		curl_multi_perform(fr->multi, &running);
		end_transfers(fr);
		ldap_collect(fr);
		if (deadline_over(until))
			give_up(fr);
		if (each)
			each(ctx);
		if (fr->active < fr->options->parallel && fr->queue)
			continue;
		n = ldap_wait_for(fr, others);
		if (fr->active)
			curl_multi_poll(fr->multi, others, n, deadline_left(deadline_earlier(until, deadline_in(250))), NULL);
	}
}

uint64_t fetcher_bytes(const struct fetcher *fr)
{
	return fr->bytes;
}
