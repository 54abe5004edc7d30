/*
 * lab.h - a test router for protocols. It reads lines from standard input, and prints the
 * results to standard output:
 *
 *   route 10.0.0.0/8 1 [10.0.1.1]     adds a route through interface 1
 *   packet 10.0.0.5 239.1.1.1 1       a packet arrives on interface 1
 *   show                              prints the MFEs (viewer.c)
 *   anything else                     is a command for the protocol
 *
 * With MGM_FORWARDER=memory it needs no network. With the kernel forwarder on Linux, routes and
 * packets come from the kernel.
 */
#ifndef LAB_H
#define LAB_H

/* Executes the words of a line. Returns 0 if it is no command of the protocol. */
typedef int lab_command(int count, char **words);

/* Runs until the end of the input. */
void lab_run(lab_command *command);

#endif
