/* softkey.h - a key's holder inside the test program: key_calls over ordinary private keys */
#ifndef POSTERN_T_HELPER_SOFTKEY_H
#define POSTERN_T_HELPER_SOFTKEY_H

#include "smime/delegate.h"

struct softkey {
	struct softkey *next;
	const char *id;
	EVP_PKEY *key;
};

struct softkeys {
	struct softkey *first;
	int fail;                 /* 0, or the code every call fails with */
	const char *fail_text;
	unsigned calls;           /* how many were made */
	struct key_request last;  /* names and numbers of the last one; label and input are not kept */
	char digest[32], mgf_digest[32];
};

struct key_calls softkey_calls(struct softkeys *keys);

#endif
