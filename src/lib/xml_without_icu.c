/* xml_without_icu.c - keeps ICU out of programs that link libxml2's archive
 *
 * Debian builds libxml2 with ICU, for which it has one use: converting
 * documents that are not UTF-8.  The protocol allows UTF-8 only, and loading
 * ICU (with its 30 MB of data and libstdc++) costs a process more than
 * everything else it does.  So where libxml2 is linked statically, these
 * functions stand in for ICU's: there is no converter for any encoding.
 */
#include "build.h"

#ifdef POSTERN_STATIC_LIBXML2
#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>

UConverter *ucnv_open(const char *name, UErrorCode *code)
{
	(void)name;
	*code = U_UNSUPPORTED_ERROR;
	return NULL;
}

void ucnv_close(UConverter *c)
{
	(void)c;
}

void ucnv_convertEx(UConverter *to, UConverter *from, char **target, const char *target_limit,
		    const char **source, const char *source_limit, UChar *pivot, UChar **pivot_source,
		    UChar **pivot_target, const UChar *pivot_limit, UBool reset, UBool flush, UErrorCode *code)
{
	(void)to, (void)from, (void)target, (void)target_limit, (void)source, (void)source_limit;
	(void)pivot, (void)pivot_source, (void)pivot_target, (void)pivot_limit, (void)reset, (void)flush;
	*code = U_UNSUPPORTED_ERROR;
}

void ucnv_setFromUCallBack(UConverter *c, UConverterFromUCallback action, const void *context,
			   UConverterFromUCallback *old_action, const void **old_context, UErrorCode *code)
{
	(void)c, (void)action, (void)context, (void)old_action, (void)old_context;
	*code = U_UNSUPPORTED_ERROR;
}

void ucnv_setToUCallBack(UConverter *c, UConverterToUCallback action, const void *context,
			 UConverterToUCallback *old_action, const void **old_context, UErrorCode *code)
{
	(void)c, (void)action, (void)context, (void)old_action, (void)old_context;
	*code = U_UNSUPPORTED_ERROR;
}

void UCNV_FROM_U_CALLBACK_STOP(const void *context, UConverterFromUnicodeArgs *args, const UChar *units,
			       int32_t length, UChar32 point, UConverterCallbackReason reason, UErrorCode *code)
{
	(void)context, (void)args, (void)units, (void)length, (void)point, (void)reason, (void)code;
}

void UCNV_TO_U_CALLBACK_STOP(const void *context, UConverterToUnicodeArgs *args, const char *units,
			     int32_t length, UConverterCallbackReason reason, UErrorCode *code)
{
	(void)context, (void)args, (void)units, (void)length, (void)reason, (void)code;
}
#else
typedef int xml_without_icu_is_not_needed;
#endif
