/* provider.c - the libraries that speak for HSMs and smart cards, and the URIs that say which tokens are ours
 *
 * Libraries are named by path, or p11-kit's own configuration names them.  They are called directly: only this module uses
 * them in this process, so p11-kit need not stand between (P11_KIT_MODULE_UNMANAGED).
 */
#include <errno.h>

#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/log.h"

/* ---- environment ---- */

static bool is_variable_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ascii_alpha(s[i]) && s[i] != '_' && (i == 0 || !ascii_digit(s[i])))
			return false;
	return n > 0;
}

/* Modules start with next to nothing in their environment; some libraries find their configuration by a variable. */
static int set_environment(const struct config_list *list, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < list->n && rc == 0; i++) {
		const char *item = list->items[i], *equals = strchr(item, '=');
		char *name;

		if (!equals || !is_variable_name(item, (size_t)(equals - item)))
			return error_set(err, E_CONFIG, "keys_pkcs11_environment: \"%s\" is not NAME=VALUE", item);
		name = mem_strdup(item);
		name[equals - item] = '\0';
		rc = setenv(name, equals + 1, 1) < 0 ? error_set(err, E_TEMP, "keys_pkcs11_environment: %s", strerror(errno)) : 0;
		free(name);
	}
	return rc;
}

/* ---- libraries ---- */

static void add_provider(struct pkcs11 *p, CK_FUNCTION_LIST *calls, const char *name, const char *path)
{
	struct provider *provider = arena_alloc(&p->arena, sizeof(*provider)), **last = &p->providers;

	provider->name = arena_strdup(&p->arena, name);
	provider->path = path;
	provider->calls = calls;
	while (*last)
		last = &(*last)->next;
	*last = provider;
}

static int load_path(struct pkcs11 *p, const char *option, const char *path, struct error *err)
{
	CK_FUNCTION_LIST *calls;

	for (const struct provider *known = p->providers; known; known = known->next)
		if (strcmp(known->path, path) == 0)
			return 0;
	if (*path != '/')
		return error_set(err, E_CONFIG, "%s: \"%s\" is not an absolute path", option, path);
	calls = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
	if (!calls) {
		const char *why = p11_kit_message();

		return error_set(err, E_CONFIG, "%s: %s", option, why ? why : path);
	}
	add_provider(p, calls, path, path);
	return 0;
}

static bool is_trust_store(CK_FUNCTION_LIST *calls)
{
	char *policy = p11_kit_config_option(calls, "trust-policy");
	bool yes = policy && strcmp(policy, "yes") == 0;

	free(policy);
	return yes;
}

/* All that p11-kit's configuration names, but for stores of CA certificates: no keys of ours are there. */
static int load_configured(struct pkcs11 *p, struct error *err)
{
	CK_FUNCTION_LIST **list = p11_kit_modules_load(NULL, P11_KIT_MODULE_UNMANAGED);

	for (size_t i = 0; list && list[i]; i++) {
		char *name = p11_kit_module_get_name(list[i]);

		if (is_trust_store(list[i]))
			p11_kit_module_release(list[i]);
		else
			add_provider(p, list[i], name ? name : "a library", NULL);
		free(name);
	}
	free(list);
	return p->providers ? 0 : error_set(err, E_CONFIG, "keys_pkcs11_module is not set, and p11-kit is configured with none");
}

static int load_libraries(struct pkcs11 *p, struct error *err)
{
	const struct config_list *modules = &pkcs11_options.modules;
	int rc = 0;

	for (size_t i = 0; i < modules->n && rc == 0; i++)
		rc = load_path(p, "keys_pkcs11_module", modules->items[i], err);
	for (size_t i = 0; i < p->nwanted && rc == 0; i++) {
		const char *path = p11_kit_uri_get_module_path(p->wanted[i].uri);

		if (path)
			rc = load_path(p, "module-path in keys_pkcs11_tokens", path, err);
	}
	return rc == 0 && !p->providers ? load_configured(p, err) : rc;
}

/* ---- URIs (RFC 7512) ---- */

/* pin-source: a path or file:PATH (RFC 7512 section 2.4); programs are not started, but by keys_pkcs11_pin_file. */
static int find_pin_file(struct wanted *w, struct error *err)
{
	const char *source = p11_kit_uri_get_pin_source(w->uri);

	w->pin_file = source ? source : pkcs11_options.pin_file ? pkcs11_options.pin_file : "";
	if (source && strncmp(source, "file:", 5) == 0)
		w->pin_file = source + 5;
	if (strncmp(w->pin_file, "//", 2) == 0) /* file:///PATH */
		w->pin_file += 2;
	if (source && *w->pin_file && *w->pin_file != '/')
		return error_set(err, E_CONFIG, "keys_pkcs11_tokens: %s: pin-source \"%s\" is not file: and an absolute path", w->shown, source);
	return 0;
}

static int refuse_uri(const struct wanted *w, const char *why, struct error *err)
{
	return error_set(err, E_CONFIG, "keys_pkcs11_tokens: %s: %s", w->shown, why);
}

static int parse_uri(struct wanted *w, struct error *err)
{
	int rc = p11_kit_uri_parse(w->text, P11_KIT_URI_FOR_ANY, w->uri);

	if (rc != P11_KIT_URI_OK)
		return error_set(err, E_CONFIG, "keys_pkcs11_tokens: %s: no PKCS#11 URI (%s); it looks like pkcs11:token=NAME, a blank in "
				 "NAME is %%20, a comma %%2C", w->shown, p11_kit_uri_message(rc));
	if (p11_kit_uri_get_pin_value(w->uri))
		return refuse_uri(w, "a PIN in the configuration can be read by others; put it into a file with mode 0600 and name that by "
				  "pin-source", err);
	if (p11_kit_uri_any_unrecognized(w->uri))
		return refuse_uri(w, "an attribute, or its type=, is none that RFC 7512 knows", err);
	if (p11_kit_uri_get_module_name(w->uri)) /* how p11-kit calls its libraries, which need not come from there */
		return refuse_uri(w, "a library is named by module-path, not module-name", err);
	return find_pin_file(w, err);
}

/* A URI for errors and logs, which others may read: it ends where a PIN could begin. */
static const char *uri_shown(struct pkcs11 *p, const char *text)
{
	const char *pin = strstr(text, "pin-"), *query = strchr(text, '?');
	const char *end = pin && (!query || pin < query) ? pin : query ? query : text + strlen(text);

	return arena_printf(&p->arena, "%.*s", (int)(end - text), text);
}

/* Without a list all tokens are ours. */
static int read_wanted(struct pkcs11 *p, struct error *err)
{
	const struct config_list *tokens = &pkcs11_options.tokens;
	int rc = 0;

	p->nwanted = tokens->n ? tokens->n : 1;
	p->wanted = arena_array(&p->arena, p->nwanted, sizeof(*p->wanted));
	for (size_t i = 0; i < p->nwanted; i++) {
		p->wanted[i].text = tokens->n ? tokens->items[i] : "pkcs11:";
		p->wanted[i].shown = uri_shown(p, p->wanted[i].text);
		p->wanted[i].uri = p11_kit_uri_new();
	}
	for (size_t i = 0; i < p->nwanted && rc == 0; i++)
		rc = parse_uri(&p->wanted[i], err);
	return rc;
}

int providers_load(struct server *s, struct error *err)
{
	struct pkcs11 *p = s->state;
	int rc = set_environment(&pkcs11_options.environment, err);

	p11_kit_be_quiet();
	if (rc == 0)
		rc = read_wanted(p, err);
	if (rc == 0)
		rc = load_libraries(p, err);
	return rc < 0 ? error_prefix(err, "%s", s->config->file) : 0;
}

void providers_release(struct pkcs11 *p)
{
	providers_finalize(p);
	for (struct provider *provider = p->providers; provider; provider = provider->next)
		p11_kit_module_release(provider->calls);
	for (size_t i = 0; i < p->nwanted; i++)
		p11_kit_uri_free(p->wanted[i].uri);
	p->providers = NULL;
	p->nwanted = 0;
}

void providers_initialize(struct pkcs11 *p)
{
	for (struct provider *provider = p->providers; provider; provider = provider->next) {
		CK_RV rv = provider->ready ? CKR_OK : p11_kit_module_initialize(provider->calls);

		provider->ready = rv == CKR_OK;
		if (rv == CKR_OK)
			continue;
		log_error("%s: cannot be initialised: %s", provider->name, p11_kit_strerror(rv));
		tokens_miss(p, arena_printf(&p->slots, "%s cannot be initialised: %s", provider->name, p11_kit_strerror(rv)));
	}
}

void providers_finalize(struct pkcs11 *p)
{
	for (struct provider *provider = p->providers; provider; provider = provider->next) {
		if (provider->ready)
			p11_kit_module_finalize(provider->calls);
		provider->ready = false;
	}
}
