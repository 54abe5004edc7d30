"""What the tests of the C API share: a client that Python code answers for, and packets."""

import ctypes
import os
import struct
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
