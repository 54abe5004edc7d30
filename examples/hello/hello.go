// Two routing protocols share one router. pim owns interface 1, towards the sources, and edge owns
// interface 2, where hosts join. With the memory forwarder this program passes the packets to the
// library.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/netip"

	mgm "github.com/mgm-rs/mgm/bindings/go"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func register(component uint32, callbacks mgm.Callbacks) *mgm.Client {
	client, err := mgm.Register(mgm.ProtoOther, component, callbacks)
	must(err)
	return client
}

func main() {
	version, err := mgm.GetVersion()
	must(err)
	fmt.Printf("mgm %d.%d\n", version.API[0], version.API[1])
	must(mgm.Start(mgm.Config{Forwarder: mgm.ForwarderMemory, LogLevel: mgm.LogOff}))
	must(mgm.AddRoute(netip.MustParsePrefix("10.0.0.0/8"), 1, netip.Addr{}))

	pim := register(1, mgm.Callbacks{
		Rpf: func(flow mgm.Flow, suggested mgm.Incoming, header []byte) mgm.Incoming {
			fmt.Println("rpf:", flow, "has to arrive on interface", suggested.Interface)
			return suggested
		},
		JoinAlert: func(flow mgm.Flow, somebodyElse bool) {
			if somebodyElse {
				fmt.Println("join: somebody else wants", flow)
			} else {
				fmt.Println("join:", flow, "has an outgoing interface again")
			}
		},
		PruneAlert: func(flow mgm.Flow, iface mgm.Interface, nobodyElse bool, timeout uint32) uint32 {
			if nobodyElse {
				fmt.Println("prune: nobody else wants", flow)
			} else {
				fmt.Println("prune:", flow, "has no outgoing interface")
			}
			return timeout
		},
	})
	defer pim.Close()
	edge := register(2, mgm.Callbacks{})
	defer edge.Close()

	must(pim.Take(mgm.If(1)))
	must(edge.Take(mgm.If(2)))
	var refusal *mgm.Error
	if errors.As(edge.Take(mgm.If(1)), &refusal) {
		fmt.Println("refused: code", uint32(refusal.Code))
	}

	group := mgm.Flow{Group: netip.MustParseAddr("239.1.2.3")}
	must(edge.Join(mgm.If(2), group))
	packet := mgm.Flow{Source: netip.MustParseAddr("10.0.0.5"), Group: group.Group}
	_, outgoing, err := mgm.PacketIn(packet, mgm.If(1), nil, 100)
	must(err)
	for _, out := range outgoing {
		fmt.Println("packet: goes out on interface", out)
	}
	mfes, err := mgm.Mfes()
	must(err)
	for _, mfe := range mfes {
		fmt.Println("mfe:", mfe.Flow, "from", mfe.Incoming, "to", mfe.Outgoing[0])
	}
	must(edge.Leave(mgm.If(2), group))
}
