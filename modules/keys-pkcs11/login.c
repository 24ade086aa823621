/* login.c - the PIN, and never a wrong one twice
 *
 * Three wrong PINs lock many tokens for good, and every message is a process of its own that knows nothing of the last one.
 * So what became of a PIN is written down beside the spool, in SPOOL/pkcs11/TOKEN, together with the stamp of the file it came
 * from, and who logs in holds a lock:
 *
 *   good     the token took it
 *   refused  the token did not: not tried again until the file changes
 *   trying   written before a PIN is tried for the first time; who finds it knows that a process died over that
 *
 * A good one may have become wrong since, and a process may die over that, too.  To write it down on the disk before each login would
 * cost every message; a byte in the lock file costs nothing, and outlives the process, though not the machine.
 *
 * Nothing of the PIN itself is in these files.  Where no file is configured a person may give the PIN, for one conversation (given.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret_file.h"
#include "common/stamp.h"
#include "keys-pkcs11/given.h"
#include "keys-pkcs11/keys_pkcs11.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/log.h"

#define MARKER_MAX 4096

struct login {
	struct server *s;
	struct token *t;
	struct error *err;
	char *marker;          /* its path; in the arena of the request */
	int lock;              /* of the marker; not empty: a login with a proved PIN is under way, or a process died over one */
	CK_FLAGS flags;        /* of the token, now */
	struct stamp stamp;    /* of the PIN file */
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

/* ---- the marker ---- */

static char *marker_path(struct login *l)
{
	const CK_TOKEN_INFO *info = &l->t->info;
	char sum[DIGEST_HEX + 1];
	struct digest d;

	digest_init(&d);
	digest_add(&d, info->manufacturerID, sizeof(info->manufacturerID));
	digest_add(&d, info->model, sizeof(info->model));
	digest_add(&d, info->serialNumber, sizeof(info->serialNumber));
	digest_add(&d, info->label, sizeof(info->label));
	digest_hex(&d, sum);
	return arena_printf(&l->s->arena, "%s/pkcs11/%.32s", l->s->config->spool, sum);
}

/* The marker's whole text. */
static void marker_text(const struct login *l, const char *state, struct buf *out)
{
	buf_addf(out, "%s %s\n%s\nmodified %lld changed %lld size %llu inode %llu\n", state, l->t->name, l->t->wanted->pin_file,
		 (long long)l->stamp.modified, (long long)l->stamp.changed, (unsigned long long)l->stamp.size,
		 (unsigned long long)l->stamp.inode);
}

static bool marker_says(const struct login *l, const char *state)
{
	struct buf is = BUF_INIT, wanted = BUF_INIT;
	bool yes;

	marker_text(l, state, &wanted);
	yes = fs_read(l->marker, MARKER_MAX, &is, NULL) == 0 && is.len == wanted.len && memcmp(is.data, wanted.data, is.len) == 0;
	buf_release(&is);
	buf_release(&wanted);
	return yes;
}

static int marker_write(struct login *l, const char *state)
{
	struct buf text = BUF_INIT;
	int rc;

	marker_text(l, state, &text);
	rc = fs_replace(l->marker, text.data, text.len, 0600, l->err);
	buf_release(&text);
	return rc;
}

/* One process at a time, or two would try the same wrong PIN. */
static int take_lock(struct login *l)
{
	char *folder = arena_printf(&l->s->arena, "%s/pkcs11", l->s->config->spool);
	char *path = arena_printf(&l->s->arena, "%s.lock", l->marker);
	int rc = 0;

	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock < 0 && errno == ENOENT) {
		rc = fs_make_directory(folder, 0700, l->err);
		l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (rc == 0 && l->lock < 0)
		rc = error_set(l->err, E_CONFIG, "%s: %s", path, strerror(errno));
	while (rc == 0 && flock(l->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			rc = error_set(l->err, E_TEMP, "%s: %s", path, strerror(errno));
	return rc;
}

/* ---- the PIN ---- */

/* The stamp must be of what was read. */
static int read_pin(struct login *l)
{
	const char *path = l->t->wanted->pin_file;
	struct stamp after;
	int rc;

	stamp_secret(path, &l->stamp);
	rc = secret_read(path, &l->pin, l->err);
	stamp_secret(path, &after);
	if (rc == 0 && !stamp_equal(&l->stamp, &after))
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

/* A process died over a PIN that was good until then, and the token says that a wrong one was tried since the last good one. */
static bool became_wrong(const struct login *l)
{
	struct stat st;

	return (l->flags & CKF_USER_PIN_COUNT_LOW) && fstat(l->lock, &st) == 0 && st.st_size > 0;
}

static int recall(struct login *l)
{
	bool good = marker_says(l, "good");

	l->proved = good && !became_wrong(l);
	return good && !l->proved ? marker_write(l, "refused") : 0;
}

static int check_marker(struct login *l)
{
	int rc = recall(l);

	if (rc < 0 || l->proved)
		return rc;
	if (marker_says(l, "refused"))
		return refuse(l, arena_printf(&l->s->arena, "it refused the PIN in %s, which is not tried again until that file "
					      "changes", l->t->wanted->pin_file));
	if (marker_says(l, "trying"))
		return refuse(l, arena_printf(&l->s->arena, "the first attempt with the PIN in %s did not end, so it may be wrong; "
					      "check it, then touch the file", l->t->wanted->pin_file));
	return marker_write(l, "trying");
}

static int judge(struct login *l, CK_RV rv)
{
	if (rv == CKR_OK)
		return l->proved ? 0 : marker_write(l, "good");
	if (is_wrong(rv)) {
		marker_write(l, "refused");
		return refuse(l, arena_printf(&l->s->arena, "it refused the PIN in %s (%s); it is not tried again until that file "
					      "changes", l->t->wanted->pin_file, p11_kit_strerror(rv)));
	}
	if (!l->proved) /* nothing was learnt about the PIN */
		unlink(l->marker);
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	if (rv == CKR_PIN_EXPIRED)
		return refuse(l, "its PIN has expired; set a new one");
	return token_failed(l->t, "login", rv, l->err);
}

static CK_RV call_login(const struct login *l, CK_USER_TYPE user, const char *pin)
{
	return l->t->provider->calls->C_Login(l->t->session, user, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

/* The byte stands until what the token said is written down. */
static int try_file(struct login *l, CK_USER_TYPE user)
{
	int rc;

	if (pwrite(l->lock, "t", 1, 0) != 1)
		return error_set(l->err, E_TEMP, "%s.lock: %s", l->marker, strerror(errno));
	rc = judge(l, call_login(l, user, l->pin));
	if (ftruncate(l->lock, 0) < 0)
		log_warning("%s.lock: %s", l->marker, strerror(errno));
	return rc;
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
	int rc = given_begin(&g, arena_printf(&l->s->arena, "%s.given", l->marker), given_pin(l->s), l->err);

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
	struct login l = { .s = s, .t = t, .err = err, .lock = -1 };
	int rc;

	l.marker = marker_path(&l);
	rc = take_lock(&l);
	if (rc == 0)
		rc = check_before(&l);
	if (rc == 0)
		rc = *t->wanted->pin_file ? login_by_file(&l, user) : login_by_person(&l, user);
	if (l.lock >= 0)
		close(l.lock);
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
