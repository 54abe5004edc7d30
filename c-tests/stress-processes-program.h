/* What the parts of a client process of stress-processes.c share. */
#ifndef C_TESTS_STRESS_PROCESSES_PROGRAM_H
#define C_TESTS_STRESS_PROCESSES_PROGRAM_H

#include "router.h"
#include "stress-processes.h"

#include <stdio.h>

extern struct shared *memory;
extern struct slot *self;
extern unsigned me;
/* The client that hears everything, as soon as it owns its interface. Its functions. */
extern _Atomic(HANDLE) listener;
extern const ROUTING_PROTOCOL_CONFIG listener_config;
/* From now on its calls are refused; from now on it must hear nothing. */
extern atomic_bool is_closing, listener_gone;

/* A failed check also counts in the router. */
#define FAULT(...)                                  \
    do {                                            \
        fail_check(__FILE__, __LINE__, __VA_ARGS__); \
        fflush(stdout);                             \
        memory->faults++;                           \
    } while (0)
#define EXPECT_OK(call)                                                                     \
    do {                                                                                    \
        DWORD code_ = (call);                                                               \
        self->calls++;                                                                      \
        if (code_ != NO_ERROR)                                                              \
            FAULT("process %u: %s returns %s", me, #call, code_name((unsigned)code_));      \
    } while (0)

/* "(*, 239.kind.third.fourth)" */
char *group_of(unsigned kind, unsigned third, unsigned fourth, char text[40]);
void die(void);

#endif
