/* ldap.h - revocation lists and CA certificates out of directories (RFC 4516 addresses, RFC 4523 attributes)
 *
 * libldap waits: for names, for connections, for answers.  So each fetch has a process of its own, which is ended when its
 * time is over, and which holds nothing that matters when a server makes it crash.
 */
#ifndef POSTERN_REFRESH_LDAP_H
#define POSTERN_REFRESH_LDAP_H

#include "refresh/fetch_inside.h"

#define LDAP_MAX 16 /* at a time */

struct curl_waitfd;

void ldap_start(struct fetcher *fr, struct fetch *f);
/* Takes what has come; ends what is finished or late. */
void ldap_collect(struct fetcher *fr);
void ldap_give_up(struct fetcher *fr);
/* The descriptors to wait for; returns their number. */
unsigned ldap_wait_for(struct fetcher *fr, struct curl_waitfd others[LDAP_MAX]);

#endif
