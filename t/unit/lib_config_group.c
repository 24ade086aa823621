/* lib_config_group.c - options that can be set for several things of a kind */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/fs.h"

struct options {
	uint64_t mode;
	struct config_list names;
	const char *uri;
	uint64_t size, tls_key;
};

static const struct config_option table[] = {
	{ "keys_some_mode", CONFIG_NUMBER, "1", offsetof(struct options, mode), NULL, 0, 0, "not of groups" },
	{ "keys_some_names", CONFIG_GROUPS, NULL, offsetof(struct options, names), NULL, 0, 0, "the groups" },
	{ "keys_some_uri", CONFIG_STRING, "none", offsetof(struct options, uri), NULL, 0, 0, "of groups" },
	{ "keys_some_size", CONFIG_NUMBER, "7", offsetof(struct options, size), NULL, 0, 100, "of groups" },
	{ "keys_some_tls_size", CONFIG_NUMBER, "8", offsetof(struct options, tls_key), NULL, 0, 100, "of groups" },
};
enum { N = sizeof(table) / sizeof(*table) };

static char path[] = "/tmp/postern-group.XXXXXX";
static struct options all;
static struct config *config;
static struct error err;

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static int read_text(const char *text)
{
	config_free(config);
	config = NULL;
	memset(&all, 0, sizeof(all));
	assert_int_equal(fs_replace(path, text, strlen(text), 0600, NULL), 0);
	return config_read(path, table, N, &all, &config, &err);
}

static int read_group(const char *name, struct options *out)
{
	*out = all;
	return config_group(config, table, N, name, out, &err);
}

static void a_group_has_what_all_have(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(read_text("keys_modules = keys-some\nkeys_some_names = a b2\nkeys_some_size = 9\n"
				   "keys_some_a_uri = first\nKEYS_some_B2_uri = second\nkeys_some_b2_size = 100\n"), 0);
	assert_int_equal(read_group("a", &o), 0);
	assert_string_equal(o.uri, "first");
	assert_int_equal(o.size, 9);
	assert_int_equal(o.mode, 1);
	assert_int_equal(read_group("b2", &o), 0);
	assert_string_equal(o.uri, "second");
	assert_int_equal(o.size, 100);
	assert_string_equal(all.uri, "none");
	config_free(config);
	config = NULL;
}

static void what_is_no_option_is_told(void **state)
{
	static const char *const bad[] = {
		"keys_some_c_uri = x\n",    /* no such group */
		"keys_some_a_mode = 2\n",   /* not an option of groups */
		"keys_some_a_names = x\n", "keys_some_a_ = x\n", "keys_some_a = x\n", "keys_some_a_urix = x\n",
		"keys_some_a_uri = x\nkeys_some_A_uri = y\n", /* twice */
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "keys_some_names = a\nkeys_modules = keys-some\n%s", bad[i]);
		assert_int_equal(read_text(text), E_CONFIG);
		assert_non_null(strstr(err.text, "keys_some_"));
	}
}

static void values_and_names_are_checked(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(read_text("keys_modules = keys-some\nkeys_some_names = a tls -x\nkeys_some_a_size = 101\n"), 0);
	assert_int_equal(read_group("a", &o), E_CONFIG);
	assert_non_null(strstr(err.text, ":3: keys_some_a_size: 101 is out of range"));
	assert_int_equal(read_group("tls", &o), E_CONFIG);
	assert_non_null(strstr(err.text, "would make keys_some_tls_size mean two things"));
	assert_int_equal(read_group("-x", &o), E_CONFIG);
	config_free(config);
	config = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_what_all_have),
		cmocka_unit_test(what_is_no_option_is_told),
		cmocka_unit_test(values_and_names_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
