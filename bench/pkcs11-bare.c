/* pkcs11-bare.c - the bare PKCS#11 calls, to compare keys-pkcs11 with
 *
 * usage: pkcs11-bare LIBRARY PIN ID sign-ecdsa|sign-rsa|unwrap-rsa COUNT|asked [WRAPPED-KEY-FILE]
 * The first token; ID is one byte in hex.  asked: one operation for each byte of standard input, answered with a byte, as
 * whoever waits for a question between two operations.
 */
#include <p11-kit/p11-kit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "pkcs11-bare: %s: %s\n", what, p11_kit_strerror(rv));
	exit(1);
}

static int more(const char *count, long done)
{
	char c = 0;

	if (strcmp(count, "asked") != 0)
		return done < strtol(count, NULL, 10);
	return (done == 0 || write(STDOUT_FILENO, &c, 1) == 1) && read(STDIN_FILENO, &c, 1) == 1;
}

int main(int argc, char **argv)
{
	/* DigestInfo of SHA-256 */
	static const unsigned char head[19] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
						0x05, 0x00, 0x04, 0x20 };
	unsigned char in[1024] = { 0 }, out[1024], id;
	size_t n = 32;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_ID, &id, 1 } };
	CK_FUNCTION_LIST *p = argc > 5 ? p11_kit_module_load(argv[1], P11_KIT_MODULE_UNMANAGED) : NULL;
	CK_SLOT_ID slots[16];
	CK_ULONG nslots = 16, found = 0;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	int unwrap;
	FILE *f;

	if (!p)
		return 64;
	id = (unsigned char)strtoul(argv[3], NULL, 16);
	unwrap = strcmp(argv[4], "unwrap-rsa") == 0;
	if (strcmp(argv[4], "sign-ecdsa") == 0)
		m.mechanism = CKM_ECDSA;
	else if (!unwrap) {
		memcpy(in, head, sizeof(head));
		n += sizeof(head);
	}
	if (unwrap && argc > 6 && (f = fopen(argv[6], "r"))) {
		n = fread(in, 1, sizeof(in), f);
		fclose(f);
	}
	must(p11_kit_module_initialize(p), "C_Initialize");
	must(p->C_GetSlotList(CK_TRUE, slots, &nslots), "C_GetSlotList");
	must(p->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &s), "C_OpenSession");
	must(p->C_Login(s, CKU_USER, (unsigned char *)argv[2], strlen(argv[2])), "C_Login");
	must(p->C_FindObjectsInit(s, wanted, 2), "C_FindObjectsInit");
	must(p->C_FindObjects(s, &key, 1, &found), "C_FindObjects");
	must(p->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	must(found == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID, "the key");
	for (long i = 0; more(argv[5], i); i++) {
		CK_ULONG nout = sizeof(out);

		if (unwrap) {
			must(p->C_DecryptInit(s, &m, key), "C_DecryptInit");
			must(p->C_Decrypt(s, in, n, out, &nout), "C_Decrypt");
		} else {
			must(p->C_SignInit(s, &m, key), "C_SignInit");
			must(p->C_Sign(s, in, n, out, &nout), "C_Sign");
		}
	}
	p->C_Logout(s);
	p11_kit_module_finalize(p);
	p11_kit_module_release(p);
	return 0;
}
