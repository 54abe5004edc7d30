/*
 * winposix.h - a part of the replacement headers: makes the system headers declare POSIX
 * functions even with -std=c11. It must be included before any system header. Otherwise
 * compile with -std=gnu11 or -D_DEFAULT_SOURCE.
 */
#ifndef MGM_WIN32_WINPOSIX_H
#define MGM_WIN32_WINPOSIX_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include <time.h>
#ifndef CLOCK_MONOTONIC
#error "include windows.h first, or compile with -std=gnu11 or -D_DEFAULT_SOURCE"
#endif

#endif
