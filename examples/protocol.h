/*
 * protocol.h - a small multicast routing protocol on top of mgm.h.
 *
 * The protocol proper, without a main(): igmp_router.c runs it on a real
 * router, embedded_host.c on the forwarding table inside the library. It does
 * not know which of the two it lives in, and no client of MGM has to.
 */
#ifndef EXAMPLES_PROTOCOL_H
#define EXAMPLES_PROTOCOL_H

#include <mgm.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Registers with MGM. With `igmp_too` a second client, with IGMP's protocol id,
 * adds the memberships that hosts ask for, and the protocol hears of them by
 * LOCAL_JOIN and LOCAL_LEAVE; otherwise the protocol adds them itself.
 */
DWORD protocol_start(bool igmp_too);

/* Takes an interface. `name` is for messages and has to live until the stop. */
DWORD protocol_take(DWORD index, const char *name);

/*
 * An IGMP message from `host` came in on an interface: turns what the host
 * wants into memberships. `left`, if not null, is called for each (*,g) that
 * was given up, so that the caller can ask who else wants the group.
 */
void protocol_hear(DWORD index, uint32_t host, const uint8_t *message, size_t length,
                   void (*left)(DWORD index, uint32_t group));

/* Prints all MFEs with their counters; prints all groups that anybody joined. */
void protocol_print_mfes(void);
void protocol_print_groups(void);

/* Gives everything back. The first error, if any, is the answer. */
DWORD protocol_stop(void);

#endif
