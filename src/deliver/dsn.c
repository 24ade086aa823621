/* dsn.c - delivery status notifications to senders (RFC 3464, 6522, 6533)
 *
 * What failed is reported, and what has to wait for a person. The report is 7-bit, so that it passes every relay.
 */
#include "deliver/report.h"

#include <string.h>

#include "deliver/copy.h"
#include "deliver/kind.h"
#include "deliver/letter.h"
#include "lib/address.h"
#include "lib/fs.h"

#define HEADER_MAX ((size_t)64 * 1024)

static const struct {
	const char *subject, *one, *several, *action, *status;
} kinds[] = {
	[REPORT_FAILED] = { "Your message was not delivered",
			    "Your message was not delivered to the recipient below. Other recipients, if there are any, are not affected.",
			    "Your message was not delivered to the recipients below. Other recipients, if there are any, are not affected.",
			    "failed", "5.0.0" },
	[REPORT_DELAYED] = { "Your message has to wait",
			     "Your message has not been sent yet to the recipient below. You need not send it again.",
			     "Your message has not been sent yet to the recipients below. You need not send it again.",
			     "delayed", "4.0.0" },
};

static bool has_eight_bit(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return true;
	return false;
}

/* The character at *p, which is well-formed UTF-8; moves *p behind it. */
static unsigned long next_character(const unsigned char **p)
{
	unsigned long c = *(*p)++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more)
		c &= 0x3fUL >> more;
	for (; more && (**p & 0xc0) == 0x80; more--)
		c = c << 6 | (*(*p)++ & 0x3f);
	return c;
}

/* "rfc822; a@b", or "utf-8; ..." in utf-8-addr-xtext, the 7-bit form (RFC 6533 section 3). */
static void add_typed_address(struct buf *b, const char *address)
{
	const unsigned char *p = (const unsigned char *)address;

	if (!has_eight_bit(address)) {
		char line[TEXT_MAX + 1];

		text_make_line(span_of(address), line);
		buf_addf(b, "rfc822; %s\n", line);
		return;
	}
	buf_addstr(b, "utf-8; ");
	while (*p) {
		unsigned long c = next_character(&p);

		if (c <= 0x20 || c >= 0x7f || c == '+' || c == '=' || c == '\\')
			buf_addf(b, "\\x{%02lX}", c);
		else
			buf_addch(b, (char)c);
	}
	buf_addch(b, '\n');
}

static const char *valid_status(enum report_kind kind, const char *status, char out[STATUS_MAX])
{
	return status && status_parse(span_of(status), *kinds[kind].status, out) ? out : kinds[kind].status;
}

/* The words of an SMTP server are of type smtp, ours are of our own; ASCII only. */
static void add_diagnostic(struct buf *b, const char *text)
{
	struct buf field = BUF_INIT, ascii = BUF_INIT;
	char line[TEXT_MAX + 1];
	bool smtp;

	text_make_line(span_of(text), line);
	if (!*line)
		return;
	smtp = line[0] >= '4' && line[0] <= '5' && ascii_digit((unsigned char)line[1]) && ascii_digit((unsigned char)line[2]) &&
	       (line[3] == ' ' || line[3] == '-');
	for (const char *p = line; *p; p++)
		if (((unsigned char)*p & 0xc0) != 0x80)
			buf_addch(&ascii, (unsigned char)*p >= 0x80 ? '?' : *p);
	buf_addf(&field, "Diagnostic-Code: %s; %s", smtp ? "smtp" : "x-postern", buf_str(&ascii));
	buf_clear(&ascii);
	letter_wrap(&ascii, " ", buf_str(&field)); /* the blank makes continuations of all lines but the first */
	buf_add(b, ascii.data + 1, ascii.len - 1);
	buf_release(&field);
	buf_release(&ascii);
}

static void add_text_part(struct buf *b, enum report_kind kind, const struct config *c, const struct failed_recipient *failed, size_t n)
{
	struct buf text = BUF_INIT, line = BUF_INIT;

	buf_addf(&line, "This is the mail gateway at %s.", letter_host(c));
	letter_wrap(&text, "", line.data);
	buf_addch(&text, '\n');
	letter_wrap(&text, "", n == 1 ? kinds[kind].one : kinds[kind].several);
	for (size_t i = 0; i < n; i++) {
		char status[STATUS_MAX];

		buf_clear(&line);
		buf_addf(&line, "%s (%s)", failed[i].text, valid_status(kind, failed[i].status, status));
		buf_addch(&text, '\n');
		letter_wrap(&text, "  ", failed[i].address);
		letter_wrap(&text, "    ", line.data);
	}
	buf_addch(&text, '\n');
	buf_clear(&line);
	buf_addf(&line, "The parts that follow are a report for programs and the header of your message. If you need help, send all "
			"of this to postmaster@%s.", letter_host(c));
	letter_wrap(&text, "", line.data);
	letter_body(b, "text/plain", span_from(text.data, text.len));
	buf_release(&text);
	buf_release(&line);
}

static void add_status_part(struct buf *b, enum report_kind kind, const struct config *c, const char *queue_id,
			    const struct failed_recipient *failed, size_t n)
{
	char id[TEXT_MAX + 1], status[STATUS_MAX];

	buf_addstr(b, "Content-Type: message/delivery-status\nContent-Transfer-Encoding: 7bit\n\n");
	buf_addf(b, "Reporting-MTA: dns; %s\n", letter_host(c));
	text_make_line(span_of(queue_id ? queue_id : ""), id);
	if (*id && !has_eight_bit(id))
		buf_addf(b, "X-Postern-Queue-ID: %s\n", id);
	for (size_t i = 0; i < n; i++) {
		buf_addstr(b, "\nFinal-Recipient: ");
		add_typed_address(b, failed[i].address);
		buf_addf(b, "Action: %s\nStatus: %s\n", kinds[kind].action, valid_status(kind, failed[i].status, status));
		add_diagnostic(b, failed[i].text);
	}
}

/* Up to the empty line, LF line breaks; of an over-long one the lines that fit. */
static int read_header(const struct segment *headers, struct buf *out, struct error *err)
{
	struct segment_reader r = { .segments = headers, .n = 1 };
	char *bytes = mem_alloc(HEADER_MAX + 1);
	ssize_t k = segment_read(&r, bytes, HEADER_MAX + 1, err);
	bool ends = false;

	for (ssize_t i = 0; i < k && i < (ssize_t)HEADER_MAX && !ends; i++) {
		if (bytes[i] == '\r' && i + 1 < k && bytes[i + 1] == '\n')
			continue;
		if (bytes[i] == '\n' && (!out->len || out->data[out->len - 1] == '\n'))
			ends = true;
		else
			buf_addch(out, bytes[i]);
	}
	if (k > (ssize_t)HEADER_MAX && !ends)
		while (out->len && out->data[out->len - 1] != '\n')
			out->len--;
	if (out->len && out->data[out->len - 1] != '\n')
		buf_addch(out, '\n');
	free(bytes);
	return k < 0 ? E_TEMP : 0;
}

static void add_boundary(struct buf *b, const char *unique, const char *end)
{
	buf_addf(b, "\n--=_%s%s\n", unique, end);
}

int report_write(int fd, enum report_kind kind, const struct config *c, const char *queue_id, const char *sender,
		 const struct failed_recipient *failed, size_t n, const struct segment *headers, struct error *err)
{
	struct buf b = BUF_INIT, header = BUF_INIT;
	char unique[33];
	int rc = headers ? read_header(headers, &header, err) : 0;

	if (rc < 0)
		goto out;
	letter_unique(unique);
	letter_start(&b, c, sender, kinds[kind].subject, "auto-replied");
	buf_addf(&b, "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"=_%s\"\n", unique);
	buf_addstr(&b, "\nThis is a delivery status notification in MIME format.\n");
	add_boundary(&b, unique, "");
	add_text_part(&b, kind, c, failed, n);
	add_boundary(&b, unique, "");
	add_status_part(&b, kind, c, queue_id, failed, n);
	if (headers) {
		add_boundary(&b, unique, "");
		letter_body(&b, "text/rfc822-headers", span_from(header.data, header.len));
	}
	add_boundary(&b, unique, "--");
	rc = fs_write_all(fd, b.data, b.len, err);
	if (rc < 0)
		error_prefix(err, "delivery status notification");
out:
	buf_release(&b);
	buf_release(&header);
	return rc;
}

int report_dsn(int fd, const struct config *c, const char *queue_id, const char *sender, const struct failed_recipient *failed,
	       size_t n, const struct segment *headers, struct error *err)
{
	return report_write(fd, REPORT_FAILED, c, queue_id, sender, failed, n, headers, err);
}
