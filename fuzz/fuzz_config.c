/* fuzz_config.c - postern.conf: any bytes are read or refused */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/config.h"

static char path[] = "/tmp/fuzz-config.XXXXXX";

static void forget(void)
{
	unlink(path);
}

/* Every value is one line. */
static void say_all(const struct config *c)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < config_noptions; i++)
		config_text(c, &config_options[i], &text);
	if (text.len && memchr(text.data, '\n', text.len))
		abort();
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd = -1;
	struct config *c;

	if (fd < 0) {
		fd = mkstemp(path);
		atexit(forget);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	if (config_read(path, NULL, 0, NULL, &c, NULL) == 0) {
		say_all(c);
		config_free(c);
	}
	return 0;
}
