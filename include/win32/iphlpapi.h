/* iphlpapi.h - a replacement for the Windows header: if_nametoindex and if_indextoname, which
 * this system has under the same names. */
#ifndef __IPHLPAPI_H__
#define __IPHLPAPI_H__

#include "winposix.h"

#include <mgmtypes.h>
#include <net/if.h>

#endif
