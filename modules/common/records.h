/* records.h - what the keys and values of an area's index mean
 *
 *   M                    -> struct meta_record, then the path of the folder
 *   D NAME               -> struct dir_record of a sub-folder; D alone: of the area itself
 *   F SUB/NAME           -> struct file_record, then why it could not be read (/NAME in the area itself)
 *   C id                 -> struct entry_record, then path, marks, DER (only of what stands inside a container)
 *   K kind value NUL id  -> nothing: who has this mark (see marks.h)
 *   R id                 -> of a revocation list: its compact form (see crl.h)
 *   W SUB/NAME           -> nothing: this file is looked at before every question
 *   S place              -> struct signature_record: who made the signature of what (signatures.c)
 *
 * Numbers are in the machine's own order and layout; INDEX_VERSION changes with any of this.  An id is eight bytes, big
 * endian.  Private keys are never in it.
 */
#ifndef POSTERN_COMMON_RECORDS_H
#define POSTERN_COMMON_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/area.h"
#include "common/marks.h"
#include "lib/buf.h"
#include "lib/mem.h"

#define INDEX_VERSION 4
#define ID_SIZE 8

/* LMDB's limit for keys is 511 bytes. */
#define PATH_KEY_MAX 500

/* When a file or folder was changed last, as far as stat(2) tells.  All zero: does not exist. */
struct stamp {
	int64_t modified, changed; /* nanoseconds of mtime and ctime */
	uint64_t size, inode, device;
};

struct meta_record {
	char magic[8];
	uint32_t version, record_sizes;
	int64_t swept;       /* when every file was last looked at, nanoseconds since the epoch */
	uint64_t next_id;
	uint64_t files;
	struct stamp passphrase; /* of the passphrase file when locked files were last tried */
};

struct dir_record {
	struct stamp stamp;
	int64_t scanned;     /* just before its names were read */
};

enum {
	FILE_FAILED = 1,     /* something in it could not be read */
	FILE_LOCKED = 2,     /* PKCS#12 with another passphrase */
	FILE_EXPOSED = 4,    /* holds private keys and others may read it */
	FILE_KEYS = 8,       /* holds private keys */
	FILE_RACY = 16,      /* read so soon after its change that another change may have gone unseen */
};

struct file_record {
	struct stamp stamp;
	char digest[32];     /* of its bytes: the first half of SHA-256, hexadecimal; whoever writes the file may be a stranger */
	uint64_t first_id;   /* its entries are first_id ... first_id + n - 1 */
	uint32_t n, flags;
};

enum { ENTRY_LEAF = 1, ENTRY_KEYS = 2, ENTRY_EXPOSED = 4, ENTRY_MAY_SIGN = 8 };

struct entry_record {
	uint64_t hash;       /* of the DER */
	int64_t not_before, not_after;
	uint64_t offset, length;
	uint32_t position, type, form, flags;
	uint32_t path, marks, der; /* lengths of what follows */
	uint32_t unused;
};

/* Found out once: this certificate's key made that object's signature. */
struct signature_record {
	struct area_signature is; /* SHA-256 of both */
	int64_t since;            /* when, seconds since the epoch */
};

/* ---- keys ---- */

struct record_key {
	size_t n;
	char bytes[PATH_KEY_MAX + 16];
};

struct span key_span(const struct record_key *k);
void key_path(struct record_key *k, char kind, const char *path);       /* D, F, W */
void key_entry(struct record_key *k, uint64_t id);                      /* C */
void key_list(struct record_key *k, uint64_t id);                       /* R */
void key_signature(struct record_key *k, const struct area_signature *s); /* S */
void key_mark(struct record_key *k, struct span mark, uint64_t id);     /* K */
void key_mark_prefix(struct record_key *k, struct span mark);
uint64_t key_id(struct span key);                                       /* the id at the end of a C, K or R key */

/* ---- values ---- */

/* An entry taken apart; the spans point into the value.  false: the value is none. */
struct entry_view {
	struct entry_record fixed;
	struct span path, marks, der;
};
bool entry_parse(struct span value, struct entry_view *out);
/* text may be NULL. */
bool file_parse(struct span value, struct file_record *out, struct span *text);
bool dir_parse(struct span value, struct dir_record *out);
bool meta_parse(struct span value, struct meta_record *out);
bool meta_fits(struct span value, const char *directory); /* ours: this version, this folder */
void meta_start(struct meta_record *m);

void stamp_of(const struct stat *st, struct stamp *out);
bool stamp_equal(const struct stamp *a, const struct stamp *b);

/* Key for F and W records: root files have an empty folder name before the slash. */
void file_key(struct record_key *k, char kind, const char *path);
/* The path of an F or W key, "NAME" or "SUB/NAME" below the area; in the arena. */
char *file_key_path(struct arena *arena, struct span key);

#endif
