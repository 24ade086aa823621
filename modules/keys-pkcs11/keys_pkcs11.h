/* keys_pkcs11.h - what the parts of the module keys-pkcs11 share
 *
 * From below: provider.c has the libraries that speak for the hardware, token.c the tokens in their slots, login.c the PINs (marker.c and
 * given.c what became of them), object.c what is on a token, own_key.c the keys that find-keys has named; rsa.c and ec.c do what keys do,
 * use.c asks them.
 */
#ifndef POSTERN_KEYS_PKCS11_H
#define POSTERN_KEYS_PKCS11_H

#include <openssl/evp.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "common/area.h"
#include "lib/server.h"

struct pkcs11_options {
	struct config_list modules, tokens, environment;
	const char *pin_file;
	bool token_certificates;
};
extern struct pkcs11_options pkcs11_options;

/* A library. */
struct provider {
	struct provider *next;
	const char *name;          /* for people */
	const char *path;          /* as configured; NULL: p11-kit's own configuration names it */
	CK_FUNCTION_LIST *calls;
	bool ready;                /* initialised */
};

/* One of keys_pkcs11_tokens. */
struct wanted {
	const char *text;
	const char *shown;         /* the same for people, without a PIN */
	P11KitUri *uri;
	const char *pin_file;      /* its own, or the common one; "" none */
	bool seen;                 /* is in a slot */
};

struct token_certificate {
	struct token_certificate *next;
	struct span der;
	struct span id;            /* CKA_ID */
};

/* A token in a slot, for one of the wanted (two of them may name the same token). */
struct token {
	struct token *next;
	struct provider *provider;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	const char *name;          /* "token "LABEL"", for people */
	const struct wanted *wanted;
	CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE: none */
	bool logged_in;
	CK_MECHANISM_TYPE *mechanisms; /* what its slot knows; NULL: not asked yet; free() */
	size_t nmechanisms;
	struct token_certificate *certificates;
	bool certificates_read;
};

/* A key that find-keys has named: our certificate, and where its private half is now. */
struct own_key {
	struct own_key *next;
	char id[32];               /* opaque to the core */
	struct span der;
	EVP_PKEY *public;
	size_t size;               /* bytes of the modulus; of a coordinate */
	size_t order;              /* bytes of the order of an elliptic curve's base point */
	unsigned generation;       /* of what follows; another one than the state's: to be looked for again */
	struct token *token;
	CK_OBJECT_HANDLE handle;
	bool again;                /* the PIN is wanted before each operation (CKA_ALWAYS_AUTHENTICATE) */
	bool by_id;                /* nothing but CKA_ID says that it belongs to the certificate: to be proved */
};

enum pkcs11_area { IN_PRIVATE, IN_PUBLIC, IN_CA, PKCS11_AREAS };

struct pkcs11 {
	struct provider *providers;
	struct wanted *wanted;
	size_t nwanted;
	struct token *tokens;      /* NULL: not looked for, or none */
	bool open;                 /* tokens were looked for */
	unsigned generation;       /* counts how often; sessions and handles of an older one are gone */
	const char *missing;       /* something that should be there and is not, for people; NULL: all is there */
	const char *present;       /* the tokens that are in slots, ours or not, for people; NULL: none */
	struct area *areas[PKCS11_AREAS];
	struct own_key *keys;
	unsigned nkeys;
	char *given;               /* the PIN of "unlock", in secure memory; NULL: none */
	struct arena arena;        /* as long as the conversation */
	struct arena slots;        /* as long as what is known of slots: tokens and what is on them */
};

/* ---- provider.c ---- */

/* Environment, libraries and URIs of the configuration.  E_CONFIG. */
int providers_load(struct server *s, struct error *err);
void providers_release(struct pkcs11 *p);
/* C_Initialize; a library that refuses is left out and named in p->missing. */
void providers_initialize(struct pkcs11 *p);
void providers_finalize(struct pkcs11 *p);

/* ---- token.c ---- */

/* Makes sure that the tokens have been looked for. */
void tokens_open(struct pkcs11 *p);
/* Forgets sessions, handles and what is in which slot; the next tokens_open starts anew. */
void tokens_close(struct pkcs11 *p);
/* Notes what is not there, in p->missing. */
void tokens_miss(struct pkcs11 *p, const char *what);
/* Tokens that were missing may be back: looks again if some were.  For the start of a request. */
void tokens_look_again(struct pkcs11 *p);

int token_session(struct token *t, struct error *err);
void token_end_session(struct token *t);
bool token_has_mechanism(struct token *t, CK_MECHANISM_TYPE m);
/* Whether the session still answers. */
bool token_alive(const struct token *t);

/* These mean that token, session or object went away under us. */
bool is_lost(CK_RV rv);
/* A refusal that the token caused: E_TEMP with the token's name. */
int token_failed(const struct token *t, const char *doing, CK_RV rv, struct error *err);

/* ---- login.c ---- */

/* Logs in, if the token wants that and it was not done yet.  A PIN that a token refused is never tried again, by any
 * process, until its file changes.  E_CONFIG: the operator must do something, or, with s->code "passphrase-needed", a person must
 * give the PIN. */
int token_login(struct server *s, struct token *t, struct error *err);
/* The same for one operation that has been started with a key that wants it. */
int token_login_again(struct server *s, struct token *t, struct error *err);

/* ---- object.c ---- */

#define ATTRIBUTE_MAX ((size_t)64 * 1024)
#define TOKEN_CERTIFICATES_MAX 4096

/* The certificates on the token, read once.  Bad ones are logged and passed over. */
int token_certificates(struct pkcs11 *p, struct token *t, struct error *err);
/* Handles of objects that have all of these attributes, at most max. */
CK_RV objects_find(struct token *t, CK_ATTRIBUTE *wanted, CK_ULONG n, CK_OBJECT_HANDLE *out, size_t max, size_t *found);
/* Appends an attribute's value; CKR_OK with nothing appended if it is empty. */
CK_RV object_get(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *out);
/* The private key of this certificate.  id: CKA_ID of the certificate on a token; may be empty.  *handle is
 * CK_INVALID_HANDLE if it is not there. */
int object_private_key(struct token *t, struct span certificate, EVP_PKEY *public, struct span id, CK_OBJECT_HANDLE *handle,
		       bool *by_id, struct error *err);

/* ---- own_key.c ---- */

/* Whether a token has the private key of this certificate; *out NULL: none of those that could be asked. */
int own_key_look(struct server *s, struct span der, struct own_key **out, struct error *err);
/* The one of this name, with its handle: E_PERM (no-key), or as token_login. */
int own_key_get(struct server *s, const char *id, struct own_key **out, struct error *err);
void own_keys_release(struct pkcs11 *p);
/* "pkcs11:token=...", for people and logs; in the arena of the request. */
const char *token_source(struct server *s, const struct token *t, const struct token_certificate *c);

/* ---- rsa.c, ec.c: one attempt each.  in: the digest, the encrypted key, the peer's point ---- */

struct key_request;
struct operation {
	struct server *s;
	const struct key_request *request;
	struct own_key *key;
	struct buf out;
	bool unwrap;
	bool begun;               /* the token has accepted mechanism and key */
	bool told;                /* err says it already */
	struct error *err;
};

CK_RV rsa_sign_pkcs1(struct operation *o);
CK_RV rsa_sign_pss(struct operation *o);
CK_RV rsa_unwrap_pkcs1(struct operation *o);
CK_RV rsa_unwrap_oaep(struct operation *o);
CK_RV ec_sign(struct operation *o);
CK_RV ec_agree(struct operation *o);

/* use.c: C_Sign and C_Decrypt in one piece, with the key's own login where it has one. */
CK_RV operate_sign(struct operation *o, CK_MECHANISM *m, struct span in, struct buf *out);
CK_RV operate_decrypt(struct operation *o, CK_MECHANISM *m, struct span in, struct buf *out);
/* The token does not do this mechanism, or not with these parameters. */
bool is_unsupported(const struct operation *o, CK_RV rv);

/* search.c: opened when it is first needed; *out is NULL where the folder is empty. */
int pkcs11_area(struct server *s, enum pkcs11_area which, struct area **out, struct error *err);
/* *file: where in decrypt-only of the area private this certificate stands, also if it is on a token or in another area, too; NULL: it
 * does not. */
int pkcs11_archived(struct server *s, struct span der, const char **file, struct error *err);

/* ---- operations ---- */

int pkcs11_find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int pkcs11_find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int pkcs11_list_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int pkcs11_sign(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int pkcs11_unwrap(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);
int pkcs11_agree(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err);

#endif
