/* ws2tcpip.h - a stand-in: inet_pton and the rest come with this system's sockets. */
#ifndef _WS2TCPIP_H_
#define _WS2TCPIP_H_

#include "winsock2.h"

typedef struct ip_mreq IP_MREQ, *PIP_MREQ;

#endif
