/* lint.h - the two halves of rules_lint() */
#ifndef RULES_FILE_LINT_H
#define RULES_FILE_LINT_H

#include "rules-file/rules.h"

/* Warns of lines that can never have an effect, or take back what others force (shadow.c). */
void rules_lint_lines(struct rules *r);

#endif
