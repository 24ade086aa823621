/* process.c - what a process that holds private keys does before anything else */
#include "common/process.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/openssl.h"

/* Only where there is no limit: with one, the map of an index (sparse, but long) would exceed it, and could not be made.  Keys and
 * passphrases stand in OpenSSL's secure memory in any case, which is locked by itself. */
static void lock_memory(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_MEMLOCK, &most) == 0 && most.rlim_cur == RLIM_INFINITY)
		mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

void process_guard_keys(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	lock_memory();
}

static const uint64_t unused = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
			       OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS
#ifndef __SANITIZE_ADDRESS__ /* its leak check does not look into OpenSSL's locked memory */
			       | OPENSSL_INIT_NO_ATEXIT
#endif
			       ;

void process_start_openssl(void)
{
	OPENSSL_init_crypto(unused, NULL);
	openssl_load(NULL);
}
