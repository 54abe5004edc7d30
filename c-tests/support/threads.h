/* The little that the tests need of threads and processes, so that the cases
 * themselves are plain C. POSIX threads everywhere: MinGW brings them too. */
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

/* Closed until somebody opens it; then open for ever. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
};

#define GATE_INITIALIZER { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }

void gate_open(struct gate *gate);
/* Shuts it again, for the next case. */
void gate_shut(struct gate *gate);
/* False if it is still closed after so many milliseconds. */
bool gate_wait(struct gate *gate, unsigned ms);

struct thread;

struct thread *thread_start(void (*body)(void *), void *argument);
void thread_join(struct thread *thread);

/* Whether both are the same thread; see thread_here. */
typedef pthread_t thread_id;
thread_id thread_here(void);
bool thread_same(thread_id a, thread_id b);

void sleep_ms(unsigned ms);
unsigned long long now_ms(void);

/* Runs the body in a forked child and returns the number of failures that the
 * body returns, 255 if it did not end by itself. -1 where there is no fork. */
int run_in_child(int (*body)(void));

/* The same in steps, for a child that goes on where its parent does: it says how
 * many failures it had when it ends. */
struct child {
    bool is_here; /* In the child itself. */
    int id, end;
};
struct child child_split_off(void);
void child_end(const struct child *child, int failures);
int child_failures(const struct child *child);

#endif
