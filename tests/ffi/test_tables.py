#!/usr/bin/env python3
"""The tables that MGM keeps, as a Python program reads them: groups, and the MFEs
that packets make. The numbers in the docstrings are rules of docs/semantics.md."""

import ctypes
import struct
import unittest

from client import *  # noqa: F403


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
