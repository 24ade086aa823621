/* ldap_none.c - a build without libldap */
#include "refresh/ldap.h"

void ldap_start(struct fetcher *fr, struct fetch *f)
{
	fr->active++;
	fetch_finish(fr, f, error_set(&f->error, E_PERM, "built without LDAP"));
}

void ldap_collect(struct fetcher *fr)
{
	(void)fr;
}

void ldap_give_up(struct fetcher *fr)
{
	(void)fr;
}

unsigned ldap_wait_for(struct fetcher *fr, struct curl_waitfd others[LDAP_MAX])
{
	(void)fr;
	(void)others;
	return 0;
}
