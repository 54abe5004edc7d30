/* ws2tcpip.h - a replacement for the Windows header: winsock2.h already has inet_pton and the
 * other functions. */
#ifndef _WS2TCPIP_H_
#define _WS2TCPIP_H_

#include "winsock2.h"

typedef struct ip_mreq IP_MREQ, *PIP_MREQ;

#endif
