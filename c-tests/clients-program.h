/* The client processes of clients.c and grace.c. */
#ifndef C_TESTS_CLIENTS_PROGRAM_H
#define C_TESTS_CLIENTS_PROGRAM_H

/* The main function of a client process. */
int be_client(void);

#endif
