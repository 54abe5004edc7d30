/* texts.h - addresses and flows as text, for the steps of docs/tutorial.md. */
#ifndef EXAMPLES_TUTORIAL_TEXTS_H
#define EXAMPLES_TUTORIAL_TEXTS_H

#include <mgm.h>

#include <arpa/inet.h>
#include <stdio.h>

/* Returned as a structure, so that several can be in one call. */
struct text {
    char s[40];
};

/* Not all steps use all of these functions. */
static inline DWORD address(const char *text)
{
    struct in_addr in = {0};

    inet_pton(AF_INET, text, &in);
    return in.s_addr;
}

static inline struct text flow(DWORD source, DWORD group)
{
    struct text text;
    char s[16] = "*", g[16] = "*";

    if (source)
        inet_ntop(AF_INET, &source, s, sizeof s);
    if (group)
        inet_ntop(AF_INET, &group, g, sizeof g);
    snprintf(text.s, sizeof text.s, "(%s, %s)", s, g);
    return text;
}

#endif
