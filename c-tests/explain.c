/* The explanation of one flow, as the host reads it: every reason why a packet would not go out. */

#include "router.h"

#include <mgmhost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static DWORD explain(DWORD index, PDWORD size, PBYTE buffer)
{
    struct flow f = flow(FLOW);

    return MgmHostExplain(f.source, f.group, index, 0, size, buffer);
}

static void check_says(const char *file, int line, DWORD index, const char *words)
{
    char *text = host_text(explain, index);

    if (strstr(text, words) == NULL)
        fail_check(file, line, "%s is not in %s", words, text);
    free(text);
}

#define SAYS(index, words) check_says(__FILE__, __LINE__, (index), (words))
#define REASON(index, name) SAYS((index), "\"verdict\":{\"forwarded\":false,\"reason\":\"" name "\"")
#define FORWARDED(index) SAYS((index), "\"verdict\":{\"forwarded\":true,\"reason\":null")

static void bound(DWORD index)
{
    MIB_IPMCAST_BOUNDARY row = {index, ip("239.1.0.0"), ip("255.255.0.0"), 0};

    OK(MgmHostAddBoundary(&row));
}

static void host_a_flow_with_an_mfe_is_explained(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    FORWARDED(0);
    FORWARDED(1);
    SAYS(0, "\"source\":\"10.0.0.5\",\"group\":\"239.1.1.1\",\"running\":true");
    SAYS(0, "\"rpf_callback\":{\"client\":{\"serial\":");
    SAYS(0, "\"state\":\"answered\"");
    SAYS(0, "\"packets\":1,\"octets\":100");
    SAYS(0, "\"forwarder\":{\"name\":\"memory\"");
}

static void host_a_flow_without_an_mfe_is_explained(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    REASON(0, "no_packet");
    SAYS(0, "\"mfe\":null");
    SAYS(0, "\"state\":\"not_asked\"");
    SAYS(0, "\"legitimate\":true");
    EXPECT_NO_MFES();
}

static void host_explain_names_what_the_way_in_lacks(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    REASON(4, "wrong_interface");
    REASON(9, "foreign_arrival");
    unroute("10.0.0.0/8");
    REASON(0, "no_route");
    route("10.0.0.0/8", 9, "10.0.9.1");
    REASON(0, "unowned_interface");
    route("10.0.0.0/8", 1, "10.0.1.1");
    bound(1);
    REASON(1, "arrival_boundary");
}

static void host_explain_names_the_client_that_did_not_accept_the_source(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    unroute("10.0.0.0/8");
    CHECK_TEXT(packet(FLOW, 1), "refused");
    REASON(0, "declined");
    SAYS(0, "\"refusal\":{\"reason\":\"no_upstream\"");
}

static void host_explain_names_what_keeps_the_interfaces_off(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    OK(leave(b, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    REASON(0, "no_member");
    OK(join(a, "(*, *)", 1));
    REASON(0, "only_iif");
    OK(join(b, FLOW, 2));
    FORWARDED(0);
    OK(forward_off(b, FLOW, 2));
    REASON(0, "switched_off");
    OK(join(b, FLOW, 2));
    OK(MgmHostSetTtlThreshold(2, 0, 255));
    REASON(0, "ttl_threshold");
    SAYS(0, "\"ttl_threshold\":255");
    OK(MgmHostSetTtlThreshold(2, 0, 1));
    bound(2);
    REASON(0, "oif_boundary");
    SAYS(0, "\"scope\":\"239.1.0.0/16\"");
}

static void refuse_oifs(const struct event *event)
{
    for (DWORD i = 0; i < event->if_count; i++)
        event->ifs[i].bIsEnabled = FALSE;
}

static void host_explain_names_the_answer_to_creation_alert(void)
{
    HANDLE a, b;

    router_of_two(&a, &b);
    on_event('B', refuse_oifs);
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    REASON(0, "creation_alert");
    SAYS(0, "\"creation_alert\":\"off\"");
    OK(join(b, FLOW, 2));
    FORWARDED(0);
}

static void host_explain_names_the_limit_of_flows(void)
{
    MGMHOST_CONFIG config = config_with_log(MGMHOST_LOG_WARN, mgm_take_line, NULL);
    HANDLE a, b;

    OK(MgmHostStop());
    config.dwMaxFlows = 1;
    OK(MgmHostStart(&config));
    router_of_two(&a, &b);
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2");
    REASON(0, "flow_limit");
}

static void host_explain_does_not_start_anything(void)
{
    OK(MgmHostStop());
    REASON(0, "not_running");
    SAYS(0, "\"running\":false");
}

static void host_an_explanation_without_room_is_not_begun(void)
{
    BYTE room[64], guard[sizeof(room)];
    DWORD size = sizeof(room);
    struct flow f = flow(FLOW);

    memset(room, 0xa5, sizeof(room));
    memcpy(guard, room, sizeof(room));
    CHECK_CODE(MgmHostExplain(f.source, f.group, 0, 0, &size, room), ERROR_INSUFFICIENT_BUFFER);
    CHECK(size > sizeof(room));
    CHECK(memcmp(room, guard, sizeof(room)) == 0);
    REFUSED(MgmHostExplain(f.source, f.group, 0, 0, NULL, room), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(f.source, f.group, 0, 0, &size, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(0, f.group, 0, 0, &size, room), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(f.group, f.group, 0, 0, &size, room), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(f.source, 0, 0, 0, &size, room), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(f.source, f.source, 0, 0, &size, room), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostExplain(f.source, f.group, 0, f.source, &size, room), ERROR_INVALID_PARAMETER);
}

TEST_MAIN(
    CASE(host_a_flow_with_an_mfe_is_explained),
    CASE(host_a_flow_without_an_mfe_is_explained),
    CASE(host_explain_names_what_the_way_in_lacks),
    CASE(host_explain_names_the_client_that_did_not_accept_the_source),
    CASE(host_explain_names_what_keeps_the_interfaces_off),
    CASE(host_explain_names_the_answer_to_creation_alert),
    CASE(host_explain_names_the_limit_of_flows),
    CASE(host_explain_does_not_start_anything),
    CASE(host_an_explanation_without_room_is_not_begun))
