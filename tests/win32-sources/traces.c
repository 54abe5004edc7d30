/* traces.c - tracing and events, as sources of routing protocols for Windows use them. */
#include <winsock2.h>
#include <windows.h>

#include <rtutils.h>
#include <stdio.h>

#include "traces.h"

#define CHECK(what) ((what) ? (void)0 : fail(#what, __LINE__))

static int failed;

static void fail(const char *what, int line)
{
    printf("line %d: not so: %s\n", line, what);
    failed = 1;
}

static DWORD by_list(DWORD id, LPCSTR format, ...)
{
    va_list list;
    DWORD length;

    va_start(list, format);
    length = TraceVprintfEx(id, TRACE_NO_STDINFO, format, list);
    va_end(list);
    return length;
}

static void trace(DWORD id)
{
    static WCHAR wide[] = {'W', 0xe4, 0x20ac, 0xd83d, 0xde00, 0xdc00, 0};
    DWORD big = 4000000000u;
    LONG negative = -5;
    ULONGLONG huge = 12345678901234567890u;
    BYTE bytes[20];
    DWORD n;

    TracePrintf(id, "plain");
    TracePrintf(id, "a DWORD %lu %u %lx, a LONG %ld %d, an ULONGLONG %I64u", big, big, big,
                negative, negative, huge);
    /* A cast to C's long, which is wider on one of the two systems. */
    TracePrintf(id, "cast %lu %ld", (unsigned long)big, (long)negative);
    TracePrintf(id, "widths [%5d] [%-5d] [%05d] [%.3d] [%*d] [%.*s] [%8.3f]", 42, 42, 42, 42, 6,
                42, 2, "abc", 3.14159);
    TracePrintf(id, "text [%s] [%10s] [%-6s] [%.2s] [%hs] [%c] %%", "abc", "abc", "abc", "abc",
                "abc", 'x');
    TracePrintf(id, "wide [%ws] [%ls] [%S] [%.2ws]", wide, wide, wide, wide);
    TracePrintf(id, "small %hu %hd, a size %Iu\n", 65535, -1, (SIZE_T)7);
    TracePrintfEx(id, TRACE_NO_STDINFO, "no prefix, no new line; ");
    by_list(id, "%s %u\n", "by a list", 1);
    TracePuts(id, "puts 100%s");
    TracePutsEx(id, TRACE_NO_STDINFO, "puts raw\n");
    for (n = 0; n < 20; n++)
        bytes[n] = (BYTE)n;
    TraceDump(id, bytes, 20, 1, FALSE, "dump");
    TraceDumpEx(id, TRACE_NO_STDINFO, bytes, 8, 4, FALSE, "quads");
    TracePrintfW(id, wide);
    from_elsewhere(id);
}

static void log_events(void)
{
    HANDLE log = RouterLogRegister("MYPROTO");
    static char first[] = "eth0", second[] = "239.1.1.1";
    LPSTR strings[2];
    BYTE data[2] = {1, 2};

    strings[0] = first;
    strings[1] = second;
    CHECK(log != NULL);
    RouterLogEvent(log, EVENTLOG_WARNING_TYPE, 50014, 2, strings, ERROR_ALREADY_EXISTS);
    RouterLogError(log, 1, 0, NULL, 0);
    RouterLogInformation(log, 2, 1, strings, 0);
    RouterLogEventString(log, EVENTLOG_ERROR_TYPE, 3, 1, strings, 5, 1);
    RouterLogEventData(log, EVENTLOG_ERROR_TYPE, 4, 1, strings, 2, data);
    RouterLogEventEx(log, EVENTLOG_ERROR_TYPE, 87, 5, "group %s, %lu times", second, (DWORD)3);
    LogEvent(EVENTLOG_WARNING_TYPE, 6, 1, strings);
    LogError(7, 1, strings, 8);
    RouterLogDeregister(log);
}

int main(void)
{
    DWORD id = TraceRegister("MYPROTO"), other, length;

    CHECK(id != INVALID_TRACEID);
    other = TraceRegisterEx("OTHER", TRACE_USE_FILE | TRACE_USE_CONSOLE);
    CHECK(other != INVALID_TRACEID && other != id);
    length = TracePrintfEx(id, TRACE_NO_STDINFO, "%s\n", "abc");
    printf("tracing is %s\n", length == 4 ? "on" : length == 0 ? "off" : "strange");
    trace(id);
    TracePrintf(other, "of the other");
    log_events();
    CHECK(TraceDeregisterEx(other, 0) == NO_ERROR);
    CHECK(TraceDeregister(id) == NO_ERROR);
    CHECK(TraceDeregister(id) != NO_ERROR);
    CHECK(TracePrintf(id, "nobody's") == 0);
    CHECK(TracePuts(INVALID_TRACEID, "nobody's") == 0);
    return failed;
}
