/*
 * wintrace.h - a part of the replacement for rtutils.h: formats messages as Windows does and
 * writes them.
 *
 * Messages go to stderr if the environment variable MGM_TRACE has any value but 0. Otherwise
 * they are dropped.
 */
#ifndef MGM_WIN32_WINTRACE_H
#define MGM_WIN32_WINTRACE_H

#include "windows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A text that is cut off if it is too long. */
typedef struct mgm_win32_text {
    size_t length;
    char bytes[2048];
} mgm_win32_text;

static inline int mgm_win32_traces(void)
{
    const char *value = getenv("MGM_TRACE");

    return value && *value && strcmp(value, "0") != 0;
}

static inline void mgm_win32_put(mgm_win32_text *text, const char *bytes, size_t length)
{
    size_t room = sizeof text->bytes - 1 - text->length;

    if (length > room)
        length = room;
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static inline void mgm_win32_puts(mgm_win32_text *text, const char *string)
{
    mgm_win32_put(text, string, strlen(string));
}

/* Appends at most `most` UTF-16 units as UTF-8. An unpaired surrogate becomes "?". */
static inline void mgm_win32_put_wide(mgm_win32_text *text, const WCHAR *string, size_t most)
{
    for (; most > 0 && *string; string++, most--) {
        uint32_t unit = (uint32_t)*string;
        char bytes[4];
        size_t length = 0;

        if (unit >= 0xd800 && unit < 0xdc00 && most > 1 && (string[1] & 0xfc00) == 0xdc00) {
            unit = 0x10000 + ((unit & 0x3ff) << 10) + ((uint32_t)*++string & 0x3ff);
            most--;
        } else if (unit >= 0xd800 && unit < 0xe000) {
            unit = '?';
        }
        if (unit < 0x80) {
            bytes[length++] = (char)unit;
        } else {
            if (unit >= 0x10000)
                bytes[length++] = (char)(0xf0 | unit >> 18);
            if (unit >= 0x800)
                bytes[length++] = (char)(unit >= 0x10000 ? 0x80 | (unit >> 12 & 0x3f)
                                                          : 0xe0 | unit >> 12);
            bytes[length++] = (char)(unit >= 0x800 ? 0x80 | (unit >> 6 & 0x3f) : 0xc0 | unit >> 6);
            bytes[length++] = (char)(0x80 | (unit & 0x3f));
        }
        if (length > sizeof text->bytes - 1 - text->length)
            break; /* do not cut a character */
        mgm_win32_put(text, bytes, length);
    }
}

/* Appends a string of either kind; a null pointer appends nothing. */
static inline void mgm_win32_put_string(mgm_win32_text *text, const void *string, int is_wide)
{
    if (string && is_wide)
        mgm_win32_put_wide(text, (const WCHAR *)string, sizeof text->bytes);
    else if (string)
        mgm_win32_puts(text, (const char *)string);
}

/* Replaces the text by the string. */
static inline void mgm_win32_set(mgm_win32_text *text, const void *string, int is_wide)
{
    text->length = 0;
    text->bytes[0] = 0;
    mgm_win32_put_string(text, string, is_wide);
}

/* One conversion of a format: the part that C also has, and the argument size. */
typedef struct mgm_win32_conversion {
    char spec[48]; /* "%", flags, width, precision */
    size_t length;
    int precision; /* -1: none */
    char size;     /* h, l, w or L as written; H for hh; q for ll and I64; I for I and z */
    char type;
} mgm_win32_conversion;

static inline void mgm_win32_number(mgm_win32_conversion *to, int number)
{
    to->length += (size_t)snprintf(to->spec + to->length, 12, "%d", number);
}

/* Reads a conversion "%...": flags, width, precision and size. Replaces "*" by its value. */
static inline const char *mgm_win32_read(mgm_win32_conversion *to, const char *at, va_list *list)
{
    int part;

    memset(to, 0, sizeof *to);
    to->precision = -1;
    to->spec[to->length++] = *at++;
    while (*at && strchr("-+ #0", *at) && to->length < 8)
        to->spec[to->length++] = *at++;
    for (part = 0; part < 2; part++) {
        int number = 0;

        if (part == 1) {
            if (*at != '.')
                break;
            to->spec[to->length++] = *at++;
        } else if (*at != '*' && (*at < '0' || *at > '9')) {
            continue;
        }
        if (*at == '*') {
            number = va_arg(*list, int);
            at++;
        }
        for (; *at >= '0' && *at <= '9'; at++)
            number = number < 10000 ? number * 10 + (*at - '0') : number;
        if (part == 1)
            to->precision = number;
        mgm_win32_number(to, number);
    }
    if (strncmp(at, "I64", 3) == 0 || strncmp(at, "I32", 3) == 0) {
        to->size = at[1] == '6' ? 'q' : 0;
        at += 3;
    } else if (strncmp(at, "ll", 2) == 0 || strncmp(at, "hh", 2) == 0) {
        to->size = *at == 'l' ? 'q' : 'H';
        at += 2;
    } else if (*at && strchr("hlwLIzjt", *at)) {
        to->size = *at == 'z' || *at == 't' ? 'I' : *at == 'j' ? 'q' : *at;
        at++;
    }
    to->type = *at;
    return *at ? at + 1 : at;
}

static inline long long mgm_win32_integer(const mgm_win32_conversion *of, va_list *list)
{
    int is_signed = of->type == 'd' || of->type == 'i';

    if (of->size == 'q')
        return va_arg(*list, long long);
    if (of->size == 'I')
        return is_signed ? (long long)va_arg(*list, intptr_t)
                         : (long long)va_arg(*list, uintptr_t);
    if (of->size == 'l') {
        /* A long of Windows has 32 bits, so the argument is a DWORD or a DWORD cast to long. */
        unsigned long value = va_arg(*list, unsigned long);

        return is_signed ? (long long)(int32_t)(uint32_t)value : (long long)(uint32_t)value;
    } else {
        int value = va_arg(*list, int);

        if (of->size == 'h')
            return is_signed ? (short)value : (unsigned short)value;
        if (of->size == 'H')
            return is_signed ? (signed char)value : (unsigned char)value;
        return is_signed ? (long long)value : (long long)(unsigned)value;
    }
}

static inline void mgm_win32_string(mgm_win32_text *text, mgm_win32_conversion *of,
                                    const void *string, int is_wide)
{
    mgm_win32_text narrow, padded;

    narrow.length = 0;
    narrow.bytes[0] = 0;
    if (string && is_wide)
        mgm_win32_put_wide(&narrow, (const WCHAR *)string,
                           of->precision < 0 ? sizeof narrow.bytes : (size_t)of->precision);
    else if (string && of->precision >= 0)
        mgm_win32_put(&narrow, (const char *)string,
                      strnlen((const char *)string, (size_t)of->precision));
    else
        mgm_win32_puts(&narrow, string ? (const char *)string : "(null)");
    /* The precision is done: remove it and keep the width. */
    if (strchr(of->spec, '.'))
        *strchr(of->spec, '.') = 0;
    of->length = strlen(of->spec);
    memcpy(of->spec + of->length, "s", 2);
    snprintf(padded.bytes, sizeof padded.bytes, of->spec, narrow.bytes);
    mgm_win32_puts(text, padded.bytes);
}

/* Formats as Windows does: %lu takes a DWORD, %I64u an ULONGLONG, %ws and %ls take WCHARs. In
 * a wide format %s takes WCHARs and %S takes chars; in a narrow format it is the reverse. */
static inline void mgm_win32_format(mgm_win32_text *text, int is_wide, const char *format,
                                    va_list arguments)
{
    va_list list;

    va_copy(list, arguments);
    while (*format) {
        mgm_win32_conversion one;
        char out[512] = "";
        const char *percent = strchr(format, '%');

        mgm_win32_put(text, format, percent ? (size_t)(percent - format) : strlen(format));
        if (!percent)
            break;
        format = mgm_win32_read(&one, percent, &list);
        switch (one.type) {
        case 0:
            break;
        case '%':
            mgm_win32_puts(text, "%");
            break;
        case 's':
        case 'S': {
            int wide = one.size == 'l' || one.size == 'w' ||
                       (one.size != 'h' && is_wide == (one.type == 's'));

            mgm_win32_string(text, &one, va_arg(list, void *), wide);
            break;
        }
        case 'c':
        case 'C': {
            WCHAR unit[2] = {0, 0};

            unit[0] = (WCHAR)va_arg(list, int);
            one.precision = 1;
            mgm_win32_string(text, &one, unit, TRUE);
            break;
        }
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            memcpy(one.spec + one.length, "ll", 2);
            one.spec[one.length + 2] = one.type;
            snprintf(out, sizeof out, one.spec, mgm_win32_integer(&one, &list));
            mgm_win32_puts(text, out);
            break;
        case 'p':
            snprintf(out, sizeof out, "%p", va_arg(list, void *));
            mgm_win32_puts(text, out);
            break;
        case 'n':
            (void)va_arg(list, void *); /* ignored: Windows disables %n, too */
            break;
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
        case 'a':
        case 'A':
            one.spec[one.length] = one.type;
            snprintf(out, sizeof out, one.spec,
                     one.size == 'L' ? (double)va_arg(list, long double) : va_arg(list, double));
            mgm_win32_puts(text, out);
            break;
        default: /* unknown conversion: write the rest as it is, the argument type is unknown */
            mgm_win32_puts(text, percent);
            format = "";
        }
    }
    va_end(list);
}

/* The same with a narrow or a wide format. A null pointer counts as an empty format. */
static inline void mgm_win32_format_any(mgm_win32_text *text, int is_wide, const void *format,
                                        va_list list)
{
    const char *bytes = (const char *)format;
    mgm_win32_text narrow;

    if (is_wide) {
        mgm_win32_set(&narrow, format, TRUE);
        bytes = narrow.bytes;
    }
    mgm_win32_format(text, is_wide, bytes ? bytes : "", list);
}

static inline void mgm_win32_write(mgm_win32_text *text, int is_line)
{
    if (is_line && (text->length == 0 || text->bytes[text->length - 1] != '\n')) {
        if (text->length == sizeof text->bytes - 1)
            text->length--;
        mgm_win32_put(text, "\n", 1);
    }
    fwrite(text->bytes, 1, text->length, stderr);
}

#ifdef __cplusplus
}
#endif

#endif
