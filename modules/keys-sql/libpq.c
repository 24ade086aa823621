/* libpq.c - PostgreSQL's library, loaded when a database is PostgreSQL's */
#include "keys-sql/libpq.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/openssl.h"

#define LIBRARY "libpq.so.5"

static const struct {
	const char *name;
	size_t at;
	bool pipeline; /* not needed */
} functions[] = {
#define LIBPQ_ENTRY(f) { #f, offsetof(struct libpq, f), false },
	LIBPQ_FUNCTIONS(LIBPQ_ENTRY)
#undef LIBPQ_ENTRY
#define LIBPQ_ENTRY(f) { #f, offsetof(struct libpq, f), true },
	LIBPQ_PIPELINE_FUNCTIONS(LIBPQ_ENTRY)
#undef LIBPQ_ENTRY
};

static struct libpq libpq;

/* RTLD_LOCAL: its OpenSSL and ours do not see each other where ours is linked from the archive.  Else it is the same one, and libpq
 * looks for digests by name, which our start leaves out. */
const struct libpq *libpq_load(struct error *err)
{
	static bool loaded;
	void *library;

	if (loaded)
		return &libpq;
	openssl_start();
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		error_set(err, E_CONFIG, "keys_sql_database is PostgreSQL's, and its library cannot be loaded: %s", dlerror());
		return NULL;
	}
	libpq.pipelines = true;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function && functions[i].pipeline)
			libpq.pipelines = false;
		if (!function && !functions[i].pipeline) {
			error_set(err, E_CONFIG, "%s is too old: it has no %s", LIBRARY, functions[i].name);
			return NULL;
		}
		memcpy((char *)&libpq + functions[i].at, &function, sizeof(function));
	}
	loaded = true;
	return &libpq;
}
