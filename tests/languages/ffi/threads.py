"""docs/ffi.md: cffi runs a callback on a thread of the library as well."""

import sys
import threading

from cffi import FFI

ffi = FFI()
with open(sys.argv[1]) as header:
    ffi.cdef(header.read())
mgm = ffi.dlopen("libmgm.so.1")
GROUPS, threads, seen, everything = 3000, set(), set(), threading.Event()


@ffi.callback("PMGM_PRUNE_ALERT_CALLBACK")
def pruned(source, source_mask, group, group_mask, index, next_hop, nobody_else, timeout):
    threads.add(threading.get_ident())
    seen.add(group)
    if len(seen) == GROUPS:
        everything.set()
    return 0


def register(component, callbacks):
    handle = ffi.new("HANDLE *")
    assert mgm.MgmRegisterMProtocol(ffi.new("ROUTING_PROTOCOL_CONFIG *", callbacks), mgm.PROTO_IP_OTHER, component, handle) == 0
    return handle[0]


edge, pim = register(1, {}), register(2, {"pfnPruneAlertCallback": pruned})
assert mgm.MgmTakeInterfaceOwnership(edge, 1, 0) == 0
for i in range(GROUPS):
    group = int.from_bytes((239, 1, i // 250, 1 + i % 250), sys.byteorder)
    assert mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, 0xFFFFFFFF, 1, 0, mgm.MGM_JOIN_STATE_FLAG) == 0
# One call causes more callbacks than it makes itself.
assert mgm.MgmReleaseInterfaceOwnership(edge, 1, 0) == 0
assert everything.wait(20), f"{len(seen)} of {GROUPS} alerts"
assert len(threads) > 1 and threading.get_ident() in threads, threads
assert mgm.MgmDeRegisterMProtocol(edge) == mgm.MgmDeRegisterMProtocol(pim) == mgm.MgmHostStop() == 0
print(f"{GROUPS} alerts on {len(threads)} threads")
