/* owner.c - root does the work of the spool's user as that user */
#include "common/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool owner_differs(const struct config *config)
{
	struct stat st;

	return geteuid() == 0 && stat(config->spool, &st) == 0 && st.st_uid != 0;
}

int owner_become(const struct config *config, struct error *err)
{
	const struct passwd *account;
	struct stat st;

	if (stat(config->spool, &st) < 0)
		return error_set(err, E_CONFIG, "%s: %s", config->spool, strerror(errno));
	account = getpwuid(st.st_uid);
	if ((account ? initgroups(account->pw_name, st.st_gid) : setgroups(1, &st.st_gid)) < 0 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 || setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return error_set(err, E_CONFIG, "cannot become uid %u, whose spool %s is: %s", (unsigned)st.st_uid, config->spool,
				 strerror(errno));
	return 0;
}
