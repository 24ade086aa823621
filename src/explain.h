/* explain.h - prints a plan for people: what would happen, and why (-explain) */
#ifndef POSTERN_EXPLAIN_H
#define POSTERN_EXPLAIN_H

#include "envelope.h"
#include "plan.h"

void explain_plan(const struct config *c, const struct envelope *e, const struct plan *p, const struct outcome *end);

#endif
