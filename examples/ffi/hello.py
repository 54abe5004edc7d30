"""Two routing protocols share one router: examples/hello, with cffi instead of a package for Python.

    python3 hello.py /usr/local/include/mgm.ffi.h
"""

import socket
import sys

from cffi import FFI

ffi = FFI()
with open(sys.argv[1]) as header:
    ffi.cdef(header.read())
mgm = ffi.dlopen("libmgm.so.1")

HOST_MASK = 0xFFFFFFFF


def address(text):
    """An address in network byte order, as the library has it."""
    return int.from_bytes(socket.inet_aton(text), sys.byteorder)


def text(source, group):
    names = (socket.inet_ntoa(a.to_bytes(4, sys.byteorder)) if a else "*" for a in (source, group))
    return "({}, {})".format(*names)


def check(code):
    """Raises an exception for any code but NO_ERROR, with the library's reason."""
    if code != mgm.NO_ERROR:
        size = ffi.new("DWORD *", 1024)
        reason = ffi.new("BYTE[]", size[0])
        mgm.MgmHostGetLastMessage(size, reason)
        raise OSError(code, ffi.string(ffi.cast("char *", reason)).decode())


# cffi frees a callback when nothing refers to it any longer. These functions are global.
@ffi.callback("PMGM_RPF_CALLBACK")
def rpf(source, source_mask, group, group_mask, index, next_hop, upstream, size, header, route):
    print("rpf:", text(source, group), "has to arrive on interface", index[0])
    return mgm.NO_ERROR


@ffi.callback("PMGM_JOIN_ALERT_CALLBACK")
def join_alert(source, source_mask, group, group_mask, somebody_else):
    flow = text(source, group)
    print(f"join: somebody else wants {flow}" if somebody_else else f"join: {flow} has an outgoing interface again")
    return mgm.NO_ERROR


@ffi.callback("PMGM_PRUNE_ALERT_CALLBACK")
def prune_alert(source, source_mask, group, group_mask, index, next_hop, nobody_else, timeout):
    flow = text(source, group)
    print(f"prune: nobody else wants {flow}" if nobody_else else f"prune: {flow} has no outgoing interface")
    return mgm.NO_ERROR


def register(component, callbacks):
    handle = ffi.new("HANDLE *")
    check(mgm.MgmRegisterMProtocol(ffi.new("ROUTING_PROTOCOL_CONFIG *", callbacks), mgm.PROTO_IP_OTHER, component, handle))
    return handle[0]


version = ffi.new("MGMHOST_VERSION *", {"dwSize": ffi.sizeof("MGMHOST_VERSION")})
check(mgm.MgmHostVersion(version))
print(f"mgm {version.dwApiMajor}.{version.dwApiMinor}")
config = ffi.new("MGMHOST_CONFIG *", {"dwSize": ffi.sizeof("MGMHOST_CONFIG")})
config.dwForwarder, config.dwLogLevel = mgm.MGMHOST_FORWARDER_MEMORY, mgm.MGMHOST_LOG_OFF
check(mgm.MgmHostStart(config))
check(mgm.MgmHostAddRoute(address("10.0.0.0"), address("255.0.0.0"), 1, 0, 0, 0))

pim = register(1, {"pfnRpfCallback": rpf, "pfnJoinAlertCallback": join_alert, "pfnPruneAlertCallback": prune_alert})
edge = register(2, {})
check(mgm.MgmTakeInterfaceOwnership(pim, 1, 0))
check(mgm.MgmTakeInterfaceOwnership(edge, 2, 0))
try:
    check(mgm.MgmTakeInterfaceOwnership(edge, 1, 0))
except OSError as refusal:
    print("refused: code", refusal.errno)

source, group = address("10.0.0.5"), address("239.1.2.3")
check(mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, mgm.MGM_JOIN_STATE_FLAG))
accepted, count, out = ffi.new("BOOL *"), ffi.new("DWORD *", 8), ffi.new("MGMHOST_OIF[8]")
check(mgm.MgmHostPacketIn(source, group, 1, 0, 0, ffi.NULL, 100, accepted, count, out))
print("packet: goes out on interface", *(oif.dwIfIndex for oif in out[0 : count[0]]))

# An entry has as many outgoing interfaces as it says, also beyond the end of the array's type.
size, buffer = ffi.new("DWORD *", 4096), ffi.new("BYTE[4096]")
code, at = mgm.MgmGetFirstMfe(size, buffer, count), 0
for _ in range(count[0]):
    mfe = ffi.cast("MIB_IPMCAST_MFE *", buffer + at)
    outs = ffi.cast("MIB_IPMCAST_OIF *", mfe.rgmioOutInfo)
    to = [outs[i].dwOutIfIndex for i in range(mfe.ulNumOutIf)]
    print("mfe:", text(mfe.dwSource, mfe.dwGroup), "from", mfe.dwInIfIndex, "to", *to)
    at += ffi.offsetof("MIB_IPMCAST_MFE", "rgmioOutInfo") + mfe.ulNumOutIf * ffi.sizeof("MIB_IPMCAST_OIF")
check(mgm.MgmDeleteGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, mgm.MGM_JOIN_STATE_FLAG))

for handle, index in ((edge, 2), (pim, 1)):
    check(mgm.MgmReleaseInterfaceOwnership(handle, index, 0))
    check(mgm.MgmDeRegisterMProtocol(handle))
check(mgm.MgmHostStop())
