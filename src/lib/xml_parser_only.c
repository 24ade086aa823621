/* xml_parser_only.c - keeps all of libxml2 but its parser out of programs that link its archive
 *
 * The parser refers to everything else libxml2 can do: HTML, XPath, schemas, catalogues, compressed files, and reading documents from
 * HTTP and FTP servers.  The protocol has no use for any of it, a program that holds keys should not have it, and each
 * process would pay for loading it (and the mathematics library).  So these stand in for what the parser refers to:
 * whatever it asks for there is not there.  They come first on the link line, because xml_parse.c refers to the last of them.
 */
#include "build.h"

#ifdef POSTERN_LIBXML2_PARSER_ONLY
#include <stddef.h>

/* Each answers NULL, which is also 0, nothing, and no. */
#define ABSENT(name) \
	void *name(void); \
	void *name(void) \
	{ \
		return NULL; \
	}

/* HTML */
ABSENT(htmlInitAutoClose)
ABSENT(__htmlParseContent)
ABSENT(htmlCreateMemoryParserCtxt)
ABSENT(htmlNewDocNoDtD)
ABSENT(htmlIsBooleanAttr)
ABSENT(UTF8ToHtml)

/* XPath, schemas */
ABSENT(xmlXPathInit)
ABSENT(xmlSchemaCleanupTypes)
ABSENT(xmlRelaxNGCleanupTypes)

/* content models of DTDs */
ABSENT(xmlAutomataCompile)
ABSENT(xmlAutomataGetInitState)
ABSENT(xmlAutomataNewEpsilon)
ABSENT(xmlAutomataNewState)
ABSENT(xmlAutomataNewTransition)
ABSENT(xmlAutomataSetFinalState)
ABSENT(xmlFreeAutomata)
ABSENT(xmlNewAutomata)
ABSENT(xmlRegExecPushString)
ABSENT(xmlRegFreeExecCtxt)
ABSENT(xmlRegFreeRegexp)
ABSENT(xmlRegNewExecCtxt)
ABSENT(xmlRegexpIsDeterminist)

/* catalogues: XML_CATA_ALLOW_NONE is 0 */
ABSENT(xmlCatalogAddLocal)
ABSENT(xmlCatalogCleanup)
ABSENT(xmlCatalogFreeLocal)
ABSENT(xmlCatalogGetDefaults)
ABSENT(xmlCatalogLocalResolve)
ABSENT(xmlCatalogLocalResolveURI)
ABSENT(xmlCatalogResolve)
ABSENT(xmlCatalogResolveURI)

/* the network */
ABSENT(xmlNanoFTPClose)
ABSENT(xmlNanoFTPOpen)
ABSENT(xmlNanoFTPRead)
ABSENT(xmlNanoHTTPClose)
ABSENT(xmlNanoHTTPEncoding)
ABSENT(xmlNanoHTTPMethod)
ABSENT(xmlNanoHTTPMimeType)
ABSENT(xmlNanoHTTPOpen)
ABSENT(xmlNanoHTTPRead)
ABSENT(xmlNanoHTTPRedir)
ABSENT(xmlNanoHTTPReturnCode)

/* compressed files */
ABSENT(__libxml2_xzclose)
ABSENT(__libxml2_xzcompressed)
ABSENT(__libxml2_xzdopen)
ABSENT(__libxml2_xzopen)
ABSENT(__libxml2_xzread)
ABSENT(crc32)
ABSENT(deflate)
ABSENT(deflateEnd)
ABSENT(deflateInit2_)
ABSENT(gzclose)
ABSENT(gzdirect)
ABSENT(gzdopen)
ABSENT(gzopen64)
ABSENT(gzread)
ABSENT(gzwrite)

ABSENT(xml_parser_only)
#else
typedef int xml_parser_only_is_not_needed;
#endif
