/* Interface ownership: chapter 2 of the semantics. IGMP beside an owner is in ownership-igmp.c. */

#include "router.h"

static void t2_1_one_protocol_an_interface(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    OK(take(a, 2));
    OK(take(b, 3));
    REFUSED(take(b, 1), ERROR_ALREADY_EXISTS);
    REFUSED(take(a, 1), ERROR_ALREADY_EXISTS);
    CHECK_TEXT(owner_of(1), "A");

    OK(release(a, 1));
    OK(take(b, 1));
    CHECK_TEXT(owner_of(1), "B");
    EXPECT_NOTHING();
}

static void t0_2_index_0_is_no_interface(void)
{
    HANDLE a = protocol('A');
    DWORD protocol_id = 77, component_id = 77;

    REFUSED(take(a, 0), ERROR_INVALID_PARAMETER);
    REFUSED(take_at(a, 0, "10.0.0.1"), ERROR_INVALID_PARAMETER);
    REFUSED(release(a, 0), ERROR_INVALID_PARAMETER);
    REFUSED(join(a, "(*, 239.1.1.1)", 0), ERROR_INVALID_PARAMETER);
    /* A look-up returns ERROR_NOT_FOUND. */
    REFUSED_QUIETLY(MgmGetProtocolOnInterface(0, 0, &protocol_id, &component_id),
                    ERROR_NOT_FOUND);
    CHECK_EQ(protocol_id, 77);
    CHECK_EQ(component_id, 77);
}

static void t2_6_what_cannot_be_an_interface_is_not_found(void)
{
    HANDLE a = protocol('A');
    DWORD protocol_id = 77, component_id = 77;
    static const struct {
        DWORD index;
        const char *next_hop;
    } none[] = {{0, "0.0.0.0"}, {0, "10.0.1.1"}, {1, "10.0.1.1"}, {2, "0.0.0.0"}, {1, "239.1.1.1"},
                {0xffffffff, "255.255.255.255"}};

    for (int round = 0; round < 2; round++) {
        for (size_t n = 0; n < sizeof(none) / sizeof(*none); n++) {
            REFUSED_QUIETLY(MgmGetProtocolOnInterface(none[n].index, ip(none[n].next_hop),
                                                      &protocol_id, &component_id),
                            ERROR_NOT_FOUND);
        }
        if (round == 0) {
            OK(take(a, 1));
            OK(take_at(a, 2, "10.0.2.1")); /* now both kinds of interfaces exist */
        }
    }
    /* A null pointer is always an error. */
    REFUSED(MgmGetProtocolOnInterface(0, 0, NULL, &component_id), ERROR_INVALID_PARAMETER);
    CHECK_EQ(protocol_id, 77);
    CHECK_EQ(component_id, 77);
}

static void t0_2_next_hops_tell_neighbours_apart(void)
{
    HANDLE a = protocol('A'), b = protocol('B'), c = protocol('C');

    OK(take_at(a, 4, "10.0.4.1"));
    OK(take_at(b, 4, "10.0.4.2"));
    REFUSED(take_at(b, 4, "10.0.4.1"), ERROR_ALREADY_EXISTS);
    CHECK_TEXT(owner_at(4, "10.0.4.1"), "A");
    CHECK_TEXT(owner_at(4, "10.0.4.2"), "B");
    CHECK_TEXT(owner_at(4, "10.0.4.3"), "nobody");

    OK(join_at(a, "(*, 239.1.1.1)", 4, "10.0.4.1"));
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member");
    REFUSED(join_at(a, "(*, 239.1.1.1)", 4, "10.0.4.2"), ERROR_INVALID_PARAMETER);
    OK(leave_at(a, "(*, 239.1.1.1)", 4, "10.0.4.1"));
    EXPECT("B prune (*, 239.1.1.1) member on 4/10.0.4.1",
           "C prune (*, 239.1.1.1) member on 4/10.0.4.1");

    OK(release_at(a, 4, "10.0.4.1"));
    CHECK_TEXT(owner_at(4, "10.0.4.1"), "nobody");
    CHECK_TEXT(owner_at(4, "10.0.4.2"), "B");
    OK(take_at(c, 4, "10.0.4.1"));
}

static void t0_2_one_index_has_one_kind_of_interface(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    REFUSED(take_at(a, 1, "10.0.1.1"), ERROR_INVALID_PARAMETER);
    REFUSED(take_at(b, 1, "10.0.1.1"), ERROR_INVALID_PARAMETER);
    OK(take_at(a, 2, "10.0.2.1"));
    REFUSED(take(a, 2), ERROR_INVALID_PARAMETER);
    REFUSED(take(b, 2), ERROR_INVALID_PARAMETER);

    /* After a release the index may be used for the other kind. */
    OK(release(a, 1));
    OK(take_at(b, 1, "10.0.1.1"));
    OK(release_at(a, 2, "10.0.2.1"));
    OK(take(b, 2));
}

static void t2_5_only_the_owner_releases(void)
{
    HANDLE a = protocol('A'), b = protocol('B'), i = igmp('I');

    OK(take(a, 1));
    REFUSED(release(b, 1), ERROR_INVALID_PARAMETER);
    REFUSED(release(i, 1), ERROR_INVALID_PARAMETER);
    REFUSED(release(a, 2), ERROR_INVALID_PARAMETER);
    REFUSED(release_at(a, 1, "10.0.1.1"), ERROR_INVALID_PARAMETER);
    OK(release(a, 1));
    REFUSED(release(a, 1), ERROR_INVALID_PARAMETER);
}

static void t2_6_the_owner_can_be_asked_for(void)
{
    HANDLE a = client_as('A', 0x12345678, 0x9abcdef0), i = igmp('I');
    DWORD protocol_id = 0, component_id = 0;

    OK(take(a, 1));
    OK(MgmGetProtocolOnInterface(1, 0, &protocol_id, &component_id));
    CHECK_EQ(protocol_id, 0x12345678);
    CHECK_EQ(component_id, 0x9abcdef0);

    /* IGMP is named only where it is alone. */
    OK(take(i, 1));
    OK(take(i, 2));
    CHECK_TEXT(owner_of(1), "A");
    CHECK_TEXT(owner_of(2), "I");
    OK(release(a, 1));
    CHECK_TEXT(owner_of(1), "I");
}

static void t2_6_nobodys_interface_is_not_found(void)
{
    DWORD protocol_id = 77, component_id = 88;
    HANDLE a = protocol('A');

    REFUSED_QUIETLY(MgmGetProtocolOnInterface(1, 0, &protocol_id, &component_id), ERROR_NOT_FOUND);
    OK(take(a, 1));
    OK(release(a, 1));
    REFUSED_QUIETLY(MgmGetProtocolOnInterface(1, 0, &protocol_id, &component_id), ERROR_NOT_FOUND);
    CHECK_EQ(protocol_id, 77);
    CHECK_EQ(component_id, 88);
}

static void t2_7_the_memory_forwarder_takes_any_index(void)
{
    HANDLE a = protocol('A');

    OK(take(a, 0x7fffffff));
    OK(take(a, 0x80000000));
    OK(take(a, 0xffffffff));
    OK(take_at(a, 1, "255.255.255.255"));
    OK(take_at(a, 1, "0.0.0.1"));
    CHECK_TEXT(owner_of(0xffffffff), "A");
    CHECK_TEXT(owner_at(1, "0.0.0.1"), "A");
}

static void t2_7_more_interfaces_than_a_machine_word_has_bits(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    for (DWORD index = 100; index < 300; index++) {
        OK(take(b, index));
        OK(join(b, "(*, 239.1.1.1)", index));
    }
    route("10.0.0.0/8", 1, "10.0.1.1");
    CHECK_EQ(packet_out_count("(10.0.0.5, 239.1.1.1)", 1), 200);

    for (DWORD index = 100; index < 299; index++)
        OK(release(b, index));
    EXPECT_MFES("(10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1 out 299");
}

TEST_MAIN(
    CASE(t2_1_one_protocol_an_interface),
    CASE(t0_2_index_0_is_no_interface),
    CASE(t2_6_what_cannot_be_an_interface_is_not_found),
    CASE(t0_2_next_hops_tell_neighbours_apart),
    CASE(t0_2_one_index_has_one_kind_of_interface),
    CASE(t2_5_only_the_owner_releases),
    CASE(t2_6_the_owner_can_be_asked_for),
    CASE(t2_6_nobodys_interface_is_not_found),
    CASE(t2_7_the_memory_forwarder_takes_any_index),
    CASE(t2_7_more_interfaces_than_a_machine_word_has_bits))
