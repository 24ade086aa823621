/* ocsp.c - what OCSP responders say of a certificate */
#include "check-path/checking.h"

enum revocation_status ocsp_consult(struct checking *k, X509 *x, X509 *issuer, const struct issuer_policy *policy,
				    struct revocation_answer *out)
{
	(void)k;
	(void)x;
	(void)issuer;
	(void)policy;
	*out = (struct revocation_answer)REVOCATION_ANSWER_INIT;
	return REVOCATION_NO_ANSWER;
}
