/*
 * rtmv2.h - a replacement for the Windows header: the structures that describe a route in
 * an RPF callback. Neither this header nor the library has the functions of the routing
 * table manager (Rtm...).
 */
#ifndef __ROUTING_RTMv2_H__
#define __ROUTING_RTMv2_H__

#include <mgmtypes.h>

#define RTM_MAX_VIEWS 32
#define RTM_VIEW_MASK_SIZE 0x20

#endif
