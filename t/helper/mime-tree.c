/* mime-tree.c - shows the parts of a message, for the tests
 *
 * mime-tree FILE prints a line for each part: path, content type, transfer encoding, charset, file name, and the byte
 * offsets of header, body and end in the file, separated by tabs, '-' for what is empty.  With -a a ninth column
 * says what is ambiguous.  mime-tree -d PATH FILE writes the decoded body of one part, mime-tree -c FILE the
 * canonical entity.  A leading mbox line is skipped.
 */
#include <unistd.h>

#include "lib/fs.h"
#include "mime/canonical.h"
#include "mime/entity.h"

static const struct mime_limits limits = { .header = 256 * 1024, .parts = 10000, .depth = 100 };

/* Tabs and line breaks would be columns and lines of ours. */
static void print_text(const char *s)
{
	if (!*s)
		putchar('-');
	for (; *s; s++)
		putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
	putchar('\t');
}

static void print_part(const struct entity *e, size_t shift, bool ambiguous)
{
	print_text(e->path);
	print_text(e->type.text);
	print_text(encoding_name(e->encoding));
	print_text(e->charset);
	print_text(e->filename);
	printf("%zu\t%zu\t%zu", shift + e->header_at, shift + e->body_at, shift + e->end_at);
	if (ambiguous)
		printf("\t%s", e->ambiguous ? e->why_ambiguous : "-");
	putchar('\n');
}

static int write_out(int rc, struct buf *out)
{
	if (rc == 0)
		fwrite(buf_str(out), 1, out->len, stdout);
	buf_release(out);
	return rc;
}

static int show(const struct entity *root, size_t shift, const char *part, bool canonical, bool ambiguous, struct error *err)
{
	struct buf out = BUF_INIT;

	if (canonical)
		return write_out(canonical_entity(root, &out, err), &out);
	for (const struct entity *e = root; e; e = entity_walk(e, root)) {
		if (!part)
			print_part(e, shift, ambiguous);
		else if (strcmp(e->path, part) == 0)
			return write_out(entity_decode(e, &out, err), &out);
	}
	return part ? error_set(err, E_NOTFOUND, "no part %s", part) : 0;
}

int main(int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	struct buf file = BUF_INIT;
	struct error err = { 0 };
	struct entity *root;
	const char *part = NULL;
	bool canonical = false, ambiguous = false;
	size_t shift;
	int c, rc;

	while ((c = getopt(argc, argv, "acd:")) != -1) {
		canonical |= c == 'c';
		ambiguous |= c == 'a';
		if (c == 'd')
			part = strcmp(optarg, "-") == 0 ? "" : optarg;
		if (c == '?')
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: mime-tree [-a | -c | -d PATH] FILE\n");
		return 2;
	}
	rc = fs_read(argv[optind], (size_t)1 << 30, &file, &err);
	if (rc == 0) {
		struct span in = span_from(buf_str(&file), file.len);

		shift = mbox_from_line(&arena, in, NULL);
		rc = entity_parse(&arena, span_sub(in, shift, in.n), &limits, &root, &err);
	}
	if (rc == 0)
		rc = show(root, shift, part, canonical, ambiguous, &err);
	if (rc < 0)
		fprintf(stderr, "mime-tree: %s: %s\n", argv[optind], err.text);
	buf_release(&file);
	arena_release(&arena);
	return rc < 0;
}
