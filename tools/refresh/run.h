/* run.h - one run of postern-refresh: what is wanted, and what became of it; shared by the files of this program only */
#ifndef POSTERN_REFRESH_RUN_H
#define POSTERN_REFRESH_RUN_H

#include <openssl/x509.h>

#include "common/area.h"
#include "refresh/fetch.h"
#include "refresh/options.h"
#include "refresh/state.h"

enum source_kind { SOURCE_CRL, SOURCE_DELTA, SOURCE_ISSUER, SOURCE_OCSP };

enum source_outcome {
	OUTCOME_NONE,       /* nothing was done yet */
	OUTCOME_NEW,        /* something new was put in place */
	OUTCOME_UNCHANGED,  /* what is there is the newest */
	OUTCOME_NOT_DUE,    /* asked lately */
	OUTCOME_WAITS,      /* failed before, left alone for a while */
	OUTCOME_ELSEWHERE,  /* the operator has put it there */
	OUTCOME_SKIPPED,    /* could not be checked: nobody here believes the certificate that names it */
	OUTCOME_FAILED,
};

struct name_list {
	struct name_list *next;
	struct span der;    /* a Name */
};

/* A distribution point, a missing issuer, or an OCSP answer. */
struct source {
	struct source *next;
	enum source_kind kind;
	const char **urls;          /* alternatives, the preferred first */
	size_t nurls, attempt;
	const char *what;           /* for people, where one address serves several: "" or "of CN=..." */
	struct state_record *record;
	const char *file;           /* where it goes */
	/* of lists */
	struct name_list *issuers;  /* who may have issued it; NULL: whoever is known */
	struct span names;          /* DER GeneralNames: the distribution point as the certificate has it; n = 0 */
	bool for_users, for_cas;    /* certificates of which kind name it */
	/* of a missing issuer (its name), and of OCSP answers */
	struct span wanted;
	struct span certificate, issuer;
	struct span request, nonce; /* OCSP: what is sent; n = 0: no nonce */
	/* the end */
	enum source_outcome outcome;
	struct error error;
	int64_t this_update, next_update; /* of what is in place, 0: nothing or no end */
	bool there;                 /* something is in place */
	struct run *run;
	struct fetch fetch;
};

struct run {
	const struct config *config;
	const struct refresh_options *options;
	bool once, dry, json, verbose, progress;
	int64_t now;
	deadline until;
	struct state state;
	struct fetcher *fetcher;
	struct area *ca, *crl;
	struct arena arena;
	struct source *sources, **end;
	struct set by_key;          /* kind and address: struct source */
	size_t nsources, nfinished;
	/* from collecting */
	struct set subjects;
	struct set signers;         /* signers.c */
	struct held_certificate *held; /* certificates whose issuer is to be looked for */
	/* problems that belong to no source */
	unsigned complaints;
	struct complaint *complained;
};

struct complaint {
	struct complaint *next;
	const char *about, *text;
};

/* A line on standard error. */
void run_note(const struct run *r, const char *about, const char *text);
/* A line on standard error, and in the report, and in the exit status. */
void run_complain(struct run *r, const char *about, const char *text);
/* The source is dealt with: a line if it failed (or -verbose). */
void run_finished(struct source *s, enum source_outcome outcome);

/* ---- sources.c ---- */

/* Finds what is in use: distribution points, responders, certificates whose issuer may be missing. */
int sources_collect(struct run *r, struct error *err);
/* What this one certificate (just fetched) names. */
void sources_of_certificate(struct run *r, struct span der);
/* Issuers that are not there, as sources; returns how many are new. */
size_t sources_missing(struct run *r, struct error *err);
/* Keys, files and what is known of before. */
void sources_prepare(struct run *r);

/* ---- signers.c ---- */

/* Certificates of area ca with this subject: *out owns references. */
int signers_find(struct run *r, const X509_NAME *name, STACK_OF(X509) **out, struct error *err);
/* The area has changed. */
void signers_forget(struct run *r);

/* ---- crls.c ---- */

/* Whether the bytes are a list that may be put in place for s, and newer than the one there; then it is there.  *unchanged: it
 * was there already.  source s may have no file yet (import): path says where. */
int crls_take(struct source *s, struct span bytes, const char *path, bool *unchanged, struct error *err);
/* Times of the list in place. */
bool crls_look(struct source *s);
/* Whether area crl has a current list of the operator's own for s. */
bool crls_elsewhere(struct source *s);

/* ---- issuers.c ---- */

/* Takes certificates in; those whose path to an anchor is complete are put in place. */
int issuers_take(struct source *s, struct span bytes, struct error *err);
/* Once more with all that was fetched; returns how many were put in place. */
size_t issuers_settle(struct run *r);
/* The others: a line each, and the memory. */
void issuers_end(struct run *r);

/* ---- answers.c ---- */

void answers_prepare(struct source *s);
int answers_take(struct source *s, struct span bytes, const char *url, struct error *err);
bool answers_look(struct source *s);

/* ---- work.c ---- */

/* Everything: collects, imports, fetches, puts in place. */
int work(struct run *r, const char *import, struct error *err);

/* ---- import.c ---- */

int import_folder(struct run *r, const char *folder, struct error *err);

/* ---- report.c ---- */

/* 0 all fresh, 1 something is missing, 2 something has expired. */
int report_status(const struct run *r);
void report_json(const struct run *r, int status);
void report_text(const struct run *r, int status);
const char *source_kind_word(enum source_kind k);

#endif
