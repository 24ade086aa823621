/* relay.c - SOAP over HTTP(S), by libcurl: one connection a relay, kept for the conversation */
#include <curl/curl.h>
#include <string.h>

#include "check-xkms/xkms.h"
#include "lib/fs.h"

#define ANSWER_MAX ((size_t)1024 * 1024)

struct relays {
	const struct xkms_options *options;
	CURL *curl;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
};

struct incoming {
	struct buf *text;
	bool too_much;
};

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
	struct incoming *in = ctx;

	in->too_much = in->text->len + size * n > ANSWER_MAX;
	if (in->too_much)
		return 0;
	buf_add(in->text, p, size * n);
	return size * n;
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

/* No redirects, no other protocols, no proxy that the environment names: the relay is who the operator says. */
static void configure(struct relays *r)
{
	const struct xkms_options *o = r->options;

#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "https,http");
#else
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | CURLPROTO_HTTP));
#endif
	curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(r->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->why);
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(r->curl, CURLOPT_USERAGENT, "postern");
	if (*o->ca_file) {
		curl_easy_setopt(r->curl, CURLOPT_CAINFO, o->ca_file);
		curl_easy_setopt(r->curl, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(r->curl, CURLOPT_SSLCERT, or_null(o->certificate));
	curl_easy_setopt(r->curl, CURLOPT_SSLKEY, or_null(o->key));
}

/* An answer that nobody has signed must at least come by TLS. */
static int check_urls(const struct xkms_options *o, struct error *err)
{
	if (!o->relays.n)
		return error_set(err, E_CONFIG, "check_xkms_relays is empty: which relay is to be asked?");
	for (size_t i = 0; i < o->relays.n; i++) {
		const char *url = o->relays.items[i];

		if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
			return error_set(err, E_CONFIG, "check_xkms_relays: %s is no https URL", url);
		if (url[4] == ':' && !*o->signer)
			return error_set(err, E_CONFIG, "check_xkms_relays: %s: without TLS the answers must be signed, set check_xkms_signer", url);
	}
	if (!*o->certificate != !*o->key)
		return error_set(err, E_CONFIG, "check_xkms_certificate and check_xkms_key go together");
	return 0;
}

static int check_key(const struct xkms_options *o, struct error *err)
{
	struct buf key = BUF_INIT;
	int rc = *o->key ? fs_read_secret(o->key, 65536, &key, err) : 0;

	buf_wipe(&key);
	return rc < 0 ? error_set(err, E_CONFIG, "%s", err->text) : 0;
}

int relays_open(const struct xkms_options *options, struct relays **out, struct error *err)
{
	struct relays *r;
	int rc = check_urls(options, err);

	*out = NULL;
	if (rc == 0)
		rc = check_key(options, err);
	if (rc < 0)
		return rc;
	r = mem_alloc(sizeof(*r));
	r->options = options;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r->curl = curl_easy_init();
	if (!r->curl) {
		free(r);
		return error_set(err, E_TEMP, "libcurl cannot be started");
	}
	r->headers = curl_slist_append(NULL, options->soap == SOAP_1_2 ? "Content-Type: application/soap+xml; charset=utf-8"
								       : "Content-Type: text/xml; charset=utf-8");
	if (options->soap == SOAP_1_1)
		r->headers = curl_slist_append(r->headers, "SOAPAction: \"\"");
	r->headers = curl_slist_append(r->headers, "Expect:");
	configure(r);
	*out = r;
	return 0;
}

void relays_close(struct relays *r)
{
	if (!r)
		return;
	curl_slist_free_all(r->headers);
	curl_easy_cleanup(r->curl);
	curl_global_cleanup();
	free(r);
}

int relay_ask(struct relays *r, const char *url, struct span document, deadline until, struct buf *answer, struct error *err)
{
	struct incoming in = { .text = answer };
	long status = 0;
	CURLcode code;

	if (deadline_over(until))
		return error_set(err, E_TEMP, "%s: there is no time left to ask it", url);
	r->why[0] = '\0';
	curl_easy_setopt(r->curl, CURLOPT_URL, url);
	curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)document.n);
	curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, document.p);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &in);
	curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, (long)deadline_left(until));
	code = curl_easy_perform(r->curl);
	if (in.too_much)
		return error_set(err, E_TEMP, "%s: more than %zu bytes", url, ANSWER_MAX);
	if (code != CURLE_OK)
		return error_set(err, E_TEMP, "%s: %s", url, *r->why ? r->why : curl_easy_strerror(code));
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? 0 : error_set(err, E_TEMP, "%s: HTTP status %ld", url, status);
}
