/* process.h - what a process that holds private keys does before anything else */
#ifndef POSTERN_COMMON_PROCESS_H
#define POSTERN_COMMON_PROCESS_H

/* No core dumps, and nobody of the same account may look into its memory, which is never written to disk where RLIMIT_MEMLOCK is
 * unlimited; elsewhere this is true of what stands in OpenSSL's secure memory. */
void process_guard_keys(void);

/* OpenSSL as a process wants it that lives for one message: without its configuration, the texts of its errors, the tables of
 * names from before there were providers, and tidying up what ends with the process; each of these costs more than a signature.
 * Algorithms are there as openssl_load() has them (lib/openssl.h). */
void process_start_openssl(void);

#endif
