/* privileges.c - root must not stay behind the account we work as */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* Only root may choose groups; an account without a name has the one group that it was started with. */
static int take_groups(uid_t user, gid_t group)
{
	const struct passwd *account;

	if (seteuid(0) < 0)
		return -1;
	account = getpwuid(user);
	return account ? initgroups(account->pw_name, group) : setgroups(1, &group);
}

int privileges_settle(struct error *err)
{
	uid_t user = geteuid();
	gid_t group = getegid();

	if (getuid() != 0 || user == 0)
		return 0;
	if (take_groups(user, group) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		return error_set(err, E_CONFIG, "cannot leave root behind: %s", strerror(errno));
	return 0;
}
