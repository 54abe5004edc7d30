package mgm

// #include "trampolines.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// Callbacks are the callbacks of a client; those that are nil are skipped. They run on the
// thread of the call that causes them, or on a thread of the library, one at a time for each
// client. They may call all functions of this package except PacketIn, Stop, ServeClients and
// ServeClientsWith, which fail inside a callback, and PacketInContext, which waits there until its
// context ends, for ever if it does not: the goroutine of the packet may wait for that callback. A
// panic that leaves a callback ends the process.
type Callbacks struct {
	// Rpf: how must packets of the flow arrive? A client that agrees returns suggested.
	Rpf func(flow Flow, suggested Incoming, header []byte) Incoming
	// CreationAlert: may the flow be forwarded out of these interfaces of the client?
	CreationAlert func(flow Flow, incoming Interface, outgoing []Outgoing)
	// PruneAlert: if nobodyElse is true, no other client wants the packets any longer. If it
	// is false, an MFE whose incoming interface the client owns has no outgoing interface. The
	// callback returns the lifetime of that MFE in seconds, or timeout for the default.
	PruneAlert func(flow Flow, iface Interface, nobodyElse bool, timeout uint32) uint32
	// JoinAlert: if somebodyElse is true, another client wants the packets. If it is false, the
	// MFE of the flow has an outgoing interface again; or the client now owns its incoming
	// interface; or another client forwards a flow without an MFE whose source is towards this
	// client.
	JoinAlert func(flow Flow, somebodyElse bool)
	// WrongIf: a packet arrived on an interface of the client that is not its incoming interface.
	WrongIf func(flow Flow, iface Interface, header []byte)
	// LocalJoin and LocalLeave: IGMP has added or deleted a membership on an interface of the
	// client.
	LocalJoin  func(flow Flow, iface Interface)
	LocalLeave func(flow Flow, iface Interface)
	// DisableIgmp and EnableIgmp, for IGMP: the owner of the interface is about to change, or
	// has changed; or the system has lost the interface, or has it again.
	DisableIgmp func(iface Interface)
	EnableIgmp  func(iface Interface)
}

var (
	slotsLock sync.RWMutex
	slots     [C.MGM_GO_SLOTS]*Callbacks
)

// claim reserves a slot for the callbacks of a client.
func claim(c *Callbacks) (int, error) {
	slotsLock.Lock()
	defer slotsLock.Unlock()
	for i := range slots {
		if slots[i] == nil {
			slots[i] = c
			return i, nil
		}
	}
	return 0, fmt.Errorf("mgm: more than %d clients", len(slots))
}

func giveBack(slot int) {
	slotsLock.Lock()
	defer slotsLock.Unlock()
	slots[slot] = nil
}

func of(slot C.int) *Callbacks {
	slotsLock.RLock()
	defer slotsLock.RUnlock()
	return slots[slot]
}

// wanted returns a bit for each callback that is not nil, in the order of the structure.
func (c *Callbacks) wanted() C.uint {
	there := []bool{
		c.Rpf != nil, c.CreationAlert != nil, c.PruneAlert != nil, c.JoinAlert != nil, c.WrongIf != nil,
		c.LocalJoin != nil, c.LocalLeave != nil, c.DisableIgmp != nil, c.EnableIgmp != nil,
	}
	var bits C.uint
	for i, each := range there {
		if each {
			bits |= 1 << i
		}
	}
	return bits
}

//export goRpf
func goRpf(slot C.int, s, g C.DWORD, index, hop, upstream *C.DWORD, size C.DWORD, header *C.BYTE) {
	suggested := Incoming{iface(*index, *hop), addr(*upstream)}
	answer := of(slot).Rpf(flow(s, g), suggested, C.GoBytes(unsafe.Pointer(header), C.int(size)))
	// The library itself checks the interface, but it cannot see an invalid netip.Addr.
	values, err := dwords(answer.Interface.NextHop, answer.Upstream)
	if err != nil {
		panic(errors.New("mgm: the answer of Rpf: " + err.Error()))
	}
	*index, *hop, *upstream = C.DWORD(answer.Interface.Index), values[0], values[1]
}

//export goCreationAlert
func goCreationAlert(slot C.int, s, g, index, hop, count C.DWORD, entries *C.MGM_IF_ENTRY) {
	there := unsafe.Slice(entries, count)
	outgoing := make([]Outgoing, len(there))
	for i, e := range there {
		outgoing[i] = Outgoing{iface(e.dwIfIndex, e.dwIfNextHopAddr), e.bIGMP != 0, e.bIsEnabled != 0}
	}
	of(slot).CreationAlert(flow(s, g), iface(index, hop), outgoing)
	for i := range there {
		there[i].bIsEnabled = 0
		if outgoing[i].Enabled {
			there[i].bIsEnabled = 1
		}
	}
}

//export goPruneAlert
func goPruneAlert(slot C.int, s, g, index, hop C.DWORD, member C.BOOL, timeout *C.DWORD) {
	answer := of(slot).PruneAlert(flow(s, g), iface(index, hop), member != 0, uint32(*timeout))
	*timeout = C.DWORD(answer)
}

//export goJoinAlert
func goJoinAlert(slot C.int, s, g C.DWORD, member C.BOOL) {
	of(slot).JoinAlert(flow(s, g), member != 0)
}

//export goWrongIf
func goWrongIf(slot C.int, s, g, index, hop, size C.DWORD, header *C.BYTE) {
	of(slot).WrongIf(flow(s, g), iface(index, hop), C.GoBytes(unsafe.Pointer(header), C.int(size)))
}

//export goLocal
func goLocal(slot C.int, s, g, index, hop C.DWORD, join C.BOOL) {
	c := of(slot)
	if join != 0 {
		c.LocalJoin(flow(s, g), iface(index, hop))
	} else {
		c.LocalLeave(flow(s, g), iface(index, hop))
	}
}

//export goIgmp
func goIgmp(slot C.int, index, hop C.DWORD, enable C.BOOL) {
	c := of(slot)
	if enable != 0 {
		c.EnableIgmp(iface(index, hop))
	} else {
		c.DisableIgmp(iface(index, hop))
	}
}
