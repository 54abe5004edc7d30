/*
 * windows.h - a replacement for the Windows header, for multicast routing protocols that
 * were written for Windows. It has the types and the few functions that such programs use
 * apart from mgm.h. Code that uses anything else must be ported.
 */
#ifndef _WINDOWS_
#define _WINDOWS_

#include "winposix.h"

#include <mgmtypes.h>
#include <string.h>

#include "winerror.h"
#include "winheap.h"
#include "winlist.h"
#include "winsync.h"

/* ----------------------------------- Types -------------------------------- */

/* A DWORD has 32 bits, the C type unsigned long has 64. Do not print a DWORD with %lu:
 * use a cast, as in printf("%lu", (unsigned long)dw), or PRIu32. */
typedef BOOL WINBOOL, *LPBOOL;
typedef UCHAR BOOLEAN;
typedef int16_t SHORT;
typedef LONG *PLONG, *LPLONG;
typedef INT *PINT;
typedef WORD *PWORD, *LPWORD;
typedef BYTE *LPBYTE;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32, DWORD32;
typedef uint64_t UINT64, DWORD64, DWORDLONG;
typedef int32_t INT32, LONG32;
typedef int64_t INT64, LONG64, LONGLONG;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR, SIZE_T;
typedef intptr_t INT_PTR, LONG_PTR, SSIZE_T;
typedef float FLOAT;
typedef const void *LPCVOID;
typedef HANDLE HMODULE, HINSTANCE;

/* A WCHAR has 16 bits: write u"..." instead of L"...". */
typedef CHAR *PCHAR, *PSTR, *LPSTR;
typedef const CHAR *PCSTR, *LPCSTR;
typedef WCHAR *PWSTR, *LPWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR;

#ifdef UNICODE
typedef WCHAR TCHAR, *LPTSTR;
typedef const WCHAR *LPCTSTR;
#define TEXT(quote) u##quote
#else
typedef CHAR TCHAR, *LPTSTR;
typedef const CHAR *LPCTSTR;
#define TEXT(quote) quote
#endif

/* ---------------------------------- Keywords ------------------------------ */

#ifndef CONST
#define CONST const
#endif
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif
/* Empty, because there is only one calling convention on this system. */
#define APIENTRY
#define WINAPIV
#define NTAPI
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __stdcall
#define __stdcall
#endif

/* ----------------------------------- Macros ------------------------------- */

#define MAXDWORD 0xffffffff
#define MAX_PATH 260
#define EVENTLOG_SUCCESS 0
#define EVENTLOG_ERROR_TYPE 1
#define EVENTLOG_WARNING_TYPE 2
#define EVENTLOG_INFORMATION_TYPE 4
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

#define UNREFERENCED_PARAMETER(P) ((void)(P))
#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define MAKEWORD(a, b) ((WORD)(((BYTE)(a)) | ((WORD)((BYTE)(b))) << 8))
#define CONTAINING_RECORD(address, type, field) \
    ((type *)((PCHAR)(address) - offsetof(type, field)))

#define RtlZeroMemory(Destination, Length) memset((Destination), 0, (Length))
#define RtlFillMemory(Destination, Length, Fill) memset((Destination), (Fill), (Length))
#define RtlCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define RtlMoveMemory(Destination, Source, Length) memmove((Destination), (Source), (Length))
#define RtlEqualMemory(Destination, Source, Length) (!memcmp((Destination), (Source), (Length)))
#define ZeroMemory RtlZeroMemory
#define FillMemory RtlFillMemory
#define CopyMemory RtlCopyMemory
#define MoveMemory RtlMoveMemory

/* As on Windows, windows.h includes the sockets. */
#ifndef WIN32_LEAN_AND_MEAN
#include "winsock2.h"
#endif

#endif
