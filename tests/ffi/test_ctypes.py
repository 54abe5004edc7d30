#!/usr/bin/env python3
"""MGM as a Python program sees it: the shared library, ctypes, nothing else.

What is expected comes from docs/semantics.md; the numbers in the docstrings
are its rules. Callbacks that Python code answers are the point of it.
"""

import ctypes
import os
import struct
import threading
import unittest

# MGM reads its environment at the first call.
os.environ["MGM_FORWARDER"] = "memory"
os.environ.setdefault("MGM_LOG", "off")

from mgm import *  # noqa: E402,F403

mgm = load()

ANY = (0, 0)
GROUP, OTHER_GROUP = ip("239.1.1.1"), ip("239.2.2.2")
SOURCE = ip("10.0.0.5")
STAR_G = (*ANY, GROUP, HOST_MASK)
S_G = (SOURCE, HOST_MASK, GROUP, HOST_MASK)
GATEWAY, NEIGHBOUR = ip("192.0.2.1"), ip("192.0.2.9")
# Version 4, five words, TTL 64, UDP.
HEADER = bytes([0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0]) + struct.pack("=II", SOURCE, GROUP)
PACKET_SIZE = 100


def dword(value=0):
    return DWORD(value)


class Client:
    """A registered protocol that writes down its callbacks, arguments as plain
    values, and answers with what stands in `answers`."""

    def __init__(self, protocol, component=1, **answers):
        self.heard = []
        self.answers = answers
        # ctypes keeps no reference to what only C points to.
        self.thunks = {name: kind(self.thunk(name)) for name, kind in CALLBACKS.items()}
        config = ROUTING_PROTOCOL_CONFIG(0, *self.thunks.values())
        handle = HANDLE()
        code = mgm.MgmRegisterMProtocol(ctypes.byref(config), protocol, component, ctypes.byref(handle))
        # MGM has copied it.
        ctypes.memset(ctypes.byref(config), 0xA5, ctypes.sizeof(config))
        assert code == NO_ERROR, code
        self.handle = handle

    def thunk(self, name):
        plain = getattr(self, "plain_" + name, lambda *arguments: arguments)

        def called(*arguments):
            self.heard.append((name, *plain(*arguments)))
            if name in self.answers:
                self.answers[name](*arguments)
            return NO_ERROR

        return called

    @staticmethod
    def plain_Rpf(source, source_mask, group, group_mask, index, next_hop, upstream, size, header, route):
        triple = (index[0], next_hop[0], upstream[0])
        return source, source_mask, group, group_mask, triple, ctypes.string_at(header, size), (
            route[0].DestAddress.AddressFamily,
            route[0].DestAddress.NumBits,
            bytes(route[0].DestAddress.AddrBits[:4]),
            route[0].DestHandle,
            route[0].NumberOfViews,
        )

    @staticmethod
    def plain_CreationAlert(*arguments):
        count, entries = arguments[6:]
        return *arguments[:6], [
            (e.dwIfIndex, e.dwIfNextHopAddr, bool(e.bIGMP), bool(e.bIsEnabled)) for e in entries[:count]
        ]

    @staticmethod
    def plain_PruneAlert(*arguments):
        return *arguments[:6], bool(arguments[6]), arguments[7][0]

    @staticmethod
    def plain_JoinAlert(*arguments):
        return *arguments[:4], bool(arguments[4])

    @staticmethod
    def plain_WrongIf(*arguments):
        size, header = arguments[4:]
        return *arguments[:4], ctypes.string_at(header, size)

    def take_heard(self):
        heard, self.heard = self.heard, []
        return heard

    def take(self, index):
        return mgm.MgmTakeInterfaceOwnership(self.handle, index, 0)

    def release(self, index):
        return mgm.MgmReleaseInterfaceOwnership(self.handle, index, 0)

    def add(self, flow, index, flags=JOIN):
        return mgm.MgmAddGroupMembershipEntry(self.handle, *flow, index, 0, flags)

    def delete(self, flow, index, flags=JOIN):
        return mgm.MgmDeleteGroupMembershipEntry(self.handle, *flow, index, 0, flags)

    def leave(self):
        return mgm.MgmDeRegisterMProtocol(self.handle)


def packet_in(index, source=SOURCE, group=GROUP):
    accepted, count, oifs = BOOL(), dword(8), (MGMHOST_OIF * 8)()
    code = mgm.MgmHostPacketIn(
        source, group, index, 0, len(HEADER), HEADER, PACKET_SIZE,
        ctypes.byref(accepted), ctypes.byref(count), oifs,
    )
    if code != NO_ERROR:
        return code
    return bool(accepted.value), [(o.dwIfIndex, o.dwIfNextHopAddr) for o in oifs[: count.value]]


def mfe_key(source=SOURCE, group=GROUP):
    return MIB_IPMCAST_MFE(dwGroup=group, dwSource=source, dwSrcMask=HOST_MASK)


def get_mfe(size=1024):
    """(code, size, bytes)"""
    buffer, length = ctypes.create_string_buffer(size), dword(size)
    code = mgm.MgmGetMfe(ctypes.byref(mfe_key()), ctypes.byref(length), buffer)
    return code, length.value, buffer.raw


class MgmTestCase(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(mgm.MgmHostStop(), NO_ERROR)


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


class Enumeration(MgmTestCase):
    def setUp(self):
        self.ospf, self.bgmp = Client(PROTO_IP_OSPF), Client(PROTO_IP_BGMP)
        self.ospf.take(1)
        self.bgmp.take(2)

    def start(self, kind):
        handle = HANDLE()
        code = mgm.MgmGroupEnumerationStart(self.ospf.handle, kind, ctypes.byref(handle))
        return code, handle

    def step(self, handle, size):
        """(code, size, count, entries)"""
        buffer, length, count = ctypes.create_string_buffer(max(size, 1)), dword(size), dword(77)
        code = mgm.MgmGroupEnumerationGetNext(handle, ctypes.byref(length), buffer, ctypes.byref(count))
        return code, length.value, count.value, list(struct.iter_unpack("=4I", buffer.raw[: 16 * count.value]))

    def everything(self, handle, size):
        entries, code = [], ERROR_MORE_DATA
        while code == ERROR_MORE_DATA:
            code, _, count, some = self.step(handle, size)
            self.assertLessEqual(count, size // 16)
            entries += some
        self.assertEqual(code, ERROR_NO_MORE_ITEMS)
        return entries

    def join_some(self):
        other = (*ANY, OTHER_GROUP, HOST_MASK)
        for client, index in ((self.ospf, 1), (self.bgmp, 2)):
            for flow in (STAR_G, S_G, other):
                self.assertEqual(client.add(flow, index), NO_ERROR)
        return sorted([STAR_G, S_G, other])

    def test_all_sources_with_small_buffers(self):
        """7.1, 7.2"""
        expected = self.join_some()
        for size in (16, 17, 32, 47, 48, 4096):
            with self.subTest(size=size):
                code, handle = self.start(ALL_SOURCES)
                self.assertEqual(code, NO_ERROR)
                self.assertEqual(sorted(self.everything(handle, size)), expected)
                self.assertEqual(self.step(handle, size), (ERROR_NO_MORE_ITEMS, size, 0, []))
                self.assertEqual(mgm.MgmGroupEnumerationEnd(handle), NO_ERROR)
                self.assertEqual(mgm.MgmGroupEnumerationEnd(handle), ERROR_INVALID_PARAMETER)

    def test_too_small_a_buffer_tells_the_size(self):
        """6.3, 7.2"""
        expected = self.join_some()
        _, handle = self.start(ALL_SOURCES)
        for size in (0, 1, 15):
            self.assertEqual(self.step(handle, size), (ERROR_INSUFFICIENT_BUFFER, 16, 0, []))
        # And nothing was lost.
        self.assertEqual(sorted(self.everything(handle, 16)), expected)

    def test_any_source(self):
        """7.1: the groups with a source-specific join, once"""
        self.join_some()
        _, handle = self.start(ANY_SOURCE)
        self.assertEqual(self.everything(handle, 64), [STAR_G])

    def test_other_types_and_handles(self):
        """7.1, 1.4"""
        for kind in (2, -1, 0x7FFFFFFF):
            self.assertEqual(self.start(kind)[0], ERROR_INVALID_PARAMETER)
        self.assertEqual(mgm.MgmGroupEnumerationEnd(self.ospf.handle), ERROR_INVALID_PARAMETER)
        self.assertEqual(self.step(None, 64)[0], ERROR_INVALID_PARAMETER)


class Packets(MgmTestCase):
    """One router: 10.0.0.0/8 lies behind a gateway on interface 1, which is
    OSPF's; BGMP has interface 2 and wants the group there."""

    def setUp(self):
        self.ospf, self.bgmp = Client(PROTO_IP_OSPF), Client(PROTO_IP_BGMP)
        self.ospf.take(1)
        self.bgmp.take(2)
        self.assertEqual(
            mgm.MgmHostAddRoute(ip("10.0.0.0"), ip("255.0.0.0"), 1, GATEWAY, 0, 0), NO_ERROR
        )
        self.assertEqual(self.bgmp.add(STAR_G, 2), NO_ERROR)
        self.ospf.take_heard()

    def test_no_mfe_yet(self):
        """6.3, 6.5"""
        size, count = dword(0), dword(77)
        self.assertEqual(
            mgm.MgmGetFirstMfe(ctypes.byref(size), None, ctypes.byref(count)), ERROR_NO_MORE_ITEMS
        )
        self.assertEqual((size.value, count.value), (0, 0))
        self.assertEqual(get_mfe()[0], ERROR_NOT_FOUND)

    def test_the_first_packet_asks_and_installs(self):
        """5.1 to 5.4, 6.2, 6.5, 6.7, 6.8"""

        def rpf(s, sm, g, gm, index, next_hop, upstream, size, header, route):
            upstream[0] = NEIGHBOUR

        self.ospf.answers["Rpf"] = rpf
        self.assertEqual(packet_in(1), (True, [(2, 0)]))

        family, bits, network = AF_INET_ON_WINDOWS, 8, bytes([10, 0, 0, 0])
        self.assertEqual(
            self.ospf.take_heard(),
            [("Rpf", *S_G, (1, 0, GATEWAY), HEADER, (family, bits, network, None, 1))],
        )
        self.assertEqual(self.bgmp.take_heard(), [("CreationAlert", *S_G, 1, 0, [(2, 0, False, True)])])

        self.assertEqual(get_mfe(60)[:2], (ERROR_INSUFFICIENT_BUFFER, 76))
        code, size, raw = get_mfe(76)
        self.assertEqual((code, size), (NO_ERROR, 76))
        mfe = MIB_IPMCAST_MFE.from_buffer_copy(raw)
        self.assertLess(mfe.ulUpTime, 60)
        self.assertIn(mfe.ulUpTime + mfe.ulExpiryTime, (899, 900))
        self.assertEqual(
            raw,
            struct.pack(
                "=15I", GROUP, SOURCE, HOST_MASK, NEIGHBOUR, 1, PROTO_IP_OSPF, PROTO_IP_NETMGMT,
                ip("10.0.0.0"), ip("255.0.0.0"), mfe.ulUpTime, mfe.ulExpiryTime, 900, 1, 0, 0,
            )
            + struct.pack("=4I", 2, 0, 0, 0),
        )

        # 5.4: what is installed asks nobody.
        self.assertEqual(packet_in(1), (True, [(2, 0)]))
        self.assertEqual((self.ospf.heard, self.bgmp.heard), ([], []))

    def test_walking_the_table(self):
        """6.1, 6.3, 6.4: group, then source, in dotted order"""
        flows = [("10.0.0.5", "239.1.1.1"), ("10.0.0.200", "239.1.1.1"), ("10.0.0.1", "239.1.2.0")]
        self.bgmp.add((*ANY, ip("239.1.2.0"), HOST_MASK), 2)
        for source, group in reversed(flows):
            self.assertEqual(packet_in(1, ip(source), ip(group)), (True, [(2, 0)]))

        walked = []
        buffer, size, count = ctypes.create_string_buffer(76), dword(76), dword()
        code = mgm.MgmGetFirstMfe(ctypes.byref(size), buffer, ctypes.byref(count))
        while True:
            mfe = MIB_IPMCAST_MFE.from_buffer_copy(buffer)
            self.assertEqual(count.value, 1)
            walked.append((mfe.dwSource, mfe.dwGroup))
            if code != ERROR_MORE_DATA:
                break
            code = mgm.MgmGetNextMfe(ctypes.byref(mfe), ctypes.byref(size), buffer, ctypes.byref(count))
        self.assertEqual(code, ERROR_NO_MORE_ITEMS)
        self.assertEqual(walked, [(ip(s), ip(g)) for s, g in flows])

    def test_statistics(self):
        """6.5 to 6.7"""

        def stats(kind, flags):
            buffer, size = ctypes.create_string_buffer(512), dword(512)
            code = mgm.MgmGetMfeStats(ctypes.byref(mfe_key()), ctypes.byref(size), buffer, flags)
            self.assertEqual(code, NO_ERROR)
            return kind.from_buffer_copy(buffer)

        packet_in(1)
        before = stats(MIB_IPMCAST_MFE_STATS_EX, MGM_MFE_STATS_1)
        packet_in(1)
        after = stats(MIB_IPMCAST_MFE_STATS_EX, MGM_MFE_STATS_1)
        self.assertEqual(after.ulInPkts - before.ulInPkts, 1)
        self.assertEqual(after.ulInOctets - before.ulInOctets, PACKET_SIZE)
        self.assertEqual(after.ulNumOutIf, 1)
        self.assertEqual(
            after.rgmiosOutStats[0].ulOutPackets - before.rgmiosOutStats[0].ulOutPackets, 1
        )
        plain = stats(MIB_IPMCAST_MFE_STATS, MGM_MFE_STATS_0)
        self.assertEqual((plain.dwGroup, plain.dwSource, plain.ulInPkts), (GROUP, SOURCE, after.ulInPkts))

        size = dword(0)
        for flags, needed in ((MGM_MFE_STATS_0, 92), (MGM_MFE_STATS_1, 112)):
            size.value = 0
            self.assertEqual(
                mgm.MgmGetMfeStats(ctypes.byref(mfe_key()), ctypes.byref(size), None, flags),
                ERROR_INSUFFICIENT_BUFFER,
            )
            self.assertEqual(size.value, needed)
        for flags in (0, 3, 4):
            self.assertEqual(
                mgm.MgmGetMfeStats(ctypes.byref(mfe_key()), ctypes.byref(size), None, flags),
                ERROR_INVALID_PARAMETER,
            )

    def test_a_refused_interface_leaves_a_negative_mfe(self):
        """3.5, 5.3, 5.5"""

        def creation(*arguments):
            arguments[7][0].bIsEnabled = False

        def prune(*arguments):
            arguments[7][0] = 60

        self.bgmp.answers["CreationAlert"] = creation
        self.ospf.answers["PruneAlert"] = prune
        self.assertEqual(packet_in(1), (True, []))
        self.assertEqual([h[0] for h in self.ospf.heard], ["Rpf", "PruneAlert"])
        self.assertEqual(self.ospf.heard[1], ("PruneAlert", *S_G, 1, 0, False, 900))
        code, _, raw = get_mfe()
        self.assertEqual(code, NO_ERROR)
        mfe = MIB_IPMCAST_MFE.from_buffer_copy(raw)
        self.assertEqual((mfe.ulNumOutIf, mfe.ulTimeOut), (0, 60))

    def test_a_packet_on_another_interface(self):
        """5.7"""
        packet_in(1)
        self.bgmp.take_heard()
        self.assertEqual(packet_in(2)[0], False)
        self.assertEqual(self.bgmp.take_heard(), [("WrongIf", SOURCE, GROUP, 2, 0, HEADER)])

    def test_set_mfe(self):
        """5.9"""
        wanted = mfe_key()
        wanted.dwUpStrmNgbr = NEIGHBOUR
        self.assertEqual(mgm.MgmSetMfe(self.ospf.handle, ctypes.byref(wanted)), ERROR_NOT_FOUND)
        packet_in(1)
        self.assertEqual(mgm.MgmSetMfe(self.bgmp.handle, ctypes.byref(wanted)), ERROR_CAN_NOT_COMPLETE)
        self.assertEqual(mgm.MgmSetMfe(self.ospf.handle, ctypes.byref(wanted)), NO_ERROR)
        mfe = MIB_IPMCAST_MFE.from_buffer_copy(get_mfe()[2])
        self.assertEqual((mfe.dwUpStrmNgbr, mfe.dwInIfIndex), (NEIGHBOUR, 1))


if __name__ == "__main__":
    unittest.main()
