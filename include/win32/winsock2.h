/*
 * winsock2.h - a replacement for the Windows header: the sockets of this system under their
 * Windows names.
 *
 * Addresses use the same struct in_addr, with the member s_addr but without S_un. Errors are
 * the errno values of this system.
 */
#ifndef _WINSOCK2API_
#define _WINSOCK2API_

#include "winposix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mgmtypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int SOCKET;
#define INVALID_SOCKET (-1)
#define SOCKET_ERROR (-1)
#define closesocket close
#define ioctlsocket ioctl
#define WSAGetLastError() errno

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;

/* Sockets need no initialization on this system. */
typedef struct WSAData {
    WORD wVersion, wHighVersion;
} WSADATA, *LPWSADATA;

static inline int WSAStartup(WORD version, LPWSADATA data)
{
    data->wVersion = data->wHighVersion = version;
    return 0;
}

static inline int WSACleanup(void)
{
    return 0;
}

/* As on Windows, winsock2.h includes windows.h. */
#include "windows.h"

#endif
