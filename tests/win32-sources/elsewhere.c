/* elsewhere.c - a second file of the program that traces.c is. */
#include <winsock2.h>
#include <windows.h>

#include <rtutils.h>

#include "traces.h"

void from_elsewhere(DWORD id)
{
    TracePrintfEx(id, TRACE_USE_MSEC | TRACE_USE_DATE, "from another file");
}
