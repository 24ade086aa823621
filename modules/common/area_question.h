/* area_question.h - a question to an area: by what is looked for, and what was found so far */
#ifndef POSTERN_COMMON_AREA_QUESTION_H
#define POSTERN_COMMON_AREA_QUESTION_H

#include "common/area_inside.h"
#include "common/marks.h"

/* Entries that have a mark: more are not looked at. */
#define CANDIDATES_MAX 4096

struct candidate {
	uint64_t id;
	int64_t not_before;
	bool domain;
};

struct question {
	struct area *area;
	struct arena *arena;
	struct mark marks[2];      /* the second: the whole domain; n = 0: none */
	/* Whether the entry really is what was asked for: marks are hashes.  NULL: it is. */
	bool (*fits)(const struct question *q, const struct area_entry *e);
	const void *wanted[2];
	bool keep_copies;          /* the same certificate from several files */
	struct area_crls *crls;    /* where lists go; NULL: certificates are asked for */
	size_t max;
	size_t from, passed;       /* in a range: how many are left out, and have been */

	struct candidate *candidates;
	size_t ncandidates, cap;
	bool domain;               /* while collecting */
	char **changed;            /* files that are not what the index says */
	size_t nchanged;
	struct area_list *out;
	struct error *err;
};

struct question question_of(struct area *a, struct arena *arena, struct area_list *out, struct error *err);

/* Asks until the answer is true of the files.  gather: collects candidates inside a read transaction; 0 or an error. */
int question_ask(struct question *q, int (*gather)(struct question *));

/* Of an index's keys into candidates: for index_each, ctx is the question; all, those of q->from on, and up to q->max. */
int question_collect(void *ctx, struct span key, struct span value);
int question_collect_range(void *ctx, struct span key, struct span value);
/* Gathers by q->marks. */
int question_collect_marks(struct question *q);

/* Fetches one from its file into the answer, if it is what was asked for; inside a read transaction. */
int question_take(struct question *q, const struct candidate *c);

#endif
