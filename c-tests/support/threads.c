#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if !defined(_WIN32)
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

struct thread {
    pthread_t id;
    void (*body)(void *);
    void *argument;
};

void lock_take(struct lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void lock_give(struct lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

void gate_shut(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = false;
    pthread_mutex_unlock(&gate->mutex);
}

bool gate_wait(struct gate *gate, unsigned ms)
{
    struct timespec until;
    bool open;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }

    pthread_mutex_lock(&gate->mutex);
    while (!gate->open && pthread_cond_timedwait(&gate->opened, &gate->mutex, &until) == 0)
        ;
    open = gate->open;
    pthread_mutex_unlock(&gate->mutex);
    return open;
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;

    thread->body(thread->argument);
    return NULL;
}

struct thread *thread_start(void (*body)(void *), void *argument)
{
    struct thread *thread = malloc(sizeof(*thread));

    if (thread != NULL) {
        thread->body = body;
        thread->argument = argument;
    }
    if (thread == NULL || pthread_create(&thread->id, NULL, thread_main, thread) != 0) {
        fprintf(stderr, "no thread to be had\n");
        abort();
    }
    return thread;
}

void thread_join(struct thread *thread)
{
    pthread_join(thread->id, NULL);
    free(thread);
}

thread_id thread_here(void)
{
    return pthread_self();
}

bool thread_same(thread_id a, thread_id b)
{
    return pthread_equal(a, b) != 0;
}

void sleep_ms(unsigned ms)
{
    struct timespec pause;

    pause.tv_sec = ms / 1000;
    pause.tv_nsec = (long)(ms % 1000) * 1000000L;
    nanosleep(&pause, NULL);
}

unsigned long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

#if defined(_WIN32)

int run_in_child(int (*body)(void))
{
    (void)body;
    return -1;
}

struct child child_split_off(void)
{
    struct child none = {false, -1, -1};

    return none;
}

void child_end(const struct child *child, int failures)
{
    (void)child, (void)failures;
}

int child_failures(const struct child *child)
{
    (void)child;
    return -1;
}

#else

/* The child reports through a pipe and not by its exit status. Valgrind changes the status, because
 * it reports the memory of the parent's threads, which the child does not have, as lost. */
struct child child_split_off(void)
{
    struct child child = {false, -1, -1};
    int ends[2];

    fflush(stdout);
    if (pipe(ends) != 0)
        return child;
    child.id = fork();
    child.is_here = child.id == 0;
    child.end = ends[child.is_here];
    close(ends[!child.is_here]);
    /* No harness ends a child that hangs. */
    if (child.is_here)
        alarm(60);
    return child;
}

void child_end(const struct child *child, int failures)
{
    ssize_t written;

    fflush(stdout);
    written = write(child->end, &failures, sizeof(failures));
    _exit(written != sizeof(failures));
}

int child_failures(const struct child *child)
{
    int failures = 255;

    if (child->id < 0 || read(child->end, &failures, sizeof(failures)) != sizeof(failures))
        failures = 255;
    if (child->end >= 0)
        close(child->end);
    if (child->id > 0)
        waitpid(child->id, NULL, 0);
    return failures;
}

int run_in_child(int (*body)(void))
{
    struct child child = child_split_off();

    if (child.is_here)
        child_end(&child, body());
    return child_failures(&child);
}

#endif
