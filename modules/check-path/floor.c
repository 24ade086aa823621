/* floor.c - how strong keys and signatures must be at least
 *
 * What is strong enough changes by decree: a floor is data, so that a new decree is a line in a file and not a release.
 *
 *   [house]
 *   like = bsi-tr-02102
 *   leaf_days = 400
 */
#include "check-path/floor.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <string.h>
#include <strings.h>

#include "lib/fs.h"

#define FILE_MAX ((size_t)256 * 1024)

/* What each follows: check-path(8).  etc/floors has the same, written out. */
static const struct floor built_in[] = {
	{ .name = "default", .rsa_bits = 2048, .ec_bits = 256, .hashes = "sha224 sha256 sha384 sha512 sha512-* sha3-*" },
	{ .name = "bsi-tr-02102", .rsa_bits = 3000, .ec_bits = 250, .rsa_exponent = 65537,
	  .curves = "P-256 P-384 P-521 brainpoolP256* brainpoolP320* brainpoolP384* brainpoolP512*",
	  .hashes = "sha256 sha384 sha512 sha512-256 sha3-256 sha3-384 sha3-512" },
	{ .name = "cabf-smime-br", .rsa_bits = 2048, .ec_bits = 256, .rsa_exponent = 3, .leaf_days = 825,
	  .keys = "rsa ec ed25519 ed448", .curves = "P-256 P-384 P-521", .hashes = "sha256 sha384 sha512" },
	{ .name = "cabf-smime-br-legacy", .rsa_bits = 2048, .ec_bits = 256, .rsa_exponent = 3, .leaf_days = 1185,
	  .keys = "rsa ec ed25519 ed448", .curves = "P-256 P-384 P-521", .hashes = "sha256 sha384 sha512" },
};

/* ---- words ---- */

static const char *const keys[] = { "rsa", "rsa-pss", "ec", "ed25519", "ed448", "x25519", "x448", "dsa", "dh", NULL };
static const char *const hashes[] = { "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-224", "sha3-256",
	"sha3-384", "sha3-512", "sha1", "md5", "ripemd160", NULL };

static bool fits(struct span word, const char *name)
{
	if (word.n && word.p[word.n - 1] == '*')
		return strncasecmp(word.p, name, word.n - 1) == 0;
	return span_caseeq(word, name);
}

static bool next_word(struct span *rest, struct span *word)
{
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->n && !ascii_space(rest->p[n]) && rest->p[n] != ',')
		n++;
	*word = span_sub(*rest, 0, n);
	while (n < rest->n && (ascii_space(rest->p[n]) || rest->p[n] == ','))
		n++;
	*rest = span_sub(*rest, n, rest->n);
	return word->n > 0;
}

bool floor_lists(const char *list, const char *name)
{
	struct span rest = span_of(list), word;

	while (next_word(&rest, &word))
		if (fits(word, name))
			return true;
	return false;
}

static bool is_curve(struct span word, int nid)
{
	char name[32];

	if (word.n < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)word.n, word.p);
		if (EC_curve_nist2nid(name) == nid)
			return true;
	}
	return fits(word, OBJ_nid2sn(nid));
}

bool floor_lists_curve(const char *curves, int nid)
{
	struct span rest = span_of(curves), word;

	while (next_word(&rest, &word))
		if (is_curve(word, nid))
			return true;
	return false;
}

static bool is_a_key(struct span word)
{
	for (size_t i = 0; keys[i]; i++)
		if (fits(word, keys[i]))
			return true;
	return false;
}

static bool is_a_hash(struct span word)
{
	for (size_t i = 0; hashes[i]; i++)
		if (fits(word, hashes[i]))
			return true;
	return false;
}

static bool is_a_curve(struct span word)
{
	EC_builtin_curve all[200];
	size_t n = EC_get_builtin_curves(all, sizeof(all) / sizeof(*all));

	for (size_t i = 0; i < n && i < sizeof(all) / sizeof(*all); i++)
		if (is_curve(word, all[i].nid))
			return true;
	return false;
}

int floor_check_hashes(const char *list, struct error *err)
{
	struct span rest = span_of(list), word;

	while (next_word(&rest, &word))
		if (!is_a_hash(word))
			return error_set(err, E_CONFIG, "\"%.*s\" is not the name of a hash such as sha256 or sha3-*", (int)word.n,
					 word.p);
	return 0;
}

/* ---- the file ---- */

#define AT(field) offsetof(struct floor, field)

static const struct setting {
	const char *name;
	size_t offset;
	uint64_t most;               /* 0: a list of words */
	bool (*is)(struct span word);
} settings[] = {
	{ "rsa_bits", AT(rsa_bits), 16384, NULL },
	{ "ec_bits", AT(ec_bits), 571, NULL },
	{ "rsa_exponent", AT(rsa_exponent), UINT32_MAX, NULL },
	{ "leaf_days", AT(leaf_days), 36500, NULL },
	{ "keys", AT(keys), 0, is_a_key },
	{ "curves", AT(curves), 0, is_a_curve },
	{ "hashes", AT(hashes), 0, is_a_hash },
};
#define NSETTINGS (sizeof(settings) / sizeof(*settings))

struct section {
	struct section *next;
	struct floor floor;
};

struct reading {
	struct arena *arena;
	const char *file;
	unsigned line;
	struct error *err;
	struct section *sections;
	bool begun, set[NSETTINGS];  /* in the current section */
};

static int complain(struct reading *r, const char *why, struct span what)
{
	return error_set(r->err, E_CONFIG, "%s:%u: %s: %.*s", r->file, r->line, why, (int)(what.n < 80 ? what.n : 80),
			 what.n ? what.p : "");
}

static const struct floor *find(const struct section *s, struct span name)
{
	for (; s; s = s->next)
		if (span_caseeq(name, s->floor.name))
			return &s->floor;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++)
		if (span_caseeq(name, built_in[i].name))
			return &built_in[i];
	return NULL;
}

/* What the section does not say is as in the built-in floor of its name, or in "default". */
static int begin_section(struct reading *r, struct span line)
{
	struct span name = span_trim(span_sub(line, 1, line.n - 1));
	struct section *s = arena_alloc(r->arena, sizeof(*s));
	const struct floor *base = find(NULL, name);

	if (line.p[line.n - 1] != ']' || !name.n || name.n > 64)
		return complain(r, "not a section", line);
	for (const struct section *other = r->sections; other; other = other->next)
		if (span_caseeq(name, other->floor.name))
			return complain(r, "a floor for the second time", name);
	s->floor = base ? *base : built_in[0];
	s->floor.name = arena_strndup(r->arena, name.p, name.n);
	s->next = r->sections;
	r->sections = s;
	r->begun = false;
	memset(r->set, 0, sizeof(r->set));
	return 0;
}

static int inherit(struct reading *r, struct span value)
{
	const char *own = r->sections->floor.name;
	const struct floor *base = find(r->sections->next, value);

	if (r->begun)
		return complain(r, "\"like\" must come first in its section", value);
	if (!base)
		return complain(r, "\"like\" names no floor that is built in or stands above", value);
	r->sections->floor = *base;
	r->sections->floor.name = own;
	return 0;
}

static int apply(struct reading *r, const struct setting *s, struct span value)
{
	char *field = (char *)&r->sections->floor + s->offset;
	struct span rest = value, word;

	if (s->most)
		return span_number(value, s->most, (uint64_t *)(void *)field) ? 0
			: complain(r, "not a number in the allowed range", value);
	while (next_word(&rest, &word))
		if (!s->is(word))
			return complain(r, "not a word of this setting", word);
	*(const char **)(void *)field = arena_strndup(r->arena, value.p, value.n);
	return 0;
}

static int read_setting(struct reading *r, struct span line)
{
	ptrdiff_t equals = span_find(line, '=');
	struct span name, value;
	int rc;

	if (equals < 0)
		return complain(r, "neither [floor] nor name = value", line);
	name = span_trim(span_sub(line, 0, (size_t)equals));
	value = span_trim(span_sub(line, (size_t)equals + 1, line.n));
	if (!r->sections)
		return complain(r, "a setting before the first [floor]", name);
	if (span_caseeq(name, "like")) {
		rc = inherit(r, value);
		r->begun = true;
		return rc;
	}
	r->begun = true;
	for (size_t i = 0; i < NSETTINGS; i++)
		if (span_caseeq(name, settings[i].name)) {
			if (r->set[i])
				return complain(r, "a second time in one floor", name);
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
	return line.p[0] == '[' ? begin_section(r, line) : read_setting(r, line);
}

int floor_parse(struct arena *a, const char *file, struct span text, const char *name, struct floor *out, struct error *err)
{
	struct reading r = { .arena = a, .file = file, .err = err };
	const struct floor *found;
	int rc = 0;

	*out = (struct floor){ 0 };
	while (text.n && rc == 0) {
		ptrdiff_t end = span_find(text, '\n');
		size_t n = end < 0 ? text.n : (size_t)end;

		r.line++;
		rc = read_line(&r, span_sub(text, 0, n));
		text = span_sub(text, n + 1, text.n);
	}
	if (rc < 0)
		return rc;
	found = find(r.sections, span_of(name));
	if (!found)
		return error_set(err, E_CONFIG, "check_path_floor: no floor \"%s\" is built in%s%s", name, *file ? " or stands in " : "",
				 file);
	*out = *found;
	return 0;
}

int floor_find(struct arena *a, const char *file, const char *name, struct floor *out, struct error *err)
{
	struct buf text = BUF_INIT;
	int rc = *file ? fs_read(file, FILE_MAX, &text, err) : 0;

	*out = (struct floor){ 0 };
	if (rc < 0)
		rc = error_prefix(err, "check_path_floors");
	else
		rc = floor_parse(a, file, span_from(buf_str(&text), text.len), name, out, err);
	buf_release(&text);
	return rc < 0 ? E_CONFIG : 0;
}
