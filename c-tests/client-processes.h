/* Starts and ends client processes, which are this program again, with the argument "client": see
 * clients-program.c. The test is the router. */
#ifndef C_TESTS_CLIENT_PROCESSES_H
#define C_TESTS_CLIENT_PROCESSES_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "router.h"

enum { LINE = 200, HEARD = 16 };

/* The socket of the router. */
extern char clients_path[80];
/* Serves client processes there. */
void serve(void);

struct process {
    pid_t pid;
    int in;
    FILE *out;
    char heard[HEARD][LINE];
    size_t count;
};

struct process *launch(void);
/* The same with an environment variable, or as another user. */
struct process *launch_with(const char *name, const char *value);
struct process *launch_as(uid_t user);
/* A client process with the protocol 80, which owns 2. */
struct process *launch_owner(void);

/* Reads lines until one begins with `beginning`. */
const char *await_line(struct process *process, const char *beginning);
/* Checks that the process hears this, or has heard it. */
void expect_heard(struct process *process, const char *what);
/* Has the process obey a command. Returns the code. */
DWORD ask(struct process *process, const char *command);

/* Waits until the process has ended, by a signal or because its input ends. */
void end_process(struct process *process, int signal_number);

#endif
