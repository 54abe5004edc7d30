/*
 * rtutils.h - a replacement for the Windows header: tracing, and the event log of the
 * router.
 *
 * If the environment variable MGM_TRACE has any value but 0, both are written to stderr.
 * Otherwise nothing is written, and the trace functions return 0, as on Windows if tracing
 * is off. The log shows the number and the strings of an event, but not its text, which
 * is in a file of Windows. The functions for work items and for waiting are missing.
 */
#ifndef __ROUTING_RTUTILS_H__
#define __ROUTING_RTUTILS_H__

#include "winevent.h"
#include "wintrace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRACE_USE_FILE 0x00000001
#define TRACE_USE_CONSOLE 0x00000002
#define TRACE_NO_SYNCH 0x00000004

#define TRACE_NO_STDINFO 0x00000001
#define TRACE_USE_MASK 0x00000002
#define TRACE_USE_MSEC 0x00000004
#define TRACE_USE_DATE 0x00000008

#define INVALID_TRACEID 0xFFFFFFFF

/* The registered callers. The table is weak, so that all files of a program share it. */
enum { MGM_WIN32_CALLERS = 60 };
typedef struct mgm_win32_caller {
    int state; /* 0: free, 1: being registered, 2: registered */
    char name[40];
} mgm_win32_caller;
extern mgm_win32_caller mgm_win32_callers[MGM_WIN32_CALLERS];
__attribute__((weak)) mgm_win32_caller mgm_win32_callers[MGM_WIN32_CALLERS];

static inline int mgm_win32_is_caller(DWORD id)
{
    return id < MGM_WIN32_CALLERS &&
           __atomic_load_n(&mgm_win32_callers[id].state, __ATOMIC_ACQUIRE) == 2;
}

/* Writes the prefix of a message: "[IPRIP:129] 21:01:20: ". */
static inline void mgm_win32_begin(mgm_win32_text *text, DWORD id, DWORD flags)
{
    struct timespec now;
    struct tm day;
    char out[64];

    text->length = 0;
    text->bytes[0] = 0;
    if (flags & TRACE_NO_STDINFO)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &day);
    mgm_win32_puts(text, "[");
    mgm_win32_puts(text, mgm_win32_callers[id].name);
    snprintf(out, sizeof out, ":%ld] ", (long)syscall(SYS_gettid));
    mgm_win32_puts(text, out);
    if (strftime(out, sizeof out, flags & TRACE_USE_DATE ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &day))
        mgm_win32_puts(text, out);
    if (flags & TRACE_USE_MSEC) {
        snprintf(out, sizeof out, ".%03d", (int)(now.tv_nsec / 1000000));
        mgm_win32_puts(text, out);
    }
    mgm_win32_puts(text, ": ");
}

/* Writes the message. Returns its number of characters without the line end. */
static inline DWORD mgm_win32_end(mgm_win32_text *text, DWORD flags)
{
    DWORD length = (DWORD)text->length;

    mgm_win32_write(text, !(flags & TRACE_NO_STDINFO));
    return length;
}

static inline DWORD mgm_win32_register(const void *name, int is_wide)
{
    mgm_win32_text text;
    DWORD id;

    if (!name)
        return INVALID_TRACEID;
    mgm_win32_set(&text, name, is_wide);
    for (id = 0; id < MGM_WIN32_CALLERS; id++) {
        mgm_win32_caller *caller = &mgm_win32_callers[id];
        int none = 0;

        if (!__atomic_compare_exchange_n(&caller->state, &none, 1, 0, __ATOMIC_ACQUIRE,
                                         __ATOMIC_RELAXED))
            continue;
        snprintf(caller->name, sizeof caller->name, "%.*s", (int)sizeof caller->name - 1,
                 text.bytes);
        __atomic_store_n(&caller->state, 2, __ATOMIC_RELEASE);
        return id;
    }
    return INVALID_TRACEID;
}

static inline DWORD mgm_win32_deregister(DWORD id)
{
    if (!mgm_win32_is_caller(id))
        return ERROR_INVALID_HANDLE;
    __atomic_store_n(&mgm_win32_callers[id].state, 0, __ATOMIC_RELEASE);
    return NO_ERROR;
}

/* Traces nothing, as where tracing is off. */
static inline int mgm_win32_is_off(DWORD id)
{
    return !mgm_win32_traces() || !mgm_win32_is_caller(id);
}

static inline DWORD mgm_win32_vprintf(DWORD id, DWORD flags, const void *format, va_list list,
                                      int is_wide)
{
    mgm_win32_text text;

    if (mgm_win32_is_off(id) || !format)
        return 0;
    mgm_win32_begin(&text, id, flags);
    mgm_win32_format_any(&text, is_wide, format, list);
    return mgm_win32_end(&text, flags);
}

static inline DWORD mgm_win32_trace(DWORD id, DWORD flags, const void *string, int is_wide)
{
    mgm_win32_text text;

    if (mgm_win32_is_off(id) || !string)
        return 0;
    mgm_win32_begin(&text, id, flags);
    mgm_win32_put_string(&text, string, is_wide);
    return mgm_win32_end(&text, flags);
}

static inline DWORD mgm_win32_dump(DWORD id, DWORD flags, const BYTE *bytes, DWORD count,
                                   DWORD group, BOOL has_address, const char *prefix)
{
    DWORD at, all = 0;

    if (mgm_win32_is_off(id) || !bytes)
        return 0;
    if (group != 2 && group != 4)
        group = 1;
    for (at = 0; at < count; at++) {
        mgm_win32_text text;
        char out[24];
        DWORD end = at + 16 < count ? at + 16 : count;

        mgm_win32_begin(&text, id, flags);
        mgm_win32_puts(&text, prefix ? prefix : "");
        if (has_address) {
            snprintf(out, sizeof out, "%p:", (const void *)(bytes + at));
            mgm_win32_puts(&text, out);
        }
        for (; at < end; at++) {
            snprintf(out, sizeof out, "%s%02X", at % group == 0 ? " " : "", bytes[at]);
            mgm_win32_puts(&text, out);
        }
        at--;
        all += (DWORD)text.length;
        mgm_win32_write(&text, TRUE);
    }
    return all;
}

static inline DWORD TraceRegisterExA(LPCSTR name, DWORD flags)
{
    (void)flags;
    return mgm_win32_register(name, FALSE);
}

static inline DWORD TraceDeregisterA(DWORD id)
{
    return mgm_win32_deregister(id);
}

static inline DWORD TraceDeregisterExA(DWORD id, DWORD flags)
{
    (void)flags;
    return mgm_win32_deregister(id);
}

static inline DWORD TraceVprintfExA(DWORD id, DWORD flags, LPCSTR format, va_list list)
{
    return mgm_win32_vprintf(id, flags, format, list, FALSE);
}

static inline DWORD TracePrintfExA(DWORD id, DWORD flags, LPCSTR format, ...)
{
    va_list list;
    DWORD length;

    va_start(list, format);
    length = TraceVprintfExA(id, flags, format, list);
    va_end(list);
    return length;
}

static inline DWORD TracePrintfA(DWORD id, LPCSTR format, ...)
{
    va_list list;
    DWORD length;

    va_start(list, format);
    length = TraceVprintfExA(id, 0, format, list);
    va_end(list);
    return length;
}

static inline DWORD TracePutsExA(DWORD id, DWORD flags, LPCSTR string)
{
    return mgm_win32_trace(id, flags, string, FALSE);
}

static inline DWORD TraceDumpExA(DWORD id, DWORD flags, LPBYTE bytes, DWORD count, DWORD group,
                                 BOOL has_address, LPCSTR prefix)
{
    return mgm_win32_dump(id, flags, bytes, count, group, has_address, prefix);
}

static inline DWORD TraceRegisterExW(LPCWSTR name, DWORD flags)
{
    (void)flags;
    return mgm_win32_register(name, TRUE);
}

static inline DWORD TraceDeregisterW(DWORD id)
{
    return mgm_win32_deregister(id);
}

static inline DWORD TraceDeregisterExW(DWORD id, DWORD flags)
{
    (void)flags;
    return mgm_win32_deregister(id);
}

static inline DWORD TraceVprintfExW(DWORD id, DWORD flags, LPCWSTR format, va_list list)
{
    return mgm_win32_vprintf(id, flags, format, list, TRUE);
}

static inline DWORD TracePrintfExW(DWORD id, DWORD flags, LPCWSTR format, ...)
{
    va_list list;
    DWORD length;

    va_start(list, format);
    length = TraceVprintfExW(id, flags, format, list);
    va_end(list);
    return length;
}

static inline DWORD TracePrintfW(DWORD id, LPCWSTR format, ...)
{
    va_list list;
    DWORD length;

    va_start(list, format);
    length = TraceVprintfExW(id, 0, format, list);
    va_end(list);
    return length;
}

static inline DWORD TracePutsExW(DWORD id, DWORD flags, LPCWSTR string)
{
    return mgm_win32_trace(id, flags, string, TRUE);
}

static inline DWORD TraceDumpExW(DWORD id, DWORD flags, LPBYTE bytes, DWORD count, DWORD group,
                                 BOOL has_address, LPCWSTR prefix)
{
    mgm_win32_text text;

    mgm_win32_set(&text, prefix, TRUE);
    return mgm_win32_dump(id, flags, bytes, count, group, has_address, text.bytes);
}

#define TraceRegisterA(a) TraceRegisterExA(a, 0)
#define TraceVprintfA(a, b, c) TraceVprintfExA(a, 0, b, c)
#define TracePutsA(a, b) TracePutsExA(a, 0, b)
#define TraceDumpA(a, b, c, d, e, f) TraceDumpExA(a, 0, b, c, d, e, f)
#define TraceRegisterW(a) TraceRegisterExW(a, 0)
#define TraceVprintfW(a, b, c) TraceVprintfExW(a, 0, b, c)
#define TracePutsW(a, b) TracePutsExW(a, 0, b)
#define TraceDumpW(a, b, c, d, e, f) TraceDumpExW(a, 0, b, c, d, e, f)

/* ------------------- Names without the suffix A or W ---------------------- */

#ifdef UNICODE
#define MGM_WIN32_AW(name) name##W
#else
#define MGM_WIN32_AW(name) name##A
#endif

#define TraceRegister MGM_WIN32_AW(TraceRegister)
#define TraceRegisterEx MGM_WIN32_AW(TraceRegisterEx)
#define TraceDeregister MGM_WIN32_AW(TraceDeregister)
#define TraceDeregisterEx MGM_WIN32_AW(TraceDeregisterEx)
#define TracePrintf MGM_WIN32_AW(TracePrintf)
#define TracePrintfEx MGM_WIN32_AW(TracePrintfEx)
#define TraceVprintf MGM_WIN32_AW(TraceVprintf)
#define TraceVprintfEx MGM_WIN32_AW(TraceVprintfEx)
#define TracePuts MGM_WIN32_AW(TracePuts)
#define TracePutsEx MGM_WIN32_AW(TracePutsEx)
#define TraceDump MGM_WIN32_AW(TraceDump)
#define TraceDumpEx MGM_WIN32_AW(TraceDumpEx)
#define LogError MGM_WIN32_AW(LogError)
#define LogEvent MGM_WIN32_AW(LogEvent)
#define RouterLogRegister MGM_WIN32_AW(RouterLogRegister)
#define RouterLogDeregister MGM_WIN32_AW(RouterLogDeregister)
#define RouterLogEvent MGM_WIN32_AW(RouterLogEvent)
#define RouterLogEventData MGM_WIN32_AW(RouterLogEventData)
#define RouterLogEventString MGM_WIN32_AW(RouterLogEventString)
#define RouterLogEventEx MGM_WIN32_AW(RouterLogEventEx)
#define RouterLogEventValistEx MGM_WIN32_AW(RouterLogEventValistEx)
#define RouterLogError MGM_WIN32_AW(RouterLogError)
#define RouterLogWarning MGM_WIN32_AW(RouterLogWarning)
#define RouterLogInformation MGM_WIN32_AW(RouterLogInformation)
#define RouterLogErrorData MGM_WIN32_AW(RouterLogErrorData)
#define RouterLogWarningData MGM_WIN32_AW(RouterLogWarningData)
#define RouterLogInformationData MGM_WIN32_AW(RouterLogInformationData)
#define RouterLogErrorString MGM_WIN32_AW(RouterLogErrorString)
#define RouterLogWarningString MGM_WIN32_AW(RouterLogWarningString)
#define RouterLogInformationString MGM_WIN32_AW(RouterLogInformationString)

#define RTASSERT(exp)
#define RTASSERTMSG(msg, exp)

#ifdef __cplusplus
}
#endif

#endif
