/* keys_answer.c - the elements of answers in role keys, and how many of them (postern-modules(7)) */
#include "common/keys_answer.h"

#include "lib/log.h"

const char *keys_printable(struct server *s, const char *name)
{
	return xml_printable(arena_strdup(&s->arena, name));
}

bool keys_answer_certificate(struct server *s, struct xml_writer *w, const struct keys_found *f)
{
	if (f->der.n > KEYS_CERTIFICATE_MAX) {
		log_warning("%s: certificate bigger than %zu bytes passed over", f->source, KEYS_CERTIFICATE_MAX);
		return false;
	}
	xml_open(w, "certificate");
	xml_put(w, "for", f->address);
	xml_put(w, "area", f->area);
	xml_put(w, "source", keys_printable(s, f->source));
	xml_put(w, "match", f->match);
	xml_put(w, "capabilities", f->capabilities);
	xml_put_binary(w, f->der.p, f->der.n);
	xml_close(w);
	return true;
}

size_t keys_answer_room(const struct server *s, const struct xml_writer *w)
{
	return w->out.len < s->config->frame_limit / 2 ? KEYS_PER_ADDRESS_MAX : 1;
}

const char *keys_answer_passed(struct server *s, struct xml_writer *w, const char *source, enum keys_passed why)
{
	static const struct {
		const char *word, *text;
	} reasons[] = {
		[PASSED_DECRYPT_ONLY] = { "decrypt-only", "it is kept to decrypt only" },
		[PASSED_NO_KEY] = { "no-key", "no private key stands with this certificate" },
		[PASSED_EXPOSED] = { "exposed", "others may read the private key" },
		[PASSED_USAGE] = { "usage", "the key usage of its certificate is not to sign" },
		[PASSED_LOCKED] = { "locked", "it has a passphrase of its own, which nobody has given" },
	};
	const char *printable = keys_printable(s, source);

	xml_open(w, "passed-over");
	xml_put(w, "source", printable);
	xml_put(w, "reason", reasons[why].word);
	xml_put_text(w, reasons[why].text);
	xml_close(w);
	return arena_printf(&s->arena, "%s: %s", printable, reasons[why].text);
}

static void write_binary(struct xml_writer *w, const char *name, struct span der)
{
	xml_open(w, name);
	xml_put_binary(w, der.p, der.n);
	xml_close(w);
}

void keys_answer_key(struct server *s, struct xml_writer *w, const struct keys_own *k)
{
	xml_open(w, "key");
	xml_put(w, "id", k->id);
	xml_putf(w, "which", "%zu", k->which);
	xml_put(w, "source", keys_printable(s, k->source));
	write_binary(w, "certificate", k->certificate);
	for (size_t i = 0; i < k->chain->n; i++)
		write_binary(w, "chain", k->chain->items[i]);
	xml_close(w);
}
