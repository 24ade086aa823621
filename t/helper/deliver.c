/* deliver.c - hands a file to a destination and says what became of each recipient; for the tests
 *
 * deliver [-f SENDER] [-t MILLISECONDS] [-8] [-c PIECES] [-j SPOOL -i IDENTITY [-x before|after]] [-m] DESTINATION FILE RCPT...
 * deliver -p [-t MILLISECONDS] DESTINATION
 *
 * One line a recipient: "RCPT STATE STATUS TEXT".  With -j recipients in the journal are "journalled" and not tried
 * again; -x ends this process by SIGKILL before or after the first acceptance is journalled.  -c hands the file over in so many
 * pieces.  -m prints the peak memory in KB as the last line.  Exit 0 if every recipient is dealt with, 75 else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/destination.h"
#include "deliver/journal.h"
#include "lib/buf.h"

struct options {
	const char *sender, *spool, *identity, *die;
	uint64_t milliseconds, pieces;
	bool eight_bit, memory, probe;
};

static const char *const state_names[] = { "pending", "accepted", "temporary", "refused" };

struct recording {
	struct journal journal;
	const char *die;
};

static void fatal(const char *what, const char *why)
{
	fprintf(stderr, "deliver: %s: %s\n", what, why);
	exit(64);
}

static int record(void *arg, const struct parcel_recipient *recipients, size_t n, struct error *err)
{
	struct recording *r = arg;
	const char **names = mem_array(n, sizeof(*names));
	int rc;

	if (r->die && strcmp(r->die, "before") == 0)
		raise(SIGKILL);
	for (size_t i = 0; i < n; i++)
		names[i] = recipients[i].address;
	rc = journal_add(&r->journal, "mail", names, n, err);
	free(names);
	if (r->die && strcmp(r->die, "after") == 0)
		raise(SIGKILL);
	return rc;
}

static uint64_t number(const char *s)
{
	uint64_t v;

	if (!span_number(span_of(s), 1000000000, &v))
		fatal(s, "not a number");
	return v;
}

static void read_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+f:t:8c:j:i:x:mp")) != -1) {
		switch (c) {
		case 'f': o->sender = optarg; break;
		case 't': o->milliseconds = number(optarg); break;
		case '8': o->eight_bit = true; break;
		case 'c': o->pieces = number(optarg); break;
		case 'j': o->spool = optarg; break;
		case 'i': o->identity = optarg; break;
		case 'x': o->die = optarg; break;
		case 'm': o->memory = true; break;
		case 'p': o->probe = true; break;
		default: exit(64);
		}
	}
}

static void cut(struct arena *a, const char *file, uint64_t pieces, struct parcel *p)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct segment *s = arena_array(a, pieces, sizeof(*s));
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fatal(file, strerror(errno));
	for (uint64_t i = 0; i < pieces; i++) {
		uint64_t size = (uint64_t)st.st_size;
		uint64_t from = size * i / pieces, to = size * (i + 1) / pieces;

		s[i] = (struct segment){ fd, (off_t)from, to - from };
	}
	p->segments = s;
	p->nsegments = pieces;
}

static void print_result(const struct parcel *p, const bool *before, bool memory)
{
	struct rusage usage;

	for (size_t i = 0; i < p->n; i++)
		printf("%s %s %s %s\n", p->recipients[i].address, before[i] ? "journalled" : state_names[p->recipients[i].state],
		       p->recipients[i].status, p->recipients[i].text);
	if (memory && getrusage(RUSAGE_SELF, &usage) == 0)
		printf("memory %ld\n", usage.ru_maxrss);
}

static int deliver(struct arena *a, const struct options *o, const struct destination *d, int argc, char **argv)
{
	struct recording r = { .journal.fd = -1, .die = o->die };
	struct parcel p = { .sender = o->sender, .eight_bit = o->eight_bit };
	bool *before;
	struct error err = { 0 };
	bool all = true;
	int rc;

	cut(a, argv[0], o->pieces, &p);
	p.n = (size_t)argc - 1;
	p.recipients = arena_array(a, p.n, sizeof(*p.recipients));
	before = arena_array(a, p.n, sizeof(*before));
	if (o->spool && journal_open(a, o->spool, o->identity, &r.journal, &err) < 0)
		fatal("journal", err.text);
	for (size_t i = 0; i < p.n; i++) {
		p.recipients[i] = (struct parcel_recipient){ argv[i + 1], RECIPIENT_PENDING, "", "" };
		if (o->spool && journal_has(&r.journal, "mail", argv[i + 1], &before[i], &err) < 0)
			fatal("journal", err.text);
		if (before[i])
			p.recipients[i].state = RECIPIENT_ACCEPTED;
	}
	rc = destination_deliver(a, d, "client.example", &p, deadline_in((int64_t)o->milliseconds), o->spool ? record : NULL,
				 &r, &err);
	print_result(&p, before, o->memory);
	if (rc < 0)
		printf("error %s\n", err.text);
	for (size_t i = 0; i < p.n; i++)
		all = all && (p.recipients[i].state == RECIPIENT_ACCEPTED || p.recipients[i].state == RECIPIENT_REFUSED);
	journal_release(&r.journal);
	return rc == 0 && all ? 0 : 75;
}

int main(int argc, char **argv)
{
	struct options o = { .sender = "sender@example.org", .identity = "id", .milliseconds = 20000, .pieces = 1 };
	struct arena a = ARENA_INIT;
	struct destination d;
	struct error err = { 0 };
	int rc;

	read_options(&o, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc < (o.probe ? 1 : 3))
		fatal("usage", "deliver [options] DESTINATION FILE RCPT...");
	if (destination_parse(&a, argv[0], &d, &err) < 0) {
		printf("bad destination: %s\n", err.text);
		rc = 78;
	} else if (o.probe) {
		rc = destination_probe(&d, "client.example", deadline_in((int64_t)o.milliseconds), &err);
		printf("%s\n", rc < 0 ? err.text : "usable");
		rc = rc < 0 ? 75 : 0;
	} else {
		rc = deliver(&a, &o, &d, argc - 1, argv + 1);
	}
	arena_release(&a);
	return rc;
}
