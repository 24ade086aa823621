/* fuzz_forms.c - names and name constraints that may not be well formed: kind and side, then two texts, a NUL between */
#include <stdint.h>
#include <string.h>

#include "check-path/forms.h"
#include "common/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GENERAL_NAME *name_of(int type, const uint8_t *bytes, size_t n)
{
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!text || !name || !ASN1_STRING_set(text, bytes, (int)n))
		abort();
	GENERAL_NAME_set0_value(name, type, text);
	return name;
}

static void check_forms(int type, bool excluded, const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	size_t n = nul ? (size_t)(nul - data) : size;
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
	STACK_OF(GENERAL_SUBTREE) *trees = sk_GENERAL_SUBTREE_new_null();
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
	X509 *x = X509_new();

	if (!names || !nc || !trees || !tree || !x)
		abort();
	GENERAL_NAME_free(tree->base);
	tree->base = name_of(type, nul ? nul + 1 : data, nul ? size - n - 1 : size);
	sk_GENERAL_SUBTREE_push(trees, tree);
	*(excluded ? &nc->excludedSubtrees : &nc->permittedSubtrees) = trees;
	sk_GENERAL_NAME_push(names, name_of(type, data, n));
	if (!forms_misfit(x, names, nc) && type != GEN_URI) /* behind its host a URI may have anything */
		for (size_t i = 0; i < n; i++)
			if (data[i] < 0x20 || data[i] >= 0x7f)
				abort();
	X509_free(x);
	NAME_CONSTRAINTS_free(nc);
	GENERAL_NAMES_free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = { GEN_EMAIL, GEN_DNS, GEN_URI };
	struct span all = span_from(data, size);

	if (der_is_strict(all) && der_element(all) != size)
		abort();
	if (size > 1)
		check_forms(types[data[0] / 2 % 3], data[0] & 1, data + 1, size - 1);
	return 0;
}
