/* capabilities.c - what partners said last to be able to read (SMIMECapabilities, RFC 8551 2.5.2)
 *
 * One file for each address in AREAS/seen/.capabilities, where the other nodes of a site find it as well: when it was said,
 * and the DER in base64.  An older message that comes late, or again, changes nothing.
 */
#include <string.h>
#include <time.h>

#include "keys-file/keys_file.h"
#include "lib/address.h"
#include "lib/base64.h"
#include "lib/digest.h"
#include "lib/fs.h"
#include "lib/log.h"

#define DER_MAX ((size_t)8 * 1024)
#define FILE_MAX (2 * DER_MAX)
#define TIME_LENGTH (sizeof("2026-11-22T10:00:00Z") - 1)

/* Without opening the area: a look-up needs no second index. */
static char *directory(struct server *s)
{
	return arena_printf(&s->arena, "%s/seen/.capabilities", s->config->areas);
}

/* Addresses are long and may hold a slash: a hash is a name for each. */
static char *file_of(struct server *s, const char *address)
{
	struct buf form = BUF_INIT;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	address_form(span_of(address), &form);
	digest_init(&d);
	digest_add(&d, buf_str(&form), form.len);
	digest_hex(&d, hex);
	buf_release(&form);
	return arena_printf(&s->arena, "%s/%s", directory(s), hex);
}

/* The two lines of a file; E_NOTFOUND: nothing was said yet. */
static int read_file(struct server *s, const char *file, const char **when, const char **base64, struct error *err)
{
	struct buf text = BUF_INIT, der = BUF_INIT;
	char *copy, *end;
	int rc = fs_read(file, FILE_MAX, &text, err);

	copy = arena_strdup(&s->arena, buf_str(&text));
	end = strchr(copy, '\n');
	if (rc == 0 && (!end || (size_t)(end - copy) != TIME_LENGTH || base64_decode(&der, span_of(end), true) < 0 || !der.len))
		rc = error_set(err, E_TEMP, "%s: not a file of capabilities; remove it", file);
	if (rc == 0) {
		*end = '\0';
		*when = copy;
		*base64 = end + 1;
		end[1 + strcspn(end + 1, "\n")] = '\0';
	}
	buf_release(&der);
	buf_release(&text);
	return rc;
}

const char *capabilities_of(struct server *s, const char *address)
{
	const char *when, *base64;
	struct error err = { 0 };
	int rc = read_file(s, file_of(s, address), &when, &base64, &err);

	if (rc < 0 && rc != E_NOTFOUND)
		log_warning("%s", err.text);
	return rc == 0 ? base64 : NULL;
}

/* What claims to be said in the future would never be replaced. */
static const char *not_after_now(struct server *s, const char *when)
{
	char now[TIME_LENGTH + 1] = "";
	time_t t = time(NULL);
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return strlen(when) != TIME_LENGTH || strcmp(when, now) > 0 ? arena_strdup(&s->arena, now) : when;
}

static bool is_older(struct server *s, const char *file, const char *when)
{
	const char *old_when, *base64;
	struct error err = { 0 };

	return read_file(s, file, &old_when, &base64, &err) == 0 && strcmp(old_when, when) > 0;
}

int capabilities_remember(struct server *s, const char *address, const char *when, const char *base64, struct error *err)
{
	struct buf der = BUF_INIT, text = BUF_INIT;
	const char *file;
	int rc = 0;

	if (!*address || strlen(address) > ADDRESS_MAX || base64_decode(&der, span_of(base64), true) < 0 || !der.len ||
	    der.len > DER_MAX) {
		buf_release(&der);
		return error_set(err, E_PERM, "capabilities without an address, without a byte, or of more than %zu bytes", DER_MAX);
	}
	when = not_after_now(s, when);
	file = file_of(s, address);
	if (!is_older(s, file, when)) {
		buf_addf(&text, "%s\n", when);
		base64_encode(&text, der.data, der.len, 0, "");
		buf_addch(&text, '\n');
		rc = fs_make_directory(directory(s), 0755, err);
		if (rc == 0)
			rc = fs_replace(file, text.data, text.len, 0644, err);
	}
	buf_release(&text);
	buf_release(&der);
	return rc;
}
