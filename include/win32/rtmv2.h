/*
 * rtmv2.h - a stand-in: what an RPF callback is shown of a route. The functions
 * of the routing table manager (Rtm...) are not here, nor in the library.
 */
#ifndef __ROUTING_RTMv2_H__
#define __ROUTING_RTMv2_H__

#include <mgmtypes.h>

#define RTM_MAX_VIEWS 32
#define RTM_VIEW_MASK_SIZE 0x20

#endif
