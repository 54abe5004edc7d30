/*
 * mgmd_module.h - the interface between the router mgmd and its modules.
 *
 * A module is a shared object that mgmd loads at its start: a routing protocol, for example. It
 * defines the two functions below. Everything else it does with mgm.h and mgmhost.h, in the
 * process of mgmd and with mgmd's libmgm.so.1. It must be linked with that library:
 *
 *   cc -shared -fPIC -o my_protocol.so my_protocol.c -lmgm
 *
 * mgmd refuses a module that is not linked with libmgm.so.1, or that contains a library of its own
 * (libmgm.a), because the module's protocols would then not be those of mgmd's router.
 *
 * [[module]] in mgmd.toml names the modules. mgmd loads them in the order of the file, after it has
 * read the configuration and opened the forwarder. It loads none during a reload, and never unloads
 * one. When it ends, it stops them in reverse order. If a module cannot be loaded, or if its
 * mgmd_module_init fails, mgmd stops the modules before it, logs the name of the file, and exits
 * with status 1.
 *
 * Threads. mgmd calls both functions on its main thread, one at a time, and routes nothing while
 * they run. A module that waits for something starts a thread of its own. It blocks all signals in
 * that thread: signals are for mgmd.
 */
#ifndef MGMD_MODULE_H
#define MGMD_MODULE_H

#include <mgmhost.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What mgmd offers to a module. It stays valid as long as the process runs. */
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
     * - text: the line in UTF-8, without a line feed at its end. Control characters are escaped.
     *   It begins with the name of the module, because mgmd does not add it. A null pointer is
     *   ignored.
     *
     * Threads: any, also inside callbacks.
     */
    void (*log)(DWORD level, const char *text);
};

/**
 * Starts the module. The module defines this function.
 *
 * Parameters:
 * - args: the text of args in the configuration, "" by default. It is valid during the call.
 * - host: what mgmd offers.
 *
 * Returns: NO_ERROR; or an error code, which mgmd logs. The module has then undone what it did:
 * mgmd does not call mgmd_module_stop.
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
