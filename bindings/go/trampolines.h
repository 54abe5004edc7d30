// The C functions that the library calls. The callbacks of mgm.h do not say for which client
// they are, so each registered client has a set of functions of its own, its slot.
#ifndef MGM_GO_TRAMPOLINES_H
#define MGM_GO_TRAMPOLINES_H

#include <mgmhost.h>

enum { MGM_GO_SLOTS = 32 };

// Returns the callbacks of a slot. Bit n of `wanted` selects the n-th callback of the structure.
ROUTING_PROTOCOL_CONFIG mgm_go_config(int slot, unsigned wanted);

// Sets or removes goRouterLost as the callback of MgmHostSetRouterLost.
DWORD mgm_go_report_router_lost(int wanted);

// Sets or removes goClientFilter as the callback of MgmHostSetClientFilter.
DWORD mgm_go_filter_clients(int wanted);

#endif
