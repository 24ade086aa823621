/* profile.c - named sets of algorithms: the built-in ones, and a file that may change or add some
 *
 * A profile is data, so that a new rule of an industry is a line in a file and not a release:
 *
 *   [bdew-4096]
 *   like = bdew
 *   rsa_bits_least = 4096
 */
#include "smime/profile.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/fs.h"

#define FILE_MAX ((size_t)256 * 1024)
#define NAME_MAX_LENGTH 64
#define SECTIONS_MAX 1000

/* What each is for: postern-profiles(5). */
static const struct profile built_in[] = {
	{ .name = "compatible", .digest = "sha256", .oaep_digest = "sha256", .cipher = "aes-256-cbc",
	  .key_wrap = "id-aes256-wrap", .kdf_digest = "sha256", .adaptive = true },
	{ .name = "rfc8551", .digest = "sha256", .oaep_digest = "sha256", .cipher = "aes-256-gcm",
	  .key_wrap = "id-aes256-wrap", .kdf_digest = "sha256", .rsa_bits_least = 2048 },
	{ .name = "bdew", .digest = "sha256", .pss = true, .oaep = true, .oaep_digest = "sha256", .cipher = "aes-128-cbc",
	  .key_wrap = "id-aes128-wrap", .kdf_digest = "sha256", .rsa_bits_least = 2048, .ec_bits_least = 256 },
	{ .name = "bdew-gcm", .digest = "sha256", .pss = true, .oaep = true, .oaep_digest = "sha256",
	  .cipher = "aes-128-gcm", .key_wrap = "id-aes128-wrap", .kdf_digest = "sha256", .rsa_bits_least = 2048,
	  .ec_bits_least = 256 },
	{ .name = "bsi-tr-02102", .digest = "sha256", .pss = true, .oaep = true, .oaep_digest = "sha256",
	  .cipher = "aes-256-gcm", .key_wrap = "id-aes256-wrap", .kdf_digest = "sha256", .rsa_bits_least = 3000,
	  .ec_bits_least = 250 },
};

enum kind { WORD, FLAG, NUMBER };

/* FLAG: words[1] is true. */
static const char *const digests[] = { "sha256", "sha384", "sha512", NULL };
static const char *const signatures[] = { "pkcs1", "pss", NULL };
static const char *const transports[] = { "pkcs1", "oaep", NULL };
static const char *const ciphers[] = { "aes-128-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm", NULL };
static const char *const wraps[] = { "id-aes128-wrap", "id-aes192-wrap", "id-aes256-wrap", NULL };
static const char *const booleans[] = { "no", "yes", NULL };

#define AT(field) offsetof(struct profile, field)

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *const *words;
	int most;
} settings[] = {
	{ "digest", WORD, AT(digest), digests, 0 },
	{ "rsa_signature", FLAG, AT(pss), signatures, 0 },
	{ "rsa_transport", FLAG, AT(oaep), transports, 0 },
	{ "oaep_digest", WORD, AT(oaep_digest), digests, 0 },
	{ "cipher", WORD, AT(cipher), ciphers, 0 },
	{ "key_wrap", WORD, AT(key_wrap), wraps, 0 },
	{ "kdf_digest", WORD, AT(kdf_digest), digests, 0 },
	{ "adaptive", FLAG, AT(adaptive), booleans, 0 },
	{ "opaque", FLAG, AT(opaque), booleans, 0 },
	{ "rsa_bits_least", NUMBER, AT(rsa_bits_least), NULL, 16384 },
	{ "ec_bits_least", NUMBER, AT(ec_bits_least), NULL, 521 },
};
#define NSETTINGS (sizeof(settings) / sizeof(*settings))

struct section {
	struct section *next;
	struct profile profile;
};

struct reading {
	struct arena *arena;
	const char *file;
	unsigned line;
	struct section *sections, *current;
	size_t nsections;
	bool set[NSETTINGS]; /* in the current section */
	bool begun;          /* the current section has a setting or like already */
	struct error *err;
};

static int complain(struct reading *r, const char *why, struct span what)
{
	return error_set(r->err, E_CONFIG, "%s:%u: %s: %.*s", r->file, r->line, why, (int)(what.n < 80 ? what.n : 80),
			 what.n ? what.p : "");
}

static const struct profile *find_built_in(struct span name)
{
	for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++)
		if (span_caseeq(name, built_in[i].name))
			return &built_in[i];
	return NULL;
}

static const struct profile *find_section(const struct section *s, struct span name)
{
	for (; s; s = s->next)
		if (span_caseeq(name, s->profile.name))
			return &s->profile;
	return NULL;
}

static int begin_section(struct reading *r, struct span line)
{
	struct span name = span_trim(span_sub(line, 1, line.n - 1));
	const struct profile *base;

	if (line.p[line.n - 1] != ']' || !name.n || name.n > NAME_MAX_LENGTH)
		return complain(r, "not a section", line);
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_alpha((unsigned char)name.p[i]) && !ascii_digit((unsigned char)name.p[i]) &&
		    !memchr("._-", name.p[i], 3))
			return complain(r, "a profile's name has letters, digits, '.', '_' and '-' only", name);
	if (find_section(r->sections, name))
		return complain(r, "profile a second time", name);
	if (r->nsections++ == SECTIONS_MAX)
		return complain(r, "too many profiles", name);
	base = find_built_in(name);
	r->current = arena_alloc(r->arena, sizeof(*r->current));
	r->current->profile = base ? *base : built_in[0];
	r->current->profile.adaptive = base && base->adaptive; /* adapting is asked for by name or by word only */
	r->current->profile.name = arena_strndup(r->arena, name.p, name.n);
	r->current->next = r->sections;
	r->sections = r->current;
	memset(r->set, 0, sizeof(r->set));
	r->begun = false;
	return 0;
}

static int inherit(struct reading *r, struct span value)
{
	const char *own = r->current->profile.name;
	const struct profile *base = find_section(r->current->next, value);

	if (r->begun)
		return complain(r, "\"like\" must come first in its section", value);
	if (!base)
		base = find_built_in(value);
	if (!base)
		return complain(r, "\"like\" names no profile that is built in or stands above", value);
	r->current->profile = *base;
	r->current->profile.name = own;
	return 0;
}

static int apply(struct reading *r, const struct setting *s, struct span value)
{
	void *field = (char *)&r->current->profile + s->offset;
	uint64_t number;

	if (s->kind == NUMBER) {
		if (!span_number(value, (uint64_t)s->most, &number))
			return complain(r, "not a number in the allowed range", value);
		*(int *)field = (int)number;
		return 0;
	}
	for (size_t i = 0; s->words[i]; i++)
		if (span_caseeq(value, s->words[i])) {
			if (s->kind == FLAG)
				*(bool *)field = i == 1;
			else
				*(const char **)field = s->words[i];
			return 0;
		}
	return complain(r, "not a value of this setting", value);
}

static int read_setting(struct reading *r, struct span line)
{
	ptrdiff_t equals = span_find(line, '=');
	struct span name, value;

	if (equals < 0)
		return complain(r, "neither [profile] nor name = value", line);
	name = span_trim(span_sub(line, 0, (size_t)equals));
	value = span_trim(span_sub(line, (size_t)equals + 1, line.n));
	if (!r->current)
		return complain(r, "a setting before the first [profile]", name);
	if (span_caseeq(name, "like")) {
		int rc = inherit(r, value);

		r->begun = true;
		return rc;
	}
	r->begun = true;
	for (size_t i = 0; i < NSETTINGS; i++)
		if (span_caseeq(name, settings[i].name)) {
			if (r->set[i])
				return complain(r, "a second time in one profile", name);
			r->set[i] = true;
			return apply(r, &settings[i], value);
		}
	return complain(r, "unknown setting", name);
}

static int read_line(struct reading *r, struct span line)
{
	line = span_trim(line);
	if (!line.n || line.p[0] == '#')
		return 0;
	if (memchr(line.p, '\0', line.n))
		return complain(r, "a NUL byte", (struct span){ 0 });
	return line.p[0] == '[' ? begin_section(r, line) : read_setting(r, line);
}

int profile_parse(struct arena *a, const char *file, struct span text, const char *name, struct profile *out,
		  struct error *err)
{
	struct reading r = { .arena = a, .file = file, .err = err };
	const struct profile *found;

	*out = (struct profile){ 0 };
	while (text.n) {
		ptrdiff_t end = span_find(text, '\n');
		size_t n = end < 0 ? text.n : (size_t)end;
		int rc;

		r.line++;
		if ((rc = read_line(&r, span_sub(text, 0, n))) < 0)
			return rc;
		text = span_sub(text, end < 0 ? n : n + 1, text.n);
	}
	found = find_section(r.sections, span_of(name));
	if (!found)
		found = find_built_in(span_of(name));
	if (!found)
		return error_set(err, E_NOTFOUND, "no profile %s in %s, and none is built in", name, file);
	*out = *found;
	return 0;
}

int profile_file(struct arena *a, const char *file, struct span *text, struct error *err)
{
	struct buf b = BUF_INIT;
	int rc = fs_read(file, FILE_MAX, &b, err);

	*text = span_from(NULL, 0);
	if (rc == 0)
		*text = span_from(arena_strndup(a, b.data, b.len), b.len);
	else if (rc == E_LIMIT)
		rc = error_set(err, E_CONFIG, "%s: more than %zu bytes of profiles", file, FILE_MAX);
	buf_release(&b);
	return rc == E_NOTFOUND ? 0 : rc;
}

int profile_find(struct arena *a, const char *file, const char *name, struct profile *out, struct error *err)
{
	struct span text;
	int rc = profile_file(a, file, &text, err);

	*out = (struct profile){ 0 };
	return rc < 0 ? rc : profile_parse(a, file, text, name, out, err);
}
