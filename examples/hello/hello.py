"""Two routing protocols share one router. `pim` owns interface 1, towards the sources, and `edge`
owns interface 2, where hosts join. With the memory forwarder this program passes the packets to the
library."""

import mgm
from mgm import host


def rpf(flow, suggested, header):
    print(f"rpf: {flow} has to arrive on interface {suggested.interface}")


def join_alert(flow, somebody_else):
    print(f"join: somebody else wants {flow}" if somebody_else else f"join: {flow} has an outgoing interface again")


def prune_alert(flow, interface, nobody_else, timeout):
    print(f"prune: nobody else wants {flow}" if nobody_else else f"prune: {flow} has no outgoing interface")


version = host.version().api
print(f"mgm {version[0]}.{version[1]}")
host.start(forwarder=host.Forwarder.MEMORY, log_level=host.LogLevel.OFF)
host.add_route("10.0.0.0/8", interface=1)

with (
    mgm.Client(mgm.PROTO_IP_OTHER, 1, rpf=rpf, join_alert=join_alert, prune_alert=prune_alert) as pim,
    mgm.Client(mgm.PROTO_IP_OTHER, 2) as edge,
):
    pim.take(1)
    edge.take(2)
    try:
        edge.take(1)
    except mgm.AlreadyExistsError as refusal:
        print(f"refused: code {refusal.code}")

    edge.join(2, "239.1.2.3")
    decision = host.packet_in("10.0.0.5", "239.1.2.3", 1, size=100)
    print("packet: goes out on interface", *decision.outgoing)
    for mfe in mgm.mfes():
        print(f"mfe: ({mfe.source}, {mfe.group}) from {mfe.incoming} to", *mfe.outgoing)
    edge.leave(2, "239.1.2.3")
