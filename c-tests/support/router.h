/* The router that uses the library, in the words of the expected lines:
 *
 *     HANDLE a = protocol('A'), b = protocol('B');
 *     OK(take(a, 1));
 *     OK(join(a, "(*, 239.1.1.1)", 1));
 *     EXPECT("B join (*, 239.1.1.1) member");
 *
 * Every Mgm function has a short name here. Tests of invalid arguments call the functions directly.
 */
#ifndef C_TESTS_ROUTER_H
#define C_TESTS_ROUTER_H

#include <mgm.h>
#include <mgmhost.h>

#include <stdbool.h>

#include "harness.h"
#include "recorder.h"

/* Start and stop the library with the memory forwarder. The harness calls them around each case. */
void router_start(void);
void router_stop(void);
/* Starts again with this ulTimeOut for new MFEs, in seconds. */
void router_restart(DWORD mfe_timeout);

/* The configuration of the harness with another log: its level, and its callback (null: stderr). */
MGMHOST_CONFIG config_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback, void *context);
void restart_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback);

/* A function of the host that writes a text into a buffer, with the convention of MgmHostGetStatus. */
typedef DWORD text_call(DWORD argument, PDWORD size, PBYTE buffer);
/* Returns the whole text; the caller frees it. */
char *host_text(text_call *call, DWORD argument);
/* The same, or NULL with the code of a call that is refused. */
char *host_text_or_code(text_call *call, DWORD argument, DWORD *code);

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

/* The functions with _at take a next hop as their last argument. */
DWORD take(HANDLE client, DWORD index);
DWORD take_at(HANDLE client, DWORD index, const char *next_hop);
DWORD release(HANDLE client, DWORD index);
DWORD release_at(HANDLE client, DWORD index, const char *next_hop);
DWORD quit(HANDLE client);

DWORD join(HANDLE client, const char *flow, DWORD index);
DWORD join_at(HANDLE client, const char *flow, DWORD index, const char *next_hop);
DWORD leave(HANDLE client, const char *flow, DWORD index);
DWORD leave_at(HANDLE client, const char *flow, DWORD index, const char *next_hop);
/* With MGM_FORWARD_STATE_FLAG alone, which changes existing MFEs only. */
DWORD forward_on(HANDLE client, const char *flow, DWORD index);
DWORD forward_off(HANDLE client, const char *flow, DWORD index);
/* MgmSetMfe; a null upstream sets 0. */
DWORD set_mfe(HANDLE client, const char *flow, const char *upstream, DWORD in_index);

/* A owns 1, where the route to 10/8 points, and 4; B owns 2, and has joined 239.1.1.1 there. */
void router_of_two(HANDLE *a, HANDLE *b);
/* A owns 1, where the route to 10/8 points; B owns 2, and C owns 3. */
void router_of_three(HANDLE *a, HANDLE *b, HANDLE *c);

/* The client that MgmGetProtocolOnInterface returns: its letter, or "nobody". */
const char *owner_of(DWORD index);
const char *owner_at(DWORD index, const char *next_hop);

/* Adds or deletes a route of the multicast view: a prefix "10.0.0.0/8", and a gateway (0.0.0.0 if
 * the prefix is directly connected) on an interface. */
void route(const char *prefix, DWORD index, const char *gateway);
void unroute(const char *prefix);
/* An address of the router itself. */
void own_address(const char *address);

/* Passes a packet of the flow to the library. Returns the decision: "to 2 3", "to nobody" if the
 * packet was accepted but there is no oif, "refused", or the name of a code. */
const char *packet(const char *flow, DWORD index);
const char *packet_at(const char *flow, DWORD index, const char *next_hop);
/* The same, but return the code, or the number of oifs. */
DWORD packet_code(const char *flow, DWORD index);
DWORD packet_out_count(const char *flow, DWORD index);
/* These packets have an IP header of 20 bytes with these addresses and TTL 64. They are 100 octets
 * long. */
enum { PACKET_HEADER_SIZE = 20, PACKET_LENGTH = 100 };
void packet_header(const char *flow, BYTE header[PACKET_HEADER_SIZE]);

/* The system loses an interface, or has it again. */
void unplug(DWORD index);
void plug_in(DWORD index);

/* MgmGetMfe. If the MFE does not exist, returns ERROR_NOT_FOUND and zeros. */
DWORD get_mfe(const char *flow, MIB_IPMCAST_MFE *head);

/* Compares all MFEs in order, a line each, and prints them if they differ:
 *   (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1 out 2 3
 * The line of a negative MFE ends with "out". */
#define EXPECT_MFES(...) expect_mfes(__FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NO_MFES() expect_mfes(__FILE__, __LINE__, (const char *const[]){NULL})
void expect_mfes(const char *file, int line, const char *const *expected);

/* Compares what an enumeration of this type returns, sorted by group, then source. */
#define EXPECT_GROUPS(type, ...) \
    expect_groups(__FILE__, __LINE__, (type), (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NO_GROUPS(type) \
    expect_groups(__FILE__, __LINE__, (type), (const char *const[]){NULL})
void expect_groups(const char *file, int line, MGM_ENUM_TYPES type, const char *const *expected);

/* Waits until the condition holds; a failed check if it does not hold in time. The condition is
 * not evaluated again once it was true, because it may be true only for a moment between two
 * callbacks. */
#define SOON(condition)                                                             \
    do {                                                                            \
        bool held_ = (condition);                                                   \
        for (unsigned tries_ = 0; !held_ && tries_ < SOON_MS / 10; tries_++) {      \
            wait_a_little();                                                        \
            held_ = (condition);                                                    \
        }                                                                           \
        if (!held_)                                                                 \
            fail_check(__FILE__, __LINE__, "%s does not hold in time", #condition); \
    } while (0)
void wait_a_little(void);

/* Checks that a call is refused: it returns the code, changes nothing, and logs one line. */
#define REFUSED(call, expected)                                                        \
    do {                                                                               \
        struct snapshot snapshot_ = take_snapshot();                                   \
        DWORD code_ = (call);                                                          \
        expect_unchanged(__FILE__, __LINE__, #call, &snapshot_, code_, (expected), 1); \
    } while (0)
/* The same for a refusal that is not logged. */
#define REFUSED_QUIETLY(call, expected)                                                \
    do {                                                                               \
        struct snapshot snapshot_ = take_snapshot();                                   \
        DWORD code_ = (call);                                                          \
        expect_unchanged(__FILE__, __LINE__, #call, &snapshot_, code_, (expected), 0); \
    } while (0)

struct snapshot {
    char *dump;
    size_t log_lines;  /* of the library */
    size_t callbacks;
};
struct snapshot take_snapshot(void);
void expect_unchanged(const char *file, int line, const char *call, struct snapshot *before,
                     DWORD code, DWORD expected, size_t log_lines);

/* The log of the library since the case began: the number of lines, and the last line. */
size_t mgm_log_lines(void);
/* The number of lines since there were `before`; waits for as many as are expected. */
size_t mgm_log_lines_since(size_t before, size_t expected);
const char *mgm_last_line(void);
/* Lets the environment choose a forwarder that cannot be opened, or again the one in memory.
 * Returns words that the refusal has. */
const char *refuse_forwarder(bool refused);
/* The log callback, for a case that starts the library with other settings. */
void mgm_take_line(void *context, DWORD level, const char *text);

#endif
