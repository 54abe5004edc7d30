/* Threads and processes for the tests, so that the cases are plain C. Uses POSIX threads on all
 * systems, because MinGW has them too. */
#ifndef C_TESTS_THREADS_H
#define C_TESTS_THREADS_H

#include <pthread.h>
#include <stdbool.h>

struct lock {
    pthread_mutex_t mutex;
};

#define LOCK_INITIALIZER { PTHREAD_MUTEX_INITIALIZER }

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/* A gate is closed until a thread opens it, and then stays open. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
};

#define GATE_INITIALIZER { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }

void gate_open(struct gate *gate);
/* Closes it for the next case. */
void gate_shut(struct gate *gate);
/* Waits for the gate. Returns false if it is still closed after this many milliseconds. */
bool gate_wait(struct gate *gate, unsigned ms);

struct thread;

struct thread *thread_start(void (*body)(void *), void *argument);
void thread_join(struct thread *thread);

/* Whether both are the same thread (see thread_here). */
typedef pthread_t thread_id;
thread_id thread_here(void);
bool thread_same(thread_id a, thread_id b);

void sleep_ms(unsigned ms);
unsigned long long now_ms(void);

/* Runs the body in a forked child, and returns the number of failures that the body returns; 255 if
 * the child did not end by itself, and -1 if the system has no fork. */
int run_in_child(int (*body)(void));

/* The same in two steps, for a child that continues where its parent does and reports its failures
 * when it ends. */
struct child {
    bool is_here; /* true in the child */
    int id, end;
};
struct child child_split_off(void);
void child_end(const struct child *child, int failures);
int child_failures(const struct child *child);

#endif
