package mgm

// #include "trampolines.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// Callbacks are what a client wants to be asked and told; those that are nil are skipped.
// They run on the thread of the call that causes them or on one of MGM's, one at a time
// for each client, and may call everything in this package. A panic that leaves one ends
// the process.
type Callbacks struct {
	// Rpf: a new flow from a source towards an interface of ours. How must it arrive?
	// What is suggested is right if the client has no other opinion.
	Rpf func(flow Flow, suggested Incoming, header []byte) Incoming
	// CreationAlert: a new MFE goes out by these of ours.
	CreationAlert func(flow Flow, incoming Interface, outgoing []Outgoing)
	// PruneAlert: nobody else wants the group any more; otherwise our MFE goes nowhere, and
	// lives for the seconds that are returned (timeout, if the client has no other opinion).
	PruneAlert func(flow Flow, iface Interface, nobodyElse bool, timeout uint32) uint32
	// JoinAlert: somebody else wants the group; otherwise our MFE goes out again.
	JoinAlert func(flow Flow, somebodyElse bool)
	// WrongIf: a packet came in on our interface, which is not the incoming one.
	WrongIf func(flow Flow, iface Interface, header []byte)
	// LocalJoin and LocalLeave: IGMP has added or deleted a membership on our interface.
	LocalJoin  func(flow Flow, iface Interface)
	LocalLeave func(flow Flow, iface Interface)
	// DisableIgmp and EnableIgmp, to IGMP: the interface is about to change hands; it has.
	DisableIgmp func(iface Interface)
	EnableIgmp  func(iface Interface)
}

var (
	slotsLock sync.RWMutex
	slots     [C.MGM_GO_SLOTS]*Callbacks
)

// claim finds a slot for a client's callbacks.
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

// wanted has a bit for each callback that is there, in the order of the structure.
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
	// MGM logs an interface that is not the client's; an address that is none it cannot see.
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
