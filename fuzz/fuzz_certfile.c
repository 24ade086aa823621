/* fuzz_certfile.c - certificate files of any format, as an operator may copy them into an area */
#include <stdint.h>

#include <openssl/crypto.h>

#include "common/certfile.h"
#include "common/marks.h"
#include "lib/openssl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the modules would give out must be readable to postern. */
static void check_readable(struct span der)
{
	X509 *x = openssl_certificate(NULL, &der);

	if (!x || der.n)
		abort();
	X509_free(x);
}

/* What the index would keep must lead back to the same bytes. */
static void check_object(struct span file, const struct certfile_object *o)
{
	struct buf der = BUF_INIT, marks = BUF_INIT;
	struct span list, mark;
	struct crl crl;
	size_t n = 0;

	if (o->form != CERTFILE_INNER) {
		if (o->offset > file.n || o->length > file.n - o->offset)
			abort();
		if (certfile_decode(o->form, span_sub(file, o->offset, o->offset + o->length), &der) < 0)
			abort();
		if (!span_eq(span_from(der.data, der.len), o->der))
			abort();
	}
	if (o->certificate) {
		check_readable(o->der);
		marks_of_certificate(o->certificate, o->der, "@example.org", &marks);
	} else if (crl_view(span_from(o->crl.data, o->crl.len), &crl)) {
		marks_of_crl(&crl, o->der, &marks);
	}
	list = span_from(buf_str(&marks), marks.len);
	while (marks_next(&list, &mark))
		n++;
	if (n < 2 || list.n)
		abort();
	buf_release(&der);
	buf_release(&marks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = span_from(data, size);
	struct certfile f;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	certfile_read(file, "passphrase", &f, NULL);
	for (size_t i = 0; i < f.n; i++)
		check_object(file, &f.items[i]);
	certfile_release(&f);
	return 0;
}
