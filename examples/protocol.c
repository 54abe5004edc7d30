/*
 * protocol.c - how a routing protocol uses the library, from registration to deregistration.
 *
 * This protocol is very simple: it has no neighbours, only hosts. What a host asks for on a
 * link becomes a membership on that interface. The library does the rest, and reports it in
 * callbacks. This is not a complete IGMP router: there is no querier election, memberships do
 * not expire, and it keeps no list of the hosts on a link.
 *
 * Start at the end of the file: protocol_start, _take, _hear, _print_*, _stop. Two facts about
 * the API:
 *
 *   - An index and a next hop together identify an interface. The next hop is 0 except on
 *     point-to-multipoint links.
 *   - Addresses and masks are in network byte order. Source 0 with mask 0 means any source.
 *     Every other address has the mask 255.255.255.255.
 */
#include "protocol.h"

#include "igmp.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An id that no other kind of protocol on this router uses. */
#define OUR_PROTOCOL_ID 200
#define HOST_MASK 0xffffffffu

enum { MAX_INTERFACES = 32, LINE = 512 };

/*
 * Callbacks have no context argument, so their data is static. They run on any thread, and only
 * read it. There is no lock, because a lock that a callback takes must not be held during calls
 * of Mgm functions. Instead the count is atomic, and is increased after the entry is complete.
 */
static struct {
    const char *label;
    HANDLE protocol;
    HANDLE igmp; /* null without `igmp_too` */
    atomic_size_t count;
    struct {
        DWORD index;
        const char *name;
    } interfaces[MAX_INTERFACES];
} us;

/* ---- texts --------------------------------------------------------------- */

/* An address or a flow as text. Returned as a structure, so that several can be in one call. */
struct text {
    char s[40];
};

static struct text address(DWORD value)
{
    struct text text;
    struct in_addr in = {.s_addr = value};

    inet_ntop(AF_INET, &in, text.s, sizeof text.s);
    return text;
}

static struct text flow(DWORD source, DWORD group)
{
    struct text text;

    snprintf(text.s, sizeof text.s, "(%.15s, %.15s)", source ? address(source).s : "*",
             group ? address(group).s : "*");
    return text;
}

static const char *name_of(DWORD index)
{
    for (size_t i = 0; i < us.count; i++)
        if (us.interfaces[i].index == index)
            return us.interfaces[i].name;
    return "a link of another protocol";
}

/*
 * Prints a message: the label, a topic, then the text. It calls printf once for each line, because
 * callbacks may run on several threads.
 */
#define SAY(topic, ...)                                                                      \
    do {                                                                                     \
        char line_[LINE];                                                                    \
        snprintf(line_, sizeof line_, __VA_ARGS__);                                          \
        printf("%s%-12s %s\n", us.label, topic, line_);                                      \
    } while (0)

/* Reports a call that failed, and returns its code. */
static DWORD check(const char *what, DWORD code)
{
    if (code != NO_ERROR)
        SAY("ERROR", "%s: code %u", what, (unsigned)code);
    return code;
}

/* ---- callbacks ------------------------------------------------------------- */

/*
 * A packet of a new flow has arrived. The library has looked up the route to the source, and
 * suggests the incoming interface and the upstream neighbour (0 if the source is directly
 * connected). A protocol with its own topology would write its values to the three pointers.
 * This protocol agrees.
 */
static DWORD on_rpf(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                    PDWORD in_index, PDWORD in_next_hop, PDWORD upstream, DWORD header_size,
                    PBYTE header, PBYTE route)
{
    (void)source_mask, (void)group_mask, (void)in_next_hop, (void)header, (void)route;
    SAY("RPF", "%s: first packet (%u header bytes); expected on %s, %s%s",
        flow(source, group).s, (unsigned)header_size, name_of(*in_index),
        *upstream ? "upstream neighbour " : "source directly connected",
        *upstream ? address(*upstream).s : "");
    return NO_ERROR;
}

/*
 * Called before the MFE is installed, with those of the protocol's interfaces that become
 * outgoing interfaces. Setting bIsEnabled to FALSE excludes an interface.
 */
static DWORD on_creation(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                         DWORD in_index, DWORD in_next_hop, DWORD count, PMGM_IF_ENTRY outs)
{
    char names[LINE / 2] = "";

    (void)source_mask, (void)group_mask, (void)in_next_hop;
    for (DWORD i = 0; i < count; i++) {
        size_t used = strlen(names);

        snprintf(names + used, sizeof names - used, " %s", name_of(outs[i].dwIfIndex));
    }
    SAY("CREATION", "%s: in on %s, out on%s", flow(source, group).s, name_of(in_index), names);
    return NO_ERROR;
}

/*
 * The packets are not wanted any longer. If member_delete is FALSE, an MFE whose incoming
 * interface the protocol owns has no outgoing interface, so a protocol would prune upstream;
 * *timeout is the lifetime of the MFE, which the callback can change. If it is TRUE, no other
 * protocol has members any longer.
 */
static DWORD on_prune(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                      DWORD index, DWORD next_hop, BOOL member_delete, PDWORD timeout)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    if (member_delete)
        SAY("PRUNE", "%s: no other protocol has members any longer", flow(source, group).s);
    else
        SAY("PRUNE", "%s: no outgoing interface is left; the MFE on %s expires in %u s",
            flow(source, group).s, name_of(index), (unsigned)*timeout);
    return NO_ERROR;
}

/* The opposite of both kinds of prune: a protocol would join upstream. */
static DWORD on_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                     BOOL member_update)
{
    (void)source_mask, (void)group_mask;
    SAY("JOIN", "%s: %s", flow(source, group).s,
        member_update ? "another protocol has members" : "there is an outgoing interface again");
    return NO_ERROR;
}

/* A packet arrived on the wrong link: there is a loop, or a second router. */
static DWORD on_wrong_if(DWORD source, DWORD group, DWORD index, DWORD next_hop,
                         DWORD header_size, PBYTE header)
{
    (void)next_hop, (void)header_size, (void)header;
    SAY("WRONG_IF", "%s: a packet arrived on %s", flow(source, group).s, name_of(index));
    return NO_ERROR;
}

/* IGMP has added or deleted a membership on an interface of this protocol. */
static DWORD on_local_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                           DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    SAY("LOCAL_JOIN", "%s: members on %s", flow(source, group).s, name_of(index));
    return NO_ERROR;
}

static DWORD on_local_leave(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                            DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    SAY("LOCAL_LEAVE", "%s: no members on %s", flow(source, group).s, name_of(index));
    return NO_ERROR;
}

/* ---- memberships ----------------------------------------------------------- */

/* An IGMP message while it is parsed. */
struct hearing {
    DWORD index;
    uint32_t host;
};

static void on_wish(void *context, enum igmp_wish wish, uint32_t source, uint32_t group)
{
    const struct hearing *heard = context;
    /* If there is an IGMP client, it adds the memberships. It is enabled on all links. */
    HANDLE client = us.igmp ? us.igmp : us.protocol;
    DWORD source_mask = source ? HOST_MASK : 0;
    DWORD code;

    SAY("igmp", "%s on %s %s %s", address(heard->host).s, name_of(heard->index),
        wish == IGMP_JOIN ? "wants" : "leaves", flow(source, group).s);
    /*
     * JOIN_STATE: the library records the membership, also for future flows, and updates
     * existing MFEs. Hosts repeat their reports. Adding a membership again is no error, and
     * neither is deleting one that does not exist.
     */
    if (wish == IGMP_JOIN)
        code = MgmAddGroupMembershipEntry(client, source, source_mask, group, HOST_MASK,
                                          heard->index, 0, MGM_JOIN_STATE_FLAG);
    else
        code = MgmDeleteGroupMembershipEntry(client, source, source_mask, group, HOST_MASK,
                                             heard->index, 0, MGM_JOIN_STATE_FLAG);
    check(wish == IGMP_JOIN ? "add membership" : "delete membership", code);
}

void protocol_hear(DWORD index, uint32_t host, const uint8_t *message, size_t length)
{
    struct hearing heard = {.index = index, .host = host};

    if (!igmp_read(message, length, on_wish, &heard))
        SAY("igmp", "a malformed message from %s on %s", address(host).s, name_of(index));
}

/* ---- reading MFEs and groups ------------------------------------------------ */

static void print_mfe(const MIB_IPMCAST_MFE_STATS_EX *mfe)
{
    SAY("MFE", "%s: in on %s: %u packets, %u octets; %u on a wrong interface; up %u.%02u s",
        flow(mfe->dwSource, mfe->dwGroup).s, name_of(mfe->dwInIfIndex),
        (unsigned)mfe->ulInPkts, (unsigned)mfe->ulInOctets, (unsigned)mfe->ulPktsDifferentIf,
        (unsigned)mfe->ulUpTime / 100, (unsigned)mfe->ulUpTime % 100);
    /* Linux does not count packets for each outgoing interface. */
    for (ULONG i = 0; i < mfe->ulNumOutIf; i++) {
        const MIB_IPMCAST_OIF_STATS *out = &mfe->rgmiosOutStats[i];

        if (out->ulOutPackets)
            SAY("", "   out on %s: %u packets", name_of(out->dwOutIfIndex),
                (unsigned)out->ulOutPackets);
        else
            SAY("", "   out on %s", name_of(out->dwOutIfIndex));
    }
    if (mfe->ulNumOutIf == 0)
        SAY("", "   no outgoing interface: a negative MFE, its packets are dropped");
}

/*
 * Each call returns as many whole entries as fit in the buffer, in the order of group and
 * source. The size of an entry depends on its number of outgoing interfaces. "Next" continues
 * after the last entry of the previous call, even if that MFE no longer exists.
 */
void protocol_print_mfes(void)
{
    MIB_IPMCAST_MFE last;
    DWORD size = 4096, total = 0, code, count;
    BYTE *buffer = malloc(size);

    memset(&last, 0, sizeof last);
    code = ERROR_MORE_DATA;
    while (buffer && code == ERROR_MORE_DATA) {
        DWORD room = size;

        if (total == 0)
            code = MgmGetFirstMfeStats(&room, buffer, &count, MGM_MFE_STATS_1);
        else
            code = MgmGetNextMfeStats(&last, &room, buffer, &count, MGM_MFE_STATS_1);
        if (code == ERROR_INSUFFICIENT_BUFFER) {
            /* Not one entry fits; the call has returned the size of the next one. */
            free(buffer);
            buffer = malloc(size = room);
            code = ERROR_MORE_DATA;
            continue;
        }
        if (code != ERROR_MORE_DATA && code != ERROR_NO_MORE_ITEMS)
            break;
        for (BYTE *at = buffer; count > 0; count--, total++) {
            const MIB_IPMCAST_MFE_STATS_EX *mfe = (const void *)at;

            print_mfe(mfe);
            last.dwGroup = mfe->dwGroup;
            last.dwSource = mfe->dwSource;
            at += SIZEOF_MIB_MFE_STATS_EX(mfe->ulNumOutIf);
        }
    }
    if (code != ERROR_NO_MORE_ITEMS)
        check("get MFEs", code);
    SAY("MFE", "%u in the table", (unsigned)total);
    free(buffer);
}

void protocol_print_groups(void)
{
    SOURCE_GROUP_ENTRY entries[32];
    DWORD code, total = 0;
    HANDLE enumeration;

    if (check("start enumeration",
              MgmGroupEnumerationStart(us.protocol, ALL_SOURCES, &enumeration)) != NO_ERROR)
        return;
    do {
        DWORD size = sizeof entries, count = 0;

        code = MgmGroupEnumerationGetNext(enumeration, &size, (PBYTE)entries, &count);
        for (DWORD i = 0; i < count; i++, total++)
            SAY("GROUP", "%s", flow(entries[i].dwSourceAddr, entries[i].dwGroupAddr).s);
    } while (code == ERROR_MORE_DATA);
    if (code != ERROR_NO_MORE_ITEMS)
        check("enumerate groups", code);
    check("end enumeration", MgmGroupEnumerationEnd(enumeration));
    SAY("GROUP", "%u joined", (unsigned)total);
}

/* ---- start and end ---------------------------------------------------------- */

DWORD protocol_start(DWORD component, const char *label, bool igmp_too)
{
    /* Callbacks that are null are not called. The IGMP client needs none. */
    ROUTING_PROTOCOL_CONFIG config = {.dwCallbackFlags = 0}, quiet = config;
    DWORD code;

    config.pfnRpfCallback = on_rpf;
    config.pfnCreationAlertCallback = on_creation;
    config.pfnPruneAlertCallback = on_prune;
    config.pfnJoinAlertCallback = on_join;
    config.pfnWrongIfCallback = on_wrong_if;
    config.pfnLocalJoinCallback = on_local_join;
    config.pfnLocalLeaveCallback = on_local_leave;
    us.label = label;
    code = check("register",
                 MgmRegisterMProtocol(&config, OUR_PROTOCOL_ID, component, &us.protocol));
    if (code != NO_ERROR)
        return code;
    SAY("registered", "protocol %d, component %u", OUR_PROTOCOL_ID, (unsigned)component);
    if (igmp_too) {
        code = check("register IGMP", MgmRegisterMProtocol(&quiet, PROTO_IP_IGMP, 0, &us.igmp));
        if (code == NO_ERROR)
            SAY("registered", "IGMP, the client that adds what hosts want");
    }
    return code;
}

DWORD protocol_take(DWORD index, const char *name)
{
    DWORD code, owner, component;

    if (us.count == MAX_INTERFACES)
        return ERROR_CAN_NOT_COMPLETE;
    /* Store the name first: a callback may run before the call returns. */
    us.interfaces[us.count].index = index;
    us.interfaces[us.count].name = name;
    us.count++;
    code = check("take interface", MgmTakeInterfaceOwnership(us.protocol, index, 0));
    if (code != NO_ERROR) {
        us.count--;
        return code;
    }
    /* Only IGMP may take an interface that has an owner. */
    if (us.igmp)
        code = check("enable IGMP", MgmTakeInterfaceOwnership(us.igmp, index, 0));
    if (check("who owns it", MgmGetProtocolOnInterface(index, 0, &owner, &component)) == NO_ERROR)
        SAY("took", "%s (index %u), owner: protocol %u%s", name, (unsigned)index,
            (unsigned)owner, us.igmp ? ", with IGMP beside it" : "");
    return code;
}

DWORD protocol_stop(void)
{
    DWORD first = NO_ERROR, code;

    /*
     * A client that owns an interface cannot deregister. A release also deletes the client's
     * memberships on the interface, and the MFEs with this incoming interface.
     */
    for (size_t i = 0; i < us.count; i++) {
        DWORD index = us.interfaces[i].index;

        if (us.igmp && (code = check("disable IGMP",
                                     MgmReleaseInterfaceOwnership(us.igmp, index, 0))))
            first = first ? first : code;
        if ((code = check("release", MgmReleaseInterfaceOwnership(us.protocol, index, 0))))
            first = first ? first : code;
        else
            SAY("released", "%s", us.interfaces[i].name);
    }
    if (us.igmp && (code = check("deregister IGMP", MgmDeRegisterMProtocol(us.igmp))))
        first = first ? first : code;
    /* After this call, no callback of the client runs. */
    if (us.protocol && (code = check("deregister", MgmDeRegisterMProtocol(us.protocol))))
        first = first ? first : code;
    else
        SAY("deregistered", "no further callbacks");
    us.protocol = us.igmp = NULL;
    us.count = 0;
    return first;
}
