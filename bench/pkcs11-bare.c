/* pkcs11-bare.c - the bare PKCS#11 calls, to compare keys-pkcs11 with
 *
 * usage: pkcs11-bare LIBRARY PIN ID sign-ecdsa|sign-rsa|unwrap-rsa|agree [FILE] <FRAMES
 * The first token; ID is one byte in hex; FILE: the wrapped key, or the other side's point.  An operation for each "mechanism=" of a
 * request.
 */
#include <p11-kit/p11-kit.h>

#include "bare.h"

static void must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "pkcs11-bare: %s: %s\n", what, p11_kit_strerror(rv));
	exit(1);
}

struct call {
	CK_FUNCTION_LIST *p;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM mechanism;
	CK_ECDH1_DERIVE_PARAMS derive;
	unsigned char in[1024];
	CK_ULONG n;
};

typedef CK_ULONG operation(struct call *c); /* bytes of what came out */

static CK_ULONG sign(struct call *c)
{
	unsigned char out[1024];
	CK_ULONG n = sizeof(out);

	must(c->p->C_SignInit(c->session, &c->mechanism, c->key), "C_SignInit");
	must(c->p->C_Sign(c->session, c->in, c->n, out, &n), "C_Sign");
	return n;
}

static CK_ULONG unwrap(struct call *c)
{
	unsigned char out[1024];
	CK_ULONG n = sizeof(out);

	must(c->p->C_DecryptInit(c->session, &c->mechanism, c->key), "C_DecryptInit");
	must(c->p->C_Decrypt(c->session, c->in, c->n, out, &n), "C_Decrypt");
	return n;
}

static CK_ULONG agree(struct call *c)
{
	static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	static CK_ULONG length = 32;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &type, sizeof(type) },
				  { CKA_TOKEN, &no, sizeof(no) }, { CKA_SENSITIVE, &no, sizeof(no) },
				  { CKA_EXTRACTABLE, &yes, sizeof(yes) }, { CKA_VALUE_LEN, &length, sizeof(length) } };
	unsigned char out[64];
	CK_ATTRIBUTE value = { CKA_VALUE, out, sizeof(out) };
	CK_OBJECT_HANDLE secret;

	must(c->p->C_DeriveKey(c->session, &c->mechanism, c->key, wanted, sizeof(wanted) / sizeof(*wanted), &secret), "C_DeriveKey");
	must(c->p->C_GetAttributeValue(c->session, secret, &value, 1), "C_GetAttributeValue");
	must(c->p->C_DestroyObject(c->session, secret), "C_DestroyObject");
	return value.ulValueLen;
}

static void read_input(struct call *c, const char *path)
{
	FILE *f = fopen(path, "r");

	c->n = f ? fread(c->in, 1, sizeof(c->in), f) : 0;
	must(c->n ? CKR_OK : CKR_ARGUMENTS_BAD, path);
	fclose(f);
}

static void find_key(struct call *c, unsigned char id)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, &id, 1 } };
	CK_ULONG found = 0;

	must(c->p->C_FindObjectsInit(c->session, wanted, 2), "C_FindObjectsInit");
	must(c->p->C_FindObjects(c->session, &c->key, 1, &found), "C_FindObjects");
	must(c->p->C_FindObjectsFinal(c->session), "C_FindObjectsFinal");
	must(found == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, "the key");
}

/* DigestInfo of a SHA-256 that is all zeros. */
static const unsigned char digest_info[51] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
					       0x05, 0x00, 0x04, 0x20 };

static operation *prepare(struct call *c, const char *word)
{
	c->mechanism.mechanism = CKM_RSA_PKCS;
	if (strcmp(word, "unwrap-rsa") == 0)
		return unwrap;
	if (strcmp(word, "agree") == 0) {
		c->derive = (CK_ECDH1_DERIVE_PARAMS){ .kdf = CKD_NULL, .ulPublicDataLen = c->n, .pPublicData = c->in };
		c->mechanism = (CK_MECHANISM){ CKM_ECDH1_DERIVE, &c->derive, sizeof(c->derive) };
		return agree;
	}
	memcpy(c->in, digest_info, sizeof(digest_info));
	c->n = sizeof(digest_info);
	if (strcmp(word, "sign-ecdsa") == 0) {
		c->mechanism.mechanism = CKM_ECDSA;
		c->n = 32;
	}
	return sign;
}

int main(int argc, char **argv)
{
	struct call c = { .p = argc > 4 ? p11_kit_module_load(argv[1], P11_KIT_MODULE_UNMANAGED) : NULL };
	CK_SLOT_ID slots[16];
	CK_ULONG nslots = 16;
	operation *run;
	char *request;

	if (!c.p)
		return 64;
	if (argc > 5)
		read_input(&c, argv[5]);
	run = prepare(&c, argv[4]);
	must(p11_kit_module_initialize(c.p), "C_Initialize");
	must(c.p->C_GetSlotList(CK_TRUE, slots, &nslots), "C_GetSlotList");
	must(c.p->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &c.session), "C_OpenSession");
	must(c.p->C_Login(c.session, CKU_USER, (unsigned char *)argv[2], strlen(argv[2])), "C_Login");
	find_key(&c, (unsigned char)strtoul(argv[3], NULL, 16));
	while ((request = bare_next())) {
		size_t bytes = 0;

		while ((request = strstr(request, "mechanism="))) {
			bytes += run(&c);
			request++;
		}
		bare_answer(bytes, 0);
	}
	c.p->C_Logout(c.session);
	p11_kit_module_finalize(c.p);
	p11_kit_module_release(c.p);
	return 0;
}
