/*
 * iprtrmib.h - a replacement for the Windows header: the multicast part of the MIB of the
 * IP router. The numbers of the variables are defined so that programs that use the
 * names compile. No function returns the variables.
 */
#ifndef __ROUTING_IPRTRMIB_H__
#define __ROUTING_IPRTRMIB_H__

#include "ipmib.h"

#define IPRTRMGR_PID 10000

#define MCAST_MFE 18
#define MCAST_MFE_STATS 19
#define MCAST_IF_ENTRY 23
#define MCAST_GLOBAL 24
#define MCAST_BOUNDARY 26
#define MCAST_SCOPE 27
#define MCAST_MFE_STATS_EX 35

#endif
