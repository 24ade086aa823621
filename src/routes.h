/* routes.h - from bytes to a plan: each route plans its recipients */
#ifndef POSTERN_ROUTES_H
#define POSTERN_ROUTES_H

#include "work.h"

/* Fills w->plan.  Always leaves a plan: an error becomes its outcome (defer or refuse). */
void routes_plan(struct work *w);

#endif
