/* Clients that write down what they are told.
 *
 * Ten clients with the letters A to J record their callbacks into one log, a
 * line each, in the order in which they came:
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

/* How long "soon" is. */
enum { SOON_MS = 5000 };

/* One callback: what came in, and pointers to what may be answered. */
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

/* Registers a recording client: protocol id 0x41 for 'A' and so on, component
 * 1. A failure to register is a failed check. */
HANDLE protocol(char letter);
/* IGMP: PROTO_IP_IGMP, component 1. Like most, it does not care for the alerts
 * of others and has no JOIN_ALERT and PRUNE_ALERT callbacks. */
HANDLE igmp(char letter);
/* The same under any ids. */
HANDLE client_as(char letter, DWORD protocol_id, DWORD component_id);
/* The configuration of a recording client, to register it by hand. */
ROUTING_PROTOCOL_CONFIG config_of(char letter);

/* The letter of the client with these ids, '?' if it is none of ours. */
char letter_of(DWORD protocol_id, DWORD component_id);

/* What the client does inside its callbacks, after the line is written. */
void on_event(char letter, event_hook *hook);

/* Adds a line of the test's own to the log. */
void note(const char *line);

/* Forgets clients, hooks and log. */
void recorder_reset(void);

/* Compares the log with exactly these lines, and empties it. */
#define EXPECT(...) expect_log(__FILE__, __LINE__, 0, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NOTHING() expect_log(__FILE__, __LINE__, 0, (const char *const[]){NULL})
/* The same, but waits for lines that come on MGM's own threads. */
#define EXPECT_SOON(...) \
    expect_log(__FILE__, __LINE__, SOON_MS, (const char *const[]){__VA_ARGS__, NULL})
/* The same, for lines whose order is nobody's promise; it waits, too. */
#define EXPECT_UNORDERED(...) \
    expect_log_sorted(__FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})

void expect_log(const char *file, int line, unsigned wait_ms, const char *const *expected);
void expect_log_sorted(const char *file, int line, const char *const *expected);

/* Empties the log unread. */
void forget_log(void);
/* How many lines there are; how many of them begin so. */
size_t log_length(void);
size_t log_count(const char *beginning);

#endif
