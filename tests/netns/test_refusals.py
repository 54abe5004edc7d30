"""Interfaces that the library cannot serve: the codes, and the advice in the log."""

from case import GROUP, NetnsTest, kernel_only
from router import ALREADY_EXISTS, CAN_NOT_COMPLETE, INVALID_PARAMETER, NO_ERROR, WITHOUT_PRIVILEGE


class Refusals(NetnsTest):
    def registered(self, **options):
        router = self.router(**options)
        router.must("register A 200 1")
        return router

    # spec 2.7
    def test_no_privilege_with_kernel_is_refused_with_advice(self):
        self.hosts("source")
        router = self.registered(wrapper=WITHOUT_PRIVILEGE)

        self.assertEqual(router.do("take A to-source"), CAN_NOT_COMPLETE)

        router.logs("cap_net_admin")
        self.assertEqual(len(router.log.items), 1, router.log.items)
        self.assertEqual(router.ask("owner to-source")["code"], 1168, "nothing has changed")

    def test_no_privilege_with_auto_falls_back_to_memory_with_one_warning(self):
        self.hosts("source", "receiver")
        router = self.registered(forwarder="auto", wrapper=WITHOUT_PRIVILEGE)

        self.assertEqual(router.do("take A to-source"), NO_ERROR)
        self.assertEqual(router.do("take A to-receiver"), NO_ERROR)
        self.assertEqual(router.do("take A 4711"), NO_ERROR, "the memory table takes any index")

        router.logs("will forward no packets")
        self.assertEqual(len(router.log.items), 1, router.log.items)

    # spec 2.7
    @kernel_only("it has one owner")
    def test_second_daemon_is_refused_with_advice(self):
        self.hosts("source", "receiver")
        first = self.registered()
        first.must("take A to-source")
        second = self.registered()

        self.assertEqual(second.do("take A to-receiver"), CAN_NOT_COMPLETE)

        second.logs("daemon")
        self.assertEqual(len(second.log.items), 1, second.log.items)
        self.assertEqual(first.do("take A to-receiver"), NO_ERROR, "the first is not disturbed")

    @kernel_only("it has one owner")
    def test_d80_a_start_that_opens_the_forwarder_is_refused_where_a_take_would_be(self):
        self.hosts("source")
        first, second = self.router(), self.router()
        first.must("start-open")

        self.assertEqual(second.do("start-open"), CAN_NOT_COMPLETE)

        second.logs("daemon")
        self.assertEqual(len(second.log.items), 1, second.log.items)
        first.must("register A 200 1")
        first.must("take A to-source")
        first.close()
        second.must("start-open")
        self.assertEqual(second.do("start-open"), ALREADY_EXISTS)

    def test_d80_a_start_that_opens_the_forwarder_without_privilege_is_refused(self):
        router = self.router(wrapper=WITHOUT_PRIVILEGE)
        self.assertEqual(router.do("start-open"), CAN_NOT_COMPLETE)
        router.logs("cap_net_admin")
        self.assertEqual(len(router.log.items), 1, router.log.items)

    def test_second_daemon_succeeds_once_the_first_is_gone(self):
        self.hosts("source")
        first = self.registered()
        first.must("take A to-source")
        second = self.registered()
        self.assertEqual(second.do("take A to-source"), CAN_NOT_COMPLETE)

        first.close()

        self.assertEqual(second.do("take A to-source"), NO_ERROR)

    @kernel_only("it has one owner")
    def test_second_daemon_with_auto_falls_back_to_memory_with_one_warning(self):
        self.hosts("source", "receiver")
        first = self.registered()
        first.must("take A to-source")
        second = self.registered(forwarder="auto")

        self.assertEqual(second.do("take A to-source"), NO_ERROR)
        self.assertEqual(second.do("take A to-receiver"), NO_ERROR)

        second.logs("will forward no packets", "daemon")
        self.assertEqual(len(second.log.items), 1, second.log.items)

    # spec 2.7
    def test_no_such_interface(self):
        router = self.registered()
        self.assertEqual(router.do("take A 4711"), INVALID_PARAMETER)
        router.logs("4711")
        self.assertEqual(router.do("take A 0"), INVALID_PARAMETER)

    # spec 2.7
    @kernel_only("the ebpf forwarder serves next hops")
    def test_next_hop_is_beyond_the_kernel(self):
        self.hosts("source")
        router = self.registered()
        self.assertEqual(router.do("take A to-source 10.1.0.2"), CAN_NOT_COMPLETE)
        router.logs("next hop")
        self.assertEqual(router.do("take A to-source"), NO_ERROR)

    # spec 2.7
    @kernel_only("it has 32 VIFs")
    def test_the_33rd_interface(self):
        # The kernel supports 32.
        names = self.lab.spare(34)
        router = self.registered()
        router.must(*(f"take A {name}" for name in names[:32]))

        self.assertEqual(router.do(f"take A {names[32]}"), CAN_NOT_COMPLETE)
        router.logs("32")
        self.assertEqual(len(self.lab.router.read("ip_mr_vif")), 32)

        router.must(f"release A {names[0]}", f"take A {names[32]}")

    # spec 0.10
    def test_bad_forwarder_in_the_environment_is_refused_with_one_line(self):
        self.hosts("source")
        router = self.router(forwarder="magic")
        self.assertEqual(router.do("register A 200 1"), INVALID_PARAMETER)
        router.logs("MGM_FORWARDER", "magic", "auto, kernel, ebpf or memory")
        self.assertEqual(len(router.log.items), 1, router.log.items)
        self.assertEqual(len(self.lab.router.read("ip_mr_vif")), 0)

    # spec 0.10
    def test_ebpf_without_privilege_is_refused_with_advice(self):
        self.hosts("source")
        router = self.registered(forwarder="ebpf", wrapper=WITHOUT_PRIVILEGE)
        self.assertEqual(router.do("take A to-source"), CAN_NOT_COMPLETE)
        router.logs("no permission", "CAP_BPF", "MGM_FORWARDER to kernel")
        self.assertEqual(len(router.log.items), 1, router.log.items)


@kernel_only("it has tables")
class Table(NetnsTest):
    TABLE = 77

    def setUp(self):
        super().setUp()
        self.needs_table(self.TABLE)

    def test_packets_flow_by_a_table_of_its_own(self):
        source, receiver = self.hosts("source", "receiver")
        self.lab.router.ip(f"mrule add pref 100 table {self.TABLE}")
        router = self.router(MGM_TABLE=str(self.TABLE))
        router.protocol("A", 200, "to-source", "to-receiver")
        for device in ("to-source", "to-receiver"):
            router.logs(
                f"MGM_TABLE={self.TABLE}",
                f"ip mrule add iif {device} lookup {self.TABLE}",
                f"unless {device} is in the VRF with table {self.TABLE}",
            )
        router.must(f"join A * {GROUP} to-receiver")
        collector = receiver.collector(GROUP)

        source.emitter(GROUP).send(3)

        collector.expect(3)
        self.assertEqual(router.mfes()[0]["packets"], 3)
        self.assert_kernel_empty()  # these files show the default table

    def test_two_daemons_with_two_tables_do_not_meet(self):
        self.hosts("source")
        for table in ("0", str(self.TABLE)):
            router = self.router(MGM_TABLE=table)
            router.protocol("A", 200, "to-source")
