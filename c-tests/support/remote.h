/* The second backend of the tests: a test router in a process of its own.
 *
 * If MGM_TESTS_ROUTER names the program test-router, each start of the library starts such a router,
 * and the library of the test becomes a client library (MGM_ROUTER). The functions of the host that
 * only the router can call are passed on to it through its control socket. So this header, which
 * the build includes in front of every test, gives these functions other names. Without
 * MGM_TESTS_ROUTER they are the library's own.
 */
#ifndef C_TESTS_REMOTE_H
#define C_TESTS_REMOTE_H

/* This header is the first one, so it decides what the system's headers declare. */
#if !defined(_GNU_SOURCE) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif

#include <mgm.h>
#include <mgmhost.h>

#include <stdint.h>

/* A call on the control socket: these words, then `bytes` bytes. */
enum remote_op {
    OP_ADD_INTERFACE,
    OP_DELETE_INTERFACE,
    OP_ADD_ROUTE,
    OP_DELETE_ROUTE,
    OP_PACKET_IN,
    OP_SET_THRESHOLD,
    OP_SET_FLOW_LIMIT,
    OP_ADD_BOUNDARY,
    OP_DELETE_BOUNDARY,
    OP_SET_SCOPE_NAME,
    OP_GET_SCOPE_NAME,
    OP_EXPLAIN,
    OP_UNACKNOWLEDGED
};

enum { REMOTE_WORDS = 8, REMOTE_BYTES = 1 << 20, REMOTE_CLIENTS = 4096 };

/* How many callbacks this thread is inside of. The recorder counts them. */
extern _Thread_local unsigned remote_depth;
/* The recorder calls them around each callback. */
void remote_begins(void);
void remote_returns(void);

struct remote_message {
    uint32_t op; /* in the answer: the code */
    uint32_t words[REMOTE_WORDS];
    uint32_t bytes;
};

/* The settings of a test router are its arguments: the paths of both sockets, dwMfeTimeout,
 * dwMaxFlows. It logs to stderr, from where the test's log callback gets the lines. */

/* Start and end the router of this process, without the library. shim.c uses them. */
void remote_start_router(const MGMHOST_CONFIG *config);
void remote_end_router(void);
DWORD remote_start(const MGMHOST_CONFIG *config);
DWORD remote_stop(void);
DWORD remote_add_interface(DWORD index, DWORD next_hop);
DWORD remote_delete_interface(DWORD index, DWORD next_hop);
DWORD remote_add_route(DWORD network, DWORD mask, DWORD index, DWORD next_hop, DWORD protocol,
                       DWORD flags);
DWORD remote_delete_route(DWORD network, DWORD mask);
DWORD remote_packet_in(DWORD source, DWORD group, DWORD index, DWORD next_hop, DWORD header_size,
                       const BYTE *header, DWORD packet_size, PBOOL accepted, PDWORD count,
                       PMGMHOST_OIF oifs);
DWORD remote_set_threshold(DWORD index, DWORD next_hop, DWORD threshold);
DWORD remote_set_flow_limit(DWORD index, DWORD per_second, DWORD burst);
DWORD remote_add_boundary(const MIB_IPMCAST_BOUNDARY *boundary);
DWORD remote_delete_boundary(const MIB_IPMCAST_BOUNDARY *boundary);
DWORD remote_set_scope_name(DWORD address, DWORD mask, const WCHAR *name);
DWORD remote_get_scope_name(PMIB_IPMCAST_SCOPE scope);
DWORD remote_explain(DWORD source, DWORD group, DWORD index, DWORD next_hop, PDWORD size,
                     PBYTE buffer);

#ifndef C_TESTS_REMOTE_ITSELF
#define MgmHostStart remote_start
#define MgmHostStop remote_stop
#define MgmHostAddInterface remote_add_interface
#define MgmHostDeleteInterface remote_delete_interface
#define MgmHostAddRoute remote_add_route
#define MgmHostDeleteRoute remote_delete_route
#define MgmHostPacketIn remote_packet_in
#define MgmHostSetTtlThreshold remote_set_threshold
#define MgmHostSetFlowLimit remote_set_flow_limit
#define MgmHostAddBoundary remote_add_boundary
#define MgmHostDeleteBoundary remote_delete_boundary
#define MgmHostSetScopeName remote_set_scope_name
#define MgmHostGetScopeName remote_get_scope_name
#define MgmHostExplain remote_explain
#endif

#endif
