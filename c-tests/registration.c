/* Registration: chapter 1 of the semantics. Deregistration while callbacks run is in
 * deregistration.c. */

#include "router.h"

#include <stdlib.h>
#include <string.h>

static void t1_1_registering_gives_a_handle(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    CHECK(a != NULL);
    CHECK(b != NULL);
    CHECK(a != b);
    OK(quit(a));
    OK(quit(b));
}

static void t1_1_the_config_is_copied(void)
{
    ROUTING_PROTOCOL_CONFIG *config = malloc(sizeof(*config));
    HANDLE a = protocol('A'), b = NULL;

    *config = config_of('B');
    OK(MgmRegisterMProtocol(config, 'B', 1, &b));
    memset(config, 0xa5, sizeof(*config));
    free(config);

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member");
}

static void t1_2_ids_are_unique(void)
{
    ROUTING_PROTOCOL_CONFIG config = config_of('B');
    HANDLE a = protocol('A'), untouched = &config;

    REFUSED(MgmRegisterMProtocol(&config, 'A', 1, &untouched), ERROR_ALREADY_EXISTS);
    CHECK(untouched == &config);

    OK(quit(a));
    protocol('A');
}

static void t1_2_components_of_one_protocol_coexist(void)
{
    HANDLE first = client_as('A', 7, 1), second = client_as('B', 7, 2);
    HANDLE namesake = client_as('C', 8, 1);

    OK(take(first, 1));
    OK(take(second, 2));
    OK(take(namesake, 3));
    CHECK_TEXT(owner_of(1), "A");
    CHECK_TEXT(owner_of(2), "B");
    CHECK_TEXT(owner_of(3), "C");

    /* They are independent, like two protocols. */
    OK(join(first, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member");
    REFUSED(take(second, 1), ERROR_ALREADY_EXISTS);
}

static void t1_2_any_ids_will_do(void)
{
    client_as('A', 0, 0);
    client_as('B', 0xffffffff, 0xffffffff);
    client_as('C', 0, 0xffffffff);
}

static void t1_3_null_callbacks_are_skipped(void)
{
    ROUTING_PROTOCOL_CONFIG deaf = {0};
    HANDLE a, b, i, listener;

    /* dwCallbackFlags is reserved and ignored. */
    deaf.dwCallbackFlags = 0xffffffff;
    OK(MgmRegisterMProtocol(&deaf, 'A', 1, &a));
    OK(MgmRegisterMProtocol(&deaf, 'B', 1, &b));
    OK(MgmRegisterMProtocol(&deaf, PROTO_IP_IGMP, 1, &i));
    listener = protocol('C');
    OK(take(listener, 3));

    /* These calls would cause each of the nine callbacks. */
    route("10.0.0.0/8", 1, "10.0.1.1");
    OK(take(i, 1));
    OK(take(i, 2));
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(i, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 2), "refused");
    OK(leave(i, "(*, 239.1.1.1)", 2));
    OK(release(a, 1));
    OK(release(b, 2));

    EXPECT("C join (*, 239.1.1.1) member", "C prune (*, 239.1.1.1) member on 2");
}

static void t1_3_a_single_callback_is_enough(void)
{
    ROUTING_PROTOCOL_CONFIG all = config_of('B'), one = {0};
    HANDLE a = protocol('A'), b;

    one.pfnPruneAlertCallback = all.pfnPruneAlertCallback;
    OK(MgmRegisterMProtocol(&one, 'B', 1, &b));
    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT("B prune (*, 239.1.1.1) member on 1");
}

static void t1_5_who_owns_an_interface_stays(void)
{
    HANDLE a = protocol('A');

    OK(take(a, 1));
    OK(take_at(a, 2, "10.0.2.1"));
    REFUSED(quit(a), ERROR_CAN_NOT_COMPLETE);
    OK(release(a, 1));
    REFUSED(quit(a), ERROR_CAN_NOT_COMPLETE);
    OK(release_at(a, 2, "10.0.2.1"));
    OK(quit(a));
}

static void t1_6_enumerations_close_with_their_client(void)
{
    BYTE buffer[16];
    DWORD size = sizeof(buffer), count = 77;
    HANDLE a = protocol('A'), groups = NULL;

    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
    OK(quit(a));
    REFUSED(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationEnd(groups), ERROR_INVALID_PARAMETER);
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);
}

static void host_the_first_call_starts_mgm(void)
{
    HANDLE a;

    router_stop();
    a = protocol('A');
    OK(take(a, 1));
    CHECK_TEXT(owner_of(1), "A");
}

static void host_stopping_releases_everything(void)
{
    HANDLE a = protocol('A'), groups = NULL;

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
    router_stop();
    router_start();

    CHECK_TEXT(owner_of(1), "nobody");
    EXPECT_NO_GROUPS(ALL_SOURCES);
    REFUSED(release(a, 1), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationEnd(groups), ERROR_INVALID_PARAMETER);
    OK(take(protocol('A'), 1));
}

static void t1_7_a_newcomer_is_not_sent_old_joins(void)
{
    HANDLE a = protocol('A'), b;

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, *)", 1));
    b = protocol('B');
    EXPECT_NOTHING();
    OK(take(b, 2));
    EXPECT_NOTHING();

    /* An enumeration lists them, and PRUNE_ALERT reports their end, as to all other clients. */
    EXPECT_GROUPS(ALL_SOURCES, "(*, *)", "(*, 239.1.1.1)");
    OK(leave(a, "(*, *)", 1));
    EXPECT("B prune (*, *) member on 1", "B join (*, 239.1.1.1) member");
}

TEST_MAIN(
    CASE(t1_1_registering_gives_a_handle),
    CASE(t1_1_the_config_is_copied),
    CASE(t1_2_ids_are_unique),
    CASE(t1_2_components_of_one_protocol_coexist),
    CASE(t1_2_any_ids_will_do),
    CASE(t1_3_null_callbacks_are_skipped),
    CASE(t1_3_a_single_callback_is_enough),
    CASE(t1_5_who_owns_an_interface_stays),
    CASE(t1_6_enumerations_close_with_their_client),
    CASE(host_the_first_call_starts_mgm),
    CASE(host_stopping_releases_everything),
    CASE(t1_7_a_newcomer_is_not_sent_old_joins))
