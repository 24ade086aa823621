/* ask.h - the questions of the protocol as functions: values in, values out
 *
 * Each is one request of postern-modules(7) (or several, where there is too much for one frame).  Results live in the
 * arena.  Errors: E_TEMP for everything that may be better later, breakage included; E_PERM a refusal for good, with the
 * module's text; E_NOTFOUND only where it says so below.
 */
#ifndef POSTERN_MODULE_ASK_H
#define POSTERN_MODULE_ASK_H

#include <openssl/x509.h>

#include "lib/mem.h"
#include "module/module.h"
#include "smime/delegate.h"
#include "smime/open.h"

/* ---- rules: decide ---- */

enum sign_word { SIGN_NONE, SIGN_IF_POSSIBLE, SIGN_FORCE };     /* NS SIP FS */
enum encrypt_word { ENCRYPT_NONE, ENCRYPT_IF_POSSIBLE, ENCRYPT_FORCE }; /* NE EIP FE */

struct decision {
	const char *recipient;
	enum sign_word sign;
	const char *sign_as;     /* address whose key signs; "" : the sender's */
	enum encrypt_word encrypt;
	const char *profile;     /* "" : configured default */
	bool strip, block_signed, block_encrypted;
	const char *via;         /* "" : none */
	const char *reject;      /* NULL: no REJECT */
	const char *because;     /* "rules:3, rules:7": the lines that caused it, for people */
	const char *sign_because; /* the one that names sign_as; "" : none does */
};

struct decide_request {
	const char *direction;   /* "outgoing", "incoming" */
	const char *sender, *from;
	const char *client;
	const char *subject;     /* decoded; "" if none */
	bool is_signed, is_encrypted;
	const char *const *recipients;
	size_t n;
};
/* decisions: n of them, in the recipients' order.  An answer that leaves one out, or has a word it does not know in
 * what decides trust or encryption, is breakage (E_TEMP). */
int ask_decide(struct modules *m, struct arena *a, const struct decide_request *q, struct decision **decisions,
	       struct error *err);

/* What is wrong with the rules, of all rules modules that can say so ("check-rules"): for -check.  None is success. */
struct rules_problem {
	const char *module;
	const char *source;      /* "rules:3:7" */
	const char *text;
	bool error;              /* else a warning */
};
int ask_check_rules(struct modules *m, struct arena *a, struct rules_problem **problems, size_t *n, struct error *err);

/* ---- keys ---- */

struct found_certificate {
	X509 *certificate;         /* caller frees */
	const char *address;       /* which of the asked addresses; "" when asked by identifier */
	const char *area, *source; /* "public", "certs/public/x.pem": for -explain and logs */
	struct span capabilities;  /* DER SMIMECapabilities known of this partner; empty if none */
	bool domain;               /* found as the whole domain's certificate */
};
/* Certificates to encrypt to each address (may be none: *n = 0 is success).  Addresses for which a module has none are
 * asked of the next module.  Any number of addresses.  later, if not NULL, has a place for each address: a module that cannot answer now
 * (E_TEMP) is asked for fewer and fewer, so that one partner's trouble is nobody else's, and where it cannot answer for a single one the
 * reason is put there; else NULL. */
int ask_certificates(struct modules *m, struct arena *a, const char *const *addresses, size_t naddresses, const char **later,
		     struct found_certificate **found, size_t *n, struct error *err);
int ask_certificate_by_id(struct modules *m, struct arena *a, const struct certificate_id *id,
			  struct found_certificate **found, size_t *n, struct error *err);

struct found_key {
	const char *id;            /* opaque, the module's own */
	const char *key_id;        /* "MODULE id": what delegate_key and the key_calls want */
	const char *module;        /* whose it is */
	X509 *certificate;         /* caller frees */
	STACK_OF(X509) *chain;     /* caller frees; may be NULL */
	size_t which;              /* decrypt: index of the recipient identifier */
	const char *source;
};
/* The keys that sign for address, best first.  E_NOTFOUND if none. */
int ask_signing_keys(struct modules *m, struct arena *a, const char *address, struct found_key **keys, size_t *n,
		     struct error *err);
/* The same, with what would have served and must not: for -explain. */
struct passed_key {
	const char *source, *reason; /* a word: "decrypt-only", "no-key", ...; "": a module that has no key, with an empty text */
	const char *text;            /* for people */
};
int ask_signing_keys_explained(struct modules *m, struct arena *a, const char *address, struct found_key **keys, size_t *n,
			       struct passed_key **passed, size_t *npassed, struct error *err);

/* All our own keys of all keys modules that can say so ("list-keys"). */
struct own_key {
	const char *module, *source;
	X509 *certificate;         /* caller frees */
	bool signs;                /* while it is valid; else it is kept to decrypt */
};
int ask_own_keys(struct modules *m, struct arena *a, struct own_key **keys, size_t *n, struct error *err);
/* Our keys among recipient identifiers.  E_NOTFOUND if none. */
int ask_decrypting_keys(struct modules *m, struct arena *a, const struct certificate_id *ids, size_t nids,
			struct found_key **keys, size_t *n, struct error *err);
/* The same of the modules behind the one of that name: where its keys open nothing, or want a passphrase, others may do. */
int ask_further_keys(struct modules *m, struct arena *a, const char *after, const struct certificate_id *ids, size_t nids,
		     struct found_key **keys, size_t *n, struct error *err);
/* The keys modules that have wanted a passphrase in this conversation, with one blank between; in the arena, "": none. */
const char *ask_who_is_locked(const struct modules *m, struct arena *a);
/* Gives a passphrase to the keys modules of these names, n = 0: to all that take one, for the rest of the conversation ("unlock").
 * None that does is a warning: what the operator has mended meanwhile may be enough.  E_TEMP: one could not be asked. */
int ask_unlock(struct modules *m, const char *const *names, size_t n, struct span passphrase, struct error *err);
/* key_calls for delegate_new, joined to the modules: key_id is "MODULE id". */
void ask_key_calls(struct modules *m, struct key_calls *out);

/* A partner's certificate, and what its signature said. */
struct store_request {
	const char *area;          /* "seen" or "public" */
	const char *address;
	X509 *certificate;
	struct span capabilities;  /* DER SMIMECapabilities; empty: none */
	time_t signed_at;          /* when they were said; 0: not known */
};
enum stored_state {
	STORED_KNOWN,              /* it was there already */
	STORED_NEW,
	STORED_CONFLICT,           /* wanted in "public", where the address has another one: it is in "seen" now, for the first time */
};
struct stored {
	enum stored_state state;
	const char *area;          /* where it is now */
	const char *with;          /* STORED_CONFLICT: the other one, for people */
};
int ask_store_certificate(struct modules *m, struct arena *a, const struct store_request *q, struct stored *out, struct error *err);

/* ---- check ---- */

enum verdict { VERDICT_VALID, VERDICT_INVALID, VERDICT_UNKNOWN };

struct check_result {
	enum verdict verdict;
	const char *reason;        /* a word: "expired", "revoked", "untrusted", "no-path" ...; "" when valid */
	const char *text;          /* for people */
};
/* purpose: "sign" or "encrypt"; when: seconds since the epoch; candidates: other certificates of the message, may be NULL;
 * address: for which mail address ("" : none known). */
int ask_check(struct modules *m, struct arena *a, X509 *certificate, STACK_OF(X509) *candidates, const char *purpose,
	      time_t when, const char *address, struct check_result *out, struct error *err);

/* The same for several certificates at once, asked without waiting in between: out has n places. */
struct check_question {
	X509 *certificate;
	STACK_OF(X509) *candidates;
	const char *purpose;
	time_t when;
	const char *address;
	const char *digest;        /* that a message's signature is over; NULL: none */
	const struct span *ocsp, *crls; /* DER, unread: what the message brings along about revocation */
	size_t nocsp, ncrls;
};
int ask_checks(struct modules *m, struct arena *a, const struct check_question *questions, size_t n,
	       struct check_result *out, struct error *err);
const char *verdict_name(enum verdict v);

#endif
