/* ldap-bare.c - for bench/keys-ldap: what libldap alone does with the same questions
 *
 * usage: ldap-bare URI BASE COUNT PEOPLE     one connection, one search after the other, the certificates of each fetched
 *        ldap-bare URI BASE - PEOPLE         a search for each line of standard input, a line of output for each, as a module is asked
 */
#define LDAP_DEPRECATED 0
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t fetch(LDAP *ld, const char *base, unsigned person)
{
	static char binary[] = "userCertificate;binary", plain[] = "userCertificate", bundle[] = "userSMIMECertificate";
	char *attributes[] = { binary, plain, bundle, NULL };
	struct timeval limit = { 10, 0 };
	LDAPMessage *answer = NULL;
	char filter[100];
	size_t bytes = 0;

	snprintf(filter, sizeof(filter), "(mail=u%07u@partner.example)", person);
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

static int answer_lines(LDAP *ld, const char *base, long people)
{
	char line[100];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin))
		printf("%zu\n", fetch(ld, base, (unsigned)(strtol(line, NULL, 10) * 7 % people)));
	return 0;
}

int main(int argc, char **argv)
{
	int version = LDAP_VERSION3;
	LDAP *ld;

	if (argc != 5 || ldap_initialize(&ld, argv[1]) != LDAP_SUCCESS)
		return 64;
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (strcmp(argv[3], "-") == 0)
		return answer_lines(ld, argv[2], strtol(argv[4], NULL, 10));
	for (long i = 0, n = strtol(argv[3], NULL, 10), people = strtol(argv[4], NULL, 10); i < n; i++)
		if (fetch(ld, argv[2], (unsigned)(i * 7 % people)) == 0)
			return 1;
	ldap_unbind_ext(ld, NULL, NULL);
	return 0;
}
