/* refresh_parts.c - postern-refresh's memory from run to run, and which addresses are nobody's */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "refresh/fetch.h"
#include "refresh/internal.h"
#include "refresh/state.h"

static bool is_internal(const char *text)
{
	struct net n;

	assert_int_equal(net_parse(text, &n, NULL), 0);
	return internal_address(&n);
}

static void addresses(void **state)
{
	static const char *const inside[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
		"169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
		"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255",
		"::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::7f00:1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1",
		"2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
		"100::1", "::ffff:0:10.0.0.1",
	};
	static const char *const outside[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2606:4700::1", "2a00::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1", "2001:200::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++)
		if (!is_internal(inside[i]))
			fail_msg("%s is taken for one of the Internet", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		if (is_internal(outside[i]))
			fail_msg("%s is taken for an internal one", outside[i]);
}

static void allowed(void **state)
{
	struct net net;
	struct config_networks allow = { &net, 1 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr other = { .sa_family = AF_UNIX };
	char text[NET_TEXT];

	(void)state;
	assert_int_equal(net_parse("10.1.0.0/16", &net, NULL), 0);
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	assert_true(internal_may_connect(&allow, (struct sockaddr *)&v4, text));
	assert_string_equal(text, "10.1.2.3");
	inet_pton(AF_INET, "10.2.2.3", &v4.sin_addr);
	assert_false(internal_may_connect(&allow, (struct sockaddr *)&v4, text));
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr);
	assert_true(internal_may_connect(&allow, (struct sockaddr *)&v6, text));
	inet_pton(AF_INET6, "::1", &v6.sin6_addr);
	assert_false(internal_may_connect(&allow, (struct sockaddr *)&v6, text));
	assert_false(internal_may_connect(&allow, &other, text));
}

static void urls(void **state)
{
	static const char *const good[] = { "http://a/b", "HTTPS://a", "ldap://a/o=b?c", "ldaps://[::1]/o", "http://a/%20" };
	static const char *const bad[] = { "", "ftp://a/", "file:///etc/passwd", "http://", "http:///x", "http://a b/", "http://a/\n",
		"http://u@a/", "http://u:p@a/", "gopher://a/", "ldapi://%2ftmp/", "javascript:x", "http://a/\xc3\xa4" };
	char text[2002] = "http://";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(fetch_check_url(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(fetch_check_url(bad[i], NULL), E_PERM);
	memset(text + 7, 'a', 2000 - 7);
	assert_int_equal(fetch_check_url(text, NULL), 0);
	text[2000] = 'a';
	assert_int_equal(fetch_check_url(text, NULL), E_PERM);
}

static void memory(void **state)
{
	struct state a = { 0 }, b = { 0 };
	struct state_record *r = state_get(&a, "crl http://a/x y");
	struct buf text = BUF_INIT;

	(void)state;
	assert_non_null(r);
	assert_ptr_equal(r, state_get(&a, "crl http://a/x y"));
	assert_null(state_get(&a, ""));
	assert_null(state_get(&a, "a\tb"));
	assert_null(state_get(&a, "a\nb"));
	r->checked = 5;
	r->this_update = 6;
	r->next_update = 7;
	r->etag = state_text(&a, "\"e\"");
	r->modified = state_text(&a, "x\ny");
	assert_string_equal(r->modified, "");
	for (int i = 0; i < 1000; i++) {
		char key[20];

		snprintf(key, sizeof(key), "key %d", i);
		state_get(&a, key)->checked = i + 1;
	}
	state_format(&a, 100, &text);
	assert_int_equal(state_parse(&b, span_from(text.data, text.len)), 0);
	assert_int_equal(b.records.n, 1001);
	r = state_get(&b, "crl http://a/x y");
	assert_int_equal(r->checked, 5);
	assert_int_equal(r->this_update, 6);
	assert_int_equal(r->next_update, 7);
	assert_string_equal(r->etag, "\"e\"");
	assert_int_equal(state_get(&b, "key 999")->checked, 1000);
	/* after a month without use it is forgotten */
	buf_clear(&text);
	state_format(&b, 30 * 86400 + 5, &text);
	assert_non_null(strstr(text.data, "http://a/x"));
	assert_non_null(strstr(text.data, "key 5\t"));
	assert_null(strstr(text.data, "key 3\t"));
	state_release(&a);
	state_release(&b);
	buf_release(&text);
}

static void damaged_memory(void **state)
{
	static const struct {
		const char *text;
		size_t bad, n;
	} cases[] = {
		{ "", 0, 0 }, { "postern-refresh 2\na\t1\t1\t1\t1\t1\t\t\n", 1, 0 }, { "postern-refresh 1\n", 0, 0 },
		{ "postern-refresh 1\na\t1\t1\t1\t1\t1\t\t\n", 0, 1 }, { "postern-refresh 1\na\t1\t1\t1\t1\t1\t\n", 1, 0 },
		{ "postern-refresh 1\na\t1\t1\t1\t1\t1\t\t\tx\n", 1, 0 }, { "postern-refresh 1\na\t-1\t1\t1\t1\t1\t\t\n", 1, 0 },
		{ "postern-refresh 1\na\t1\t1\t99999999999\t1\t1\t\t\n", 1, 0 }, { "postern-refresh 1\na\t1\t1\t1\t1\t1\t\t", 1, 0 },
		{ "postern-refresh 1\n\t1\t1\t1\t1\t1\t\t\n", 1, 0 }, { "postern-refresh 1\na\t253402300800\t1\t1\t1\t1\t\t\n", 1, 0 },
		{ "postern-refresh 1\na\t253402300799\t1\t1\t1\t1\t\t\nx\n", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct state s = { 0 };

		assert_int_equal(state_parse(&s, span_of(cases[i].text)), cases[i].bad);
		assert_int_equal(s.records.n, cases[i].n);
		state_release(&s);
	}
}

static void patience(void **state)
{
	static const int64_t pauses[] = { 300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400 };
	struct state_record r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		state_failed(&r, 1000);
		assert_int_equal(r.retry, 1000 + pauses[i]);
	}
	state_succeeded(&r, 2000);
	assert_int_equal(r.retry, 0);
	assert_int_equal(r.checked, 2000);
	state_failed(&r, 3000);
	assert_int_equal(r.retry, 3300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(allowed), cmocka_unit_test(urls), cmocka_unit_test(memory),
		cmocka_unit_test(damaged_memory), cmocka_unit_test(patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
