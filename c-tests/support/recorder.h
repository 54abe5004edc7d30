/* Clients that record their callbacks.
 *
 * Ten clients with the letters A to J write their callbacks into one log, a line each, in the order
 * in which they run:
 *
 *   A join (*, 239.1.1.1) member              JOIN_ALERT, bMemberUpdate TRUE
 *   A join (10.0.0.5, 239.1.1.1) mfe          JOIN_ALERT, bMemberUpdate FALSE
 *   A prune (*, *) member on 3                PRUNE_ALERT, bMemberDelete TRUE
 *   A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900    ... FALSE, *pdwTimeout
 *   A local-join (*, 239.1.1.1) on 2/10.0.2.9         interface 2, next hop 10.0.2.9
 *   A local-leave (*, 239.1.1.1) on 2
 *   A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1    upstream neighbour
 *   A creation (10.0.0.5, 239.1.1.1) in 1 out 2 3+igmp
 *   A wrong-if (10.0.0.5, 239.1.1.1) on 3
 *   A disable-igmp 1
 *   A enable-igmp 1
 */
#ifndef C_TESTS_RECORDER_H
#define C_TESTS_RECORDER_H

#include <mgm.h>

#include <stdbool.h>
#include <stddef.h>

enum event_kind {
    EVENT_RPF,
    EVENT_CREATION,
    EVENT_PRUNE,
    EVENT_JOIN,
    EVENT_WRONG_IF,
    EVENT_LOCAL_JOIN,
    EVENT_LOCAL_LEAVE,
    EVENT_DISABLE_IGMP,
    EVENT_ENABLE_IGMP
};

enum { EVENT_KINDS = EVENT_ENABLE_IGMP + 1 };

/* How long SOON and EXPECT_SOON wait, however busy the machine is. */
enum { SOON_MS = 30000 };

/* One callback: its arguments, and pointers to the values that it may change. */
struct event {
    enum event_kind kind;
    char client;
    DWORD source, source_mask, group, group_mask;
    DWORD if_index, next_hop;     /* creation: the incoming interface */
    BOOL member;                  /* bMemberUpdate, bMemberDelete */
    DWORD *in_index, *in_next_hop, *upstream; /* rpf */
    DWORD header_size;            /* rpf, wrong-if */
    BYTE *header;
    BYTE *route;                  /* rpf: an RTM_DEST_INFO */
    DWORD if_count;               /* creation */
    MGM_IF_ENTRY *ifs;
    DWORD *timeout;               /* prune */
};

typedef void event_hook(const struct event *event);

/* Registers a client with protocol id 0x41 for 'A' and so on, and component 1. A refused
 * registration is a failed check. */
HANDLE protocol(char letter);
/* IGMP: PROTO_IP_IGMP, component 1. As in most implementations, it has no callbacks for JOIN_ALERT
 * and PRUNE_ALERT. */
HANDLE igmp(char letter);
/* The same with other ids, and with all callbacks. */
HANDLE client_as(char letter, DWORD protocol_id, DWORD component_id);
/* The configuration of such a client, for a test that registers it itself. */
ROUTING_PROTOCOL_CONFIG config_of(char letter);

/* The letter of the client with these ids, '?' if there is none. */
char letter_of(DWORD protocol_id, DWORD component_id);

/* Sets a function that runs inside the client's callbacks, after the line is written. */
void on_event(char letter, event_hook *hook);

/* Adds a line of the test to the log. */
void note(const char *line);

/* Deletes the clients, their functions, and the log. */
void recorder_reset(void);

/* Compares the log with these lines, and empties it. */
#define EXPECT(...) expect_log(__FILE__, __LINE__, 0, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NOTHING() expect_log(__FILE__, __LINE__, 0, (const char *const[]){NULL})
/* The same, but waits for lines that threads of the library write. */
#define EXPECT_SOON(...) \
    expect_log(__FILE__, __LINE__, SOON_MS, (const char *const[]){__VA_ARGS__, NULL})
/* The same for lines whose order is not defined; it waits, too. */
#define EXPECT_UNORDERED(...) \
    expect_log_sorted(__FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})

void expect_log(const char *file, int line, unsigned wait_ms, const char *const *expected);
void expect_log_sorted(const char *file, int line, const char *const *expected);

/* Empties the log. */
void forget_log(void);
/* The number of lines, and the number of lines that begin with a text. */
size_t log_length(void);
size_t log_count(const char *beginning);

#endif
