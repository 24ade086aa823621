/* request.c - ValidateRequest in a SOAP envelope */
#include <time.h>

#include "check-xkms/xkms.h"
#include "lib/moment.h"
#include "lib/xml.h"

#define MIME_APPLICATION "urn:ietf:rfc:2633" /* "S/MIME", XKMS 2.0 section 3.2.3 */
#define JUST_NOW 300                         /* seconds: a relay that knows no other time is asked about the present */

static const char *const envelopes[] = {
	[SOAP_1_1] = "http://schemas.xmlsoap.org/soap/envelope/",
	[SOAP_1_2] = "http://www.w3.org/2003/05/soap-envelope",
};

static void put_element(struct xml_writer *w, const char *name, const char *text)
{
	xml_open(w, name);
	xml_put_text(w, text);
	xml_close(w);
}

static void put_certificate(struct xml_writer *w, struct span der)
{
	xml_open(w, "ds:X509Certificate");
	xml_put_binary(w, der.p, der.n);
	xml_close(w);
}

static void put_key(struct xml_writer *w, const struct xkms_options *options, const struct check_request *q)
{
	xml_open(w, "ds:KeyInfo");
	xml_put(w, "xmlns:ds", DSIG_NS);
	xml_open(w, "ds:X509Data");
	put_certificate(w, q->certificate);
	for (size_t i = 0; options->send_candidates && i < q->ncandidates; i++)
		put_certificate(w, q->candidates[i]);
	xml_close(w);
	xml_close(w);
}

static void put_time(struct xml_writer *w, time_t when)
{
	char text[MOMENT_TEXT];
	time_t now = time(NULL);

	if (when > now - JUST_NOW && when < now + JUST_NOW)
		return;
	moment_text(when, text);
	xml_open(w, "TimeInstant");
	xml_put(w, "Time", text);
	xml_close(w);
}

static void put_binding(struct xml_writer *w, const struct xkms_options *options, const struct check_request *q)
{
	xml_open(w, "QueryKeyBinding");
	put_key(w, options, q);
	if (q->purpose != CHECK_ANY)
		put_element(w, "KeyUsage", q->purpose == CHECK_ENCRYPT ? XKMS_NS "Encryption" : XKMS_NS "Signature");
	if (*q->address) {
		xml_open(w, "UseKeyWith");
		xml_put(w, "Application", MIME_APPLICATION);
		xml_put(w, "Identifier", q->address);
		xml_close(w);
	}
	put_time(w, q->time);
	xml_close(w);
}

int xkms_request(const struct xkms_options *options, const char *url, const char *id, const struct check_request *q, struct buf *out,
		 struct error *err)
{
	struct xml_writer w;
	struct span document;
	int rc;

	xml_writer_init(&w);
	xml_open(&w, "soap:Envelope");
	xml_put(&w, "xmlns:soap", envelopes[options->soap]);
	xml_open(&w, "soap:Body");
	xml_open(&w, "ValidateRequest");
	xml_put(&w, "xmlns", XKMS_NS);
	xml_put(&w, "Id", id);
	xml_put(&w, "Service", url);
	put_element(&w, "RespondWith", XKMS_NS "X509Cert");
	put_binding(&w, options, q);
	xml_close(&w);
	xml_close(&w);
	xml_close(&w);
	rc = xml_finish(&w, &document, err);
	if (rc == 0)
		buf_add(out, document.p, document.n);
	xml_writer_release(&w);
	return rc;
}
