/* openssl_curves.c - an elliptic curve is set up once in a process
 *
 * libcrypto sets the curve of each key up from its numbers, two modular inversions included, which costs more than all
 * else that is done to read the key.  The linker puts this function before OpenSSL's (--wrap, in configure.ac), where libcrypto's archive
 * is linked: the first group of each curve is kept, and who wants another gets a copy.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>

#define KEPT_MAX 8

EC_GROUP *__real_EC_GROUP_new_by_curve_name_ex(OSSL_LIB_CTX *ctx, const char *properties, int nid) __attribute__((weak));
EC_GROUP *__wrap_EC_GROUP_new_by_curve_name_ex(OSSL_LIB_CTX *ctx, const char *properties, int nid);

/* For the life of the process, which has one thread.  Groups of other contexts than the default one are not kept: contexts come and go. */
static EC_GROUP *kept[KEPT_MAX];

EC_GROUP *__wrap_EC_GROUP_new_by_curve_name_ex(OSSL_LIB_CTX *ctx, const char *properties, int nid)
{
	EC_GROUP *group;
	size_t i = 0;

	while (i < KEPT_MAX && kept[i] && EC_GROUP_get_curve_name(kept[i]) != nid)
		i++;
	if (!ctx && !properties && i < KEPT_MAX && kept[i])
		return EC_GROUP_dup(kept[i]);
	group = __real_EC_GROUP_new_by_curve_name_ex(ctx, properties, nid);
	if (group && !ctx && !properties && i < KEPT_MAX)
		kept[i] = EC_GROUP_dup(group);
	return group;
}
