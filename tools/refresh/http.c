/* http.c - fetching by HTTP and HTTPS: every bound given to libcurl, and its reasons as ours */
#include "refresh/http.h"

#include <unistd.h>

#include "refresh/internal.h"
#include "refresh/proxy.h"

#define HEADER_MAX ((size_t)512) /* of an ETag, a Last-Modified */

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

void http_start(struct fetcher *fr, struct fetch *f)
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

void http_collect(struct fetcher *fr)
{
	CURLMsg *m;
	int left;

	curl_multi_perform(fr->multi, &left);
	while ((m = curl_multi_info_read(fr->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		end_transfer(fr, (struct transfer *)(void *)t, code);
	}
}

void http_give_up(struct fetcher *fr)
{
	for (size_t i = 0; i < fr->options->parallel; i++) {
		struct transfer *t = &fr->transfers[i];

		if (t->idle)
			continue;
		error_set(&t->error, E_TEMP, "not finished when the run had to end (refresh_deadline)");
		end_transfer(fr, t, CURLE_OPERATION_TIMEDOUT);
	}
}

void http_wait(struct fetcher *fr, struct curl_waitfd *others, unsigned n, int ms)
{
	curl_multi_poll(fr->multi, others, n, ms, NULL);
}

/* ---- the beginning and the end ---- */

int http_begin(struct fetcher *fr, struct error *err)
{
	size_t n = fr->options->parallel;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(fr->multi = curl_multi_init()))
		return error_set(err, E_CONFIG, "libcurl cannot start");
	curl_multi_setopt(fr->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)fr->options->per_host);
	curl_multi_setopt(fr->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)n);
	curl_multi_setopt(fr->multi, CURLMOPT_MAXCONNECTS, (long)n);
	fr->transfers = mem_array(n, sizeof(*fr->transfers));
	for (size_t i = 0; i < n; i++) {
		fr->transfers[i].fetcher = fr;
		fr->transfers[i].idle = true;
	}
	return 0;
}

void http_end(struct fetcher *fr)
{
	for (size_t i = 0; i < fr->options->parallel; i++)
		curl_easy_cleanup(fr->transfers[i].easy);
	curl_multi_cleanup(fr->multi);
	curl_global_cleanup();
	free(fr->transfers);
}
