/*
 * protocol.h - a small multicast routing protocol on top of mgm.h.
 *
 * The protocol without a main(): module/module.c runs it in mgmd, with the kernel forwarder, and
 * embedded_host.c with the memory forwarder. The protocol is the same in both cases.
 */
#ifndef EXAMPLES_PROTOCOL_H
#define EXAMPLES_PROTOCOL_H

#include <mgm.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Registers the protocol. Each protocol of a router that has the same id needs another `component`.
 * `label` begins each line that the protocol prints. With `igmp_too` a second client, with the protocol id of IGMP, adds the
 * memberships that hosts ask for, and the protocol gets LOCAL_JOIN and LOCAL_LEAVE. Otherwise
 * the protocol adds them itself.
 */
DWORD protocol_start(DWORD component, const char *label, bool igmp_too);

/* Takes an interface. `name` is for messages, and must stay valid until protocol_stop. */
DWORD protocol_take(DWORD index, const char *name);

/* An IGMP message from `host` has arrived on an interface: adds and deletes memberships. */
void protocol_hear(DWORD index, uint32_t host, const uint8_t *message, size_t length);

/* Print all MFEs with their counters, and all groups with a membership. */
void protocol_print_mfes(void);
void protocol_print_groups(void);

/* Releases the interfaces, and deregisters. Returns the first error, if any. */
DWORD protocol_stop(void);

#endif
