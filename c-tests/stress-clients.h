/* The clients of the stress test. Each callback is checked:
 *
 * - Callbacks of a client run one at a time, and none runs after a deregistration has returned,
 *   whichever thread made it (1.6, 8.2).
 * - No prune comes before its join, and no two joins or prunes follow each other (8.2). The same is
 *   true of LOCAL_JOIN and LOCAL_LEAVE (3.4, 3.6).
 * - Only the owner of the interface towards the source is told about MFEs (5.8), and only a client
 *   that can own an interface is told about it. */
#ifndef C_TESTS_STRESS_CLIENTS_H
#define C_TESTS_STRESS_CLIENTS_H

#include <mgm.h>

#include <stdbool.h>

/* Joiners always own an interface, churners own one while they are registered, and listeners never
 * do. The landlord and IGMP own one now and then. */
enum { JOINERS = 6, IGMP = 6, CHURNERS = 7, LISTENERS = 9, LANDLORD = 11, SLOTS = 12 };
/* Groups that all clients join, one group for each client, and (*,*). */
enum { GROUPS = 8, KNOWN = GROUPS + SLOTS, WILD = KNOWN };
/* Client n owns interface 1 + n. The route to 10/8 leads through the first one, where IGMP is
 * enabled too. The landlord and IGMP use the shared interface, and the first joiner uses the flaky
 * one. */
enum { SHARED_IF = 90, FLAKY_IF = 91 };
/* The source whose route moves from joiner to joiner, and the time-out of MFEs. */
#define WANDERER "10.0.0.2"
enum { TIMEOUT_S = 1 };

/* Registers client n. It deregisters with `go`, in one of its callbacks, or in a callback of
 * another client. */
HANDLE come(unsigned n);
void go(unsigned n);
void go_by_itself(unsigned n);
void send_away(unsigned n);

/* Null while the client is not registered, and perhaps still in its first callbacks. */
HANDLE client_of(unsigned n);
/* Whether it was told of a join, and of no prune after it. */
bool is_joined(unsigned n, unsigned number);
/* Whether IGMP has deleted all its memberships on the first interface. */
bool all_local_left(void);

/* The text of a flow, such as "(*, 239.9.0.3)", and its number; -1 if it is no such flow. */
const char *group_text(unsigned number, char text[40]);
int number_of(DWORD source, DWORD group);

/* Sets the function that runs inside each callback of client n. */
void call_back(unsigned n);

/* The number of running callbacks, and the number of each kind so far. */
unsigned callbacks_inside(void);
bool every_kind_came(void);
void print_callbacks(void);
/* Leaves a counter without protection, so that there is a data race. */
void plant_a_race(void);

#endif
