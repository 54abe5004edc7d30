/*
 * winerror.h - a replacement for the Windows header: the error codes that routing protocols
 * return from their own functions. The codes of mgm.h are in mgmtypes.h.
 */
#ifndef _WINERROR_
#define _WINERROR_

#include <mgmtypes.h>

#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_INVALID_DATA 13
#define ERROR_OUTOFMEMORY 14
#define ERROR_NOT_SUPPORTED 50
#define ERROR_CALL_NOT_IMPLEMENTED 120
#define ERROR_BUSY 170
#define ERROR_SERVICE_NOT_ACTIVE 1062
#define ERROR_TIMEOUT 1460

#endif
