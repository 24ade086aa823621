/* token.c - which of our tokens are in which slots, and one session with each
 *
 * A token may be pulled out and put back, and the line to a network HSM may break, between any two calls.  What is known of
 * slots, sessions and handles is therefore thrown away as a whole (tokens_close) and learnt again from the beginning.
 */
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/log.h"

#define SLOTS_MAX 1024
#define PRESENT_MAX 200 /* bytes of names in an error, and one name more */
#define MECHANISMS_USUAL 256
#define MECHANISMS_MAX 4096

/* ---- what went wrong ---- */

bool is_lost(CK_RV rv)
{
	static const CK_RV lost[] = {
		CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_SLOT_ID_INVALID, CKR_SESSION_HANDLE_INVALID,
		CKR_SESSION_CLOSED, CKR_USER_NOT_LOGGED_IN, CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID,
		CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OPERATION_ACTIVE, /* what failed before has not been tidied up */
	};

	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		if (rv == lost[i])
			return true;
	return false;
}

int token_failed(const struct token *t, const char *doing, CK_RV rv, struct error *err)
{
	return error_set(err, E_TEMP, "%s: %s: %s", t->name, doing, p11_kit_strerror(rv));
}

/* ---- slots ---- */

static const char *token_name(struct pkcs11 *p, const CK_TOKEN_INFO *info)
{
	char *label = p11_kit_space_strdup(info->label, sizeof(info->label));
	char *serial = p11_kit_space_strdup(info->serialNumber, sizeof(info->serialNumber));
	const char *name = arena_printf(&p->slots, "token \"%s\" (serial number %s)", label ? label : "", serial ? serial : "");

	free(label);
	free(serial);
	return name;
}

/* Ours or not: who has written a name in another way sees what it should be. */
static void note_present(struct pkcs11 *p, const CK_TOKEN_INFO *info)
{
	const char *name = token_name(p, info);

	if (!p->present || strlen(p->present) < PRESENT_MAX)
		p->present = p->present ? arena_printf(&p->slots, "%s, %s", p->present, name) : name;
}

static void add_token(struct pkcs11 *p, struct provider *provider, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, struct wanted *w)
{
	struct token *t = arena_alloc(&p->slots, sizeof(*t)), **last = &p->tokens;

	t->provider = provider;
	t->slot = slot;
	t->info = *info;
	t->name = token_name(p, info);
	t->wanted = w;
	t->session = CK_INVALID_HANDLE;
	w->seen = true;
	while (*last && (*last)->wanted <= w) /* in the order of the configuration */
		last = &(*last)->next;
	t->next = *last;
	*last = t;
}

static bool names_token(struct wanted *w, struct provider *provider, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
	const char *path = p11_kit_uri_get_module_path(w->uri);
	CK_SLOT_ID id = p11_kit_uri_get_slot_id(w->uri);
	CK_SLOT_INFO slot_info = { 0 };
	CK_INFO module_info = { 0 };

	if ((path && (!provider->path || strcmp(path, provider->path) != 0)) || (id != (CK_SLOT_ID)-1 && id != slot))
		return false;
	provider->calls->C_GetSlotInfo(slot, &slot_info);
	provider->calls->C_GetInfo(&module_info);
	return p11_kit_uri_match_token_info(w->uri, info) && p11_kit_uri_match_slot_info(w->uri, &slot_info) &&
	       p11_kit_uri_match_module_info(w->uri, &module_info);
}

static void look_into_slots(struct pkcs11 *p, struct provider *provider)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_RV rv = provider->calls->C_GetSlotList(CK_TRUE, slots, &n);

	if (rv != CKR_OK) {
		tokens_miss(p, arena_printf(&p->slots, "%s: its slots cannot be listed: %s", provider->name, p11_kit_strerror(rv)));
		return;
	}
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		rv = provider->calls->C_GetTokenInfo(slots[i], &info);
		if (rv != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
			continue;
		note_present(p, &info);
		for (size_t w = 0; w < p->nwanted; w++)
			if (names_token(&p->wanted[w], provider, slots[i], &info))
				add_token(p, provider, slots[i], &info, &p->wanted[w]);
	}
}

static void note_missing(struct pkcs11 *p)
{
	const char *present = p->present ? arena_printf(&p->slots, "there are: %s", p->present) :
					   "none in any slot is ready, or this account may not see it";

	for (size_t i = 0; i < p->nwanted; i++)
		if (!p->wanted[i].seen)
			tokens_miss(p, pkcs11_options.tokens.n ? arena_printf(&p->slots, "no token that fits %s (%s)",
									      p->wanted[i].shown, present) :
								 "there is no token in any slot");
}

void tokens_miss(struct pkcs11 *p, const char *what)
{
	p->missing = p->missing ? arena_printf(&p->slots, "%s; %s", p->missing, what) : what;
}

void tokens_open(struct pkcs11 *p)
{
	if (p->open)
		return;
	p->open = true;
	p->generation++;
	p->missing = p->present = NULL;
	providers_initialize(p);
	for (struct provider *provider = p->providers; provider; provider = provider->next)
		if (provider->ready)
			look_into_slots(p, provider);
	note_missing(p);
}

void tokens_close(struct pkcs11 *p)
{
	for (struct token *t = p->tokens; t; t = t->next) {
		token_end_session(t);
		free(t->mechanisms);
	}
	for (size_t i = 0; i < p->nwanted; i++)
		p->wanted[i].seen = false;
	p->tokens = NULL;
	p->missing = p->present = NULL;
	p->open = false;
	arena_release(&p->slots);
	providers_finalize(p); /* some libraries look for tokens only when they start */
}

void tokens_look_again(struct pkcs11 *p)
{
	if (p->open && p->missing)
		tokens_close(p);
	tokens_open(p);
}

/* ---- sessions ---- */

int token_session(struct token *t, struct error *err)
{
	CK_RV rv;

	if (t->session != CK_INVALID_HANDLE)
		return 0;
	rv = t->provider->calls->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);
	if (rv == CKR_OK)
		return 0;
	t->session = CK_INVALID_HANDLE;
	return token_failed(t, "no session", rv, err);
}

void token_end_session(struct token *t)
{
	if (t->session != CK_INVALID_HANDLE)
		t->provider->calls->C_CloseSession(t->session);
	t->session = CK_INVALID_HANDLE;
	t->logged_in = false;
}

static void read_mechanisms(struct token *t)
{
	CK_FUNCTION_LIST *calls = t->provider->calls;
	CK_ULONG n = MECHANISMS_USUAL;
	CK_RV rv;

	t->mechanisms = mem_array(n, sizeof(*t->mechanisms));
	rv = calls->C_GetMechanismList(t->slot, t->mechanisms, &n);
	if (rv == CKR_BUFFER_TOO_SMALL && n <= MECHANISMS_MAX) {
		free(t->mechanisms);
		t->mechanisms = mem_array(n, sizeof(*t->mechanisms));
		rv = calls->C_GetMechanismList(t->slot, t->mechanisms, &n);
	}
	t->nmechanisms = rv == CKR_OK ? n : 0;
}

bool token_has_mechanism(struct token *t, CK_MECHANISM_TYPE m)
{
	if (!t->mechanisms)
		read_mechanisms(t);
	for (size_t i = 0; i < t->nmechanisms; i++)
		if (t->mechanisms[i] == m)
			return true;
	return t->nmechanisms == 0; /* it does not tell */
}

bool token_alive(const struct token *t)
{
	CK_SESSION_INFO info;

	return t->provider->calls->C_GetSessionInfo(t->session, &info) == CKR_OK &&
	       (!t->logged_in || info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}
