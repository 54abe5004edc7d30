#!/usr/bin/env python3
"""MGM as a Python program sees it: the shared library, ctypes, nothing else. Here
the library itself, clients, their interfaces, and what they are told of each other.

What is expected comes from docs/semantics.md; the numbers in the docstrings
are its rules. Callbacks that Python code answers are the point of it.
"""

import ctypes
import threading
import unittest

from client import *  # noqa: F403


class Layout(unittest.TestCase):
    def test_sizes(self):
        for structure, size in {
            ROUTING_PROTOCOL_CONFIG: 80,
            MGM_IF_ENTRY: 16,
            SOURCE_GROUP_ENTRY: 16,
            MIB_IPMCAST_OIF: 16,
            MIB_IPMCAST_MFE: 76,
            MIB_IPMCAST_OIF_STATS: 28,
            MIB_IPMCAST_MFE_STATS: 92,
            MIB_IPMCAST_MFE_STATS_EX: 112,
            RTM_NET_ADDRESS: 20,
            RTM_DEST_INFO: 88,
        }.items():
            with self.subTest(structure.__name__):
                self.assertEqual(ctypes.sizeof(structure), size)

    def test_all_seventeen_functions_are_there(self):
        self.assertEqual(len(FUNCTIONS), 17)
        for name in FUNCTIONS:
            self.assertTrue(hasattr(mgm, name), name)

    def test_version(self):
        version = MGMHOST_VERSION(dwSize=ctypes.sizeof(MGMHOST_VERSION))
        self.assertEqual(mgm.MgmHostVersion(ctypes.byref(version)), NO_ERROR)
        self.assertEqual(version.dwSize, ctypes.sizeof(MGMHOST_VERSION))
        self.assertEqual(version.dwApiMajor, 1)
        self.assertTrue(version.pszBuild)


class Registration(MgmTestCase):
    def test_a_protocol_registers_once(self):
        """1.2"""
        client = Client(PROTO_IP_OSPF)
        config, handle = ROUTING_PROTOCOL_CONFIG(), HANDLE()
        register = lambda component: mgm.MgmRegisterMProtocol(  # noqa: E731
            ctypes.byref(config), PROTO_IP_OSPF, component, ctypes.byref(handle)
        )
        self.assertEqual(register(1), ERROR_ALREADY_EXISTS)
        self.assertIsNone(handle.value)
        self.assertEqual(register(2), NO_ERROR)
        self.assertNotEqual(handle.value, client.handle.value)

    def test_a_stale_handle_is_refused(self):
        """1.4"""
        client = Client(PROTO_IP_OSPF)
        self.assertEqual(client.leave(), NO_ERROR)
        self.assertEqual(client.leave(), ERROR_INVALID_PARAMETER)
        self.assertEqual(client.take(1), ERROR_INVALID_PARAMETER)
        self.assertEqual(mgm.MgmDeRegisterMProtocol(None), ERROR_INVALID_PARAMETER)
        self.assertEqual(mgm.MgmDeRegisterMProtocol(0x1234), ERROR_INVALID_PARAMETER)

    def test_null_pointers_are_refused(self):
        """0.8"""
        handle = HANDLE()
        self.assertEqual(
            mgm.MgmRegisterMProtocol(None, PROTO_IP_OSPF, 1, ctypes.byref(handle)), ERROR_INVALID_PARAMETER
        )
        self.assertEqual(
            mgm.MgmRegisterMProtocol(ctypes.byref(ROUTING_PROTOCOL_CONFIG()), PROTO_IP_OSPF, 1, None),
            ERROR_INVALID_PARAMETER,
        )

    def test_an_owner_does_not_leave(self):
        """1.5"""
        client = Client(PROTO_IP_OSPF)
        client.take(1)
        self.assertEqual(client.leave(), ERROR_CAN_NOT_COMPLETE)
        self.assertEqual(client.release(1), NO_ERROR)
        self.assertEqual(client.leave(), NO_ERROR)


class Ownership(MgmTestCase):
    def on_interface(self, index):
        protocol, component = dword(77), dword(77)
        code = mgm.MgmGetProtocolOnInterface(index, 0, ctypes.byref(protocol), ctypes.byref(component))
        return code, protocol.value, component.value

    def test_one_owner(self):
        """2.1, 2.5, 2.6"""
        ospf, bgmp = Client(PROTO_IP_OSPF, 5), Client(PROTO_IP_BGMP)
        self.assertEqual(self.on_interface(1), (ERROR_NOT_FOUND, 77, 77))
        self.assertEqual(ospf.take(1), NO_ERROR)
        self.assertEqual(ospf.take(1), ERROR_ALREADY_EXISTS)
        self.assertEqual(bgmp.take(1), ERROR_ALREADY_EXISTS)
        self.assertEqual(self.on_interface(1), (NO_ERROR, PROTO_IP_OSPF, 5))
        self.assertEqual(bgmp.release(1), ERROR_INVALID_PARAMETER)
        self.assertEqual(ospf.release(1), NO_ERROR)
        self.assertEqual(bgmp.take(1), NO_ERROR)

    def test_igmp_is_paused_for_a_change(self):
        """2.3, 2.4"""
        igmp = Client(PROTO_IP_IGMP)
        again = []
        igmp.answers["EnableIgmp"] = lambda index, hop: again.append(igmp.add(STAR_G, index))
        self.assertEqual(igmp.take(1), NO_ERROR)
        self.assertEqual(self.on_interface(1), (NO_ERROR, PROTO_IP_IGMP, 1))
        self.assertEqual(igmp.heard, [])

        ospf = Client(PROTO_IP_OSPF)
        self.assertEqual(ospf.take(1), NO_ERROR)
        self.assertEqual(igmp.take_heard(), [("DisableIgmp", 1, 0), ("EnableIgmp", 1, 0)])
        self.assertEqual(self.on_interface(1), (NO_ERROR, PROTO_IP_OSPF, 1))
        # Here it may add its memberships inside the callback.
        self.assertEqual(again, [NO_ERROR])
        self.assertEqual(ospf.take_heard(), [("LocalJoin", *STAR_G, 1, 0)])


class Alerts(MgmTestCase):
    def setUp(self):
        self.ospf, self.bgmp = Client(PROTO_IP_OSPF), Client(PROTO_IP_BGMP)
        self.ospf.take(1)
        self.bgmp.take(2)

    def test_the_first_join_is_told_to_the_other(self):
        """4.1, 4.3, 4.4"""
        self.assertEqual(self.ospf.add(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.bgmp.take_heard(), [("JoinAlert", *STAR_G, True)])
        self.assertEqual(self.ospf.add(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.bgmp.heard, [])

        self.assertEqual(self.ospf.delete(STAR_G, 1), NO_ERROR)
        [prune] = self.bgmp.take_heard()
        self.assertEqual(prune[:-1], ("PruneAlert", *STAR_G, 1, 0, True))
        self.assertEqual(self.ospf.delete(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.bgmp.heard, [])
        self.assertEqual(self.ospf.heard, [])

    def test_igmp_speaks_for_the_owner(self):
        """3.6, 4.1"""
        igmp = Client(PROTO_IP_IGMP)
        self.assertEqual(igmp.take(1), NO_ERROR)
        for client in (self.ospf, self.bgmp, igmp):
            client.take_heard()

        self.assertEqual(igmp.add(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.ospf.take_heard(), [("LocalJoin", *STAR_G, 1, 0)])
        self.assertEqual(self.bgmp.take_heard(), [("JoinAlert", *STAR_G, True)])

        self.assertEqual(igmp.delete(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.ospf.take_heard(), [("LocalLeave", *STAR_G, 1, 0)])
        self.assertEqual([h[:-1] for h in self.bgmp.take_heard()], [("PruneAlert", *STAR_G, 1, 0, True)])

    def test_bad_memberships(self):
        """3.1, 3.2, 3.3"""
        self.assertEqual(self.ospf.add(STAR_G, 2), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.ospf.delete(STAR_G, 2), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.ospf.delete(STAR_G, 9), ERROR_NOT_FOUND)
        self.assertEqual(self.ospf.add(STAR_G, 1, 0), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.ospf.add(STAR_G, 1, 4), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.ospf.add((*ANY, ip("10.1.1.1"), HOST_MASK), 1), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.ospf.add((*ANY, GROUP, ip("255.255.0.0")), 1), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.bgmp.heard, [])

    def test_a_callback_calls_back(self):
        """8.1: a call from a callback, and the alert that it causes, before the outermost call returns"""
        other = (*ANY, OTHER_GROUP, HOST_MASK)
        codes = []

        def joined(*arguments):
            codes.append(self.bgmp.add(other, 2))
            codes.append(self.bgmp.take(3))
            codes.append(packet_in(2))

        self.bgmp.answers["JoinAlert"] = joined
        self.assertEqual(self.ospf.add(STAR_G, 1), NO_ERROR)
        # 8.6: packet-in is the one thing that a callback may not do.
        self.assertEqual(codes, [NO_ERROR, NO_ERROR, ERROR_CAN_NOT_COMPLETE])
        self.assertEqual(self.ospf.take_heard(), [("JoinAlert", *other, True)])

    def test_a_client_leaves_from_its_own_callback(self):
        """1.6"""
        codes = []

        def joined(*arguments):
            codes.append(self.bgmp.release(2))
            codes.append(self.bgmp.leave())

        self.bgmp.answers["JoinAlert"] = joined
        self.assertEqual(self.ospf.add(STAR_G, 1), NO_ERROR)
        self.assertEqual(self.ospf.delete(STAR_G, 1), NO_ERROR)
        self.assertEqual(codes, [NO_ERROR, NO_ERROR])
        self.assertEqual(self.bgmp.heard, [("JoinAlert", *STAR_G, True)])

    def test_many_threads(self):
        """8.6"""
        codes = []

        def work(number):
            flow = (*ANY, ip(f"239.9.9.{number}"), HOST_MASK)
            for _ in range(50):
                codes.append(self.ospf.add(flow, 1))
                codes.append(self.ospf.delete(flow, 1))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        self.assertEqual(set(codes), {NO_ERROR})
        # 8.2: for each group joins and prunes take turns.
        for number in range(1, 5):
            heard = [h[0] for h in self.bgmp.heard if h[3] == ip(f"239.9.9.{number}")]
            self.assertEqual(heard, ["JoinAlert", "PruneAlert"] * 50)

if __name__ == "__main__":
    unittest.main()
