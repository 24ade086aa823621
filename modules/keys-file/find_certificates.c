/* find_certificates.c - "find-certificates": of partners and our own people, by address; of anybody, by identifier */
#include "common/identifier.h"
#include "common/keys_answer.h"
#include "keys-file/keys_file.h"
#include "lib/address.h"

static bool written(const struct area_list *lists, size_t nlists, struct span der)
{
	for (size_t i = 0; i < nlists; i++)
		for (size_t k = 0; k < lists[i].n; k++)
			if (span_eq(lists[i].items[k].der, der))
				return true;
	return false;
}

/* capabilities: the address's, who has them not by the certificate of a domain; NULL: not known. */
static bool write_certificate(struct server *s, struct xml_writer *w, const char *address, const char *capabilities,
			      const struct area *a, const struct area_entry *e)
{
	const struct keys_found f = {
		.der = e->der, .address = address, .area = area_name(a), .source = e->file,
		.match = !address ? "id" : e->domain ? "domain" : "address", .capabilities = e->domain ? NULL : capabilities,
	};

	return keys_answer_certificate(s, w, &f);
}

/* Those of the address itself from all areas first, then those of the domain. */
static void write_found(struct server *s, struct xml_writer *w, const char *address, struct area *const *areas,
			const struct area_list *lists, size_t n)
{
	const char *capabilities = address ? capabilities_of(s, address) : NULL;
	size_t most = keys_answer_room(s, w), count = 0;

	for (int domain = 0; domain < 2; domain++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < lists[i].n && count < most; k++) {
				const struct area_entry *e = &lists[i].items[k];

				if (address && strcmp(area_name(areas[i]), "private") == 0 && is_archived(areas[i], e->file))
					continue; /* never offered to encrypt to */
				if (e->domain != (bool)domain || written(lists, i, e->der))
					continue;
				if (write_certificate(s, w, address, capabilities, areas[i], e))
					count++;
			}
}

static int find_by_address(struct server *s, const char *address, struct xml_writer *w, struct error *err)
{
	/* private: our own people, when mail is encrypted again for them */
	static const enum keys_area where[] = { IN_TRUSTED, IN_PUBLIC, IN_PRIVATE };
	enum { N = sizeof(where) / sizeof(*where) };
	struct area_list lists[N];
	struct area *areas[N];
	int rc = 0;

	if (!*address || strlen(address) > ADDRESS_MAX)
		return error_set(err, E_PERM, "<address> is empty or too long");
	for (size_t i = 0; i < N && rc == 0; i++) {
		lists[i] = (struct area_list){ NULL, 0 };
		rc = keys_area_if_any(s, where[i], &areas[i], err);
		if (rc == 0 && areas[i])
			rc = area_find_address(areas[i], &s->arena, address, &lists[i], err);
	}
	if (rc == 0)
		write_found(s, w, address, areas, lists, N);
	return rc;
}

static int find_by_identifier(struct server *s, const struct xml *by, struct xml_writer *w, struct error *err)
{
	static const enum keys_area where[] = { IN_TRUSTED, IN_PUBLIC, IN_PRIVATE, IN_CA, IN_SEEN };
	enum { N = sizeof(where) / sizeof(*where) };
	struct area_list lists[N];
	struct area *areas[N];
	struct identifier *id;
	int rc = identifier_read(&s->arena, by, &id, err);

	for (size_t i = 0; i < N && rc == 0; i++) {
		rc = keys_area(s, where[i], &areas[i], err);
		if (rc == 0)
			rc = keys_find_identifier(s, where[i], id, &lists[i], err);
	}
	if (rc == 0)
		write_found(s, w, NULL, areas, lists, N);
	identifier_release(id);
	return rc;
}

static int find_by_addresses(struct server *s, const struct xml *address, struct xml_writer *w, struct error *err)
{
	int rc = 0;

	for (; address && rc == 0; address = xml_next(address, "address")) {
		struct buf text = BUF_INIT;

		xml_text(address, &text);
		rc = find_by_address(s, buf_str(&text), w, err);
		buf_release(&text);
	}
	return rc;
}

int find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *by = xml_first(request, "by"), *address = xml_first(request, "address");
	size_t before = w->out.len;
	int rc;

	if (!by == !address)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	rc = by ? find_by_identifier(s, by, w, err) : find_by_addresses(s, address, w, err);
	return rc == 0 && w->out.len == before ? error_set(err, E_NOTFOUND, "no certificate in %s", s->config->areas) : rc;
}
