"""The smoke set: fifteen tests that an emulated machine runs in some minutes, each with a forwarder. A
test that is named here and does not exist, also because the kernel lacks the device, makes the run
fail."""

SMOKE = {
    "kernel": [
        "test_forwarding.Forwarding.test_one_receiver_gets_every_datagram_and_the_protocol_its_callbacks",
        "test_devices.Vlan.test_stream_comes_in_by_it",
        "test_devices.Qinq.test_stream_goes_out_by_it",
        "test_devices.Bond.test_hosts_behind_it_join_and_leave",
        "test_devices.Gre.test_stream_goes_out_by_it",
        "test_devices.Wireguard.test_stream_goes_out_by_it",
        "test_devices.Dummy.test_stream_goes_out_by_a_dummy",
        "test_devices.Vrf.test_routers_in_two_vrfs_do_not_mix_streams",
    ],
    "ebpf": [
        "test_forwarding.Forwarding.test_one_receiver_gets_every_datagram_and_the_protocol_its_callbacks",
        "test_devices.Vlan.test_hosts_behind_it_join_and_leave",
        "test_devices.Bond.test_stream_comes_in_by_it",
        "test_devices.Gre.test_stream_comes_in_by_it",
        "test_devices.Wireguard.test_stream_comes_in_by_it",
        "test_devices.Dummy.test_stream_goes_out_by_a_dummy",
        "test_devices.Vrf.test_routers_in_two_vrfs_do_not_mix_streams",
    ],
}
