/* What stress-processes.c, which is the router, and its client processes share: a file that all of
 * them have mapped. */
#ifndef C_TESTS_STRESS_PROCESSES_H
#define C_TESTS_STRESS_PROCESSES_H

#include <stdatomic.h>
#include <stdbool.h>

enum { PROCESSES = 16, THREADS = 4, PAIRS = PROCESSES * THREADS };

/* Groups 239.9.0.k. The threads of a process share the first ones by their remainder, so that each
 * group has one thread. The others belong to the callbacks of one process each. */
enum { SHARED_GROUPS = 16, GROUPS = SHARED_GROUPS + PROCESSES };
/* Each thread joins and leaves its own groups 239.(10 + life).pair.k one after the other. The events,
 * joins and prunes by turns, have numbers. `life` is that of the process. */
enum { LIVES = 64, STEPS = 8, EVENTS = 2 * STEPS, UNKNOWN = EVENTS };
/* Groups of batches: the largest batch does not fit into one message. */
enum { BATCH = 400 };
/* Groups 239.8.0.k, which IGMP joins. IGMP is a thread of the last process. */
enum { LOCAL_GROUPS = 4, IGMP_PAIR = PAIRS - 1 };

/* The interfaces of a process's listener, and of each thread. */
enum { LISTENER_IF = 100, PAIR_IF = 200 };

enum phase { RUN, PAUSE };
enum order { LIVE, DIE_IN_CALLBACK, DIE_IN_BATCH, DIE_AT_ONCE, EXIT, STOP, ORDERS };
enum told { NOT_HEARD, JOINED, PRUNED };

struct slot {
    atomic_uint life;   /* which process of this slot, modulo LIVES */
    unsigned serial;    /* how many there were */
    atomic_int order;
    atomic_uint paused; /* how many threads wait for the end of the pause */
    atomic_bool wants[GROUPS];
    atomic_uint position[THREADS]; /* the next event of each thread's sequence */
    /* What the listener was told. */
    atomic_uchar told[GROUPS];
    atomic_uchar expects[PAIRS];
    atomic_uchar lives[PAIRS]; /* the lives to which these belong */
    atomic_int batch_groups, local_groups; /* how many are joined */
    atomic_ulong calls, callbacks;
};

struct shared {
    atomic_int phase;
    atomic_uint faults;
    atomic_ulong kinds[9];
    struct slot slots[PROCESSES];
};

/* The main function of a client process. `place` is the file descriptor of the shared memory. */
int be_process(struct shared *shared, unsigned number, unsigned seed);
unsigned open_descriptors(void); /* of this process */

static inline unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

#endif
