/*
 * winevent.h - a part of the replacement for rtutils.h: the event log of the router.
 */
#ifndef MGM_WIN32_WINEVENT_H
#define MGM_WIN32_WINEVENT_H

#include "wintrace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A log consists of its name only. */
static inline HANDLE mgm_win32_log(const void *name, int is_wide)
{
    mgm_win32_text *log = (mgm_win32_text *)malloc(sizeof *log);

    if (log)
        mgm_win32_set(log, name, is_wide);
    return log;
}

static inline void mgm_win32_event_begin(mgm_win32_text *text, HANDLE log, DWORD type, DWORD event)
{
    const char *kind = type == EVENTLOG_ERROR_TYPE     ? "error"
                       : type == EVENTLOG_WARNING_TYPE ? "warning"
                                                       : "information";
    char out[32];

    text->length = 0;
    text->bytes[0] = 0;
    mgm_win32_puts(text, "[");
    mgm_win32_puts(text, log ? ((const mgm_win32_text *)log)->bytes : "router");
    mgm_win32_puts(text, "] ");
    mgm_win32_puts(text, kind);
    snprintf(out, sizeof out, ", event %u", (unsigned)event);
    mgm_win32_puts(text, out);
}

static inline void mgm_win32_event_end(mgm_win32_text *text, DWORD error)
{
    char out[32];

    if (error != NO_ERROR) {
        snprintf(out, sizeof out, " (code %u)", (unsigned)error);
        mgm_win32_puts(text, out);
    }
    mgm_win32_write(text, TRUE);
}

static inline void mgm_win32_event(HANDLE log, DWORD type, DWORD event, DWORD count,
                                   const void *strings, int is_wide, DWORD error)
{
    mgm_win32_text text;
    DWORD at;

    if (!mgm_win32_traces())
        return;
    mgm_win32_event_begin(&text, log, type, event);
    for (at = 0; strings && at < count; at++) {
        const void *string = ((const void *const *)strings)[at];

        mgm_win32_puts(&text, at == 0 ? ": " : ", ");
        mgm_win32_put_string(&text, string, is_wide);
    }
    mgm_win32_event_end(&text, error);
}

static inline void mgm_win32_event_format(HANDLE log, DWORD type, DWORD event, const void *format,
                                          va_list list, int is_wide, DWORD error)
{
    mgm_win32_text text;

    if (!mgm_win32_traces())
        return;
    mgm_win32_event_begin(&text, log, type, event);
    mgm_win32_puts(&text, ": ");
    mgm_win32_format_any(&text, is_wide, format, list);
    mgm_win32_event_end(&text, error);
}

static inline HANDLE RouterLogRegisterA(LPCSTR source)
{
    return mgm_win32_log(source, FALSE);
}

static inline VOID RouterLogDeregisterA(HANDLE log)
{
    free(log);
}

static inline VOID RouterLogEventA(HANDLE log, DWORD type, DWORD event, DWORD count,
                                   LPSTR *strings, DWORD error)
{
    mgm_win32_event(log, type, event, count, strings, FALSE, error);
}

static inline VOID RouterLogEventStringA(HANDLE log, DWORD type, DWORD event, DWORD count,
                                         LPSTR *strings, DWORD error, DWORD index)
{
    (void)index;
    mgm_win32_event(log, type, event, count, strings, FALSE, error);
}

/* The log does not show the data. */
static inline VOID RouterLogEventDataA(HANDLE log, DWORD type, DWORD event, DWORD count,
                                       LPSTR *strings, DWORD bytes, LPBYTE data)
{
    (void)bytes;
    (void)data;
    mgm_win32_event(log, type, event, count, strings, FALSE, NO_ERROR);
}

static inline VOID RouterLogEventValistExA(HANDLE log, DWORD type, DWORD error, DWORD event,
                                           LPCSTR format, va_list list)
{
    mgm_win32_event_format(log, type, event, format, list, FALSE, error);
}

static inline VOID RouterLogEventExA(HANDLE log, DWORD type, DWORD error, DWORD event,
                                     LPCSTR format, ...)
{
    va_list list;

    va_start(list, format);
    RouterLogEventValistExA(log, type, error, event, format, list);
    va_end(list);
}

static inline VOID LogEventA(DWORD type, DWORD event, DWORD count, LPSTR *strings)
{
    mgm_win32_event(NULL, type, event, count, strings, FALSE, NO_ERROR);
}

static inline VOID LogErrorA(DWORD event, DWORD count, LPSTR *strings, DWORD error)
{
    mgm_win32_event(NULL, EVENTLOG_ERROR_TYPE, event, count, strings, FALSE, error);
}

static inline HANDLE RouterLogRegisterW(LPCWSTR source)
{
    return mgm_win32_log(source, TRUE);
}

static inline VOID RouterLogDeregisterW(HANDLE log)
{
    free(log);
}

static inline VOID RouterLogEventW(HANDLE log, DWORD type, DWORD event, DWORD count,
                                   LPWSTR *strings, DWORD error)
{
    mgm_win32_event(log, type, event, count, strings, TRUE, error);
}

static inline VOID RouterLogEventStringW(HANDLE log, DWORD type, DWORD event, DWORD count,
                                         LPWSTR *strings, DWORD error, DWORD index)
{
    (void)index;
    mgm_win32_event(log, type, event, count, strings, TRUE, error);
}

/* The log does not show the data. */
static inline VOID RouterLogEventDataW(HANDLE log, DWORD type, DWORD event, DWORD count,
                                       LPWSTR *strings, DWORD bytes, LPBYTE data)
{
    (void)bytes;
    (void)data;
    mgm_win32_event(log, type, event, count, strings, TRUE, NO_ERROR);
}

static inline VOID RouterLogEventValistExW(HANDLE log, DWORD type, DWORD error, DWORD event,
                                           LPCWSTR format, va_list list)
{
    mgm_win32_event_format(log, type, event, format, list, TRUE, error);
}

static inline VOID RouterLogEventExW(HANDLE log, DWORD type, DWORD error, DWORD event,
                                     LPCWSTR format, ...)
{
    va_list list;

    va_start(list, format);
    RouterLogEventValistExW(log, type, error, event, format, list);
    va_end(list);
}

static inline VOID LogEventW(DWORD type, DWORD event, DWORD count, LPWSTR *strings)
{
    mgm_win32_event(NULL, type, event, count, strings, TRUE, NO_ERROR);
}

static inline VOID LogErrorW(DWORD event, DWORD count, LPWSTR *strings, DWORD error)
{
    mgm_win32_event(NULL, EVENTLOG_ERROR_TYPE, event, count, strings, TRUE, error);
}

#define RouterLogErrorA(h, msg, count, array, err) \
    RouterLogEventA(h, EVENTLOG_ERROR_TYPE, msg, count, array, err)
#define RouterLogErrorDataA(h, msg, count, array, c, buf) \
    RouterLogEventDataA(h, EVENTLOG_ERROR_TYPE, msg, count, array, c, buf)
#define RouterLogErrorStringA(h, msg, count, array, err, index) \
    RouterLogEventStringA(h, EVENTLOG_ERROR_TYPE, msg, count, array, err, index)
#define RouterLogWarningA(h, msg, count, array, err) \
    RouterLogEventA(h, EVENTLOG_WARNING_TYPE, msg, count, array, err)
#define RouterLogWarningDataA(h, msg, count, array, c, buf) \
    RouterLogEventDataA(h, EVENTLOG_WARNING_TYPE, msg, count, array, c, buf)
#define RouterLogWarningStringA(h, msg, count, array, err, index) \
    RouterLogEventStringA(h, EVENTLOG_WARNING_TYPE, msg, count, array, err, index)
#define RouterLogInformationA(h, msg, count, array, err) \
    RouterLogEventA(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, err)
#define RouterLogInformationDataA(h, msg, count, array, c, buf) \
    RouterLogEventDataA(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, c, buf)
#define RouterLogInformationStringA(h, msg, count, array, err, index) \
    RouterLogEventStringA(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, err, index)
#define RouterLogErrorW(h, msg, count, array, err) \
    RouterLogEventW(h, EVENTLOG_ERROR_TYPE, msg, count, array, err)
#define RouterLogErrorDataW(h, msg, count, array, c, buf) \
    RouterLogEventDataW(h, EVENTLOG_ERROR_TYPE, msg, count, array, c, buf)
#define RouterLogErrorStringW(h, msg, count, array, err, index) \
    RouterLogEventStringW(h, EVENTLOG_ERROR_TYPE, msg, count, array, err, index)
#define RouterLogWarningW(h, msg, count, array, err) \
    RouterLogEventW(h, EVENTLOG_WARNING_TYPE, msg, count, array, err)
#define RouterLogWarningDataW(h, msg, count, array, c, buf) \
    RouterLogEventDataW(h, EVENTLOG_WARNING_TYPE, msg, count, array, c, buf)
#define RouterLogWarningStringW(h, msg, count, array, err, index) \
    RouterLogEventStringW(h, EVENTLOG_WARNING_TYPE, msg, count, array, err, index)
#define RouterLogInformationW(h, msg, count, array, err) \
    RouterLogEventW(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, err)
#define RouterLogInformationDataW(h, msg, count, array, c, buf) \
    RouterLogEventDataW(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, c, buf)
#define RouterLogInformationStringW(h, msg, count, array, err, index) \
    RouterLogEventStringW(h, EVENTLOG_INFORMATION_TYPE, msg, count, array, err, index)

#ifdef __cplusplus
}
#endif

#endif
