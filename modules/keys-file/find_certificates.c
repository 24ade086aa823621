/* find_certificates.c - "find-certificates": of partners and our own people, by address; of anybody, by identifier */
#include "keys-file/keys_file.h"
#include "lib/address.h"
#include "lib/log.h"

/* Enough for renewed certificates and separate ones for each device. */
#define PER_ADDRESS_MAX 8
#define CERTIFICATE_MAX ((size_t)64 * 1024)

const char *keys_printable(struct server *s, const char *file)
{
	char *copy = arena_strdup(&s->arena, file);
	bool utf8 = utf8_valid(span_of(file));

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (!utf8 && (unsigned char)*p >= 0x80))
			*p = '?';
	return copy;
}

static bool written(const struct area_list *lists, size_t nlists, struct span der)
{
	for (size_t i = 0; i < nlists; i++)
		for (size_t k = 0; k < lists[i].n; k++)
			if (span_eq(lists[i].items[k].der, der))
				return true;
	return false;
}

/* capabilities: the address's, who has them not by the certificate of a domain; NULL: not known. */
static void write_certificate(struct server *s, struct xml_writer *w, const char *address, const char *capabilities,
			      const struct area *a, const struct area_entry *e)
{
	xml_open(w, "certificate");
	xml_put(w, "for", address);
	xml_put(w, "area", area_name(a));
	xml_put(w, "source", keys_printable(s, e->file));
	xml_put(w, "match", !address ? "id" : e->domain ? "domain" : "address");
	if (capabilities && !e->domain)
		xml_put(w, "capabilities", capabilities);
	xml_put_binary(w, e->der.p, e->der.n);
	xml_close(w);
}

/* One frame must hold the answer: a long list of addresses gets the newest certificate of each. */
static size_t most_for_one(struct server *s, const struct xml_writer *w)
{
	return w->out.len < s->config->frame_limit / 2 ? PER_ADDRESS_MAX : 1;
}

/* Those of the address itself from all areas first, then those of the domain. */
static void write_found(struct server *s, struct xml_writer *w, const char *address, struct area *const *areas,
			const struct area_list *lists, size_t n)
{
	const char *capabilities = address ? capabilities_of(s, address) : NULL;
	size_t most = most_for_one(s, w), count = 0;

	for (int domain = 0; domain < 2; domain++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < lists[i].n && count < most; k++) {
				const struct area_entry *e = &lists[i].items[k];

				if (e->domain != (bool)domain || written(lists, i, e->der))
					continue;
				if (e->der.n > CERTIFICATE_MAX) {
					log_warning("%s: certificate bigger than %zu bytes passed over", e->file, CERTIFICATE_MAX);
					continue;
				}
				write_certificate(s, w, address, capabilities, areas[i], e);
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
	int rc = identifier_read(s, by, &id, err);

	for (size_t i = 0; i < N && rc == 0; i++) {
		rc = keys_area(s, where[i], &areas[i], err);
		if (rc == 0)
			rc = identifier_find(s, where[i], id, &lists[i], err);
	}
	if (rc == 0)
		write_found(s, w, NULL, areas, lists, N);
	identifier_release(id);
	return rc;
}

int find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *by = xml_first(request, "by"), *address = xml_first(request, "address");
	int rc = 0;

	if (!by == !address)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	if (by)
		return find_by_identifier(s, by, w, err);
	for (; address && rc == 0; address = xml_next(address, "address")) {
		struct buf text = BUF_INIT;

		xml_text(address, &text);
		rc = find_by_address(s, buf_str(&text), w, err);
		buf_release(&text);
	}
	return rc;
}
