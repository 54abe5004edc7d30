/* The clients of the stress test. What each is told is checked callback by callback:
 *
 * - one at a time, and none once its deregistration has returned, whoever made it
 *   (1.6, 8.2);
 * - never a prune before its join, never two of a kind in a row (8.2), and IGMP's joins
 *   and leaves on another's interface likewise (3.4, 3.6);
 * - about MFEs only who has the interface towards the source (5.8), and about an
 *   interface only who can have it. */
#ifndef C_TESTS_STRESS_CLIENTS_H
#define C_TESTS_STRESS_CLIENTS_H

#include <mgm.h>

#include <stdbool.h>

/* Joiners have an interface all the time, churners while they are there, listeners
 * never; the landlord and IGMP now and then. */
enum { JOINERS = 6, IGMP = 6, CHURNERS = 7, LISTENERS = 9, LANDLORD = 11, SLOTS = 12 };
/* Groups of everybody's, one of each client's own, and (*,*). */
enum { GROUPS = 8, KNOWN = GROUPS + SLOTS, WILD = KNOWN };
/* Interface 1 + n is client n's, and the first one, the way to 10/8, IGMP's too. The
 * shared one is the landlord's and IGMP's; the flaky one the first joiner's. */
enum { SHARED_IF = 90, FLAKY_IF = 91 };
/* The source whose route changes from joiner to joiner, and the time-out of MFEs. */
#define WANDERER "10.0.0.2"
enum { TIMEOUT_S = 1 };

/* Registers client n. It leaves by `go`, unless it does so by itself inside one of its
 * callbacks, or another's callback sends it away. */
HANDLE come(unsigned n);
void go(unsigned n);
void go_by_itself(unsigned n);
void send_away(unsigned n);

/* Null while it is not there, and perhaps still in its first callbacks. */
HANDLE client_of(unsigned n);
/* Whether it was told a join, and no prune after it. */
bool is_joined(unsigned n, unsigned number);
/* Whether IGMP has left whatever it joined on the first interface. */
bool all_local_left(void);

/* "(*, 239.9.0.3)", and where it stands; -1 for what is no such flow. */
const char *group_text(unsigned number, char text[40]);
int number_of(DWORD source, DWORD group);

/* What client n does inside each of its callbacks: the test says. */
void call_back(unsigned n);

/* How many callbacks are running, and how many of each kind there were. */
unsigned callbacks_inside(void);
bool every_kind_came(void);
void print_callbacks(void);
/* Has a counter go unguarded. */
void plant_a_race(void);

#endif
