/* open.h - all S/MIME layers of a message, one after the other (RFC 8551, 5652, 5083)
 *
 * Opening is EFAIL-proof: nothing decrypted leaves before the tag or the whole
 * structure is good, and only a message that *is* a layer is opened; a part
 * beside foreign parts stays closed (finding LAYER_NESTED).
 */
#ifndef POSTERN_SMIME_OPEN_H
#define POSTERN_SMIME_OPEN_H

#include <openssl/x509.h>
#include <time.h>

#include "mime/entity.h"
#include "smime/stapled.h"

enum layer_kind { LAYER_ENVELOPED, LAYER_AUTHENVELOPED, LAYER_OPAQUE_SIGNED, LAYER_CLEAR_SIGNED, LAYER_CERTS_ONLY,
		  LAYER_COMPRESSED, LAYER_UNKNOWN, LAYER_NESTED /* a closed layer somewhere inside, not opened */ };
enum layer_status {
	LAYER_OPEN,        /* decrypted, or signature structure read (see signers) */
	LAYER_NO_KEY,      /* none of the recipients is ours */
	LAYER_REFUSED,     /* forbidden: EFAIL precautions, limits */
	LAYER_UNSUPPORTED, /* "X25519 recipient": why names it */
	LAYER_MALFORMED,
	LAYER_TEMPORARY,   /* a key could not be asked for now: the message must be deferred */
	LAYER_LOCKED,      /* our key for it wants a passphrase that nobody has given */
	LAYER_NOT_TRIED,   /* LAYER_NESTED */
};
enum signature_status { SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_NO_CERTIFICATE, SIGNATURE_UNSUPPORTED };

struct found_signer {
	enum signature_status status;
	const char *why;                 /* "" when good */
	X509 *certificate;               /* NULL: not found; owned by the result */
	const char **addresses;          /* of the certificate: rfc822Name, SmtpUTF8Mailbox, legacy emailAddress */
	size_t naddresses;
	const char *digest, *algorithm;  /* "sha256", "rsa-pss" */
	time_t signing_time;             /* 0: none */
	struct span capabilities;        /* DER SMIMECapabilities, empty if none */
};

struct layer {
	enum layer_kind kind;
	enum layer_status status;
	const char *why;                 /* one line for people; "" when open */
	const char *cipher;              /* "aes-256-gcm", enveloped kinds; "" else */
	const char *key_management;      /* "rsa-oaep", "ecdh" ...; "" else */
	size_t recipients;               /* number of RecipientInfos */
	struct found_signer *signers;
	size_t nsigners;
	STACK_OF(X509) *certificates;    /* those in the SignedData, owned by the result; NULL if none */
	struct stapled stapled;          /* what the SignedData says of revocation, unread */
};

/* A recipient or signer identifier as CMS has them: issuer and serial, or subject key identifier. */
struct certificate_id {
	struct span issuer;  /* DER Name, empty when by key identifier */
	struct span serial;  /* DER INTEGER content bytes, big endian */
	struct span key_id;  /* subjectKeyIdentifier, empty when by issuer */
};

struct open_calls {
	/* Which of n recipients is ours?  *which, *certificate (caller frees) and *key (delegated, caller frees).
	 * May be called again with skip > 0 to get the next candidate after skip refused ones.
	 * E_NOTFOUND: none; E_LOCKED: the key wants a passphrase; E_TEMP: cannot say now. */
	int (*find_key)(void *ctx, const struct certificate_id *ids, size_t n, size_t skip, size_t *which,
			X509 **certificate, EVP_PKEY **key, struct error *err);
	/* A signer's certificate that is not in the message.  E_NOTFOUND, E_TEMP. */
	int (*find_certificate)(void *ctx, const struct certificate_id *id, X509 **certificate, struct error *err);
	void *ctx;
	/* May be NULL.  After a private operation has failed: 0 if the key's holder did its work (then the message is
	 * at fault), E_TEMP and why if it could not be asked (delegate_error): the layer is LAYER_TEMPORARY then; E_LOCKED
	 * if the key wants a passphrase: LAYER_LOCKED. */
	int (*key_trouble)(void *ctx, struct error *err);
};

struct open_limits {
	size_t layers;
	struct mime_limits mime;
	size_t message; /* bytes of any decrypted or unpacked content */
};

struct opened {
	struct layer *layers;   /* outermost first */
	size_t nlayers;
	struct span content;    /* the innermost entity: header and body.  Points into the message or into memory that
	                           lives as long as the result.  Equal to the message itself if nothing was unwrapped. */
	bool unwrapped;         /* content replaces the message's own Content-* fields and body: an encrypted or opaque
	                           layer was opened.  Clear-signed layers with nothing to unwrap inside stay as they are. */
	bool encrypted;         /* some layer was (auth)enveloped and opened */
	bool header_protected;  /* the content's header repeats message fields (RFC 9788 hp=, protected-headers=v1) */
	struct opened_mapping *mappings; /* decrypted bytes; for opened_release */
};

/* message: whole, without mbox From line; lives as long as the result.  scratch: an unlinked read-write file for
 * decrypted bytes, appended to.  ctx: the delegate's.  Fails (E_TEMP, E_LIMIT) only when the message can not be judged;
 * everything else is in the layers. */
int smime_open(struct arena *a, OSSL_LIB_CTX *ctx, struct span message, const struct open_calls *calls,
	       const struct open_limits *limits, int scratch, struct opened *out, struct error *err);
void opened_release(struct opened *o);

/* Addresses of a certificate, as in found_signer. */
void certificate_addresses(struct arena *a, X509 *certificate, const char ***addresses, size_t *n);

/* Cheap test, no cryptography: does the message's outermost entity claim to be an S/MIME layer (signed? encrypted?)
 * Used for BLOCK-SIGNED, BLOCK-ENCRYPTED and STRIP on outgoing mail. */
void smime_looks(const struct entity *root, bool *is_signed, bool *is_encrypted);

/* As cheap, but its first bytes must say so, too: what only claims to be encrypted is no reason to let it pass in clear. */
bool smime_is_sealed(const struct entity *root);

#endif
