/* ipmib.h - a replacement for the Windows header: MFEs, their statistics, boundaries and
 * scopes. */
#ifndef _IPMIB_
#define _IPMIB_

#include <mgmtypes.h>

#endif
