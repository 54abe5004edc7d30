/* A router with the memory forwarder for the tests of client libraries: see remote.h.
 *
 *   test-router <path of the service> <path of the control socket> <dwMfeTimeout> <dwMaxFlows>
 *
 * Writes a byte to descriptor 60 when both sockets are open. Ends when stdin does. */

#include "remote.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool transfer(int fd, void *bytes, size_t size, bool sends)
{
    for (size_t done = 0; done < size;) {
        char *at = (char *)bytes + done;
        ssize_t some = sends ? send(fd, at, size - done, MSG_NOSIGNAL) : recv(fd, at, size - done, 0);

        if (some <= 0)
            return false;
        done += (size_t)some;
    }
    return true;
}

static DWORD packet_in(struct remote_message *message, BYTE *bytes)
{
    uint32_t *w = message->words;
    DWORD most = w[5] < REMOTE_BYTES / sizeof(MGMHOST_OIF) ? w[5] : REMOTE_BYTES / sizeof(MGMHOST_OIF);
    MGMHOST_OIF *oifs = calloc(most + 1, sizeof(*oifs));
    DWORD count = most, size = message->bytes, code;
    BOOL accepted = FALSE;

    code = MgmHostPacketIn(w[0], w[1], w[2], w[3], size, bytes, w[4], &accepted, &count, oifs);
    w[0] = (uint32_t)accepted;
    w[1] = count;
    message->bytes = code == NO_ERROR ? count * (uint32_t)sizeof(*oifs) : 0;
    memcpy(bytes, oifs, message->bytes);
    free(oifs);
    return code;
}

static DWORD scope_name(struct remote_message *message, BYTE *bytes)
{
    MIB_IPMCAST_SCOPE scope;
    DWORD code;

    memcpy(&scope, bytes, sizeof(scope));
    code = MgmHostGetScopeName(&scope);
    memcpy(bytes, &scope, sizeof(scope));
    message->bytes = code == NO_ERROR ? sizeof(scope) : 0;
    return code;
}

static DWORD explain(struct remote_message *message, BYTE *bytes)
{
    uint32_t *w = message->words;
    DWORD size = REMOTE_BYTES, code = MgmHostExplain(w[0], w[1], w[2], w[3], &size, bytes);

    message->bytes = code == NO_ERROR ? size : 0;
    return code;
}

/* How many callbacks were sent to each client and are not acknowledged. The test waits for them. */
static DWORD unacknowledged(struct remote_message *message, BYTE *bytes)
{
    static const char member[] = "\"unacknowledged\":";
    char *text = malloc(REMOTE_BYTES);
    DWORD size = REMOTE_BYTES, clients = 0;
    DWORD code = MgmHostGetStatus(MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES, &size,
                                  (PBYTE)text);

    for (const char *at = text; code == NO_ERROR && clients < REMOTE_CLIENTS; clients++) {
        uint32_t count;

        at = strstr(at, member);
        if (at == NULL)
            break;
        at += strlen(member);
        count = (uint32_t)strtoul(at, NULL, 10);
        memcpy(bytes + clients * sizeof(count), &count, sizeof(count));
    }
    message->bytes = clients * (uint32_t)sizeof(uint32_t);
    free(text);
    return code;
}

static DWORD obey(struct remote_message *message, BYTE *bytes)
{
    uint32_t *w = message->words, size = message->bytes;
    MIB_IPMCAST_BOUNDARY boundary;

    switch (message->op) {
    case OP_PACKET_IN: return packet_in(message, bytes);
    case OP_GET_SCOPE_NAME: return scope_name(message, bytes);
    case OP_EXPLAIN: return explain(message, bytes);
    case OP_UNACKNOWLEDGED: return unacknowledged(message, bytes);
    }
    message->bytes = 0;
    memcpy(&boundary, bytes, sizeof(boundary));
    switch (message->op) {
    case OP_ADD_INTERFACE: return MgmHostAddInterface(w[0], w[1]);
    case OP_DELETE_INTERFACE: return MgmHostDeleteInterface(w[0], w[1]);
    case OP_ADD_ROUTE: return MgmHostAddRoute(w[0], w[1], w[2], w[3], w[4], w[5]);
    case OP_DELETE_ROUTE: return MgmHostDeleteRoute(w[0], w[1]);
    case OP_SET_THRESHOLD: return MgmHostSetTtlThreshold(w[0], w[1], w[2]);
    case OP_SET_FLOW_LIMIT: return MgmHostSetFlowLimit(w[0], w[1], w[2]);
    case OP_ADD_BOUNDARY: return MgmHostAddBoundary(&boundary);
    case OP_DELETE_BOUNDARY: return MgmHostDeleteBoundary(&boundary);
    case OP_SET_SCOPE_NAME: return MgmHostSetScopeName(w[0], w[1], size == 0 ? NULL : (WCHAR *)bytes);
    default: return ERROR_CAN_NOT_COMPLETE;
    }
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct remote_message message;
    BYTE *bytes = malloc(REMOTE_BYTES);

    while (transfer(fd, &message, sizeof(message), false) && message.bytes <= REMOTE_BYTES &&
           transfer(fd, bytes, message.bytes, false)) {
        message.op = obey(&message, bytes);
        if (!transfer(fd, &message, sizeof(message), true) ||
            !transfer(fd, bytes, message.bytes, true))
            break;
    }
    free(bytes);
    close(fd);
    return NULL;
}

static void *accept_all(void *argument)
{
    int listener = (int)(intptr_t)argument;

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;

        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else if (fd < 0)
            return NULL;
    }
}

int main(int argc, char **argv)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof(config), .dwForwarder = MGMHOST_FORWARDER_MEMORY};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    char byte = 0;

    if (argc != 5 || strlen(argv[2]) >= sizeof(address.sun_path))
        return 2;
    config.dwMfeTimeout = (DWORD)strtoul(argv[3], NULL, 10);
    config.dwMaxFlows = (DWORD)strtoul(argv[4], NULL, 10);
    strcpy(address.sun_path, argv[2]);
    /* A process that had the same number may have left it. */
    unlink(argv[2]);
    if (MgmHostStart(&config) != NO_ERROR || MgmHostServeClients(argv[1], 0600) != NO_ERROR ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 16) != 0 ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0)
        return 1;
    if (write(60, &byte, 1) != 1)
        return 1;
    close(60);
    while (read(0, &byte, 1) > 0) {
    }
    unlink(argv[2]); /* the process of the test may have crashed */
    return MgmHostStop() == NO_ERROR ? 0 : 1;
}
