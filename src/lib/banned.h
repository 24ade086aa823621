/* banned.h - functions that have no place here; included before everything by the compiler's -include
 *
 * Each has a bounded or checked sibling: snprintf, strtol with checks (span_number), posix_spawn or
 * execv with a list, open with modes, memcpy with a length.
 */
#ifndef POSTERN_LIB_BANNED_H
#define POSTERN_LIB_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BANNED(f) use_of_##f##_is_banned

#undef strcpy
#define strcpy(a, b) BANNED(strcpy)
#undef strcat
#define strcat(a, b) BANNED(strcat)
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy)
#undef strncat
#define strncat(a, b, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef gets
#define gets(a) BANNED(gets)
#undef strtok
#define strtok(a, b) BANNED(strtok)
#undef system
#define system(a) BANNED(system)
#undef popen
#define popen(a, b) BANNED(popen)
#undef atoi
#define atoi(a) BANNED(atoi)
#undef alloca
#define alloca(a) BANNED(alloca)

#endif
