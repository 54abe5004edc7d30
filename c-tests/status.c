/* The status and the metrics, as the host reads them. */

#define _POSIX_C_SOURCE 200809L

#include "router.h"

#include <mgmhost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static void check_says(text_call *call, DWORD flags, const char *words, bool expected)
{
    char *text = host_text(call, flags);

    if ((strstr(text, words) != NULL) != expected)
        fail_check(__FILE__, __LINE__, "%s is%s in %s", words, expected ? " not" : "", text);
    free(text);
}

static void packets_and_members(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    CHECK_TEXT(packet(FLOW, 2), "refused");
}

static void host_the_status_tells_everything(void)
{
    packets_and_members();
    check_says(MgmHostGetStatus, 0, "\"running\":true,\"forwarder\":\"memory\"", true);
    check_says(MgmHostGetStatus, 0, "\"totals\":{\"clients\":2,\"interfaces\":2,\"memberships\":1,"
               "\"mfes\":1,\"resolving\":0,\"refused_flows\":0,\"not_installed\":0}", true);
    check_says(MgmHostGetStatus, 0, "\"source\":\"10.0.0.5\",\"group\":\"239.1.1.1\"", true);
    check_says(MgmHostGetStatus, 0, "\"packets\":2,\"octets\":200,\"wrong_if\":1", true);
    check_says(MgmHostGetStatus, 0, "\"join_alert\":1", true);
}

static void host_the_status_leaves_out_what_is_not_wanted(void)
{
    packets_and_members();
    check_says(MgmHostGetStatus, MGMHOST_STATUS_NO_MFES, "\"mfes\":[", false);
    check_says(MgmHostGetStatus, MGMHOST_STATUS_NO_MFES, "\"memberships\":[", true);
    check_says(MgmHostGetStatus, MGMHOST_STATUS_NO_MEMBERSHIPS, "\"mfes\":[", true);
    check_says(MgmHostGetStatus, MGMHOST_STATUS_NO_MEMBERSHIPS, "\"memberships\":[", false);
    check_says(MgmHostGetStatus, MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES,
               "\"mfes\":1", true);
}

static void host_the_metrics_are_a_page_of_prometheus(void)
{
    packets_and_members();
    check_says(MgmHostGetMetrics, 0, "# TYPE mgm_callbacks_total counter\n", true);
    check_says(MgmHostGetMetrics, 0, "\nmgm_callbacks_total{kind=\"join_alert\"} 1\n", true);
    check_says(MgmHostGetMetrics, 0, "\nmgm_mfes 1\n", true);
    check_says(MgmHostGetMetrics, 0, "mgm_mfe_packets_total", false);
    check_says(MgmHostGetMetrics, MGMHOST_METRICS_MFES,
               "\nmgm_mfe_packets_total{source=\"10.0.0.5\",group=\"239.1.1.1\",interface=\"1\","
               "next_hop=\"\"} 2\n", true);
}

static void check_room(text_call *call)
{
    BYTE room[64], guard[sizeof(room)];
    DWORD size = sizeof(room);

    memset(room, 0xa5, sizeof(room));
    memcpy(guard, room, sizeof(room));
    CHECK_CODE(call(0, &size, room), ERROR_INSUFFICIENT_BUFFER);
    CHECK(size > sizeof(room));
    CHECK(memcmp(room, guard, sizeof(room)) == 0);
    REFUSED(call(0, NULL, room), ERROR_INVALID_PARAMETER);
    REFUSED(call(0, &size, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(call(0x80000000, &size, room), ERROR_INVALID_PARAMETER);
}

static void host_a_text_without_room_is_not_begun(void)
{
    check_room(MgmHostGetStatus);
    check_room(MgmHostGetMetrics);
}

static void host_looking_does_not_start_anything(void)
{
    OK(MgmHostStop());
    check_says(MgmHostGetStatus, 0, "\"running\":false,\"forwarder\":null", true);
    check_says(MgmHostGetMetrics, 0, "\nmgm_running 0\n", true);
    check_says(MgmHostGetStatus, 0, "\"running\":false", true);
}

static void host_the_status_is_served_at_a_socket(void)
{
    char path[64];

#if defined(_WIN32)
    REFUSED(MgmHostServeStatus("mgm.sock"), ERROR_CAN_NOT_COMPLETE);
    OK(MgmHostServeStatus(NULL));
    SKIP("there are no such sockets here");
#endif
    snprintf(path, sizeof(path), "/tmp/mgm-c-tests-%ld.sock", (long)getpid());
    OK(MgmHostServeStatus(path));
    CHECK(access(path, F_OK) == 0);
    OK(MgmHostServeStatus(NULL));
    CHECK(access(path, F_OK) != 0);
    OK(MgmHostServeStatus(NULL));
    REFUSED(MgmHostServeStatus("/no/such/directory/at/all"), ERROR_CAN_NOT_COMPLETE);
    REFUSED(MgmHostServeStatus(""), ERROR_CAN_NOT_COMPLETE);

    /* A stop deletes the socket too. */
    OK(MgmHostServeStatus(path));
    OK(MgmHostStop());
    CHECK(access(path, F_OK) != 0);
}

TEST_MAIN(
    CASE(host_the_status_tells_everything),
    CASE(host_the_status_leaves_out_what_is_not_wanted),
    CASE(host_the_metrics_are_a_page_of_prometheus),
    CASE(host_a_text_without_room_is_not_begun),
    CASE(host_looking_does_not_start_anything),
    CASE(host_the_status_is_served_at_a_socket))
