/* overdue.h - tells the administrator of what has not come back from the scanner */
#ifndef POSTERN_OVERDUE_H
#define POSTERN_OVERDUE_H

#include "lib/config.h"
#include "lib/deadline.h"

/* Every run calls it; at most one in ten minutes looks at the holds, the others see from one stat(2) that nothing is due.  Each hold that is
 * older than hold_lifetime is told once; nothing is removed. */
void overdue_tell(struct arena *a, const struct config *c, deadline until);

#endif
