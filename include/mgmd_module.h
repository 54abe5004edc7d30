/*
 * mgmd_module.h - the interface between the router mgmd and its modules.
 *
 * A module is a shared object that mgmd loads at its start: a routing protocol, for example. It
 * defines the two functions below. For everything else it calls the functions of mgm.h and
 * mgmhost.h. It runs in the process of mgmd and uses mgmd's libmgm.so.1, with which it must be
 * linked:
 *
 *   cc -shared -fPIC -o my_protocol.so my_protocol.c -lmgm
 *
 * mgmd refuses a module that is not linked with libmgm.so.1, or that contains a library of its own
 * (libmgm.a). The clients of such a module would be registered with another library than mgmd's.
 *
 * [[module]] in mgmd.toml names the modules. mgmd loads them in the order of the file, after it has
 * read the configuration and opened the forwarder. A reload loads no module, and mgmd never unloads
 * one. When mgmd ends, it stops them in reverse order. If a module cannot be loaded, or if its
 * mgmd_module_init fails, mgmd stops the modules that it has started, logs the name of the file,
 * and exits with status 1.
 *
 * Threads. mgmd calls both functions on its main thread, one at a time, and routes nothing while
 * they run. So a module that waits for something must start a thread of its own. It must block all
 * signals in that thread, because mgmd handles them.
 */
#ifndef MGMD_MODULE_H
#define MGMD_MODULE_H

#include <mgmhost.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The functions that mgmd offers to a module. Valid as long as the process runs. */
struct mgmd_module_host {
    /**
     * The size of this structure in bytes. A later version may add members at the end: a module
     * that uses them checks the size first.
     */
    DWORD dwSize;
    /**
     * Writes a line to mgmd's log.
     *
     * Parameters:
     * - level: MGMHOST_LOG_ERROR to MGMHOST_LOG_TRACE. Any other value counts as
     *   MGMHOST_LOG_INFO. mgmd writes the line if its own log level permits it.
     * - text: the line in UTF-8, without a line feed at its end. It should begin with the name of
     *   the module, which mgmd does not add. mgmd escapes control characters, and ignores a null
     *   pointer.
     *
     * Threads: any, also inside callbacks.
     */
    void (*log)(DWORD level, const char *text);
};

/**
 * Starts the module. The module defines this function.
 *
 * Parameters:
 * - args: the value of the key args in the configuration, "" by default. Valid during the call.
 * - host: the functions that mgmd offers.
 *
 * Returns: NO_ERROR; or an error code, which mgmd logs. Before the module returns an error code, it
 * must undo what it did, because mgmd then does not call mgmd_module_stop.
 *
 * Threads: the main thread of mgmd.
 */
DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host);

/**
 * Stops the module: it ends its threads, releases its interfaces and deregisters its clients. The
 * module defines this function. mgmd calls it once, if mgmd_module_init returned NO_ERROR.
 *
 * Threads: the main thread of mgmd.
 */
void mgmd_module_stop(void);

#ifdef __cplusplus
}
#endif

#endif
