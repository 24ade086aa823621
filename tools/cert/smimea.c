/* smimea.c - postern-cert smimea: the DNS records that publish certificates (RFC 8162) */
#include <stdio.h>
#include <string.h>

#include "cert/describe.h"
#include "cert/input.h"
#include "cert/tool.h"
#include "common/smimea.h"
#include "lib/address.h"

struct form {
	unsigned usage, selector, matching;
};

/* "3 0 0", as it stands in a zone; also with commas. */
static int read_form(const char *text, struct form *out, struct error *err)
{
	unsigned *const fields[] = { &out->usage, &out->selector, &out->matching };
	const unsigned bounds[] = { SMIMEA_USAGES, SMIMEA_SELECTORS, SMIMEA_MATCHINGS };
	const char *p = text;

	for (int i = 0; i < 3; i++, p++) {
		*fields[i] = (unsigned)(*p - '0');
		if (*p < '0' || *fields[i] >= bounds[i] || (i < 2 && *++p != ' ' && *p != ',') || (i == 2 && p[1]))
			return error_set(err, E_PERM, "-record \"%s\": usage 0-3, selector 0-1, matching type 0-2, like \"3 0 0\"", text);
	}
	return 0;
}

static void print_record(const struct tool *t, const char *name, const struct form *form, const struct buf *record)
{
	size_t from = t->generic ? 0 : 3;

	if (t->generic)
		printf("%s. IN TYPE%d \\# %zu ", name, SMIMEA_TYPE, record->len);
	else
		printf("%s. IN SMIMEA %u %u %u ", name, form->usage, form->selector, form->matching);
	for (size_t i = from; i < record->len; i++)
		printf("%02x", (unsigned char)record->data[i]);
	printf("\n");
}

/* One record; false: the address has no place in the DNS, which is said. */
static bool publish(struct tool *t, struct json *j, const char *address, const struct check_object *c, const struct form *form)
{
	struct buf name = BUF_INIT, record = BUF_INIT;
	struct error err = { 0 };
	bool good = smimea_name(address, &name, &err) == 0 &&
		    smimea_make(c->der, form->usage, form->selector, form->matching, &record, &err) == 0;

	if (!good) {
		complain(&err);
	} else if (t->json) {
		json_open(j, NULL, '{');
		json_text(j, "address", address);
		json_text(j, "file", c->name);
		json_text(j, "name", buf_str(&name));
		json_number(j, "usage", form->usage);
		json_number(j, "selector", form->selector);
		json_number(j, "matching", form->matching);
		json_number(j, "bytes", (int64_t)record.len);
		json_close(j, '}');
	} else {
		printf("; %s, %s\n", printable(&t->arena, address), printable(&t->arena, c->name));
		print_record(t, buf_str(&name), form, &record);
	}
	buf_release(&name);
	buf_release(&record);
	return good;
}

static bool publish_all(struct tool *t, struct json *j, const struct check_object *c, const struct form *form)
{
	struct description d;
	bool good = true, any = false;

	describe(&t->arena, c->der, &d);
	for (size_t i = 0; i < d.naddresses; i++) {
		if (*d.addresses[i] == '@' || (t->address && !address_equal(d.addresses[i], t->address)))
			continue;
		any = true;
		good = publish(t, j, d.addresses[i], c, form) && good;
	}
	if (!any)
		fprintf(stderr, "postern-cert: %s: names %s\n", printable(&t->arena, c->name), t->address ? t->address : "no address");
	return good && any;
}

int run_smimea(struct tool *t)
{
	struct input input = { 0 };
	struct form form = { SMIMEA_DANE_EE, SMIMEA_CERTIFICATE, SMIMEA_EXACT };
	struct error err = { 0 };
	struct json j = { 0 };
	int code = EXIT_GOOD;

	if (t->record && read_form(t->record, &form, &err) < 0) {
		complain(&err);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < t->narguments; i++)
		if (input_read(&t->arena, t->arguments[i], &input, &err) < 0)
			code = complain(&err);
	if (t->json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < input.ncertificates; i++)
		if (!publish_all(t, &j, &input.certificates[i], &form) && code == EXIT_GOOD)
			code = EXIT_BAD;
	if (t->json) {
		json_close(&j, ']');
		json_end(&j);
	}
	return code;
}
