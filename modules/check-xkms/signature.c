/* signature.c - XML signatures of relays, by xmlsec (XML Signature Syntax and Processing)
 *
 * A signature is worth what it covers.  So it must stand in the result itself, have one reference, to that result or to the whole
 * document, and no transforms but those that leave all of it in; algorithms are a short list, and the key is the one that the operator
 * named, whatever the signature says about keys.
 */
#include <libxml/tree.h>
#include <string.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/app.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include "check-xkms/xkms.h"

static xmlSecKey *signer;

static void ignore_errors(const char *file, int line, const char *func, const char *object, const char *subject, int reason, const char *msg)
{
	(void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)msg;
}

int xkms_signatures_start(const struct xkms_options *options, struct error *err)
{
	if (!*options->signer)
		return 0;
	if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
		return error_set(err, E_TEMP, "xmlsec cannot be started");
	xmlSecErrorsSetCallback(ignore_errors);
	signer = xmlSecCryptoAppKeyLoad(options->signer, xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
	return signer ? 0 : error_set(err, E_CONFIG, "check_xkms_signer: %s: no certificate in PEM", options->signer);
}

void xkms_signatures_stop(void)
{
	if (!signer)
		return;
	xmlSecKeyDestroy(signer);
	signer = NULL;
	xmlSecCryptoShutdown();
	xmlSecCryptoAppShutdown();
	xmlSecShutdown();
}

static bool enable_algorithms(xmlSecDSigCtx *ctx)
{
	const xmlSecTransformId signatures[] = { xmlSecTransformRsaSha256Id, xmlSecTransformRsaSha384Id, xmlSecTransformRsaSha512Id,
						 xmlSecTransformEcdsaSha256Id, xmlSecTransformEcdsaSha384Id, xmlSecTransformEcdsaSha512Id,
						 xmlSecTransformExclC14NId, xmlSecTransformInclC14NId };
	const xmlSecTransformId references[] = { xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId, xmlSecTransformInclC14NId,
						 xmlSecTransformSha256Id, xmlSecTransformSha384Id, xmlSecTransformSha512Id };

	for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++)
		if (xmlSecDSigCtxEnableSignatureTransform(ctx, signatures[i]) < 0)
			return false;
	for (size_t i = 0; i < sizeof(references) / sizeof(*references); i++)
		if (xmlSecDSigCtxEnableReferenceTransform(ctx, references[i]) < 0)
			return false;
	return true;
}

/* "" is the whole document, "#ID" must be the result's. */
static bool covers(xmlDoc *doc, xmlNode *result, const xmlChar *uri)
{
	xmlAttr *id;

	if (!uri)
		return false;
	if (!*uri)
		return true;
	id = *uri == '#' ? xmlGetID(doc, uri + 1) : NULL;
	return id && id->parent == result;
}

static bool one_reference(xmlDoc *doc, xmlNode *result, xmlSecDSigCtx *ctx)
{
	xmlSecDSigReferenceCtx *reference;

	if (xmlSecPtrListGetSize(&ctx->signedInfoReferences) != 1 || xmlSecPtrListGetSize(&ctx->manifestReferences) != 0)
		return false;
	reference = (xmlSecDSigReferenceCtx *)xmlSecPtrListGetItem(&ctx->signedInfoReferences, 0);
	return reference && reference->status == xmlSecDSigStatusSucceeded && covers(doc, result, reference->uri);
}

/* Ids that stand twice would be two elements under one name. */
static bool name_result(xmlDoc *doc, xmlNode *result)
{
	xmlAttr *id = xmlHasProp(result, (const xmlChar *)"Id");
	xmlChar *value = id ? xmlNodeListGetString(doc, id->children, 1) : NULL;
	bool named = value && *value && !xmlGetID(doc, value) && xmlAddID(NULL, doc, value, id);

	xmlFree(value);
	return named;
}

int xkms_signature_check(void *document, void *result, struct error *err)
{
	xmlDoc *doc = document;
	xmlNode *signature = xmlSecFindChild(result, xmlSecNodeSignature, xmlSecDSigNs);
	xmlSecDSigCtx *ctx;
	bool good = false;

	if (!signature)
		return error_set(err, E_TEMP, "the answer is not signed");
	if (!name_result(doc, result))
		return error_set(err, E_TEMP, "the answer has no Id of its own");
	ctx = xmlSecDSigCtxCreate(NULL);
	if (ctx) {
		ctx->signKey = xmlSecKeyDuplicate(signer);
		ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty | xmlSecTransformUriTypeSameDocument;
		good = ctx->signKey && enable_algorithms(ctx) && xmlSecDSigCtxVerify(ctx, signature) == 0 &&
		       ctx->status == xmlSecDSigStatusSucceeded && one_reference(doc, result, ctx);
		xmlSecDSigCtxDestroy(ctx);
	}
	return good ? 0 : error_set(err, E_TEMP, "the answer's signature is not good, or not of check_xkms_signer");
}
