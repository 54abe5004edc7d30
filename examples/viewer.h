/* viewer.h - what an administrator sees of MGM. */
#ifndef VIEWER_H
#define VIEWER_H

/* Prints every forwarding entry. */
void viewer_show(void);

#endif
