/* main.c - keys-sql: certificates and keys in a database (keys-sql(8)) */
#include <malloc.h>

#include "build.h"
#include "common/private_key.h"
#include "common/process.h"
#include "common/secret_file.h"
#include "keys-sql/keys_sql.h"
#include "lib/log.h"

#define SOURCE_MAX 500    /* bytes of it in an answer */
#define COMPLAINTS_MAX 10 /* lines */

static const char *const read_only_words[] = { "refuse", "pass-over", NULL };

const struct config_option keys_sql_options[] = {
	{ "keys_sql_database", CONFIG_STRING, "sqlite:${spool}/keys.db", offsetof(struct keys_sql_options, database), NULL, 0, 0,
	  "sqlite:/PATH, with ?mode=ro to never write, or postgresql:CONNECTION STRING" },
	{ "keys_sql_password_file", CONFIG_SECRET, NULL, offsetof(struct keys_sql_options, password_file), NULL, 0, 0,
	  "the password for PostgreSQL, mode 0600" },
	{ "keys_sql_timeout", CONFIG_TIME, "10s", offsetof(struct keys_sql_options, timeout), NULL, 100, 3600000,
	  "longest time for one request, connecting included" },
	{ "keys_sql_key_file", CONFIG_SECRET, NULL, offsetof(struct keys_sql_options, key_file), NULL, 0, 0,
	  "seals own keys, mode 0600; else passphrase_file does" },
	{ "keys_sql_iterations", CONFIG_NUMBER, "100000", offsetof(struct keys_sql_options, iterations), NULL, 10000, 10000000,
	  "rounds of PBKDF2 when own keys are sealed with passphrase_file" },
	{ "keys_sql_read_only", CONFIG_WORD, "refuse", offsetof(struct keys_sql_options, read_only), read_only_words, 0, 0,
	  "certificates that come by mail where nothing can be stored: refuse (the next module is asked), pass-over" },
	{ "keys_sql_migrations", CONFIG_PATH, POSTERN_SQL, offsetof(struct keys_sql_options, migrations), NULL, 0, 0,
	  "folder of the files that -migrate applies" },
};
const size_t keys_sql_noptions = sizeof(keys_sql_options) / sizeof(*keys_sql_options);
struct keys_sql_options keys_sql;

/* ---- the database ---- */

static char *expand(struct arena *arena, const struct config *config)
{
	static const char word[] = "${spool}";
	const char *at = strstr(keys_sql.database, word);

	if (!at)
		return arena_strdup(arena, keys_sql.database);
	return arena_printf(arena, "%.*s%s%s", (int)(at - keys_sql.database), keys_sql.database, config->spool, at + strlen(word));
}

int keys_sql_connect(const struct config *config, enum caller caller, deadline until, struct database **out, struct error *err)
{
	struct database_settings settings = { .timeout = caller == FOR_MESSAGE ? keys_sql.timeout : 0, .create = caller == TO_CREATE };
	struct arena arena = ARENA_INIT;
	char *password = NULL;
	int rc = 0;

	*out = NULL;
	settings.where = expand(&arena, config);
	if (*keys_sql.password_file)
		rc = secret_read(keys_sql.password_file, &password, err);
	settings.password = password;
	if (rc == 0)
		rc = database_open(&settings, until, out, err);
	else if (rc != E_TEMP)
		rc = E_CONFIG;
	secret_free(password);
	arena_release(&arena);
	return rc;
}

int keys_sql_database(struct server *s, struct database **out, struct error *err)
{
	deadline until = deadline_earlier(server_answer_until(s), deadline_in((int64_t)keys_sql.timeout));
	struct keys_sql_state *state = s->state;
	int rc = 0;

	if (state->failed.code)
		return error_set(err, state->failed.code, "%s", state->failed.text);
	if (!state->db) {
		rc = keys_sql_connect(s->config, FOR_MESSAGE, until, &state->db, &state->failed);
		if (rc == 0)
			rc = database_check_schema(state->db, &state->failed);
		if (rc < 0) {
			state->failed.code = rc == E_CONFIG ? E_CONFIG : E_TEMP;
			return error_set(err, state->failed.code, "%s", state->failed.text);
		}
	}
	state->db->until = until;
	*out = state->db;
	return 0;
}

/* Somebody may have written a book there. */
char *keys_sql_source(struct arena *arena, const char *sha256, const char *source)
{
	return arena_printf(arena, "sql:%.16s %.*s", sha256, SOURCE_MAX, source);
}

struct complaint {
	struct complaint *next;
	const char *text;
};

void keys_sql_complain(struct server *s, const char *source, const char *what)
{
	struct keys_sql_state *state = s->state;
	struct arena *arena = &state->keys.arena;
	const char *text = arena_printf(arena, "%s: %s", source, what);
	struct complaint *c;
	size_t n = 0;

	for (c = state->complaints; c; c = c->next, n++)
		if (n >= COMPLAINTS_MAX || strcmp(c->text, text) == 0)
			return;
	if (n == COMPLAINTS_MAX)
		text = "more rows are broken; this message says no more about it";
	c = arena_alloc(arena, sizeof(*c));
	*c = (struct complaint){ state->complaints, text };
	state->complaints = c;
	log_warning("%s", text);
}

/* ---- keys in use ---- */

static int fetch(struct server *s, struct known_key *k, struct error *err)
{
	const struct value values[] = { { k->where.p, k->where.n, false } };
	struct database *db;
	int rc = keys_sql_database(s, &db, err);

	if (rc == 0)
		rc = database_ask(db, GET_KEY, values, err);
	if (rc < 0)
		return rc;
	rc = database_step(db, err);
	if (rc == 0) {
		s->code = "no-key";
		rc = error_set(err, E_CONFIG, "%s: the key is not in the database any more", k->source);
	} else if (rc > 0) {
		rc = own_key_open(s, k, database_column(db, 0), database_text(db, 1, &s->arena), err);
	}
	database_end(db);
	return rc;
}

/* ---- the module ---- */

/* SQLite takes its working memory anew for every question.  Where that stands at the heap's end, the C library would give it back to
 * the system each time, which costs twice what the question does. */
static void keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
#endif
}

static int start(struct server *s, struct error *err)
{
	struct keys_sql_state *state = s->state = mem_alloc(sizeof(*state));

	(void)err;
	keep_memory();
	state->keys.fetch = fetch;
	return 0;
}

static void stop(struct server *s)
{
	struct keys_sql_state *state = s->state;

	known_keys_release(&state->keys);
	database_close(state->db);
	free(state);
}

static const struct server_operation operations[] = {
	{ "find-certificates", find_certificates },
	{ "find-keys", find_keys },
	{ "sign", known_keys_sign },
	{ "unwrap", known_keys_unwrap },
	{ "agree", known_keys_agree },
	{ "store-certificate", store_certificate },
	{ "unlock", known_keys_unlock },
	{ "list-keys", list_keys },
};

int main(int argc, char **argv)
{
	struct server_role role = {
		.program = "keys-sql",
		.role = "keys",
		.operations = operations,
		.noperations = sizeof(operations) / sizeof(*operations),
		.start = start,
		.stop = stop,
		.options = keys_sql_options,
		.noptions = keys_sql_noptions,
		.options_base = &keys_sql,
		.help = "Finds certificates and keys in a database, SQLite or PostgreSQL, and signs and decrypts with the keys.\n\n"
			"For operators:\n"
			"  keys-sql -migrate -c POSTERN.CONF                make the tables, or bring them up to date\n"
			"  keys-sql -import -c POSTERN.CONF [-area AREA] [-domain @DOMAIN] [-decrypt-only] [-clear] FILE|FOLDER...\n"
			"  keys-sql -list -c POSTERN.CONF [-area AREA] [-json]\n"
			"  keys-sql -check -c POSTERN.CONF                  the database, its schema, every own key",
		.command = keys_sql_command,
	};

	process_guard_keys();
	process_start_openssl();
	return server_main(&role, argc, argv);
}
