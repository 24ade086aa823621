/* ldap-bare.c - for bench/keys-ldap: what libldap alone does with the same questions
 *
 * usage: ldap-bare URI BASE <FRAMES     one connection, a search for each address, one after the other, the certificates of each fetched
 */
#define LDAP_DEPRECATED 0
#include <ldap.h>

#include "bare.h"

static size_t fetch(LDAP *ld, const char *base, const char *address)
{
	static char binary[] = "userCertificate;binary", plain[] = "userCertificate", bundle[] = "userSMIMECertificate";
	char *attributes[] = { binary, plain, bundle, NULL };
	struct timeval limit = { 10, 0 };
	LDAPMessage *answer = NULL;
	char filter[100];
	size_t bytes = 0;

	snprintf(filter, sizeof(filter), "(mail=%s)", address);
	if (ldap_search_ext_s(ld, base, LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL, NULL, &limit, 100, &answer) != LDAP_SUCCESS)
		exit(1);
	for (LDAPMessage *e = ldap_first_entry(ld, answer); e; e = ldap_next_entry(ld, e)) {
		struct berval **values = ldap_get_values_len(ld, e, binary);
		char *dn = ldap_get_dn(ld, e);

		for (size_t i = 0; values && values[i]; i++)
			bytes += values[i]->bv_len;
		ldap_memfree(dn);
		ldap_value_free_len(values);
	}
	ldap_msgfree(answer);
	return bytes;
}

int main(int argc, char **argv)
{
	int version = LDAP_VERSION3;
	char *request, *address;
	LDAP *ld;

	if (argc != 3 || ldap_initialize(&ld, argv[1]) != LDAP_SUCCESS)
		return 64;
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	while ((request = bare_next())) {
		size_t bytes = 0, n = 0;

		for (; (address = bare_item(&request, "<address>")); n++) {
			size_t one = fetch(ld, argv[2], address);

			if (!one)
				return 1;
			bytes += one;
		}
		bare_answer(bytes, n);
	}
	ldap_unbind_ext(ld, NULL, NULL);
	return 0;
}
