// The C functions that the library calls. The callbacks of mgm.h do not say for which client
// they are, so each registered client has a set of functions of its own, its slot.
#ifndef MGM_GO_TRAMPOLINES_H
#define MGM_GO_TRAMPOLINES_H

#include "calls.h"

enum { MGM_GO_SLOTS = 32 };

// Returns the callbacks of a slot. Bit n of `wanted` selects the n-th callback of the structure.
ROUTING_PROTOCOL_CONFIG mgm_go_config(int slot, unsigned wanted);

// Has a start pass the log to goLog with this number; 0 selects stderr.
void mgm_go_log_to(MGMHOST_CONFIG *config, uintptr_t number);

// Has the library pass the log to goLog with this number; 0 selects stderr.
mgm_go_outcome mgm_go_set_log(uintptr_t number);

// Sets or removes goRouterLost as the callback of MgmHostSetRouterLost.
mgm_go_outcome mgm_go_report_router_lost(int wanted);

// Sets or removes goClientFilter as the callback of MgmHostSetClientFilter.
mgm_go_outcome mgm_go_filter_clients(int wanted);

#endif
