/* viewer.h - prints the MFEs. */
#ifndef VIEWER_H
#define VIEWER_H

/* Prints all MFEs. */
void viewer_show(void);

#endif
