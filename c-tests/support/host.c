/* The host's functions: start and stop, routes, packets, the log. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OIFS = 512, LINE = 400 };

static struct lock log_lock = LOCK_INITIALIZER;
static size_t log_lines;
static char last_line[LINE];

void mgm_take_line(void *context, DWORD level, const char *text)
{
    (void)context;
    (void)level;
    lock_take(&log_lock);
    log_lines++;
    snprintf(last_line, sizeof(last_line), "%s", text);
    lock_give(&log_lock);
}

size_t mgm_log_lines(void)
{
    size_t lines;

    lock_take(&log_lock);
    lines = log_lines;
    lock_give(&log_lock);
    return lines;
}

size_t mgm_log_lines_since(size_t before, size_t expected)
{
    int wait;

    /* On a busy machine the log callback may count as slow. Then mgm-log writes the lines. */
    for (wait = 0; wait < 5000 && mgm_log_lines() - before < expected; wait++)
        sleep_ms(1);
    return mgm_log_lines() - before;
}

const char *mgm_last_line(void)
{
    return last_line;
}

char *host_text_or_code(text_call *call, DWORD argument, DWORD *code)
{
    DWORD size = 0;
    char *text = NULL;

    /* The text may have grown since the library returned its size. */
    while ((*code = call(argument, &size, (PBYTE)text)) == ERROR_INSUFFICIENT_BUFFER) {
        free(text);
        text = malloc(size);
        CHECK(text != NULL);
    }
    if (*code != NO_ERROR) {
        free(text);
        return NULL;
    }
    CHECK_EQ(strlen(text) + 1, size);
    return text;
}

char *host_text(text_call *call, DWORD argument)
{
    DWORD code;
    char *text = host_text_or_code(call, argument, &code);

    OK(code);
    return text;
}

MGMHOST_CONFIG config_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback, void *context)
{
    MGMHOST_CONFIG config = {0};

    config.dwSize = sizeof(config);
    config.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    config.dwLogLevel = level;
    config.pfnLogCallback = callback;
    config.pvLogContext = context;
    return config;
}

void restart_with_log(DWORD level, MGMHOST_LOG_CALLBACK callback)
{
    MGMHOST_CONFIG config = config_with_log(level, callback, NULL);

    router_stop();
    OK(MgmHostStart(&config));
}

static void start(DWORD mfe_timeout)
{
    MGMHOST_CONFIG config = config_with_log(MGMHOST_LOG_WARN, mgm_take_line, NULL);

    lock_take(&log_lock);
    log_lines = 0;
    last_line[0] = '\0';
    lock_give(&log_lock);

    config.dwMfeTimeout = mfe_timeout;
    OK(MgmHostStart(&config));
}

void router_start(void)
{
    start(0);
}

void router_stop(void)
{
    OK(MgmHostStop());
    recorder_reset();
}

void router_restart(DWORD mfe_timeout)
{
    router_stop();
    start(mfe_timeout);
}

/* "10.0.0.0/8" */
static void prefix(const char *text, DWORD *network, DWORD *mask)
{
    char address[16], dotted[16];
    unsigned length = 0, bits;

    CHECK_EQ(sscanf(text, "%15[^/]/%u", address, &length), 2);
    bits = length == 0 ? 0 : 0xffffffffu << (32 - length);
    snprintf(dotted, sizeof(dotted), "%u.%u.%u.%u", bits >> 24, bits >> 16 & 0xff,
             bits >> 8 & 0xff, bits & 0xff);
    *network = ip(address);
    *mask = ip(dotted);
}

void route(const char *text, DWORD index, const char *gateway)
{
    DWORD network, mask;

    prefix(text, &network, &mask);
    OK(MgmHostAddRoute(network, mask, index, ip(gateway), 0, 0));
}

void own_address(const char *address)
{
    OK(MgmHostAddRoute(ip(address), 0xffffffff, 0, 0, 0, MGMHOST_ROUTE_LOCAL));
}

void unroute(const char *text)
{
    DWORD network, mask;

    prefix(text, &network, &mask);
    OK(MgmHostDeleteRoute(network, mask));
}

void unplug(DWORD index)
{
    OK(MgmHostDeleteInterface(index, 0));
}

void plug_in(DWORD index)
{
    OK(MgmHostAddInterface(index, 0));
}

void packet_header(const char *text, BYTE header[PACKET_HEADER_SIZE])
{
    /* Version 4, a header of 5 words, length 100, TTL 64, UDP. */
    static const BYTE pattern[PACKET_HEADER_SIZE] = {0x45, 0, 0, PACKET_LENGTH, 0, 0, 0, 0, 64, 17};
    struct flow f = flow(text);

    memcpy(header, pattern, PACKET_HEADER_SIZE);
    memcpy(header + 12, &f.source, sizeof(f.source));
    memcpy(header + 16, &f.group, sizeof(f.group));
}

struct verdict {
    DWORD code;
    BOOL accepted;
    DWORD count;
    MGMHOST_OIF oifs[MOST_OIFS];
};

static void hand_in(const char *text, DWORD index, DWORD next_hop, struct verdict *verdict)
{
    BYTE header[PACKET_HEADER_SIZE];
    struct flow f = flow(text);

    packet_header(text, header);
    verdict->accepted = FALSE;
    verdict->count = MOST_OIFS;
    verdict->code = MgmHostPacketIn(f.source, f.group, index, next_hop, sizeof(header), header,
                                    PACKET_LENGTH, &verdict->accepted, &verdict->count,
                                    verdict->oifs);
}

/* Sorts the oifs, so that texts can be compared. */
static void append_oifs(char *text, size_t room, const struct verdict *verdict)
{
    bool told[MOST_OIFS] = {false};
    size_t used = strlen(text);
    char where[32];

    for (DWORD n = 0; n < verdict->count && used < room; n++) {
        DWORD next = MOST_OIFS;

        for (DWORD m = 0; m < verdict->count; m++) {
            if (!told[m] && (next == MOST_OIFS ||
                             verdict->oifs[m].dwIfIndex < verdict->oifs[next].dwIfIndex))
                next = m;
        }
        told[next] = true;
        interface_text(verdict->oifs[next].dwIfIndex, verdict->oifs[next].dwIfNextHopAddr, where);
        used += (size_t)snprintf(text + used, room - used, " %s", where);
    }
}

static const char *decision(const char *flow, DWORD index, DWORD next_hop)
{
    static _Thread_local char text[LINE];
    struct verdict verdict;

    hand_in(flow, index, next_hop, &verdict);
    if (verdict.code != NO_ERROR)
        return code_name(verdict.code);
    if (!verdict.accepted) {
        CHECK_EQ(verdict.count, 0);
        return "refused";
    }
    if (verdict.count == 0)
        return "to nobody";
    strcpy(text, "to");
    append_oifs(text, sizeof(text), &verdict);
    return text;
}

const char *packet(const char *flow, DWORD index)
{
    return decision(flow, index, 0);
}

const char *packet_at(const char *flow, DWORD index, const char *next_hop)
{
    return decision(flow, index, ip(next_hop));
}

DWORD packet_code(const char *flow, DWORD index)
{
    struct verdict verdict;

    hand_in(flow, index, 0, &verdict);
    return verdict.code;
}

DWORD packet_out_count(const char *flow, DWORD index)
{
    struct verdict verdict;

    hand_in(flow, index, 0, &verdict);
    CHECK_CODE(verdict.code, NO_ERROR);
    return verdict.count;
}
