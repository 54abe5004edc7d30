/* The router around MGM, in words that read as the transcripts do:
 *
 *     HANDLE a = protocol('A'), b = protocol('B');
 *     OK(take(a, 1));
 *     OK(join(a, "(*, 239.1.1.1)", 1));
 *     EXPECT("B join (*, 239.1.1.1) member");
 *
 * Every Mgm function has its verb here; hostile tests call the functions
 * themselves.
 */
#ifndef C_TESTS_ROUTER_H
#define C_TESTS_ROUTER_H

#include <mgm.h>
#include <mgmhost.h>

#include <stdbool.h>

#include "harness.h"
#include "recorder.h"

/* A fresh MGM with the embedded forwarder; the harness calls these around each
 * case. */
void router_start(void);
void router_stop(void);
/* Starts again with this ulTimeOut for new MFEs, in seconds. */
void router_restart(DWORD mfe_timeout);

/* The same as the harness's, but for the log: its level, and who takes its lines (null: they
 * go to stderr). */
MGMHOST_CONFIG config_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback, void *context);
void restart_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback);

/* Addresses: network byte order to and from "10.0.0.5", "*" for 0. */
DWORD ip(const char *dotted);
char *ip_text(DWORD address, char text[16]);

/* Flows: "(10.0.0.5, 239.1.1.1)", "(*, 239.1.1.1)", "(*, *)". */
struct flow {
    DWORD source, source_mask, group, group_mask;
};
struct flow flow(const char *text);
char *flow_text(DWORD source, DWORD group, char text[40]);

/* Interfaces: "3", or "3/10.0.0.2" with a next hop. */
char *interface_text(DWORD index, DWORD next_hop, char text[32]);

/* Interfaces of one neighbour have the next hop as their last argument. */
DWORD take(HANDLE client, DWORD index);
DWORD take_at(HANDLE client, DWORD index, const char *next_hop);
DWORD release(HANDLE client, DWORD index);
DWORD release_at(HANDLE client, DWORD index, const char *next_hop);
DWORD quit(HANDLE client);

DWORD join(HANDLE client, const char *flow, DWORD index);
DWORD join_at(HANDLE client, const char *flow, DWORD index, const char *next_hop);
DWORD leave(HANDLE client, const char *flow, DWORD index);
DWORD leave_at(HANDLE client, const char *flow, DWORD index, const char *next_hop);
/* MGM_FORWARD_STATE_FLAG alone: in existing MFEs only. */
DWORD forward_on(HANDLE client, const char *flow, DWORD index);
DWORD forward_off(HANDLE client, const char *flow, DWORD index);
/* MgmSetMfe; a null upstream sets 0. */
DWORD set_mfe(HANDLE client, const char *flow, const char *upstream, DWORD in_index);

/* A has 1, where the route to 10/8 points, and 4; B has 2, and wants 239.1.1.1 there. */
void router_of_two(HANDLE *a, HANDLE *b);
/* A owns 1, where the route to 10/8 points; B owns 2, and C owns 3. */
void router_of_three(HANDLE *a, HANDLE *b, HANDLE *c);

/* Who MgmGetProtocolOnInterface names: a client's letter, "nobody". */
const char *owner_of(DWORD index);
const char *owner_at(DWORD index, const char *next_hop);

/* The multicast view: a prefix "10.0.0.0/8" behind a gateway (0.0.0.0: it is
 * connected) on an interface. */
void route(const char *prefix, DWORD index, const char *gateway);
void unroute(const char *prefix);
/* An address of the router itself. */
void own_address(const char *address);

/* A packet of the flow comes in; MGM's decision as "to 2 3", "to nobody" if
 * it was accepted without an outgoing interface, "refused", or a code's name. */
const char *packet(const char *flow, DWORD index);
const char *packet_at(const char *flow, DWORD index, const char *next_hop);
/* The code alone; how many interfaces it goes out on. */
DWORD packet_code(const char *flow, DWORD index);
DWORD packet_out_count(const char *flow, DWORD index);
/* These packets have an IP header of 20 bytes with the addresses and a TTL of
 * 64, and are 100 octets long. */
enum { PACKET_HEADER_SIZE = 20, PACKET_LENGTH = 100 };
void packet_header(const char *flow, BYTE header[PACKET_HEADER_SIZE]);

/* The system loses an interface, and has it again. */
void unplug(DWORD index);
void plug_in(DWORD index);

/* What MgmGetMfe tells of one MFE; ulNumOutIf 0 and rgmioOutInfo empty if
 * there is none: then the code is ERROR_NOT_FOUND. */
DWORD get_mfe(const char *flow, MIB_IPMCAST_MFE *head);

/* All MFEs in order, a line each, compared and shown when they differ:
 *   (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1 out 2 3
 * A negative one ends in "out" alone. */
#define EXPECT_MFES(...) expect_mfes(__FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NO_MFES() expect_mfes(__FILE__, __LINE__, (const char *const[]){NULL})
void expect_mfes(const char *file, int line, const char *const *expected);

/* What an enumeration of the type returns, sorted by group, then source. */
#define EXPECT_GROUPS(type, ...) \
    expect_groups(__FILE__, __LINE__, (type), (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NO_GROUPS(type) \
    expect_groups(__FILE__, __LINE__, (type), (const char *const[]){NULL})
void expect_groups(const char *file, int line, MGM_ENUM_TYPES type, const char *const *expected);

/* Waits until the condition holds, or says that it did not. It is not looked at again
 * once it has held: it may do so for a moment, between two callbacks. */
#define SOON(condition)                                                             \
    do {                                                                            \
        bool held_ = (condition);                                                   \
        for (unsigned tries_ = 0; !held_ && tries_ < 1000; tries_++) {              \
            wait_a_little();                                                        \
            held_ = (condition);                                                    \
        }                                                                           \
        if (!held_)                                                                 \
            fail_check(__FILE__, __LINE__, "%s does not hold in time", #condition); \
    } while (0)
void wait_a_little(void);

/* A call that is refused: the code, not a thing changed, one log line. */
#define REFUSED(call, expected)                                                          \
    do {                                                                                 \
        struct world world_ = world_before();                                            \
        DWORD code_ = (call);                                                            \
        world_unchanged(__FILE__, __LINE__, #call, &world_, code_, (expected), 1);       \
    } while (0)
/* A refusal in the ordinary course of things, which makes no log line. */
#define REFUSED_QUIETLY(call, expected)                                                  \
    do {                                                                                 \
        struct world world_ = world_before();                                            \
        DWORD code_ = (call);                                                            \
        world_unchanged(__FILE__, __LINE__, #call, &world_, code_, (expected), 0);       \
    } while (0)

struct world {
    char *dump;
    size_t log_lines;  /* MGM's */
    size_t callbacks;
};
struct world world_before(void);
void world_unchanged(const char *file, int line, const char *call, struct world *before,
                     DWORD code, DWORD expected, size_t log_lines);

/* What MGM has logged since the case began: how many lines, and the last. */
size_t mgm_log_lines(void);
/* How many lines there have been since there were `before`; waits for as many as are expected. */
size_t mgm_log_lines_since(size_t before, size_t expected);
const char *mgm_last_line(void);
/* Takes the lines: for a case that stops MGM, and starts it otherwise. */
void mgm_take_line(void *context, DWORD level, const char *text);

#endif
