/* pkcs11-shim.c - a PKCS#11 library that passes everything on to another, but for what a test wants to be otherwise
 *
 * Environment:
 *   PKCS11_SHIM_MODULE   the other library
 *   PKCS11_SHIM_HIDE     mechanisms it is not to have: numbers, 0x..., separated by colons
 *   PKCS11_SHIM_FLAGS    added to the flags of tokens
 *   PKCS11_SHIM_WRAPPED  if set, ECDH takes the peer's point only inside a DER OCTET STRING
 *   PKCS11_SHIM_TALK     if set, it prints a line on standard output when it is loaded
 *   PKCS11_SHIM_LOG      a file that gets a line for each call of interest
 *   PKCS11_SHIM_FAIL     a file "FUNCTION NUMBER": the next call of it removes the file and fails with that code; "C_Login die": the
 *                        process is killed when the token has heard the PIN, before it hears the answer
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST ours;
static CK_FUNCTION_LIST *theirs;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static void note(const char *what)
{
	const char *path = getenv("PKCS11_SHIM_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s\n", what);
	fclose(f);
}

static int dies;

static CK_RV fails(const char *function)
{
	const char *path = getenv("PKCS11_SHIM_FAIL");
	FILE *f = path ? fopen(path, "r") : NULL;
	char line[100] = "";
	size_t n = strlen(function);

	if (!f)
		return CKR_OK;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	if (strncmp(line, function, n) != 0 || line[n] != ' ')
		return CKR_OK;
	unlink(path);
	dies = strcmp(line + n, " die\n") == 0;
	return strtoul(line + n, NULL, 0);
}

static int is_hidden(CK_MECHANISM_TYPE m)
{
	const char *p = getenv("PKCS11_SHIM_HIDE");

	while (p && *p) {
		char *end;

		if (strtoul(p, &end, 0) == m)
			return 1;
		p = *end ? end + 1 : end;
	}
	return 0;
}

static CK_RV start(const char *function, const CK_MECHANISM *m)
{
	char line[100];
	CK_RV rv = is_hidden(m->mechanism) ? CKR_MECHANISM_INVALID : fails(function);

	snprintf(line, sizeof(line), "%s 0x%lx", function, m->mechanism);
	if (rv == CKR_OK)
		note(line);
	return rv;
}

static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE user, unsigned char *pin, CK_ULONG n)
{
	CK_RV rv = fails("C_Login");

	note(user == CKU_CONTEXT_SPECIFIC ? "C_Login again" : "C_Login");
	if (rv == CKR_OK)
		rv = theirs->C_Login(s, user, pin, n);
	if (dies)
		raise(SIGKILL);
	return rv;
}

static CK_RV mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *n)
{
	CK_RV rv = theirs->C_GetMechanismList(slot, list, n);
	CK_ULONG kept = 0;

	for (CK_ULONG i = 0; rv == CKR_OK && list && i < *n; i++)
		if (!is_hidden(list[i]))
			list[kept++] = list[i];
	if (rv == CKR_OK && list)
		*n = kept;
	return rv;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const char *flags = getenv("PKCS11_SHIM_FLAGS");
	CK_RV rv = theirs->C_GetTokenInfo(slot, info);

	if (rv == CKR_OK && flags)
		info->flags |= strtoul(flags, NULL, 0);
	return rv;
}

static CK_RV sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	CK_RV rv = start("C_SignInit", m);

	return rv == CKR_OK ? theirs->C_SignInit(s, m, key) : rv;
}

static CK_RV sign(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *nout)
{
	CK_RV rv = fails("C_Sign");

	return rv == CKR_OK ? theirs->C_Sign(s, in, n, out, nout) : rv;
}

static CK_RV decrypt_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	CK_RV rv = start("C_DecryptInit", m);

	return rv == CKR_OK ? theirs->C_DecryptInit(s, m, key) : rv;
}

static CK_RV decrypt(CK_SESSION_HANDLE s, unsigned char *in, CK_ULONG n, unsigned char *out, CK_ULONG *nout)
{
	CK_RV rv = fails("C_Decrypt");

	return rv == CKR_OK ? theirs->C_Decrypt(s, in, n, out, nout) : rv;
}

static CK_RV find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE *wanted, CK_ULONG n)
{
	CK_RV rv = fails("C_FindObjectsInit");

	return rv == CKR_OK ? theirs->C_FindObjectsInit(s, wanted, n) : rv;
}

static CK_RV derive(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE base, CK_ATTRIBUTE *wanted, CK_ULONG n,
		    CK_OBJECT_HANDLE *key)
{
	CK_ECDH1_DERIVE_PARAMS params = *(CK_ECDH1_DERIVE_PARAMS *)m->pParameter;
	CK_MECHANISM bare = { m->mechanism, &params, sizeof(params) };
	CK_ULONG header = params.ulPublicDataLen > 129 ? 3 : 2;
	CK_RV rv = start("C_DeriveKey", m);

	if (rv == CKR_OK && getenv("PKCS11_SHIM_WRAPPED")) {
		if (params.ulPublicDataLen % 2 == header % 2 || params.pPublicData[0] != 0x04 ||
		    params.pPublicData[header - 1] != params.ulPublicDataLen - header)
			return CKR_MECHANISM_PARAM_INVALID;
		params.pPublicData += header;
		params.ulPublicDataLen -= header;
	}
	return rv == CKR_OK ? theirs->C_DeriveKey(s, &bare, base, wanted, n, key) : rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	void *library = dlopen(getenv("PKCS11_SHIM_MODULE"), RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;
	CK_RV rv;

	if (getenv("PKCS11_SHIM_TALK")) {
		printf("shim: welcome\n");
		fflush(stdout);
	}
	*(void **)&get = library ? dlsym(library, "C_GetFunctionList") : NULL;
	rv = get ? get(&theirs) : CKR_GENERAL_ERROR;
	if (rv != CKR_OK)
		return rv;
	ours = *theirs;
	ours.C_GetFunctionList = C_GetFunctionList;
	ours.C_Login = login;
	ours.C_GetMechanismList = mechanism_list;
	ours.C_GetTokenInfo = token_info;
	ours.C_SignInit = sign_init;
	ours.C_Sign = sign;
	ours.C_DecryptInit = decrypt_init;
	ours.C_Decrypt = decrypt;
	ours.C_FindObjectsInit = find_init;
	ours.C_DeriveKey = derive;
	*list = &ours;
	return CKR_OK;
}
