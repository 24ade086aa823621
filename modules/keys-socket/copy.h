/* copy.h - bytes from standard input to a socket, and from there to standard output */
#ifndef POSTERN_KEYS_SOCKET_COPY_H
#define POSTERN_KEYS_SOCKET_COPY_H

#include "lib/error.h"
#include "lib/frame.h"

/* Writes first as a frame, then what in has read behind it, then copies until the socket's end; the end of standard input is passed on.
 * All buffers are overwritten.  E_TEMP */
int copy_both_ways(struct frame_reader *in, struct span first, int socket, struct error *err);

#endif
