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
#include "lib/sections.h"

#define FILE_MAX ((size_t)256 * 1024)

/* What each follows: check-path(8).  etc/floors has the same, written out. */
static const struct floor built_in[] = {
	{ .name = "default", .rsa_bits = 2048, .ec_bits = 256, .rsa_exponent = 3, .hashes = "sha224 sha256 sha384 sha512 sha512-* sha3-*",
	  .weak_hashes = "sha1" },
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
	{ "weak_hashes", AT(weak_hashes), 0, is_a_hash },
};
#define NSETTINGS (sizeof(settings) / sizeof(*settings))

static const char *set(struct arena *a, void *floor, const void *setting, struct span *value)
{
	const struct setting *s = setting;
	void *field = (char *)floor + s->offset;
	struct span rest = *value, word;

	if (s->most)
		return span_number(*value, s->most, field) ? NULL : "not a number in the allowed range";
	while (next_word(&rest, &word))
		if (!s->is(word)) {
			*value = word;
			return "not a word of this setting";
		}
	*(const char **)field = arena_strndup(a, value->p, value->n);
	return NULL;
}

int floor_parse(struct arena *a, const char *file, struct span text, const char *name, struct floor *out, struct error *err)
{
	static const struct sections kind = { "floor", built_in, sizeof(built_in) / sizeof(*built_in), sizeof(*built_in), built_in,
					      settings, NSETTINGS, sizeof(*settings), set };
	int rc = sections_find(&kind, a, file, text, name, out, err);

	return rc == E_NOTFOUND ? error_set(err, E_CONFIG, "check_path_floor: no floor \"%s\" is built in%s%s", name,
					    *file ? " or stands in " : "", file) : rc;
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
