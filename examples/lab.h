/*
 * lab.h - a router to try protocols in: lines on the standard input say what
 * happens to it, and what MGM answers stands on the standard output.
 *
 *   route 10.0.0.0/8 1 [10.0.1.1]     how sources there are reached
 *   packet 10.0.0.5 239.1.1.1 1       a packet came in on interface 1
 *   show                              the forwarding entries: viewer.c
 *   anything else                     is the protocol's own
 *
 * With MGM_FORWARDER=memory there need not be any network. On Linux it does for
 * real ones, too: routes and packets then come by themselves.
 */
#ifndef LAB_H
#define LAB_H

/* A line's words. 0: it makes no sense to the protocol. */
typedef int lab_command(int count, char **words);

/* Until the input ends. */
void lab_run(lab_command *command);

#endif
