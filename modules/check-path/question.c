/* question.c - "check-certificate" read, and its answer written (postern-modules(7)) */
#include "check-path/question.h"

#include "lib/moment.h"

/* ---- reading a request ---- */

static int read_purpose(const struct xml *request, enum check_purpose *out, struct error *err)
{
	const char *word = xml_attr_or(request, "purpose", "");

	*out = strcmp(word, "encrypt") == 0 ? CHECK_ENCRYPT : CHECK_SIGN;
	if (*out == CHECK_SIGN && strcmp(word, "sign") != 0)
		return error_set(err, E_PERM, "purpose \"%s\" is neither sign nor encrypt", word);
	return 0;
}

/* Absent: now. */
static int read_time(const struct xml *request, time_t *out, struct error *err)
{
	const char *text = xml_attr(request, "time");

	*out = time(NULL);
	return text ? moment_read(text, out, err) : 0;
}

static int read_binary(struct server *s, const struct xml *e, struct span *out, struct error *err)
{
	struct buf bytes = BUF_INIT;
	int rc = xml_binary(e, &bytes, err);

	*out = span_from(arena_memdup(&s->arena, buf_str(&bytes), bytes.len), bytes.len);
	buf_release(&bytes);
	return rc;
}

/* Room for as many; most questions have none. */
static struct span *room_for(struct server *s, const struct xml *first, size_t n)
{
	return first ? arena_array(&s->arena, n, sizeof(struct span)) : NULL;
}

static int read_candidates(struct server *s, const struct xml *request, struct check_request *out, struct error *err)
{
	const struct xml *e = xml_first(request, "candidate");
	struct span *list = room_for(s, e, CHECK_CANDIDATES_MAX);
	int rc = 0;

	out->candidates = list;
	for (; e && rc == 0 && out->ncandidates < CHECK_CANDIDATES_MAX; e = xml_next(e, "candidate"))
		rc = read_binary(s, e, &list[out->ncandidates++], err);
	return rc;
}

/* What is none, of a kind that is not known, or too long, is passed over: strangers wrote it. */
static void read_stapled(struct server *s, const struct xml *request, const char *kind, const struct span **out, size_t *n)
{
	const struct xml *e = xml_first(request, "stapled");
	struct span *list = room_for(s, e, CHECK_STAPLED_MAX);

	*out = list;
	for (; e && *n < CHECK_STAPLED_MAX; e = xml_next(e, "stapled"))
		if (strcmp(xml_attr_or(e, "kind", ""), kind) == 0 && read_binary(s, e, &list[*n], NULL) == 0 &&
		    list[*n].n <= CHECK_STAPLED_SIZE_MAX)
			(*n)++;
}

int question_read(struct server *s, const struct xml *request, struct check_request *out, struct error *err)
{
	const struct xml *certificate = xml_first(request, "certificate");
	int rc;

	*out = (struct check_request){ .address = xml_attr_or(request, "address", ""), .digest = xml_attr(request, "digest"),
				       .until = s->until };
	if (!certificate || xml_next(certificate, "certificate"))
		return error_set(err, E_PERM, "<check-certificate> has not exactly one <certificate>");
	rc = read_purpose(request, &out->purpose, err);
	if (rc == 0)
		rc = read_time(request, &out->time, err);
	if (rc == 0)
		rc = read_binary(s, certificate, &out->certificate, err);
	if (rc == 0)
		rc = read_candidates(s, request, out, err);
	read_stapled(s, request, "ocsp", &out->ocsp, &out->nocsp);
	read_stapled(s, request, "crl", &out->crls, &out->ncrls);
	return rc;
}

/* ---- writing the answer ---- */

static void put_time(struct xml_writer *w, const char *name, time_t when)
{
	char text[MOMENT_TEXT];

	moment_text(when, text);
	xml_put(w, name, when && *text ? text : NULL);
}

static void put_text(struct xml_writer *w, const char *name, const char *text)
{
	xml_put(w, name, text && *text ? text : NULL);
}

/* Files and addresses have names that others gave them. */
void question_answer(struct arena *a, struct xml_writer *w, const struct check_answer *answer)
{
	xml_open(w, "verdict");
	xml_put(w, "value", check_verdict_word(answer->verdict));
	xml_put(w, "reason", *answer->reason ? answer->reason : NULL);
	xml_put_text(w, xml_printable(arena_strdup(a, answer->text)));
	xml_close(w);
	if (answer->npath) {
		xml_open(w, "path");
		for (size_t i = 0; i < answer->npath; i++) {
			xml_open(w, "certificate");
			xml_put_binary(w, answer->path[i].p, answer->path[i].n);
			xml_close(w);
		}
		xml_close(w);
	}
	for (const struct check_evidence *e = answer->evidence; e; e = e->next) {
		xml_open(w, "evidence");
		xml_put(w, "source", xml_printable(arena_strdup(a, e->source)));
		put_time(w, "time", e->time);
		put_time(w, "next", e->until);
		put_text(w, "kind", e->kind);
		put_text(w, "number", e->number ? xml_printable(arena_strdup(a, e->number)) : NULL);
		put_text(w, "serial", e->about);
		xml_close(w);
	}
}
