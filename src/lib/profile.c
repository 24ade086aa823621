/* profile.c - named sets of algorithms: the built-in ones, and a file that may change or add some
 *
 * A profile is data, so that a new rule of an industry is a line in a file and not a release:
 *
 *   [bdew-4096]
 *   like = bdew
 *   rsa_bits_least = 4096
 */
#include "lib/profile.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/sections.h"

#define FILE_MAX ((size_t)256 * 1024)

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

static const char *set(struct arena *a, void *profile, const void *setting, struct span *value)
{
	const struct setting *s = setting;
	void *field = (char *)profile + s->offset;
	uint64_t number;

	(void)a;
	if (s->kind == NUMBER) {
		if (!span_number(*value, (uint64_t)s->most, &number))
			return "not a number in the allowed range";
		*(int *)field = (int)number;
		return NULL;
	}
	for (size_t i = 0; s->words[i]; i++)
		if (span_caseeq(*value, s->words[i])) {
			if (s->kind == FLAG)
				*(bool *)field = i == 1;
			else
				*(const char **)field = s->words[i];
			return NULL;
		}
	return "not a value of this setting";
}

int profile_parse(struct arena *a, const char *file, struct span text, const char *name, struct profile *out,
		  struct error *err)
{
	struct profile fresh = built_in[0];
	const struct sections kind = { "profile", built_in, sizeof(built_in) / sizeof(*built_in), sizeof(*built_in), &fresh,
				       settings, NSETTINGS, sizeof(*settings), set };
	int rc;

	fresh.adaptive = false; /* adapting is asked for by name or by word only */
	rc = sections_find(&kind, a, file, text, name, out, err);
	return rc == E_NOTFOUND ? error_set(err, rc, "no profile %s in %s, and none is built in", name, file) : rc;
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
