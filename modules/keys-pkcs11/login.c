/* login.c - the PIN, and never a wrong one twice
 *
 * Three wrong PINs lock many tokens for good, and every message is a process of its own that knows nothing of the last one.
 * So what became of a PIN in a file is written down (marker.c).  Where no file is configured a person may give the PIN, for one
 * conversation (given.c).
 */
#include "common/secret_file.h"
#include "keys-pkcs11/given.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "keys-pkcs11/marker.h"

struct login {
	struct server *s;
	struct token *t;
	struct error *err;
	struct marker marker;
	CK_FLAGS flags;        /* of the token, now */
	char *pin;             /* secret_free() */
	bool proved;           /* the marker says that the token took it before */
};

static const char *given_pin(const struct server *s)
{
	return ((const struct pkcs11 *)s->state)->given;
}

static int refuse(struct login *l, const char *what)
{
	l->s->code = "configuration";
	return error_set(l->err, E_CONFIG, "%s: %s", l->t->name, what);
}

/* The mail is held until a person gives the PIN. */
static int need(struct login *l, const char *what)
{
	l->s->code = "passphrase-needed";
	return error_set(l->err, E_CONFIG, "%s: %s", l->t->name, what);
}

static bool is_wrong(CK_RV rv)
{
	return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_LOCKED;
}

/* ---- the PIN ---- */

/* The stamp must be of what was read. */
static int read_pin(struct login *l)
{
	const char *path = l->t->wanted->pin_file;
	struct stamp after;
	int rc;

	stamp_secret(path, &l->marker.stamp);
	rc = secret_read(path, &l->pin, l->err);
	stamp_secret(path, &after);
	if (rc == 0 && !stamp_equal(&l->marker.stamp, &after))
		rc = error_set(l->err, E_TEMP, "%s: changed while it was read", path);
	if (rc == 0)
		return 0;
	error_prefix(l->err, "PIN of %s", l->t->name);
	if (rc == E_TEMP)
		return rc;
	l->s->code = "configuration"; /* also where the file is missing or too long */
	return l->err->code = E_CONFIG;
}

static bool same_slot(const struct token *a, const struct token *b)
{
	return a->provider == b->provider && a->slot == b->slot;
}

/* Whether the URI says which token it is: a manufacturer's, or all of a library, need not have the same PIN. */
static bool says_which(const struct wanted *w)
{
	const CK_TOKEN_INFO *token = p11_kit_uri_get_token_info(w->uri);
	const CK_SLOT_INFO *slot = p11_kit_uri_get_slot_info(w->uri);

	return token->label[0] || token->serialNumber[0] || slot->slotDescription[0] || p11_kit_uri_get_slot_id(w->uri) != (CK_SLOT_ID)-1;
}

static bool another_fits(const struct login *l)
{
	const struct pkcs11 *p = l->s->state;

	for (const struct token *t = p->tokens; t; t = t->next)
		if (t->wanted == l->t->wanted && (t->info.flags & CKF_LOGIN_REQUIRED) && !same_slot(t, l->t))
			return true;
	return false;
}

/* A file that another URI gives this token; what became of the PIN in one would be forgotten over that in the other. */
static const char *other_file(const struct login *l)
{
	const struct pkcs11 *p = l->s->state;

	for (const struct token *t = p->tokens; t; t = t->next)
		if (same_slot(t, l->t) && strcmp(t->wanted->pin_file, l->t->wanted->pin_file) != 0)
			return t->wanted->pin_file;
	return NULL;
}

/* Whether another token waits for a person's PIN, too: nobody could say whose it is that was given. */
static bool another_is_without(const struct login *l)
{
	const struct pkcs11 *p = l->s->state;

	for (const struct token *t = p->tokens; t; t = t->next)
		if ((t->info.flags & CKF_LOGIN_REQUIRED) && !*t->wanted->pin_file && !same_slot(t, l->t))
			return true;
	return false;
}

static int check_given(struct login *l)
{
	if (another_is_without(l))
		return refuse(l, "several tokens want a PIN that is in no file; say in keys_pkcs11_tokens which are ours, all but one with its "
				 "pin-source");
	return given_pin(l->s) ? 0 : need(l, "it wants a PIN, which nobody has given, and there is neither pin-source in keys_pkcs11_tokens "
					  "nor keys_pkcs11_pin_file");
}

static int check_configuration(struct login *l)
{
	const char *other = other_file(l);

	if (other)
		return refuse(l, arena_printf(&l->s->arena, "two URIs in keys_pkcs11_tokens name it, with different PIN files (%s, %s), but it "
					      "has one PIN", *l->t->wanted->pin_file ? l->t->wanted->pin_file : "none",
					      *other ? other : "none"));
	if (!*l->t->wanted->pin_file)
		return l->flags & CKF_PROTECTED_AUTHENTICATION_PATH ?
			refuse(l, "its PIN is entered at the device, which needs a person") : check_given(l);
	if (!says_which(l->t->wanted) && another_fits(l))
		return refuse(l, "several tokens want a PIN; say in keys_pkcs11_tokens which are ours (pkcs11:token=NAME), each with its "
				 "pin-source");
	return 0;
}

/* What can be told before anything is tried. */
static int check_before(struct login *l)
{
	CK_TOKEN_INFO info;
	CK_RV rv = l->t->provider->calls->C_GetTokenInfo(l->t->slot, &info);

	if (rv != CKR_OK)
		return token_failed(l->t, "cannot be asked about its PIN", rv, l->err);
	if (info.flags & CKF_USER_PIN_LOCKED)
		return refuse(l, "its PIN is locked after too many wrong ones; unlock it with the security officer's PIN");
	if (!(info.flags & CKF_USER_PIN_INITIALIZED))
		return refuse(l, "it has no user PIN yet; set one with the manufacturer's program");
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		return refuse(l, "one more wrong PIN would lock it, so none is tried; log in once by hand with the right one "
				 "(pkcs11-tool --login --test)");
	if (info.flags & CKF_USER_PIN_TO_BE_CHANGED)
		return refuse(l, "its PIN must be changed before it can be used");
	l->flags = info.flags;
	return check_configuration(l);
}

/* ---- what is known of the PIN ---- */

/* Of a PIN that was good until a process died over it, and the token says that a wrong one was tried since the last good one. */
static bool became_wrong(const struct login *l, enum pin_state state)
{
	return state == PIN_GOOD && (l->flags & CKF_USER_PIN_COUNT_LOW) && marker_interrupted(&l->marker);
}

static int check_marker(struct login *l)
{
	enum pin_state state = marker_state(&l->marker);

	if (became_wrong(l, state)) {
		state = PIN_REFUSED;
		if (marker_write(&l->marker, state, l->err) < 0)
			return l->err->code;
	}
	l->proved = state == PIN_GOOD;
	if (state == PIN_REFUSED)
		return refuse(l, arena_printf(&l->s->arena, "it refused the PIN in %s, which is not tried again until that file "
					      "changes", l->t->wanted->pin_file));
	if (state == PIN_TRYING)
		return refuse(l, arena_printf(&l->s->arena, "the first attempt with the PIN in %s did not end, so it may be wrong; "
					      "check it, then touch the file", l->t->wanted->pin_file));
	return l->proved ? 0 : marker_write(&l->marker, PIN_TRYING, l->err);
}

/* Writes down what the token said of the PIN.  An error: it could not be written. */
static int note(struct login *l, CK_RV rv)
{
	if (is_wrong(rv))
		return marker_write(&l->marker, PIN_REFUSED, l->err);
	if (l->proved)
		return 0;
	if (rv == CKR_OK)
		return marker_write(&l->marker, PIN_GOOD, l->err);
	marker_forget(&l->marker); /* nothing was learnt about it */
	return 0;
}

static int judge(struct login *l, CK_RV rv)
{
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	if (is_wrong(rv))
		return refuse(l, arena_printf(&l->s->arena, "it refused the PIN in %s (%s); it is not tried again until that file "
					      "changes", l->t->wanted->pin_file, p11_kit_strerror(rv)));
	if (rv == CKR_PIN_EXPIRED)
		return refuse(l, "its PIN has expired; set a new one");
	return token_failed(l->t, "login", rv, l->err);
}

static CK_RV call_login(const struct login *l, CK_USER_TYPE user, const char *pin)
{
	return l->t->provider->calls->C_Login(l->t->session, user, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

static int try_file(struct login *l, CK_USER_TYPE user)
{
	int rc = marker_begin(&l->marker, l->err);
	CK_RV rv;

	if (rc < 0)
		return rc;
	rv = call_login(l, user, l->pin);
	rc = note(l, rv);
	if (rc < 0)
		return rc;
	marker_end(&l->marker);
	return judge(l, rv);
}

static int login_by_file(struct login *l, CK_USER_TYPE user)
{
	int rc = read_pin(l);

	if (rc == 0)
		rc = check_marker(l);
	if (rc == 0)
		rc = try_file(l, user);
	secret_free(l->pin);
	return rc;
}

static int try_given(struct login *l, struct given *g, CK_USER_TYPE user)
{
	CK_RV rv = call_login(l, user, given_pin(l->s));
	int rc = given_end(g, is_wrong(rv), l->err);

	if (is_wrong(rv))
		return need(l, arena_printf(&l->s->arena, "it refused the PIN that was given (%s)", p11_kit_strerror(rv)));
	if (rc < 0 || rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return rc;
	return rv == CKR_PIN_EXPIRED ? refuse(l, "its PIN has expired; set a new one") : token_failed(l->t, "login", rv, l->err);
}

static int login_by_person(struct login *l, CK_USER_TYPE user)
{
	struct given g;
	int rc = given_begin(&g, arena_printf(&l->s->arena, "%s.given", l->marker.path), given_pin(l->s), l->err);

	if (rc == 0)
		rc = try_given(l, &g, user);
	else if (rc == E_PERM)
		rc = need(l, "it has refused the PIN that was given before, which is not tried again");
	else if (rc == E_CONFIG)
		rc = refuse(l, arena_strdup(&l->s->arena, l->err->text));
	given_release(&g);
	return rc;
}

static int login(struct server *s, struct token *t, CK_USER_TYPE user, struct error *err)
{
	struct login l = { .s = s, .t = t, .err = err };
	int rc = marker_open(&l.marker, s, t, err);

	if (rc == 0)
		rc = check_before(&l);
	if (rc == 0)
		rc = *t->wanted->pin_file ? login_by_file(&l, user) : login_by_person(&l, user);
	marker_close(&l.marker);
	return rc;
}

int token_login(struct server *s, struct token *t, struct error *err)
{
	int rc = token_session(t, err);

	if (rc < 0 || t->logged_in || !(t->info.flags & CKF_LOGIN_REQUIRED))
		return rc;
	rc = login(s, t, CKU_USER, err);
	t->logged_in = rc == 0;
	return rc;
}

int token_login_again(struct server *s, struct token *t, struct error *err)
{
	return login(s, t, CKU_CONTEXT_SPECIFIC, err);
}
