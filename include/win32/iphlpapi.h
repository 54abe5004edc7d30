/* iphlpapi.h - a stand-in: if_nametoindex and if_indextoname, which are the same here. */
#ifndef __IPHLPAPI_H__
#define __IPHLPAPI_H__

#include "winposix.h"

#include <mgmtypes.h>
#include <net/if.h>

#endif
