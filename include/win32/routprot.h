/*
 * routprot.h - a replacement for the Windows header: protocol numbers and router
 * events. The interface between the Windows router and protocol DLLs is missing: see
 * docs/porting.md. The Windows header needs MPR50 to be defined. This one does not, but
 * MPR50 may be defined.
 */
#ifndef _ROUTPROT_H_
#define _ROUTPROT_H_

#include <mgmtypes.h>

#define RF_ROUTING 0x00000001
#define RF_ADD_ALL_INTERFACES 0x00000010
#define RF_MULTICAST 0x00000020

#define MS_ROUTER_VERSION 0x00000500

typedef enum _ROUTING_PROTOCOL_EVENTS {
    ROUTER_STOPPED,
    SAVE_GLOBAL_CONFIG_INFO,
    SAVE_INTERFACE_CONFIG_INFO,
    UPDATE_COMPLETE
} ROUTING_PROTOCOL_EVENTS;

typedef enum _NET_INTERFACE_TYPE {
    PERMANENT,
    DEMAND_DIAL,
    LOCAL_WORKSTATION_DIAL,
    REMOTE_WORKSTATION_DIAL
} NET_INTERFACE_TYPE;

#define IR_PROMISCUOUS 0
#define IR_PROMISCUOUS_MULTICAST 1

#define RIS_INTERFACE_ADDRESS_CHANGE 0
#define RIS_INTERFACE_ENABLED 1
#define RIS_INTERFACE_DISABLED 2
#define RIS_INTERFACE_MEDIA_PRESENT 3
#define RIS_INTERFACE_MEDIA_ABSENT 4

#endif
