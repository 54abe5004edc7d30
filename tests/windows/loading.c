/*
 * DLLs that come and go: mgm.dll itself, and a client's DLL whose callbacks come
 * from other threads while it is being stopped and freed.
 */
#include <mgmhost.h>

#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

enum { SOURCE_SIDE = 1, PLUGIN_SIDE = 2, ROUNDS = 100, PATIENCE_MS = 20000 };

static const DWORD source = 0x0500000a; /* 10.0.0.5 */

#define CHECK(condition) \
    ((condition) ? (void)0 : (printf("FAIL line %d: %s\n", __LINE__, #condition), exit(1)))

/* What it takes of mgm.dll, by name: this program does not import it. */
static struct {
    HMODULE module;
    DWORD (*start)(const MGMHOST_CONFIG *);
    DWORD (*stop)(void);
    DWORD (*add_route)(DWORD, DWORD, DWORD, DWORD, DWORD, DWORD);
    DWORD (*packet_in)(DWORD, DWORD, DWORD, DWORD, DWORD, const BYTE *, DWORD, BOOL *, DWORD *,
                       MGMHOST_OIF *);
    DWORD (*enroll)(PROUTING_PROTOCOL_CONFIG, DWORD, DWORD, HANDLE *);
    DWORD (*take)(HANDLE, DWORD, DWORD);
    DWORD (*add)(HANDLE, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD);
    DWORD (*remove)(HANDLE, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD);
} mgm;

static struct {
    HMODULE module;
    plugin_start_function *start;
    plugin_heard_function *heard;
    plugin_stop_function *stop;
} plugin;

static void *function(HMODULE module, const char *name)
{
    void *found = (void *)GetProcAddress(module, name);

    CHECK(found != NULL);
    return found;
}

static void load_mgm(void)
{
    mgm.module = LoadLibraryA("mgm.dll");
    CHECK(mgm.module != NULL);
    mgm.start = function(mgm.module, "MgmHostStart");
    mgm.stop = function(mgm.module, "MgmHostStop");
    mgm.add_route = function(mgm.module, "MgmHostAddRoute");
    mgm.packet_in = function(mgm.module, "MgmHostPacketIn");
    mgm.enroll = function(mgm.module, "MgmRegisterMProtocol");
    mgm.take = function(mgm.module, "MgmTakeInterfaceOwnership");
    mgm.add = function(mgm.module, "MgmAddGroupMembershipEntry");
    mgm.remove = function(mgm.module, "MgmDeleteGroupMembershipEntry");
}

static void load_plugin(void)
{
    plugin.module = LoadLibraryA("plugin.dll");
    CHECK(plugin.module != NULL);
    plugin.start = function(plugin.module, "plugin_start");
    plugin.heard = function(plugin.module, "plugin_heard");
    plugin.stop = function(plugin.module, "plugin_stop");
}

static void free_plugin(void)
{
    CHECK(FreeLibrary(plugin.module));
    CHECK(GetModuleHandleA("plugin.dll") == NULL);
}

static BOOL packet(void)
{
    BYTE header[20] = {0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17};
    BOOL accepted = FALSE;
    MGMHOST_OIF out[4];
    DWORD count = 4;

    CHECK(mgm.packet_in(source, PLUGIN_GROUP, SOURCE_SIDE, 0, sizeof(header), header, 100,
                        &accepted, &count, out) == NO_ERROR);
    return accepted;
}

/* As long as nothing was called in it, it comes and goes like any DLL. */
static void unused(void)
{
    for (int i = 0; i < 2; i++) {
        load_mgm();
        CHECK(FreeLibrary(mgm.module));
        CHECK(GetModuleHandleA("mgm.dll") == NULL);
    }
    puts("ok   loaded and freed twice");
}

/* An MFE that forwards is renewed at its time-out: MGM's own threads ask. */
static void own_threads(void)
{
    ULONGLONG until = GetTickCount64() + PATIENCE_MS;

    load_plugin();
    CHECK(plugin.start(PLUGIN_SIDE) == NO_ERROR);
    while (plugin.heard(TRUE) < 2 && GetTickCount64() < until) {
        CHECK(packet());
        Sleep(20);
    }
    CHECK(plugin.heard(TRUE) >= 2);
    CHECK(plugin.stop(PLUGIN_SIDE) == NO_ERROR);
    free_plugin();
    puts("ok   callbacks from threads of MGM's own");
}

static HANDLE rival;
static volatile LONG over;

static DWORD WINAPI hammer(LPVOID argument)
{
    (void)argument;
    while (!over) {
        CHECK(mgm.add(rival, 0, 0, PLUGIN_GROUP, 0xffffffff, SOURCE_SIDE, 0,
                      MGM_JOIN_STATE_FLAG) == NO_ERROR);
        CHECK(mgm.remove(rival, 0, 0, PLUGIN_GROUP, 0xffffffff, SOURCE_SIDE, 0,
                         MGM_JOIN_STATE_FLAG) == NO_ERROR);
    }
    return 0;
}

/* The client's DLL goes while another thread is in its callbacks. */
static void client_goes(void)
{
    HANDLE thread = CreateThread(NULL, 0, hammer, NULL, 0, NULL);
    LONG heard = 0;

    CHECK(thread != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        ULONGLONG until = GetTickCount64() + PATIENCE_MS;

        load_plugin();
        CHECK(plugin.start(PLUGIN_SIDE) == NO_ERROR);
        while (plugin.heard(TRUE) == 0 && GetTickCount64() < until)
            Sleep(0);
        heard += plugin.heard(TRUE) > 0;
        CHECK(plugin.stop(PLUGIN_SIDE) == NO_ERROR);
        free_plugin();
    }
    InterlockedExchange(&over, 1);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    CHECK(heard == ROUNDS);
    puts("ok   a client's DLL freed a hundred times");
}

/* Its threads run: it stays, with all that it knows. */
static void in_use(void)
{
    HMODULE before = mgm.module;

    CHECK(FreeLibrary(mgm.module));
    CHECK(GetModuleHandleA("mgm.dll") == before);
    load_mgm();
    CHECK(mgm.module == before);
    CHECK(mgm.take(rival, 3, 0) == NO_ERROR);
    CHECK(FreeLibrary(mgm.module));
    load_mgm();
    CHECK(mgm.stop() == NO_ERROR);
    CHECK(mgm.take(rival, 4, 0) == ERROR_INVALID_PARAMETER);
    puts("ok   freed in use, and still there");
}

int main(void)
{
    MGMHOST_CONFIG config = {0};
    ROUTING_PROTOCOL_CONFIG quiet = {0};

    unused();
    load_mgm();
    config.dwSize = sizeof(config);
    config.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    config.dwMfeTimeout = 1;
    CHECK(mgm.start(&config) == NO_ERROR);
    CHECK(mgm.enroll(&quiet, 1, 1, &rival) == NO_ERROR);
    CHECK(mgm.take(rival, SOURCE_SIDE, 0) == NO_ERROR);
    CHECK(mgm.add_route(0x0000000a, 0x000000ff, SOURCE_SIDE, 0, 0, 0) == NO_ERROR);

    own_threads();
    client_goes();
    in_use();
    puts("4 passed, 0 failed, 0 skipped");
    return 0;
}
