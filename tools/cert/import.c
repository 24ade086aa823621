/* import.c - postern-cert import: many certificates into an area
 *
 * Files are read one after the other, and what is in them is written in batches: each batch is durable before it is seen.  The
 * same certificate twice is one, whether its other copy came in this run, before, or under any name by hand.  A file that
 * cannot be read is named and passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cert/describe.h"
#include "cert/known.h"
#include "cert/site.h"
#include "common/certfile.h"
#include "common/secret_file.h"
#include "common/place.h"
#include "lib/fs.h"

#define BATCH ((size_t)1000)
#define FILE_MAX ((size_t)128 << 20)
#define DEPTH_MAX 16

struct import {
	struct tool *tool;
	const char *area;
	struct place *place;
	struct known *known;
	char *passphrase;
	bool wants_crls;
	size_t files, added, duplicates, skipped, left_out, keys;
	time_t shown;            /* second of the last progress line */
	bool terminal;
	struct error err;        /* set: it cannot go on */
};

static void show_progress(struct import *im, bool last)
{
	time_t now = time(NULL);

	if (!im->terminal || (now == im->shown && !last))
		return;
	im->shown = now;
	fprintf(stderr, "\r%zu files, %zu new, %zu known, %zu skipped%s", im->files, im->added, im->duplicates, im->skipped,
		last ? "\n" : " ");
}

static void skip(struct import *im, const char *path, const char *why)
{
	fprintf(stderr, "%spostern-cert: %s: %s\n", im->terminal ? "\r\033[K" : "", printable(&im->tool->arena, path), why);
	im->skipped++;
}

/* ---- one certificate ---- */

static void take_object(struct import *im, const struct certfile_object *o)
{
	bool crl = o->type == CERTFILE_CRL, there = false;

	if (crl != im->wants_crls) {
		im->left_out++;
		return;
	}
	if (known_is(im->known, o->der, &there, &im->err) < 0)
		return;
	if (!there && place_add(im->place, o->der, crl, &there, NULL, &im->err) < 0)
		return;
	im->added += !there;
	im->duplicates += there;
	if (place_waiting(im->place) >= BATCH)
		place_commit(im->place, &im->err);
}

/* ---- files and folders ---- */

static void take_file(struct import *im, const char *path)
{
	struct buf bytes = BUF_INIT;
	struct certfile f = { 0 };
	struct error why = { 0 };

	im->files++;
	if (fs_read(path, FILE_MAX, &bytes, &why) < 0) {
		skip(im, path, strncmp(why.text, path, strlen(path)) == 0 ? why.text + strlen(path) + 2 : why.text);
	} else {
		if (certfile_read(span_from(buf_str(&bytes), bytes.len), im->passphrase, &f, &why) < 0)
			skip(im, path, why.text);
		for (size_t i = 0; i < f.n && !im->err.code; i++)
			take_object(im, &f.items[i]);
		im->keys += f.keys;
		certfile_release(&f);
	}
	buf_wipe(&bytes); /* there may be keys in it */
	show_progress(im, false);
}

/* Where we are, and what is above: links may lead back. */
struct folder {
	const struct folder *above;
	dev_t device;
	ino_t inode;
	int depth;
};

static bool stands_in(const struct folder *f, const struct stat *st)
{
	for (; f; f = f->above)
		if (f->device == st->st_dev && f->inode == st->st_ino)
			return true;
	return false;
}

static void take(struct import *im, const char *path, const struct folder *above);

static void take_folder(struct import *im, const char *path, const struct folder *folder)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d) {
		skip(im, path, strerror(errno));
		return;
	}
	while (!im->err.code && fs_next(d, path, &e, &im->err) == 0 && e) {
		struct buf name = BUF_INIT;

		if (e->d_name[0] == '.')
			continue;
		buf_addf(&name, "%s/%s", path, e->d_name);
		if (e->d_type == DT_REG)
			take_file(im, name.data);
		else
			take(im, name.data, folder);
		buf_release(&name);
	}
	closedir(d);
}

static void take(struct import *im, const char *path, const struct folder *above)
{
	int depth = above ? above->depth : 0;
	struct stat st;

	if (stat(path, &st) < 0)
		skip(im, path, strerror(errno));
	else if (S_ISREG(st.st_mode))
		take_file(im, path);
	else if (stands_in(above, &st))
		skip(im, path, "a link back to a folder above");
	else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		take_folder(im, path, &(struct folder){ above, st.st_dev, st.st_ino, depth + 1 });
	else
		skip(im, path, S_ISDIR(st.st_mode) ? "too many folders within each other" : "neither a file nor a folder");
}

/* ---- all ---- */

static int prepare(struct import *im, struct error *err)
{
	struct tool *t = im->tool;
	int rc = 0;

	im->terminal = isatty(STDERR_FILENO) && !t->quiet;
	im->wants_crls = strcmp(im->area, "crl") == 0;
	if (t->passphrase_file)
		rc = secret_read(t->passphrase_file, &im->passphrase, err);
	if (rc == 0)
		rc = place_open(arena_printf(&t->arena, "%s/%s", t->config->areas, im->area), &im->place, err);
	return rc < 0 ? rc : known_open(t->config, im->area, &im->known, err);
}

static void report(struct import *im)
{
	struct json j = { 0 };

	show_progress(im, true);
	if (im->tool->json) {
		json_open(&j, NULL, '{');
		json_text(&j, "area", im->area);
		json_number(&j, "files", (int64_t)im->files);
		json_number(&j, "new", (int64_t)im->added);
		json_number(&j, "known", (int64_t)im->duplicates);
		json_number(&j, "skipped", (int64_t)im->skipped);
		json_number(&j, "left_out", (int64_t)im->left_out);
		json_number(&j, "private_keys", (int64_t)im->keys);
		json_close(&j, '}');
		json_end(&j);
		return;
	}
	if (im->tool->quiet)
		return;
	printf("%s: %zu files read, %zu new, %zu known, %zu skipped", im->area, im->files, im->added, im->duplicates, im->skipped);
	if (im->left_out)
		printf("; %zu %s left out", im->left_out, im->wants_crls ? "certificates" : "revocation lists");
	if (im->keys)
		printf("; %zu private keys left out", im->keys);
	printf("\n");
}

int run_import(struct tool *t)
{
	static const char *const allowed[] = { "public", "trusted", "untrusted", "seen", "ca", "crl", NULL };
	static const char *const standard[] = { "public", NULL };
	struct import im = { .tool = t };
	const char *const *areas;
	int rc = site_areas(t, allowed, standard, &areas, &im.err);

	if (rc < 0) {
		complain(&im.err);
		return EXIT_USAGE;
	}
	im.area = areas[0];
	rc = prepare(&im, &im.err);
	for (size_t i = 0; i < t->narguments && !im.err.code; i++)
		take(&im, t->arguments[i], NULL);
	if (!im.err.code)
		place_commit(im.place, &im.err);
	place_close(im.place);
	if (!im.err.code && im.added)
		known_finish(im.known);
	known_close(im.known);
	secret_free(im.passphrase);
	if (im.err.code) {
		complain(&im.err);
		return im.err.code == E_PERM ? EXIT_DENIED : exit_of(im.err.code);
	}
	report(&im);
	return im.skipped ? EXIT_BAD : EXIT_GOOD;
}
