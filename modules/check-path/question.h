/* question.h - the operation "check-certificate" on the wire, for every module that has it */
#ifndef POSTERN_CHECK_PATH_QUESTION_H
#define POSTERN_CHECK_PATH_QUESTION_H

#include "check-path/check.h"
#include "lib/server.h"

/* What the request says lives in s->arena.  E_PERM: it makes no sense. */
int question_read(struct server *s, const struct xml *request, struct check_request *out, struct error *err);
/* Writes the inside of the <result>. */
void question_answer(struct arena *a, struct xml_writer *w, const struct check_answer *answer);

#endif
