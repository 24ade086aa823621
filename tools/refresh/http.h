/* http.h - fetching by HTTP and HTTPS: every bound given to libcurl, and its reasons as ours */
#ifndef POSTERN_REFRESH_HTTP_H
#define POSTERN_REFRESH_HTTP_H

#include "refresh/fetch_inside.h"

int http_begin(struct fetcher *fr, struct error *err); /* E_CONFIG: libcurl cannot start */
void http_end(struct fetcher *fr);

/* fr->active is below options->parallel. */
void http_start(struct fetcher *fr, struct fetch *f);
/* Goes on with all that are begun; ends what is finished. */
void http_collect(struct fetcher *fr);
void http_give_up(struct fetcher *fr);
/* Waits, ms milliseconds at most, for something to do here or at one of n other descriptors. */
void http_wait(struct fetcher *fr, struct curl_waitfd *others, unsigned n, int ms);

#endif
