/*
 * winposix.h - part of the stand-ins: asks this system for what it has beside C,
 * also where the compiler was told -std=c11. Too late behind another header: then
 * it takes -std=gnu11, or -D_DEFAULT_SOURCE.
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
