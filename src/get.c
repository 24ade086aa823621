/* get.c - postern -get: values of the configuration, for the tools that look after a site
 *
 * The tools are shell scripts: that they ask here is why there is one reader of postern.conf and not two.
 */
#include "get.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

static int collect(const struct config *c, const char *const *names, size_t n, struct buf *text, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct config_option *option = config_find(names[i]);

		if (!option)
			return error_set(err, E_CONFIG, "-get: unknown option \"%s\"; see postern.conf(5)", names[i]);
		config_text(c, option, text);
		buf_addch(text, '\n');
	}
	return 0;
}

void get_run(const struct config *c, const char *const *names, size_t n, struct outcome *out)
{
	struct buf text = BUF_INIT;
	struct error err = { 0 };
	int rc = collect(c, names, n, &text, &err);

	if (rc == 0 && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout) != 0))
		rc = error_set(&err, E_TEMP, "standard output: %s", strerror(errno));
	if (rc < 0)
		outcome_error(out, &err);
	buf_release(&text);
}
