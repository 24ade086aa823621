/* postgresql_absent.c - what is said where PostgreSQL was left out (configure --without-postgresql) */
#include "keys-sql/database.h"

static int absent_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err)
{
	(void)settings;
	(void)until;
	*out = NULL;
	return error_set(err, E_CONFIG, "keys_sql_database: this keys-sql was built without PostgreSQL; install libpq-dev and build again");
}

const struct database_driver database_postgresql = { .prefix = "postgresql:", .open = absent_open };
