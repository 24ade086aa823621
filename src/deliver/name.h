/* name.h - file names for things that have long or foreign names */
#ifndef POSTERN_DELIVER_NAME_H
#define POSTERN_DELIVER_NAME_H

#include <stddef.h>

#define NAME_HEX 64

/* SHA-256 (FIPS 180-4) of the n strings, each followed by a NUL (so "a","bc" and "ab","c" differ), in lower-case hex. */
void name_hash(const char *const *strings, size_t n, char out[NAME_HEX + 1]);

#endif
