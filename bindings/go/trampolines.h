// C functions for MGM to call: its callbacks do not say whose they are, so each
// client that is registered has a set of its own, its slot.
#ifndef MGM_GO_TRAMPOLINES_H
#define MGM_GO_TRAMPOLINES_H

#include <mgmhost.h>

enum { MGM_GO_SLOTS = 32 };

// Of the nine callbacks, bit by bit in the order of the structure, those that are wanted.
ROUTING_PROTOCOL_CONFIG mgm_go_config(int slot, unsigned wanted);

#endif
