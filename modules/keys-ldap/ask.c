/* ask.c - questions to several directories, one after the other or at once */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "keys-ldap/keys_ldap.h"
#include "lib/log.h"

#define STACK_SIZE ((size_t)512 * 1024) /* memory may be locked: not the usual 8 MB each */

static void *run(void *arg)
{
	struct task *t = arg;

	if (t->n)
		directory_ask(t->directory, t->queries, t->n, t->until, &t->err);
	return NULL;
}

static void run_all(struct task *tasks, size_t n)
{
	pthread_t *threads = mem_array(n, sizeof(*threads));
	bool *started = mem_array(n, sizeof(*started));
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	for (size_t i = 1; i < n; i++)
		started[i] = tasks[i].n && pthread_create(&threads[i], &attributes, run, &tasks[i]) == 0;
	pthread_attr_destroy(&attributes);
	for (size_t i = 0; i < n; i++) /* the first is ours, and those for which there is no thread */
		if (!started[i])
			run(&tasks[i]);
	for (size_t i = 1; i < n; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
	free(started);
	free(threads);
}

static void log_notes(const char *notes)
{
	for (size_t n; *notes; notes += n + (notes[n] == '\n')) {
		n = strcspn(notes, "\n");
		log_warning("%.*s", (int)n, notes);
	}
}

void ask_directories(struct task *tasks, size_t n, bool parallel)
{
	if (parallel)
		run_all(tasks, n);
	else
		for (size_t i = 0; i < n; i++)
			run(&tasks[i]);
	for (size_t i = 0; i < n; i++)
		log_notes(directory_notes(tasks[i].directory));
}

int ask_failed(const struct task *t, const struct directory_options *o, struct error *err)
{
	if (t->err.code == E_TEMP && o->when_away == AWAY_SKIP) {
		log_warning("%s; skipped, as keys_ldap_when_away says", t->err.text);
		return 0;
	}
	log_error("%s", t->err.text);
	return error_set(err, t->err.code, "%s", t->err.text);
}
