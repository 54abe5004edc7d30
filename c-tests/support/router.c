#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DWORD ip(const char *dotted)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    unsigned char bytes[4];
    DWORD address;

    if (strcmp(dotted, "*") == 0)
        return 0;
    CHECK_EQ(sscanf(dotted, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
    bytes[0] = (unsigned char)a;
    bytes[1] = (unsigned char)b;
    bytes[2] = (unsigned char)c;
    bytes[3] = (unsigned char)d;
    memcpy(&address, bytes, sizeof(address));
    return address;
}

char *ip_text(DWORD address, char text[16])
{
    unsigned char bytes[4];

    memcpy(bytes, &address, sizeof(bytes));
    snprintf(text, 16, "%u.%u.%u.%u", (unsigned)bytes[0], (unsigned)bytes[1], (unsigned)bytes[2],
             (unsigned)bytes[3]);
    return text;
}

struct flow flow(const char *text)
{
    char source[16] = "", group[16] = "";
    struct flow flow;

    CHECK_EQ(sscanf(text, "(%15[^,], %15[^)])", source, group), 2);
    flow.source = ip(source);
    flow.source_mask = flow.source == 0 ? 0 : 0xffffffff;
    flow.group = ip(group);
    flow.group_mask = flow.group == 0 ? 0 : 0xffffffff;
    return flow;
}

char *flow_text(DWORD source, DWORD group, char text[40])
{
    char s[16] = "*", g[16] = "*";

    if (source != 0)
        ip_text(source, s);
    if (group != 0)
        ip_text(group, g);
    snprintf(text, 40, "(%s, %s)", s, g);
    return text;
}

char *interface_text(DWORD index, DWORD next_hop, char text[32])
{
    char neighbour[16];

    if (next_hop == 0)
        snprintf(text, 32, "%u", (unsigned)index);
    else
        snprintf(text, 32, "%u/%s", (unsigned)index, ip_text(next_hop, neighbour));
    return text;
}

DWORD take(HANDLE client, DWORD index)
{
    return MgmTakeInterfaceOwnership(client, index, 0);
}

DWORD take_at(HANDLE client, DWORD index, const char *next_hop)
{
    return MgmTakeInterfaceOwnership(client, index, ip(next_hop));
}

DWORD release(HANDLE client, DWORD index)
{
    return MgmReleaseInterfaceOwnership(client, index, 0);
}

DWORD release_at(HANDLE client, DWORD index, const char *next_hop)
{
    return MgmReleaseInterfaceOwnership(client, index, ip(next_hop));
}

DWORD quit(HANDLE client)
{
    return MgmDeRegisterMProtocol(client);
}

static DWORD add(HANDLE client, const char *text, DWORD index, DWORD next_hop, DWORD flags)
{
    struct flow f = flow(text);

    return MgmAddGroupMembershipEntry(client, f.source, f.source_mask, f.group, f.group_mask,
                                      index, next_hop, flags);
}

static DWORD delete(HANDLE client, const char *text, DWORD index, DWORD next_hop, DWORD flags)
{
    struct flow f = flow(text);

    return MgmDeleteGroupMembershipEntry(client, f.source, f.source_mask, f.group, f.group_mask,
                                         index, next_hop, flags);
}

DWORD join(HANDLE client, const char *flow, DWORD index)
{
    return add(client, flow, index, 0, MGM_JOIN_STATE_FLAG);
}

DWORD join_at(HANDLE client, const char *flow, DWORD index, const char *next_hop)
{
    return add(client, flow, index, ip(next_hop), MGM_JOIN_STATE_FLAG);
}

DWORD leave(HANDLE client, const char *flow, DWORD index)
{
    return delete(client, flow, index, 0, MGM_JOIN_STATE_FLAG);
}

DWORD leave_at(HANDLE client, const char *flow, DWORD index, const char *next_hop)
{
    return delete(client, flow, index, ip(next_hop), MGM_JOIN_STATE_FLAG);
}

DWORD forward_on(HANDLE client, const char *flow, DWORD index)
{
    return add(client, flow, index, 0, MGM_FORWARD_STATE_FLAG);
}

DWORD forward_off(HANDLE client, const char *flow, DWORD index)
{
    return delete(client, flow, index, 0, MGM_FORWARD_STATE_FLAG);
}

DWORD set_mfe(HANDLE client, const char *text, const char *upstream, DWORD in_index)
{
    MIB_IPMCAST_MFE mfe = {0};
    struct flow f = flow(text);

    mfe.dwGroup = f.group;
    mfe.dwSource = f.source;
    mfe.dwSrcMask = 0xffffffff;
    mfe.dwUpStrmNgbr = upstream == NULL ? 0 : ip(upstream);
    mfe.dwInIfIndex = in_index;
    return MgmSetMfe(client, &mfe);
}

const char *owner_at(DWORD index, const char *next_hop)
{
    static _Thread_local char answer[2];
    DWORD protocol_id = 0, component_id = 0;
    DWORD code = MgmGetProtocolOnInterface(index, ip(next_hop), &protocol_id, &component_id);

    if (code == ERROR_NOT_FOUND)
        return "nobody";
    if (code != NO_ERROR)
        return code_name(code);
    answer[0] = letter_of(protocol_id, component_id);
    return answer;
}

const char *owner_of(DWORD index)
{
    return owner_at(index, "*");
}

void router_of_two(HANDLE *a, HANDLE *b)
{
    *a = protocol('A');
    *b = protocol('B');
    OK(take(*a, 1));
    OK(take(*a, 4));
    OK(take(*b, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    OK(join(*b, "(*, 239.1.1.1)", 2));
    forget_log();
}

void router_of_three(HANDLE *a, HANDLE *b, HANDLE *c)
{
    *a = protocol('A');
    *b = protocol('B');
    *c = protocol('C');
    OK(take(*a, 1));
    OK(take(*b, 2));
    OK(take(*c, 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
}
