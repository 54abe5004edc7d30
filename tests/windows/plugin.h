/* What plugin.dll has. */
#ifndef PLUGIN_H
#define PLUGIN_H

#define PLUGIN_ID 77
#define PLUGIN_GROUP 0x030201efu /* 239.1.2.3 */

typedef DWORD plugin_start_function(DWORD interface_index);
/* Callbacks so far; those on other threads than the one that started it. */
typedef LONG plugin_heard_function(BOOL elsewhere_only);
/* No callback comes any more. */
typedef DWORD plugin_stop_function(DWORD interface_index);

#endif
