"""Drives the sixteen functions of the original's DLL through PyPI's win32more:
its prototypes, structures and callback types, made from Windows' metadata.

It is made for Windows, so it takes some help to load it elsewhere:
  - ctypes has no windll and WINFUNCTYPE here: it gets CFUNCTYPE, the same on 64-bit
    targets, and a windll that knows rtm.dll, which is our library;
  - while it loads it calls one function of OLE32.dll: ole32.c answers.
"""

import ctypes
import os
import socket
import struct
import sys

library = ctypes.CDLL(os.environ["MGM_LIBRARY"])


class Windll:
    dlls = {"rtm.dll": library, "ole32.dll": ctypes.CDLL(os.environ["MGM_OLE32"])}

    def __getitem__(self, name):
        return self.dlls[name.lower()]


ctypes.WINFUNCTYPE = ctypes.CFUNCTYPE
ctypes.windll = Windll()
ctypes.FormatError = ctypes.WinError = ctypes.GetLastError = None  # nobody calls them

from win32more.Windows.Win32.NetworkManagement import IpHelper, Rras  # noqa: E402

NO_ERROR, NO_MORE_ITEMS = 0, 259
HOST = 0xFFFFFFFF
heard = []
wrong = []


def ip(text):
    return struct.unpack("=I", socket.inet_aton(text))[0]


SOURCE, GROUP = ip("10.0.0.5"), ip("239.1.1.1")


def expect(actual, expected):
    # Not by an exception, which ctypes would swallow inside a callback.
    if actual != expected:
        wrong.append(f"line {sys._getframe(1).f_lineno}: {actual}, not {expected}")


def on_rpf(source, _1, group, _2, index, _3, upstream, size, header, route):
    destination = ctypes.cast(route, ctypes.POINTER(Rras.RTM_DEST_INFO))[0]
    expect((source, group, index[0], upstream[0], size), (SOURCE, GROUP, 1, ip("10.0.1.1"), 20))
    expect((destination.DestAddress.NumBits, destination.NumberOfViews), (8, 1))
    heard.append("rpf")
    return 0


def on_creation(source, _1, group, _2, index, _3, count, out):
    expect((index, count, out[0].dwIfIndex, out[0].bIsEnabled), (1, 1, 2, 1))
    heard.append("creation")
    return 0


def on_prune(_1, _2, group, _3, index, _4, member, timeout):
    expect((group, bool(timeout)), (GROUP, True))
    heard.append("prune")
    return 0


def on_join(_1, _2, group, mask, member):
    expect((group, mask, member), (GROUP, HOST, 1))
    heard.append("join")
    return 0


def on_wrong_if(source, group, index, _1, size, header):
    expect((source, group, index, size), (SOURCE, GROUP, 2, 20))
    heard.append("wrong if")
    return 0


def on_interface(what):
    def callback(*arguments):
        expect(arguments[-2:], (2, 0))
        heard.append(what)
        return 0

    return callback


# Kept: ctypes frees what nobody refers to.
config = Rras.ROUTING_PROTOCOL_CONFIG()
config.pfnRpfCallback = Rras.PMGM_RPF_CALLBACK(on_rpf)
config.pfnCreationAlertCallback = Rras.PMGM_CREATION_ALERT_CALLBACK(on_creation)
config.pfnPruneAlertCallback = Rras.PMGM_PRUNE_ALERT_CALLBACK(on_prune)
config.pfnJoinAlertCallback = Rras.PMGM_JOIN_ALERT_CALLBACK(on_join)
config.pfnWrongIfCallback = Rras.PMGM_WRONG_IF_CALLBACK(on_wrong_if)
config.pfnLocalJoinCallback = Rras.PMGM_LOCAL_JOIN_CALLBACK(on_interface("local join"))
config.pfnLocalLeaveCallback = Rras.PMGM_LOCAL_LEAVE_CALLBACK(on_interface("local leave"))
config.pfnDisableIgmpCallback = Rras.PMGM_DISABLE_IGMP_CALLBACK(on_interface("disable"))
config.pfnEnableIgmpCallback = Rras.PMGM_ENABLE_IGMP_CALLBACK(on_interface("enable"))


def register(protocol_id):
    handle = ctypes.c_void_p()
    expect(Rras.MgmRegisterMProtocol(config, protocol_id, 1, handle), NO_ERROR)
    return handle


def packet(index):
    header = bytes([0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17]) + bytes(10)
    accepted, count, out = ctypes.c_int32(), ctypes.c_uint32(4), (ctypes.c_uint32 * 8)()
    code = library.MgmHostPacketIn(
        ctypes.c_uint32(SOURCE), ctypes.c_uint32(GROUP), index, 0, 20, header, 100,
        ctypes.byref(accepted), ctypes.byref(count), out,
    )  # fmt: skip
    expect(code, NO_ERROR)
    return accepted.value


def read(call, kind, *arguments):
    """The first entry that a reader gives, and how many there are."""
    buffer, count = (ctypes.c_ubyte * 512)(), ctypes.c_uint32()
    size = ctypes.c_uint32(len(buffer))
    expect(call(size, buffer, count, *arguments), NO_MORE_ITEMS)
    return kind.from_buffer(buffer), count.value


def tables():
    mfe, count = read(Rras.MgmGetFirstMfe, IpHelper.MIB_IPMCAST_MFE)
    expect((count, mfe.dwSource, mfe.dwGroup, mfe.ulNumOutIf), (1, SOURCE, GROUP, 1))
    expect((mfe.dwUpStrmNgbr, mfe.rgmioOutInfo[0].dwOutIfIndex), (ip("10.0.1.1"), 2))
    stats, count = read(Rras.MgmGetFirstMfeStats, IpHelper.MIB_IPMCAST_MFE_STATS, 1)
    expect((count, stats.ulInPkts, stats.ulInOctets, stats.ulPktsDifferentIf), (1, 2, 200, 1))

    name = IpHelper.MIB_IPMCAST_MFE()
    name.dwSource, name.dwGroup = SOURCE, GROUP
    buffer, count = (ctypes.c_ubyte * 512)(), ctypes.c_uint32(7)
    size = ctypes.c_uint32(len(buffer))
    expect(Rras.MgmGetMfe(name, size, buffer), NO_ERROR)
    expect(Rras.MgmGetMfeStats(name, size, buffer, 2), NO_ERROR)
    stats = IpHelper.MIB_IPMCAST_MFE_STATS_EX_XP.from_buffer(buffer)
    expect((stats.ulTotalOutPackets, stats.rgmiosOutStats[0].ulOutPackets), (2, 2))
    expect(Rras.MgmGetNextMfe(name, size, buffer, count), NO_MORE_ITEMS)
    expect(Rras.MgmGetNextMfeStats(name, size, buffer, count, 1), NO_MORE_ITEMS)
    expect(count.value, 0)


def groups(protocol):
    walk = ctypes.c_void_p()
    expect(Rras.MgmGroupEnumerationStart(protocol, Rras.ALL_SOURCES, walk), NO_ERROR)
    buffer, count = (ctypes.c_ubyte * 64)(), ctypes.c_uint32()
    size = ctypes.c_uint32(len(buffer))
    expect(Rras.MgmGroupEnumerationGetNext(walk, size, buffer, count), NO_MORE_ITEMS)
    entry = Rras.SOURCE_GROUP_ENTRY.from_buffer(buffer)
    expect((count.value, entry.dwSourceAddr, entry.dwGroupAddr), (1, 0, GROUP))
    expect(Rras.MgmGroupEnumerationEnd(walk), NO_ERROR)


def main():
    # Arrays at an end count for nothing there.
    for kind, size in [
        (Rras.ROUTING_PROTOCOL_CONFIG, 80), (Rras.MGM_IF_ENTRY, 16), (Rras.RTM_DEST_INFO, 48),
        (IpHelper.MIB_IPMCAST_MFE, 60), (IpHelper.MIB_IPMCAST_MFE_STATS, 64),
        (IpHelper.MIB_IPMCAST_MFE_STATS_EX_XP, 84),
    ]:  # fmt: skip
        expect((kind.__name__, ctypes.sizeof(kind)), (kind.__name__, size))
    p, q, igmp = register(1), register(11), register(10)
    expect(Rras.MgmTakeInterfaceOwnership(p, 1, 0), NO_ERROR)
    expect(Rras.MgmTakeInterfaceOwnership(igmp, 2, 0), NO_ERROR)
    expect(Rras.MgmTakeInterfaceOwnership(q, 2, 0), NO_ERROR)
    protocol, component = ctypes.c_uint32(), ctypes.c_uint32()
    expect(Rras.MgmGetProtocolOnInterface(2, 0, protocol, component), NO_ERROR)
    expect((protocol.value, component.value), (11, 1))
    expect(Rras.MgmAddGroupMembershipEntry(igmp, 0, 0, GROUP, HOST, 2, 0, 1), NO_ERROR)
    network, mask, hop = (ctypes.c_uint32(ip(a)) for a in ("10.0.0.0", "255.0.0.0", "10.0.1.1"))
    expect(library.MgmHostAddRoute(network, mask, 1, hop, 0, 0), NO_ERROR)
    expect((packet(1), packet(1), packet(2)), (1, 1, 0))
    tables()
    groups(p)
    expect(Rras.MgmDeleteGroupMembershipEntry(igmp, 0, 0, GROUP, HOST, 2, 0, 1), NO_ERROR)
    expect(Rras.MgmReleaseInterfaceOwnership(q, 2, 0), NO_ERROR)
    expect(Rras.MgmReleaseInterfaceOwnership(igmp, 2, 0), NO_ERROR)
    expect(Rras.MgmReleaseInterfaceOwnership(p, 1, 0), NO_ERROR)
    for handle in (p, q, igmp):
        expect(Rras.MgmDeRegisterMProtocol(handle), NO_ERROR)
    expect(set(heard), {"rpf", "creation", "prune", "join", "wrong if",
                        "local join", "local leave", "disable", "enable"})  # fmt: skip
    if wrong:
        sys.exit("\n".join(wrong))
    print("sixteen functions, nine callbacks")


main()
