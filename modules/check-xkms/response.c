/* response.c - ValidateResult: exactly what was asked for, or nothing
 *
 * The relay's words are mapped one to one: Valid is valid, Invalid is invalid, Indeterminate is unknown, each with its reason.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "check-xkms/xkms.h"
#include "lib/base64.h"

#define SOAP_1_1_NS "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_1_2_NS "http://www.w3.org/2003/05/soap-envelope"

/* ---- the tree ---- */

static bool is(const xmlNode *n, const char *ns, const char *name)
{
	return n && n->type == XML_ELEMENT_NODE && n->ns && strcmp((const char *)n->ns->href, ns) == 0 &&
	       strcmp((const char *)n->name, name) == 0;
}

static xmlNode *next_element(xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

/* The only child element of this name; NULL: none, or several (then *several). */
static xmlNode *only(xmlNode *parent, const char *ns, const char *name, bool *several)
{
	xmlNode *found = NULL;

	for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next) {
		if (!is(n, ns, name))
			continue;
		if (found) {
			*several = true;
			return NULL;
		}
		found = n;
	}
	return found;
}

static const char *attribute(struct arena *a, xmlNode *n, const char *name)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)name);
	const char *copy = arena_strdup(a, value ? (const char *)value : "");

	xmlFree(value);
	return copy;
}

static const char *content(struct arena *a, xmlNode *n)
{
	xmlChar *value = xmlNodeGetContent(n);
	const char *copy = arena_strdup(a, value ? (const char *)value : "");

	xmlFree(value);
	return copy;
}

/* What stands behind the namespace of XKMS in a word of it; "" for words of others. */
static const char *word(const char *uri)
{
	return strncmp(uri, XKMS_NS, sizeof(XKMS_NS) - 1) == 0 ? uri + sizeof(XKMS_NS) - 1 : "";
}

/* ---- what it says of the certificate ---- */

static const struct {
	const char *theirs, *invalid, *unknown, *text;
} reasons[] = {
	{ "IssuerTrust", "issuer-not-trusted", "no-path", "whether its issuers are trusted" },
	{ "RevocationStatus", "revoked", "revocation-unknown", "whether it is revoked" },
	{ "ValidityInterval", "expired", "validity-unknown", "whether it is valid at this time" },
	{ "Signature", "bad-signature", "signature-unknown", "whether its signature is its issuer's" },
};

/* The first reason of this kind that we have a word for. */
static size_t reason_in(struct arena *a, xmlNode *status, const char *kind)
{
	enum { N = sizeof(reasons) / sizeof(*reasons) };

	for (xmlNode *n = status->children; n; n = n->next) {
		const char *said = is(n, XKMS_NS, kind) ? word(content(a, n)) : "";

		for (size_t i = 0; i < N; i++)
			if (strcmp(said, reasons[i].theirs) == 0)
				return i;
	}
	return N;
}

static int read_status(struct arena *a, xmlNode *status, struct xkms_result *out, struct error *err)
{
	enum { N = sizeof(reasons) / sizeof(*reasons) };
	const char *value = word(attribute(a, status, "StatusValue"));
	size_t i;

	*out = (struct xkms_result){ CHECK_VALID, "", "the relay calls it valid" };
	if (strcmp(value, "Valid") == 0)
		return 0;
	if (strcmp(value, "Invalid") == 0) {
		i = reason_in(a, status, "InvalidReason");
		out->verdict = CHECK_INVALID;
		out->reason = i < N ? reasons[i].invalid : "relay-says-invalid";
		out->text = i < N ? arena_printf(a, "the relay calls it invalid, asked %s", reasons[i].text) : "the relay calls it invalid";
		return 0;
	}
	if (strcmp(value, "Indeterminate") == 0) {
		i = reason_in(a, status, "IndeterminateReason");
		out->verdict = CHECK_UNKNOWN;
		out->reason = i < N ? reasons[i].unknown : "relay-does-not-know";
		out->text = i < N ? arena_printf(a, "the relay does not know %s", reasons[i].text) : "the relay does not know";
		return 0;
	}
	return error_set(err, E_TEMP, "StatusValue \"%s\" is none", attribute(a, status, "StatusValue"));
}

/* A certificate in the answer must be ours: an answer about another one says nothing. */
static bool is_about(struct arena *a, xmlNode *binding, struct span certificate)
{
	bool several = false;
	xmlNode *data = only(only(binding, DSIG_NS, "KeyInfo", &several), DSIG_NS, "X509Data", &several);
	struct buf der = BUF_INIT;
	bool same = true, first = true;

	for (xmlNode *n = data ? data->children : NULL; n && first; n = n->next) {
		if (!is(n, DSIG_NS, "X509Certificate"))
			continue;
		first = false;
		same = base64_decode(&der, span_of(content(a, n)), false) == 0 && span_eq(span_from(der.data, der.len), certificate);
	}
	buf_release(&der);
	return same && !several;
}

static int read_binding(struct arena *a, xmlNode *result, struct span certificate, struct xkms_result *out, struct error *err)
{
	bool several = false;
	xmlNode *binding = only(result, XKMS_NS, "KeyBinding", &several), *status;

	if (!binding && !several && strcmp(word(attribute(a, result, "ResultMinor")), "NoMatch") == 0) {
		*out = (struct xkms_result){ CHECK_UNKNOWN, "no-match", "the relay does not know this certificate" };
		return 0;
	}
	status = only(binding, XKMS_NS, "Status", &several);
	if (!status)
		return error_set(err, E_TEMP, several ? "several verdicts" : "no verdict");
	if (!is_about(a, binding, certificate))
		return error_set(err, E_TEMP, "a verdict about another certificate");
	return read_status(a, status, out, err);
}

/* ---- the result, and its envelope ---- */

static int read_result(struct arena *a, xmlNode *result, const char *id, struct span certificate, struct xkms_result *out, struct error *err)
{
	const char *major = attribute(a, result, "ResultMajor");

	if (strcmp(attribute(a, result, "RequestId"), id) != 0)
		return error_set(err, E_TEMP, "an answer to another question");
	if (strcmp(word(major), "Success") != 0)
		return error_set(err, E_TEMP, "ResultMajor \"%.80s\", ResultMinor \"%.80s\"", word(major),
				 word(attribute(a, result, "ResultMinor")));
	return read_binding(a, result, certificate, out, err);
}

/* The element in the Body; a fault is told. */
static int find_result(struct arena *a, xmlDoc *doc, xmlNode **out, struct error *err)
{
	xmlNode *root = xmlDocGetRootElement(doc), *body;
	const char *ns = is(root, SOAP_1_2_NS, "Envelope") ? SOAP_1_2_NS : SOAP_1_1_NS;
	bool several = false;

	*out = NULL;
	if (!is(root, ns, "Envelope"))
		return error_set(err, E_TEMP, "no SOAP envelope");
	body = only(root, ns, "Body", &several);
	*out = body ? next_element(body->children) : NULL;
	if (is(*out, ns, "Fault"))
		return error_set(err, E_TEMP, "SOAP fault: %.200s", content(a, *out));
	if (!is(*out, XKMS_NS, "ValidateResult") || next_element((*out)->next))
		return error_set(err, E_TEMP, "no ValidateResult");
	return 0;
}

static int read_document(const struct xkms_options *options, xmlDoc *doc, const char *id, struct span certificate, struct arena *arena,
			 struct xkms_result *out, struct error *err)
{
	xmlNode *result;
	int rc;

	if (doc->intSubset || doc->extSubset)
		return error_set(err, E_TEMP, "a document type declaration");
	rc = find_result(arena, doc, &result, err);
	if (rc == 0 && *options->signer)
		rc = xkms_signature_check(doc, result, err);
	return rc < 0 ? rc : read_result(arena, result, id, certificate, out, err);
}

static void silence(void *ctx, const char *fmt, ...)
{
	(void)ctx;
	(void)fmt;
}

int xkms_response(const struct xkms_options *options, struct span document, const char *id, struct span certificate, struct arena *arena,
		  struct xkms_result *out, struct error *err)
{
	xmlDoc *doc;
	int rc;

	*out = (struct xkms_result){ CHECK_UNKNOWN, "relay-does-not-know", "" };
	xmlSetGenericErrorFunc(NULL, silence);
	doc = document.n <= INT32_MAX ? xmlReadMemory(document.p, (int)document.n, "answer", NULL,
						      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING) : NULL;
	if (!doc)
		return error_set(err, E_TEMP, "no XML");
	rc = read_document(options, doc, id, certificate, arena, out, err);
	xmlFreeDoc(doc);
	return rc;
}
